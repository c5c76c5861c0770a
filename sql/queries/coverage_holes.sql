-- Days that are due and not read of all people in service, as ranges: of how many people, from which day to which.
-- Oldest first. Read them: protime-etl backfill --only-missing.
SELECT tenant, people_missing, min(date) AS first, max(date) AS last, count(*) AS days
FROM (
    SELECT
        tenant,
        people_missing,
        date,
        date - row_number() OVER (PARTITION BY tenant, people_missing ORDER BY date)::integer AS hole
    FROM protime.coverage
    WHERE people_missing > 0
) AS missing
GROUP BY tenant, people_missing, hole
ORDER BY tenant, first;
