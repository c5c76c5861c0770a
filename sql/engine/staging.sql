-- Records in temporary tables, before anything is decided about them. For psycopg.

-- name: create_staging
-- Temporary tables for this transaction alone: behind a pooler the next transaction may be on another connection of the
-- server. All in one round trip.

-- A unit of a hundred pages is staged in memory. The setting is fixed once a session has used a temporary table, if only
-- in a transaction that was rolled back.
DO $$
BEGIN
    PERFORM set_config('temp_buffers', '32MB', true);
EXCEPTION WHEN invalid_parameter_value THEN
    NULL;
END
$$;

-- What has these names was left behind, by an earlier load of this transaction or by another program.
DROP TABLE IF EXISTS {staging}, {rejected};

-- Records as they were read, in the types of the table.
CREATE TEMPORARY TABLE {staging} ON COMMIT DROP AS SELECT {names} FROM {target} WITH NO DATA;

-- Records that could not be understood.
CREATE TEMPORARY TABLE {rejected} (
    fingerprint text, record_id int8, reason text, record text, person_id int8, date date
) ON COMMIT DROP

-- name: fill_unknown
-- A column that the answer lacks is taken from the row of the table, as long as the kind of the record stays.
UPDATE {staging} AS s SET {column} = coalesce(s.{column}, (
    SELECT t.{column} FROM {target} AS t
    WHERE t.tenant = (SELECT %(tenant)s::text) AND t.id = s.id AND t.{kind} = s.{kind}
))
WHERE s.id = ANY(%(ids)s::bigint[])

-- name: keep_rejected
-- Keeps what could not be understood, each record once.
INSERT INTO protime_etl.rejected_record (tenant, collection, fingerprint, record_id, reason, record, person_id, date,
    last_seen_at)
SELECT DISTINCT ON (fingerprint) %(tenant)s, %(collection)s, fingerprint, record_id, reason, record, person_id, date,
    -- Later than the reading began, by which those that did not come again are forgotten.
    clock_timestamp()
FROM {rejected}
-- In one order, so that two loads of the same records cannot deadlock.
ORDER BY fingerprint
ON CONFLICT (tenant, collection, fingerprint) DO UPDATE
SET last_seen_at = clock_timestamp(), reason = excluded.reason, person_id = excluded.person_id, date = excluded.date

-- name: forget_rejected
-- What was rejected before and has come as it should be.
DELETE FROM protime_etl.rejected_record AS r
WHERE r.tenant = %(tenant)s AND r.collection = %(collection)s
    AND EXISTS (SELECT FROM {staging} AS s WHERE s.id = r.record_id)
    AND NOT EXISTS (SELECT FROM {rejected} AS again WHERE again.record_id = r.record_id)

-- name: rejected_ids
-- Ids of records that were rejected before.
SELECT record_id FROM protime_etl.rejected_record
WHERE tenant = %(tenant)s AND collection = %(collection)s AND record_id IS NOT NULL

-- name: forget_rejected_ids
-- These were rejected before, and have come as they are in the table.
DELETE FROM protime_etl.rejected_record
WHERE tenant = %(tenant)s AND collection = %(collection)s AND record_id = ANY(%(ids)s::bigint[])

-- name: forget_rejected_of_list
-- What was rejected before and is not in the complete list any more.
DELETE FROM protime_etl.rejected_record
WHERE tenant = %(tenant)s AND collection = %(collection)s AND last_seen_at < %(began)s

-- name: holds_scope
-- Whether the table holds a row of these people on these days, even a deleted one, or there ever was a delta, or
-- COPY is refused as policies of row-level security hold for this user.
SELECT EXISTS (
    -- One look into the index a person: without statistics the planner would rather read these days of all people.
    SELECT FROM unnest(%(people)s::bigint[]) AS p, LATERAL (
        SELECT FROM {target}
        WHERE tenant = (SELECT %(tenant)s::text) AND person_id = p
            AND date BETWEEN (SELECT %(first)s::date) AND (SELECT %(last)s::date)
        LIMIT 1
    ) AS found
) OR EXISTS (SELECT FROM protime_etl.deltas WHERE tenant = %(tenant)s AND collection = %(collection)s)
OR row_security_active(%(table)s::text)

-- name: raise_memory
-- Lets a unit be sorted in memory, unless more is set already.
SELECT set_config('work_mem', %(memory)s, true)
WHERE pg_size_bytes(current_setting('work_mem')) < pg_size_bytes(%(memory)s)

-- name: lower_page_cost
-- Lets a unit be looked up in tables whose rows in question were just read, unless a lower cost is set already.
SELECT set_config('random_page_cost', %(cost)s, true)
WHERE current_setting('random_page_cost')::float8 > %(cost)s::float8
