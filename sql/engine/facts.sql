-- What the warehouse says of itself: the facts that a verdict rests on and `status` shows. For SQLAlchemy.

-- name: tenants
-- Each tenant, when anything of it was last read, and how many of its records were rejected.
SELECT t.tenant, t.timezone, CAST(now() AT TIME ZONE t.timezone AS date) AS today,
    (SELECT max(u.finished_at) FROM protime_etl.units AS u JOIN protime_etl.runs AS r USING (run_id)
        WHERE r.tenant = t.tenant AND u.collection = ANY(:collections) AND u.status = 'done') AS last_read,
    (SELECT count(*) FROM protime_etl.rejected_record AS x
        WHERE x.tenant = t.tenant AND x.collection = ANY(:collections)) AS rejected
FROM protime_etl.tenants AS t ORDER BY t.tenant

-- name: last_read
-- When a collection of each tenant was last read: as a whole, or a unit of it.
SELECT t.tenant, '{path}' AS collection, l.last_read,
    round(extract(epoch FROM clock_timestamp() - l.last_read) / 3600, 1)::float8 AS hours
FROM protime_etl.tenants AS t CROSS JOIN LATERAL (
    SELECT coalesce(
        (SELECT s.read_at FROM protime_etl.collection_state AS s
            WHERE s.tenant = t.tenant AND s.collection = '{path}'),
        (SELECT max(u.finished_at) FROM protime_etl.units AS u JOIN protime_etl.runs AS r USING (run_id)
            WHERE r.tenant = t.tenant AND u.collection = '{path}' AND u.status = 'done')
    ) AS last_read
) AS l

-- name: runs
-- The newest runs of each tenant, how far they are, and with which options they were asked for. A run of the command
-- line lives in one process, whose death PostgreSQL notices by the lock it held. A run of Airflow has many; without one
-- at work it waits for Airflow, which starts the next task or the next try.
WITH held AS (
    SELECT l.classid::bigint AS kind, l.objid::bigint AS number FROM pg_locks AS l
    JOIN pg_database AS d ON d.oid = l.database AND d.datname = current_database()
    WHERE l.locktype = 'advisory' AND l.objsubid = 2 AND l.granted
)
SELECT run_id, r.tenant, r.kind, r.started_by, r.dag_id, r.dag_run_id,
    concat_ws(' ', r.started_by, r.dag_id, r.dag_run_id,
        CASE WHEN r.kind IN ('repair', 'unlisted') OR (r.kind = 'backfill' AND r.dag_id IS NULL) THEN r.kind END
    ) AS origin,
    r.collections, r.date_from, r.date_to, r.started_at,
    CASE WHEN r.status <> 'running' THEN r.status
        WHEN r.started_by = 'cli' AND (:run_lock, r.run_id % 2147483648) NOT IN (SELECT * FROM held) THEN 'died'
        WHEN r.started_by <> 'cli' AND count(w.number) = 0 THEN 'waiting'
        ELSE r.status END AS status,
    count(*) FILTER (WHERE u.status = 'done') || '/' || count(u.unit_id) FILTER (WHERE u.status <> 'cut') AS units,
    count(w.number) AS under_way,
    coalesce(sum(u.rows_read), 0)::bigint AS rows_read, r.error,
    concat_ws(' ',
        '--people ' || CASE WHEN cardinality(r.person_ids) > 100 THEN '(the same)'
            ELSE array_to_string(r.person_ids, ',') END,
        '--collections ' || CASE WHEN r.collections <> ARRAY['clockings'] THEN array_to_string(r.collections, ',') END,
        '--circles ' || array_to_string(r.circles, ','),
        CASE WHEN r.only_missing THEN '--only-missing' END
    ) AS options
FROM protime_etl.runs AS r LEFT JOIN protime_etl.units AS u USING (run_id)
    LEFT JOIN (SELECT DISTINCT number FROM held WHERE kind = :unit_lock) AS w ON w.number = u.unit_id % 2147483648
WHERE run_id IN (
    -- Of each tenant: many of one hide none of another.
    SELECT run_id FROM (
        SELECT run_id, row_number() OVER (PARTITION BY tenant ORDER BY run_id DESC) AS number
        FROM protime_etl.runs WHERE collections && CAST(:collections AS text[])
    ) AS numbered
    WHERE number <= 10
) GROUP BY run_id ORDER BY run_id DESC

-- name: wrong
-- What is known to be wrong: whose days, and the first reason of each kind.
SELECT tenant, collection, kind, since, why, run_id, first, last, person_id,
    CASE WHEN NOT of_all THEN (SELECT sum(upper(u) - lower(u))::int FROM unnest(whose) AS u) END AS people
FROM (
    SELECT w.tenant, w.collection, w.kind, min(w.since) AS since, (array_agg(w.why ORDER BY w.since))[1] AS why,
        (array_agg(w.run_id ORDER BY w.since))[1] AS run_id, min(lower(d)) AS first, max(upper(d) - 1) AS last,
        min(lower(p)) AS person_id, bool_or(upper_inf(p)) AS of_all, range_agg(p) AS whose
    FROM protime_etl.wrong AS w, unnest(w.dates) AS d, unnest(w.people) AS p
    WHERE w.collection = ANY(:collections)
    GROUP BY w.tenant, w.collection, w.kind
) AS entries ORDER BY tenant, collection, kind

-- name: book
-- The whole book at once, as ranges of days on which nothing changes: of how many people each day is due, of how many of
-- these it was not read, and is not known to be wrong either, and of how many it is read and not proven; and of days to
-- come of how many people they are due, of how many they were not read by the last night, and are not wrong either.
WITH wrong AS (
    SELECT tenant, collection, person_id, dates FROM protime_etl.wrong_days WHERE collection = ANY(:collections)
),
span AS MATERIALIZED (
    SELECT tenant, collection, what, d, count(*) AS people
    FROM (
        SELECT b.tenant, b.collection, b.due, b.due - b.read AS missing, b.read, b.unproven,
            b.due - b.read - coalesce(w.dates, '{}') - coalesce(e.dates, '{}') AS unread,
            b.due_ahead AS ahead, b.due_ahead - b.read_ahead AS unread_ahead,
            b.due_ahead - b.read_ahead - coalesce(w.dates, '{}') - coalesce(e.dates, '{}') AS late
        FROM protime_etl.book AS b
        LEFT JOIN wrong AS w
            ON w.tenant = b.tenant AND w.collection = b.collection AND w.person_id = b.person_id AND w.person_id > 0
        LEFT JOIN wrong AS e ON e.tenant = b.tenant AND e.collection = b.collection AND e.person_id = -1
        WHERE b.collection = ANY(:collections)
    ) AS held CROSS JOIN LATERAL (VALUES ('due', due), ('missing', missing), ('unread', unread), ('read', read),
        ('unproven', unproven), ('ahead', ahead), ('unread_ahead', unread_ahead), ('late', late)
    ) AS kinds (what, dates), unnest(dates) AS d
    GROUP BY tenant, collection, what, d
),
ends AS (
    SELECT tenant, collection, day,
        sum(change) FILTER (WHERE what = 'due') AS due, sum(change) FILTER (WHERE what = 'missing') AS missing,
        sum(change) FILTER (WHERE what = 'unread') AS unread, sum(change) FILTER (WHERE what = 'read') AS read,
        sum(change) FILTER (WHERE what = 'unproven') AS unproven,
        sum(change) FILTER (WHERE what = 'ahead') AS ahead,
        sum(change) FILTER (WHERE what = 'unread_ahead') AS unread_ahead,
        sum(change) FILTER (WHERE what = 'late') AS late
    FROM (
        SELECT tenant, collection, what, lower(d) AS day, people AS change FROM span
        UNION ALL SELECT tenant, collection, what, upper(d), -people FROM span WHERE NOT upper_inf(d)
    ) AS e
    GROUP BY tenant, collection, day
)
SELECT tenant, collection, day AS first, lead(day) OVER later - 1 AS last,
    coalesce(sum(due) OVER later, 0)::int AS due, coalesce(sum(missing) OVER later, 0)::int AS missing,
    coalesce(sum(unread) OVER later, 0)::int AS unread, coalesce(sum(read) OVER later, 0)::int AS read,
    coalesce(sum(unproven) OVER later, 0)::int AS unproven, coalesce(sum(ahead) OVER later, 0)::int AS ahead,
    coalesce(sum(unread_ahead) OVER later, 0)::int AS unread_ahead, coalesce(sum(late) OVER later, 0)::int AS late
FROM ends WINDOW later AS (PARTITION BY tenant, collection ORDER BY day)
ORDER BY tenant, collection, first

-- name: coverage
-- The latest ranges of days that were read, and of how many people.
SELECT tenant, collection, first, last, people
FROM (
    SELECT tenant, collection, lower(days) AS first, upper(days) - 1 AS last,
        nullif(count(*) FILTER (WHERE person_id > 0), 0) AS people,
        row_number() OVER (PARTITION BY tenant ORDER BY collection, days DESC) AS number
    FROM protime_etl.coverage, unnest(dates) AS days WHERE collection = ANY(:collections)
    GROUP BY tenant, collection, days
) AS numbered
WHERE number <= 10 ORDER BY tenant, collection, first DESC

-- name: asked
-- From which day on each collection is due, and since which day it is overdue when it was not read.
SELECT p.tenant, p.collection, p.follows_from, t.today,
    CAST((now() - make_interval(hours => :overdue)) AT TIME ZONE t.timezone AS date) - 1 AS overdue_before,
    (extract(epoch FROM now() - CAST(t.today AS timestamp) AT TIME ZONE t.timezone) / 3600)::float8 AS hours_today,
    clock_timestamp() AS now
FROM protime_etl.promises AS p JOIN protime.tenants AS t USING (tenant)
WHERE p.collection = ANY(:collections) AND p.follows_from IS NOT NULL ORDER BY p.tenant, p.collection

-- name: not_asked_for
-- Days between ranges that were asked for.
SELECT p.tenant, p.collection, lower(span) AS first, upper(span) - 1 AS last
FROM protime_etl.promises AS p JOIN protime.tenants AS t USING (tenant),
    unnest(datemultirange(daterange(lower(p.dates), t.today)) - p.dates
        - datemultirange(daterange(p.follows_from, NULL))) AS span
WHERE p.collection = ANY(:collections) AND NOT isempty(p.dates) AND lower(p.dates) < t.today
ORDER BY p.tenant, p.collection, first

-- name: proof_days
-- When each day was last compared, and what ever differed on it.
SELECT tenant, collection, date, proven_at, differences, last_found_at,
    round(extract(epoch FROM clock_timestamp() - proven_at) / 86400, 1)::float8 AS days_ago
FROM protime_etl.proof_days WHERE collection = ANY(:collections) ORDER BY tenant, collection, date

-- name: pauses
-- Until when the API is not asked, and until when it has asked for that, if this is later.
SELECT tenant, until, ceil(extract(epoch FROM until - clock_timestamp()))::int AS seconds,
    CASE WHEN asked_until > until THEN asked_until END AS asked_until
FROM protime_etl.pauses WHERE until > clock_timestamp()

-- name: deltas
-- How far each delta is, and what of it waits for a decision or was missed.
SELECT d.tenant, d.collection, d.status, d.date_from, d.requested_at,
    round(extract(epoch FROM clock_timestamp() - coalesce(d.requested_at, d.started_at)) / 3600, 1)::float8
        AS hours_since,
    CASE WHEN d.status = 'active' THEN
        greatest(0, 72 - round(extract(epoch FROM clock_timestamp() - d.requested_at) / 3600, 1))::float8
    END AS hours_left,
    (SELECT count(*) FROM protime.drift AS x WHERE (x.tenant, x.collection) = (d.tenant, d.collection)) AS drift,
    (SELECT count(*) FROM protime_etl.delta_unconfirmed AS u
        WHERE (u.tenant, u.collection) = (d.tenant, d.collection)) AS unconfirmed,
    (SELECT count(*) FROM protime_etl.delta_unconfirmed AS u
        WHERE (u.tenant, u.collection) = (d.tenant, d.collection) AND u.withheld) AS withheld,
    d.error
FROM protime_etl.deltas AS d WHERE d.collection = ANY(:collections) ORDER BY d.tenant, d.collection

-- name: row_counts
-- How many rows each tenant has in a table, counted.
SELECT t.tenant, '{path}' AS collection,
    (SELECT count(*) FROM protime.{table} AS c WHERE c.tenant = t.tenant AND c.deleted_at IS NULL) AS rows,
    (SELECT count(*) FROM protime.{table} AS c WHERE c.tenant = t.tenant AND c.deleted_at IS NOT NULL) AS deleted
FROM protime_etl.tenants AS t

-- name: other_forms
-- How many documented fields could not be read, and an example of each. A value may be about a person: its example says
-- what it looks like and nothing of what it says. Of a text of digits and the signs of days and times each digit is a 0;
-- of any other it is the length.
SELECT tenant, collection, field, count(*) AS records, bool_or(number = 100000) AS or_more, min(form) AS example
FROM (
    SELECT tenant, collection, field, max(number) OVER (PARTITION BY tenant, collection) AS number,
        CASE jsonb_typeof(value)
            WHEN 'string' THEN CASE
                WHEN text = '' THEN 'an empty text'
                WHEN masked ~ '^[0TZ :.,+/-]{1,40}$' THEN 'text like ' || masked
                ELSE 'text of ' || size END
            WHEN 'number' THEN 'a number of ' || size
            WHEN 'array' THEN 'a list' WHEN 'object' THEN 'an object' ELSE 'true or false' END AS form
    FROM ({rows}) AS r,
        jsonb_each(CASE jsonb_typeof(forms) WHEN 'object' THEN forms END) AS f (field, value),
        LATERAL (SELECT value #>> '{}' AS text) AS v,
        LATERAL (
            SELECT regexp_replace(text, '[0-9]', '0', 'g') AS masked,
                length(text) || CASE length(text) WHEN 1 THEN ' character' ELSE ' characters' END AS size
        ) AS l
) AS found
GROUP BY tenant, collection, field ORDER BY tenant, collection, field

-- name: rows_of_other_forms
-- Rows of a collection that have such fields, by an index that has these rows alone. 100,000 of a tenant are counted at
-- most: a count that reaches it is a lower bound.
SELECT t.tenant, '{path}' AS collection, r.forms, r.number FROM protime_etl.tenants AS t CROSS JOIN LATERAL (
    SELECT c.extra -> 'other form' AS forms, row_number() OVER () AS number FROM protime.{table} AS c
    WHERE c.tenant = t.tenant AND c.extra ? 'other form' AND c.deleted_at IS NULL LIMIT 100000
) AS r

-- name: impossible_times
-- Clockings of the days of a run at a time that Protime does not document: it is kept as it is, and the views cannot
-- place it.
SELECT c.id, c.person_id, c.date, c.time_of_day_in_minutes AS minute
FROM protime.clockings AS c
JOIN protime_etl.runs AS r ON r.tenant = c.tenant AND c.date BETWEEN r.date_from AND r.date_to
WHERE r.run_id = :run_id AND c.time_of_day_in_minutes NOT BETWEEN -1440 AND 2880 AND c.deleted_at IS NULL
ORDER BY c.id LIMIT :most

-- name: not_done
-- How many units of a run are not done, and an error of one of them.
SELECT count(*) OVER () AS number, error FROM protime_etl.units
WHERE run_id = :run_id AND status NOT IN ('done', 'cut') ORDER BY error IS NULL, unit_id LIMIT 1

-- name: reasons_of_rejected
-- Why records were rejected, the most frequent reasons first.
SELECT collection, reason AS error, count(*) AS records FROM protime_etl.rejected_record
GROUP BY collection, reason ORDER BY records DESC LIMIT 20
