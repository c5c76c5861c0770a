-- What was staged into its table: the ten cases of docs/correctness.md. For psycopg.

-- name: merge
-- Writes the staged records into the table: the ten cases of docs/correctness.md. Cases 1 and 2 stand here, cases 3 to 10
-- in `merge_guard`.
WITH candidate AS MATERIALIZED (
    -- Records that differ from their row, the newest version of each, and whether they are to be written. A record that
    -- is not needs no ON CONFLICT: that path locks the row and writes WAL even when its condition says no.
    SELECT DISTINCT ON (s.id) s.*, {is_deleted} AS is_deleted, t.id IS NULL AS is_new,
        t.id IS NOT NULL AND t.deleted_at IS NULL AS was_live, {day_before} AS day_before, {person_before} AS person_before,
        CASE WHEN t.id IS NULL
            -- 1: A record without a row is inserted, 2: unless it was deleted in this version or a newer one.
            THEN NOT {is_buried}
            -- 3 to 10: A row is replaced, filled or kept.
            ELSE {guard} END AS may_be_written,
        -- Older than what the table had before the reading began: a late answer, or a tenant whose versions went back.
        s.change_version < t.change_version AND NOT {written_since} AS is_older
    -- Sorted before the table is looked at, so that the index is read in its own order.
    FROM {newest_first} AS s {row_of_staged}
    WHERE (t.id IS NULL OR ({read_values}, {is_deleted}) IS DISTINCT FROM ({row_values}, t.deleted_at IS NOT NULL)) AND {chosen}
    ORDER BY s.id, may_be_written DESC, s.change_version DESC
),
written AS (
    INSERT INTO {target} AS t (tenant, {names}, deleted_at, deleted_by, written_at)
    SELECT %(tenant)s, {names}, CASE WHEN is_deleted THEN statement_timestamp() END,
        CASE WHEN is_deleted THEN 'status' END, statement_timestamp()
    -- In the order of the ids, so that two merges cannot deadlock.
    FROM candidate WHERE may_be_written ORDER BY id
    ON CONFLICT (tenant, id) DO UPDATE SET {assignments},
        -- That it is deleted was learnt when it was learnt first.
        deleted_at = CASE WHEN excluded.deleted_at IS NULL OR {only_fills} THEN NULL
            ELSE coalesce(t.deleted_at, excluded.deleted_at) END,
        deleted_by = CASE WHEN {only_fills} THEN NULL ELSE excluded.deleted_by END,
        written_at = excluded.written_at
    -- Once more, with the row locked: another transaction may have written it since `candidate` looked at it.
    WHERE {conflict_guard}
    RETURNING t.id, t.deleted_at IS NOT NULL AS is_deleted
),
done AS (
    SELECT is_new, was_live, written.is_deleted FROM written JOIN candidate USING (id)
),
-- Where something differed, written or not: all the rest of what was read is proven equal. Very many are not listed.
cell AS (
    SELECT {read_person} AS person, {read_day} AS day FROM candidate
    WHERE (SELECT count(*) FROM candidate) <= %(most_cells)s
    UNION SELECT person_before, day_before FROM candidate
    WHERE NOT is_new AND (SELECT count(*) FROM candidate) <= %(most_cells)s
)
SELECT
    count(*) FILTER (WHERE is_new) AS inserted,
    count(*) FILTER (WHERE NOT is_new AND NOT (was_live AND is_deleted)) AS updated,
    count(*) FILTER (WHERE was_live AND is_deleted) AS deleted,
    (SELECT array_agg(person) FROM cell) AS people,
    (SELECT array_agg(day) FROM cell) AS days,
    (SELECT count(*) FROM candidate) AS differing,
    -- What came in an older version, or was deleted and is back.
    (SELECT jsonb_object_agg(id, change_version) FROM candidate WHERE (is_older OR is_new) AND NOT may_be_written) AS older
FROM done

-- name: merge_guard
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
    -- 8: A live row takes columns that its own writer did not get (`merge_fills`).
    -- 9: Otherwise the other writer has read later and knows better.
    ELSE t.deleted_at IS NULL AND t.change_version <> '' AND ({fills})
END

-- name: is_buried
-- Whether the staged record `s` was deleted, in this version or a newer one, before the table had it; of versions that
-- are accepted, whether that was learnt since the reading began.
EXISTS (
    SELECT FROM protime_etl.tombstones AS g
    WHERE g.tenant = %(tenant)s AND g.collection = %(collection)s AND g.id = s.id
        AND g.change_version >= s.change_version AND NOT ({accepts_older} AND g.deleted_at <= %(began)s)
)

-- name: newest_first
-- Of several versions of a record in one load the newest counts.
(SELECT * FROM {staging} ORDER BY id, change_version DESC)

-- name: written_since
-- Whether the row `t` was written since the reading of what is merged began.
t.written_at > %(began)s

-- name: merge_fills
-- Whether {read} has a column that deltas lack, and that its row `t` has not or has otherwise.
{read}.{column} IS NOT NULL AND {read}.{column} IS DISTINCT FROM t.{column}

-- name: merge_only_fills
-- Whether a row that the guard lets through is case 8: the same version, and written since the reading began. Then every
-- column stays but those that are filled.
{written_since} AND excluded.change_version = t.change_version

-- name: merge_set
-- For a column that every answer has.
{column} = CASE WHEN {only_fills} THEN t.{column} ELSE excluded.{column} END

-- name: merge_set_or_fill
-- For a column that deltas lack.
{column} = CASE WHEN {only_fills} THEN coalesce(excluded.{column}, t.{column}) ELSE excluded.{column} END

-- name: is_deleted
-- Whether the record {read} says of itself that it is deleted.
({read}.status IS NOT DISTINCT FROM %(deleted_status)s)

-- name: row_of_staged
-- Joins each staged record `s` with its row `t` of the table. OFFSET 0 keeps the planner from any other way than the
-- index, whatever the statistics say.
LEFT JOIN LATERAL (
    SELECT * FROM {target} AS t WHERE t.tenant = (SELECT %(tenant)s::text) AND t.id = s.id OFFSET 0
) AS t ON true

-- name: cells_of
-- Whose days these staged records are on, and their rows.
SELECT {read_person}, {read_day} FROM {staging} AS s WHERE s.id = ANY(%(ids)s::bigint[])
UNION
SELECT {row_person}, {row_day} FROM unnest(%(ids)s::bigint[]) AS s (id) CROSS JOIN LATERAL (
    SELECT * FROM {target} AS t WHERE t.tenant = (SELECT %(tenant)s::text) AND t.id = s.id OFFSET 0
) AS t

-- name: forget_tombstones
-- Of records that came back in a newer version, or in one that was accepted: their rows are the newer knowledge.
DELETE FROM protime_etl.tombstones AS g USING {staging} AS s
WHERE g.tenant = %(tenant)s AND g.collection = %(collection)s AND g.id = s.id
    AND (g.change_version < s.change_version OR g.id = ANY(%(accepted)s::bigint[]))
