-- One line a day that was ever read: since when at most it is proven equal to the tenant, and what ever differed.
-- A complete reading proves what it left as it was; what it had to write is proven by the next one.
CREATE OR REPLACE VIEW protime.proof AS
WITH held AS MATERIALIZED (
    SELECT tenant, collection, read, unproven, count(*) AS people FROM protime_etl.book GROUP BY 1, 2, 3, 4
),
ends AS (
    SELECT tenant, collection, day, sum(read) AS read, sum(unproven) AS unproven
    FROM (
        SELECT tenant, collection, lower(r) AS day, people AS read, 0 AS unproven FROM held, unnest(read) AS r
        UNION ALL SELECT tenant, collection, upper(r), -people, 0 FROM held, unnest(read) AS r
        UNION ALL SELECT tenant, collection, lower(r), 0, people FROM held, unnest(unproven) AS r
        UNION ALL SELECT tenant, collection, upper(r), 0, -people FROM held, unnest(unproven) AS r
    ) AS e
    GROUP BY tenant, collection, day
),
spans AS (
    SELECT tenant, collection, day AS first, lead(day) OVER later AS after, sum(read) OVER later AS read,
        sum(unproven) OVER later AS unproven
    FROM ends WINDOW later AS (PARTITION BY tenant, collection ORDER BY day)
),
days AS (
    SELECT tenant, collection, first + n AS date, unproven
    FROM spans, generate_series(0, after - first - 1) AS n WHERE read > 0
)
SELECT d.tenant, d.collection, d.date, CASE WHEN d.unproven = 0 THEN p.proven_at END AS proven_at,
    d.unproven::bigint AS people_unproven, coalesce(p.differences, 0) AS differences, p.last_found_at
FROM days AS d LEFT JOIN protime_etl.proof_days AS p USING (tenant, collection, date);

COMMENT ON VIEW protime.proof IS
    'One line a day that was ever read: when it was last proven equal to the tenant. Each night proves what was proven longest ago.';
COMMENT ON COLUMN protime.proof.tenant IS 'Tenant: sub-domain of the myProtime URL.';
COMMENT ON COLUMN protime.proof.collection IS 'Collection of the records.';
COMMENT ON COLUMN protime.proof.date IS 'Day.';
COMMENT ON COLUMN protime.proof.proven_at IS 'Since when at most all of its records are not compared again; null: some are not proven.';
COMMENT ON COLUMN protime.proof.people_unproven IS 'People in service, or with a clocking, whose records of that day were not equal when they were last compared, were written since, or were never read.';
COMMENT ON COLUMN protime.proof.differences IS 'Records that ever differed in a comparison although no reading was due to bring them.';
COMMENT ON COLUMN protime.proof.last_found_at IS 'When the last of these was found.';
