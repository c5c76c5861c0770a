-- Records that the tenant has no more, as a pull or the delta shows it. For psycopg.

-- name: delete_missing
-- Records confirmed missing are marked deleted, except rows that another transaction has written since they were asked
-- for, or is writing now. Those are skipped and not waited for: what they will hold is newer than the answer.
WITH missing AS (
    SELECT t.id FROM {target} AS t
    WHERE t.tenant = (SELECT %(tenant)s::text) AND t.id = ANY(%(ids)s::bigint[])
        AND t.deleted_at IS NULL AND t.written_at <= %(asked_at)s
    ORDER BY t.id
    FOR UPDATE SKIP LOCKED
)
UPDATE {target} AS t
SET deleted_at = statement_timestamp(), deleted_by = 'vanished', written_at = statement_timestamp()
FROM missing WHERE t.tenant = (SELECT %(tenant)s::text) AND t.id = missing.id
RETURNING {row_person}, {row_day}

-- name: finished_meanwhile
-- Units that were done after this pull began. Almost always there are none, and then no staged record is checked. Those
-- of circles do not know whose records they read.
SELECT u.person_ids, u.date_from, u.date_to
FROM protime_etl.units AS u JOIN protime_etl.runs AS r USING (run_id)
WHERE r.tenant = %(tenant)s AND u.collection = %(collection)s AND u.status = 'done' AND u.finished_at > %(began)s AND u.circles IS NULL

-- name: unconfirmed
-- Staged records that are not in the table although a unit of their person and day was done after this pull began. They
-- were created after that unit was read, or they were deleted before it and this pull is the older one.
SELECT DISTINCT s.id FROM {staging} AS s
JOIN unnest(%(people)s::bigint[], %(firsts)s::date[], %(lasts)s::date[]) AS u (person_id, first, last)
    ON {same_person} AND {day} BETWEEN u.first AND u.last
-- LIMIT, as OFFSET 0 elsewhere: by the index, whatever the statistics say.
LEFT JOIN LATERAL (
    SELECT true AS stored FROM {target} AS t WHERE t.tenant = (SELECT %(tenant)s::text) AND t.id = s.id LIMIT 1
) AS t ON true
WHERE t.stored IS NULL
ORDER BY s.id

-- name: unresolved_deletions
-- Deletions of a delta that say something new.
SELECT d.id, d.version FROM unnest(%(ids)s::bigint[], %(versions)s::text[]) AS d (id, version)
LEFT JOIN LATERAL (
    SELECT * FROM {target} AS t WHERE t.tenant = (SELECT %(tenant)s::text) AND t.id = d.id OFFSET 0
) AS t ON true
LEFT JOIN LATERAL (
    SELECT * FROM protime_etl.tombstones AS g
    WHERE g.tenant = %(tenant)s AND g.collection = %(collection)s AND g.id = d.id OFFSET 0
) AS g ON true
WHERE CASE
    -- A row that is older, or live where the version is the same or unknown.
    WHEN t.id IS NOT NULL THEN d.version = '' AND t.deleted_at IS NULL OR t.change_version < d.version COLLATE "C"
        OR t.change_version = d.version AND t.deleted_at IS NULL
    -- A tombstone that is older.
    WHEN g.id IS NOT NULL THEN g.change_version < d.version COLLATE "C"
    -- Neither: the deletion leaves a tombstone.
    ELSE true
END
ORDER BY d.id

-- name: people_of_delta
-- People whose records were staged, or have rows that the delta changes or deletes: one may have moved to another person.
SELECT person_id FROM {staging}
UNION
SELECT t.person_id FROM (SELECT id FROM {staging} UNION SELECT unnest(%(ids)s::bigint[])) AS s
CROSS JOIN LATERAL (
    SELECT * FROM {target} AS t WHERE t.tenant = (SELECT %(tenant)s::text) AND t.id = s.id OFFSET 0
) AS t

-- name: deletions
-- What the delta reports as deleted, in the order of the ids, so that two transactions cannot deadlock.
(SELECT * FROM unnest(%(ids)s::bigint[], %(versions)s::text[]) AS d (id, version) ORDER BY id)

-- name: delete_by_delta
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

-- name: insert_tombstones
-- A deleted record without a row leaves a tombstone, so that a late copy of it stays out.
INSERT INTO protime_etl.tombstones AS g (tenant, collection, id, change_version)
SELECT %(tenant)s, %(collection)s, d.id, d.version FROM {deletions} AS d
WHERE NOT EXISTS (SELECT FROM {target} AS t WHERE t.tenant = (SELECT %(tenant)s::text) AND t.id = d.id OFFSET 0)
ON CONFLICT (tenant, collection, id) DO UPDATE
SET change_version = greatest(g.change_version, excluded.change_version)
