-- What a delta brings, what an initial load of it met, and what is to be asked for by id. For SQLAlchemy.

-- name: keep_seen
-- The ids of what an initial load has staged or rejected and whose row is older than the load.
INSERT INTO protime_etl.delta_seen (tenant, collection, id)
SELECT :tenant, :collection, s.id
FROM (SELECT id FROM pg_temp.staging_{table} UNION SELECT unnest(CAST(:rejected AS bigint[]))) AS s
CROSS JOIN LATERAL (
    SELECT FROM protime.{table} AS t WHERE t.tenant = (SELECT CAST(:tenant AS text)) AND t.id = s.id
        AND t.deleted_at IS NULL AND t.written_at <= :started OFFSET 0
) AS t
ON CONFLICT DO NOTHING

-- name: unseen
-- Live rows of the loaded days that are older than the load and that it never met.
SELECT t.id FROM protime.{table} AS t
WHERE t.tenant = (SELECT CAST(:tenant AS text)) AND t.date >= :first AND t.deleted_at IS NULL AND t.written_at <= :started
    AND NOT EXISTS (
        SELECT FROM protime_etl.delta_seen AS s
        WHERE s.tenant = :tenant AND s.collection = :collection AND s.id = t.id
    )
ORDER BY t.id

-- name: keep_unconfirmed
-- Enters records that are to be asked for. Of several reasons that of a deletion stays, and the newest version of it;
-- but the version of one that came older than is stored is that which came.
INSERT INTO protime_etl.delta_unconfirmed AS u (tenant, collection, id, change_version, reason)
SELECT :tenant, :collection, d.id, d.version, :reason
FROM unnest(CAST(:ids AS bigint[]), CAST(:versions AS text[])) AS d (id, version) ORDER BY d.id
ON CONFLICT (tenant, collection, id) DO UPDATE
SET reason = CASE WHEN excluded.reason IN ('doubtful', 'older') THEN u.reason ELSE excluded.reason END,
    change_version = CASE WHEN u.reason = 'older' THEN excluded.change_version
        WHEN excluded.reason = 'older' THEN u.change_version
        ELSE greatest(u.change_version, excluded.change_version) END

-- name: to_confirm
-- What is to be asked for; once that is accepted, what was withheld, too.
SELECT id, change_version, reason FROM protime_etl.delta_unconfirmed
WHERE tenant = :tenant AND collection = :collection AND (:accepted OR NOT withheld) ORDER BY id

-- name: settle
-- Takes records out of which is known what is to be known.
DELETE FROM protime_etl.delta_unconfirmed
WHERE tenant = :tenant AND collection = :collection AND id = ANY(CAST(:ids AS bigint[]))

-- name: settle_met
-- Takes out what was held back and an initial load from this day on has met, or what is no row. It knows nothing of
-- earlier days.
DELETE FROM protime_etl.delta_unconfirmed AS u
WHERE u.tenant = :tenant AND u.collection = :collection AND u.withheld
    AND NOT u.id = ANY(CAST(:unmet AS bigint[]))
    AND NOT EXISTS (
        SELECT FROM protime.{table} AS t
        WHERE t.tenant = (SELECT CAST(:tenant AS text)) AND t.id = u.id AND t.date < :first AND t.deleted_at IS NULL
    )

-- name: withhold
-- Lets records wait until they are accepted.
UPDATE protime_etl.delta_unconfirmed SET withheld = true
WHERE tenant = :tenant AND collection = :collection AND id = ANY(CAST(:ids AS bigint[]))

-- name: withheld
-- How many deletions wait to be accepted.
SELECT count(*) FROM protime_etl.delta_unconfirmed
WHERE tenant = :tenant AND collection = :collection AND withheld

-- name: live_rows
-- How many rows of these days and later are not deleted; none is counted beyond `most`.
SELECT count(*) FROM (
    SELECT FROM protime.{table}
    WHERE tenant = (SELECT CAST(:tenant AS text)) AND date >= :first AND deleted_at IS NULL LIMIT :most
) AS live

-- name: live_among
-- How many of these records the table has and does not know as deleted.
SELECT count(*) FROM unnest(CAST(:ids AS bigint[])) AS d (id)
CROSS JOIN LATERAL (
    SELECT FROM protime.{table} AS t WHERE t.tenant = (SELECT CAST(:tenant AS text)) AND t.id = d.id
        AND t.deleted_at IS NULL OFFSET 0
) AS live

-- name: watched_since
-- From which day on an active delta should have brought what a pull has written.
SELECT date_from FROM protime_etl.deltas
WHERE tenant = :tenant AND collection = :collection AND status = 'active'

-- name: note_drift
-- Keeps what this transaction has written and the delta should have brought. Rows that it has written are those whose
-- xmin is its own. What a delta lacks, and a pull completes (isOpen), is no drift.
INSERT INTO protime_etl.drift_candidates AS c (tenant, collection, id, change_version, action, found_at)
SELECT :tenant, :collection, t.id, t.change_version, t.action, clock_timestamp()
FROM (SELECT id FROM pg_temp.staging_{table} UNION SELECT unnest(CAST(:vanished AS bigint[]))) AS s
CROSS JOIN LATERAL (
    SELECT t.id, t.change_version,
        CASE WHEN t.deleted_at IS NOT NULL THEN 'deleted' WHEN v.id IS NULL THEN 'inserted' ELSE 'updated' END AS action
    FROM protime.{table} AS t
    LEFT JOIN protime.{versions} AS v
        ON v.tenant = (SELECT CAST(:tenant AS text)) AND v.id = s.id AND v.valid_to = t.written_at
    WHERE t.tenant = (SELECT CAST(:tenant AS text)) AND t.id = s.id
        AND t.xmin = CAST(pg_current_xact_id() AS xid) AND t.date >= :first
        AND NOT (v.id IS NOT NULL AND v.change_version = t.change_version
            AND to_jsonb(v) - CAST(:version_columns AS text[])
                = to_jsonb(t) - CAST(:row_columns AS text[]))
    OFFSET 0
) AS t
ON CONFLICT (tenant, collection, id) DO UPDATE
SET change_version = excluded.change_version, action = excluded.action, found_at = excluded.found_at

-- name: clear_drift
-- Takes out what the delta has brought after all, in the same version or a newer one.
DELETE FROM protime_etl.drift_candidates AS c
USING unnest(CAST(:ids AS bigint[]), CAST(:versions AS text[])) AS d (id, version)
WHERE c.tenant = :tenant AND c.collection = :collection AND c.id = d.id
    AND (d.version = '' OR c.change_version <= d.version COLLATE "C")
