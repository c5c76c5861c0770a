-- What the page in Airflow shows besides the facts. For SQLAlchemy.

-- name: dags_of_tenants
-- The DAGs that read each tenant, the newest of ours before those of a user.
SELECT DISTINCT ON (tenant) tenant, dag_id, run_id FROM protime_etl.runs
WHERE started_by = 'airflow'
ORDER BY tenant, dag_id ~ '_clockings_(nightly|changes|backfill)$' DESC, run_id DESC

-- name: read_every_night
-- What is read of each tenant every night: by its schedule if there is one, as another may be tried by hand.
SELECT DISTINCT ON (tenant) tenant, collections || ARRAY(
        SELECT s.collection FROM protime_etl.collection_state AS s
        WHERE s.tenant = r.tenant AND s.read_at > clock_timestamp() - interval '8 days'
    ) AS collections
FROM protime_etl.runs AS r
WHERE person_ids IS NULL AND circles IS NULL AND NOT only_missing
    AND kind IN ('nightly', 'sync')
ORDER BY tenant, kind = 'nightly' AND dag_id ~ '_clockings_nightly$' AND starts_with(dag_run_id, 'scheduled__')
    AND started_at > clock_timestamp() - interval '8 days' DESC, run_id DESC

-- name: newest_nights
-- The newest night of each tenant, and what it brought.
SELECT n.*,
    (SELECT count(DISTINCT person_id) FROM protime_etl.units AS u, unnest(u.person_ids) AS person_id
        WHERE u.run_id = n.run_id AND u.status = 'done' AND person_id > 0) AS people,
    (SELECT coalesce(sum(u.rows_read), 0)::bigint FROM protime_etl.units AS u
        WHERE u.run_id = n.run_id AND u.status = 'done' AND u.collection = 'clockings') AS clockings
FROM (
    SELECT DISTINCT ON (tenant) tenant, run_id, dag_id, dag_run_id, status, started_at FROM protime_etl.runs
    WHERE kind = 'nightly' AND dag_id ~ '_clockings_nightly$' ORDER BY tenant, run_id DESC
) AS n

-- name: read_days
-- Which days of clockings were read, and when, by unit.
SELECT r.tenant, u.date_from AS first, u.date_to AS last, max(u.finished_at) AS at
FROM protime_etl.units AS u JOIN protime_etl.runs AS r USING (run_id)
WHERE u.status = 'done' AND u.circles IS NULL AND u.collection = 'clockings' AND u.date_to >= :first
GROUP BY 1, 2, 3
