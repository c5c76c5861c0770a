-- One line a day: for how many people it was completely pulled, for how many it was not, and when it was last read.
-- A day that was read before it was over, or whose last reading failed, is there and not covered.
-- Counted by the ends of ranges, so that years of thousands of people cost no more than their ranges.
CREATE OR REPLACE VIEW protime.coverage AS
WITH known AS (
    SELECT tenant, count(*) AS people FROM protime.people WHERE deleted_at IS NULL GROUP BY tenant
),
reads AS (
    SELECT r.tenant, u.date_from, u.date_to, max(u.finished_at) FILTER (WHERE u.status = 'done') AS finished_at
    FROM protime_etl.units AS u JOIN protime_etl.runs AS r USING (run_id)
    WHERE u.status <> 'planned' AND u.circles IS NULL AND u.collection = 'clockings'
    GROUP BY 1, 2, 3
),
ranges AS (
    SELECT c.tenant, lower(days) AS first, upper(days) AS after
    FROM protime_etl.coverage AS c
    JOIN protime.people AS p ON p.tenant = c.tenant AND p.id = c.person_id AND p.deleted_at IS NULL,
        unnest(c.dates) AS days
    WHERE c.collection = 'clockings'
),
ends AS (
    SELECT tenant, day, sum(change) AS change
    FROM (
        SELECT tenant, first AS day, 1 AS change FROM ranges
        UNION ALL SELECT tenant, after, -1 FROM ranges
        UNION ALL SELECT tenant, date_from, 0 FROM reads
        UNION ALL SELECT tenant, date_to + 1, 0 FROM reads
    ) AS e
    GROUP BY tenant, day
),
spans AS (
    SELECT tenant, day AS first, lead(day) OVER later AS after, sum(change) OVER later AS people
    FROM ends WINDOW later AS (PARTITION BY tenant ORDER BY day)
),
days AS (
    SELECT tenant, first + n AS date, people FROM spans, generate_series(0, after - first - 1) AS n WHERE after IS NOT NULL
)
SELECT d.tenant, d.date, d.people::bigint AS people_covered, greatest(k.people - d.people, 0)::bigint AS people_missing,
    (SELECT max(r.finished_at) FROM reads AS r
        WHERE r.tenant = d.tenant AND d.date BETWEEN r.date_from AND r.date_to) AS last_read
FROM days AS d JOIN known AS k USING (tenant);

COMMENT ON VIEW protime.coverage IS
    'One line a day between the first and the last that was read: how completely it is here. Fill the holes with protime-etl backfill --only-missing.';
COMMENT ON COLUMN protime.coverage.tenant IS 'Tenant: sub-domain of the myProtime URL.';
COMMENT ON COLUMN protime.coverage.date IS 'Day.';
COMMENT ON COLUMN protime.coverage.people_covered IS 'People whose clockings of that day were completely pulled after it was over, with no failed reading since.';
COMMENT ON COLUMN protime.coverage.people_missing IS 'People who are known now and whose clockings of that day were not.';
COMMENT ON COLUMN protime.coverage.last_read IS 'When any of them were last pulled.';
