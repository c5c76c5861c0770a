-- Writes the staged records into the table: the ten cases of docs/correctness.md. Cases 1 and 2 stand here, cases 3 to 10
-- in merge_guard.sql.
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
