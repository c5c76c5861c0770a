-- One line a day that was ever read: when all of it was last proven equal to the tenant, and what ever differed.
-- A complete reading proves what it left as it was; what it had to write is proven by the next one.
CREATE OR REPLACE VIEW protime.proof AS
WITH known AS (
    SELECT tenant, range_agg(int8range(id, id, '[]')) AS people FROM protime.people WHERE deleted_at IS NULL GROUP BY tenant
),
read AS (
    SELECT tenant, collection, lower(r) + n AS date
    FROM (
        SELECT tenant, collection, unnest(range_agg(d)) AS r FROM protime_etl.coverage, unnest(dates) AS d
        GROUP BY tenant, collection
    ) AS ranges, generate_series(0, upper(r) - lower(r) - 1) AS n
),
proven AS (
    SELECT p.tenant, p.collection, p.date, protime_etl.union_of(p.people) AS people,
        -- Who is in no list any more makes no proof older.
        min(p.proven_at) FILTER (WHERE k.people IS NULL OR p.people && k.people OR isempty(k.people)) AS proven_at
    FROM protime_etl.proofs AS p LEFT JOIN known AS k USING (tenant)
    WHERE p.equal GROUP BY p.tenant, p.collection, p.date
)
SELECT r.tenant, r.collection, r.date,
    CASE WHEN p.people @> coalesce(k.people, '{}') THEN p.proven_at END AS proven_at,
    CASE WHEN p.people @> coalesce(k.people, '{}') THEN 0
        ELSE coalesce((SELECT sum(upper(u) - lower(u)) FROM unnest(k.people - coalesce(p.people, '{}')) AS u), 0)
            END::bigint
        AS people_unproven,
    coalesce(d.differences, 0) AS differences, d.last_found_at
FROM read AS r LEFT JOIN known AS k USING (tenant)
LEFT JOIN proven AS p USING (tenant, collection, date)
LEFT JOIN protime_etl.proof_differences AS d USING (tenant, collection, date);

COMMENT ON VIEW protime.proof IS
    'One line a day that was ever read: when it was last proven equal to the tenant. Each night proves what was proven longest ago.';
COMMENT ON COLUMN protime.proof.tenant IS 'Tenant: sub-domain of the myProtime URL.';
COMMENT ON COLUMN protime.proof.collection IS 'Collection of the records.';
COMMENT ON COLUMN protime.proof.date IS 'Day.';
COMMENT ON COLUMN protime.proof.proven_at IS 'Since when at most all of its records are not proven again; null: some of them never were.';
COMMENT ON COLUMN protime.proof.people_unproven IS 'People who are known now and whose records of that day were not equal when they were last looked at, or never looked at.';
COMMENT ON COLUMN protime.proof.differences IS 'Records that ever differed in a comparison although no reading was due to bring them.';
COMMENT ON COLUMN protime.proof.last_found_at IS 'When the last of these was found.';
