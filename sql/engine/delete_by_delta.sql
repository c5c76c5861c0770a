-- Marks the rows of deleted records, with the version of the deletion. A row of a newer version was created again.
WITH deleted AS (
    SELECT t.id, d.version, t.was_live
    FROM {deletions} AS d CROSS JOIN LATERAL (
        SELECT t.id, t.deleted_at IS NULL AS was_live FROM {target} AS t
        WHERE t.tenant = (SELECT %(tenant)s::text) AND t.id = d.id
            AND (d.version = '' OR t.change_version <= d.version COLLATE "C")
        OFFSET 0 FOR UPDATE
    ) AS t
),
written AS (
    -- What was known to be deleted keeps when and how that was learnt.
    UPDATE {target} AS t
    SET deleted_at = coalesce(t.deleted_at, statement_timestamp()),
        deleted_by = coalesce(t.deleted_by, 'delta'),
        change_version = greatest(t.change_version, deleted.version COLLATE "C"),
        written_at = statement_timestamp()
    FROM deleted WHERE t.tenant = (SELECT %(tenant)s::text) AND t.id = deleted.id
        -- By the index, however few rows there are.
        AND t.id = ANY(ARRAY(SELECT id FROM deleted))
    RETURNING deleted.was_live, {row_person} AS person, {row_day} AS day
)
SELECT count(*) FILTER (WHERE was_live), array_agg(person) FILTER (WHERE was_live), array_agg(day) FILTER (WHERE was_live)
FROM written
