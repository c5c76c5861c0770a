-- One line a day that was requested or read: for how many people its clockings are here, and for how many they are not.
-- Counted by the ends of ranges, so that years of thousands of people cost no more than their ranges.
CREATE OR REPLACE VIEW protime.coverage AS
WITH held AS MATERIALIZED (
    SELECT tenant, read, due - read AS missing, count(*) AS people
    FROM protime_etl.book WHERE collection = 'clockings' GROUP BY 1, 2, 3
),
reads AS (
    SELECT r.tenant, u.date_from, u.date_to, max(u.finished_at) FILTER (WHERE u.status = 'done') AS finished_at
    FROM protime_etl.units AS u JOIN protime_etl.runs AS r USING (run_id)
    WHERE u.status <> 'planned' AND u.circles IS NULL AND u.collection = 'clockings'
    GROUP BY 1, 2, 3
),
ends AS (
    SELECT tenant, day, sum(covered) AS covered, sum(missing) AS missing
    FROM (
        SELECT tenant, lower(r) AS day, people AS covered, 0 AS missing FROM held, unnest(read) AS r
        UNION ALL SELECT tenant, upper(r), -people, 0 FROM held, unnest(read) AS r
        UNION ALL SELECT tenant, lower(r), 0, people FROM held, unnest(missing) AS r
        UNION ALL SELECT tenant, upper(r), 0, -people FROM held, unnest(missing) AS r
        UNION ALL SELECT tenant, date_from, 0, 0 FROM reads
        UNION ALL SELECT tenant, date_to + 1, 0, 0 FROM reads
    ) AS e
    GROUP BY tenant, day
),
spans AS (
    SELECT tenant, day AS first, lead(day) OVER later AS after, sum(covered) OVER later AS covered,
        sum(missing) OVER later AS missing
    FROM ends WINDOW later AS (PARTITION BY tenant ORDER BY day)
),
days AS (
    SELECT tenant, first + n AS date, covered, missing
    FROM spans, generate_series(0, after - first - 1) AS n WHERE after IS NOT NULL
),
-- Yesterday is not over for good, but a reading since midnight has all that was clocked by then.
ended AS (
    SELECT b.tenant, t.today - 1 AS date, count(*) FILTER (WHERE l.person_id IS NULL) AS people
    FROM protime_etl.book AS b JOIN protime.tenants AS t USING (tenant)
    LEFT JOIN (
        SELECT DISTINCT r.tenant, person_id
        FROM protime_etl.units AS u JOIN protime_etl.runs AS r USING (run_id) JOIN protime.tenants AS t USING (tenant),
            unnest(u.person_ids) AS person_id
        WHERE u.collection = 'clockings' AND u.status = 'done' AND t.today - 1 BETWEEN u.date_from AND u.date_to
            AND u.finished_at - make_interval(secs => u.seconds) >= CAST(t.today AS timestamp) AT TIME ZONE t.timezone
    ) AS l ON l.tenant = b.tenant AND l.person_id = b.person_id
    WHERE b.collection = 'clockings' AND b.at_work @> (t.today - 1)
    GROUP BY b.tenant, t.today
)
SELECT d.tenant, d.date, d.covered::bigint AS people_covered, d.missing::bigint AS people_missing,
    (SELECT max(r.finished_at) FROM reads AS r
        WHERE r.tenant = d.tenant AND d.date BETWEEN r.date_from AND r.date_to) AS last_read,
    coalesce(e.people, d.missing)::bigint AS people_not_read
FROM days AS d LEFT JOIN ended AS e USING (tenant, date);

COMMENT ON VIEW protime.coverage IS
    'One row for each day that was requested or read: how complete it is. Read what is missing with protime-etl backfill --only-missing.';
COMMENT ON COLUMN protime.coverage.tenant IS 'Tenant: sub-domain of the myProtime URL.';
COMMENT ON COLUMN protime.coverage.date IS 'Day.';
COMMENT ON COLUMN protime.coverage.people_covered IS 'People whose clockings of that day were completely read after it was over, with no failed reading since.';
COMMENT ON COLUMN protime.coverage.people_missing IS 'People whose clockings of that day are due and were not: requested, over, and the person in service.';
COMMENT ON COLUMN protime.coverage.last_read IS 'When any of them were last read.';
COMMENT ON COLUMN protime.coverage.people_not_read IS 'The same, but of yesterday: people in service whose clockings were not read since midnight.';
