-- Whether the record {read} changes its row `t`: cases 3 to 10 of docs/correctness.md.
-- Rendered twice: for the staged record, and for the same record once the row is locked.
CASE
    -- 3: An older version never overwrites a newer one; 10: unless versions that went back are accepted.
    WHEN {read}.change_version < t.change_version THEN {accepts_older} AND NOT {written_since}
    WHEN {read}.change_version > t.change_version THEN
        -- 4: This very record was found gone after it was read: the answer is the older knowledge.
        -- 5: A newer version replaces any other row, and revives a deleted one.
        NOT (coalesce(t.deleted_by IN ('vanished', 'delta'), false) AND {written_since})
    -- 6: An equal row is not touched: no tuple, no WAL.
    WHEN ({read_values}, {read_is_deleted}) IS NOT DISTINCT FROM ({row_values}, t.deleted_at IS NOT NULL) THEN false
    -- 7: The same version with another content is a repair, if the row was written before the reading began.
    WHEN NOT {written_since} THEN true
    -- 8: A live row takes columns that its own writer did not get (merge_fills.sql).
    -- 9: Otherwise the other writer has read later and knows better.
    ELSE t.deleted_at IS NULL AND t.change_version <> '' AND ({fills})
END
