-- Days that are not covered for everybody, as ranges: of how many people, from which day to which, oldest first.
-- Today and yesterday are among them, as they are not over. Fill the others: protime-etl backfill --only-missing.
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
