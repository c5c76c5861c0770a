-- The book: of each collection and person the days that are due, those that were read, and those that are proven.
--
-- Due is what runs for all people requested, and each day since; as far as it is over, and the person at work: in
-- service, or with a clocking. Who joined later is not missing on the days before. Of people whose service is not known
-- every day counts. What is due and not read is missing. One row for a collection that is read by days: person -1.
-- Of collections of plans days to come are due, too, and never read for good: what is read of them counts for a night.
CREATE OR REPLACE VIEW protime_etl.book AS
WITH promised AS MATERIALIZED (
    SELECT p.tenant, p.collection, p.by_people, t.today,
        -- A day is over when the next one is, too: minutes of a clocking reach into it.
        asked * datemultirange(daterange(NULL, t.today - 1)) AS dates,
        asked * datemultirange(daterange(t.today + 1, t.today + 1 + p.planned_days)) AS ahead
    FROM protime_etl.promises AS p JOIN protime.tenants AS t USING (tenant) CROSS JOIN LATERAL (
        SELECT p.dates + CASE WHEN p.follows_from IS NULL THEN '{}'
            ELSE datemultirange(daterange(p.follows_from, NULL)) END AS asked
    ) AS a
),
-- Who has come back has other beginnings of service than the last one: what was known last of each.
former AS (
    SELECT tenant, id, range_agg(days) AS days
    FROM (
        SELECT DISTINCT ON (v.tenant, v.id, v.in_service_date) v.tenant, v.id,
            v.in_service_date AS first, v.out_of_service_date AS last
        FROM protime.people_versions AS v JOIN protime.people AS p USING (tenant, id)
        WHERE v.in_service_date IS DISTINCT FROM p.in_service_date
        ORDER BY v.tenant, v.id, v.in_service_date, v.valid_to DESC
    ) AS spells, unnest(CASE WHEN first > last THEN '{}' ELSE datemultirange(daterange(first, last, '[]')) END) AS days
    GROUP BY tenant, id
),
service AS MATERIALIZED (
    SELECT p.tenant, p.id, coalesce(f.days, '{}') + CASE
        -- The end is that of a service before.
        WHEN in_service_date > last THEN datemultirange(daterange(NULL, last, '[]'), daterange(in_service_date, NULL))
        ELSE datemultirange(daterange(in_service_date, last, '[]')) END AS days
    FROM (
        SELECT tenant, id, in_service_date, coalesce(out_of_service_date, CAST(deleted_at AS date)) AS last
        FROM protime.people
    ) AS p LEFT JOIN former AS f USING (tenant, id)
),
-- Days out of service on which there is a clocking all the same: a look into an index for each range of such days.
outside AS MATERIALIZED (
    SELECT s.tenant, s.id, range_agg(daterange(k.date, k.date, '[]')) AS days
    FROM promised AS p JOIN service AS s USING (tenant)
    LEFT JOIN protime_etl.coverage AS c ON c.tenant = s.tenant AND c.collection = p.collection AND c.person_id = s.id
    CROSS JOIN LATERAL unnest(p.dates + coalesce(c.dates, '{}') - s.days) AS gap
    CROSS JOIN LATERAL (
        SELECT DISTINCT k.date FROM protime.clockings AS k
        WHERE k.tenant = s.tenant AND k.person_id = s.id AND k.date >= lower(gap) AND k.date < upper(gap)
            AND k.deleted_at IS NULL OFFSET 0
    ) AS k
    WHERE p.collection = 'clockings' GROUP BY s.tenant, s.id
),
persons AS (
    SELECT p.tenant, p.collection, s.id AS person_id, p.dates, p.ahead, p.today,
        s.days + CASE WHEN p.collection = 'clockings' THEN coalesce(o.days, '{}') ELSE '{}' END AS at_work
    FROM promised AS p JOIN service AS s USING (tenant) LEFT JOIN outside AS o USING (tenant, id)
    WHERE p.by_people
    UNION ALL
    -- Whom no list names.
    SELECT p.tenant, p.collection, c.person_id, p.dates, p.ahead, p.today, '{(,)}'
    FROM promised AS p JOIN protime_etl.coverage AS c USING (tenant, collection)
    LEFT JOIN service AS s ON s.tenant = c.tenant AND s.id = c.person_id
    WHERE p.by_people AND c.person_id > 0 AND s.id IS NULL
    UNION ALL
    SELECT tenant, collection, -1, dates, ahead, today, '{(,)}' FROM promised WHERE NOT by_people
)
SELECT n.tenant, n.collection, n.person_id, n.dates * n.at_work AS due, h.read, h.proven, n.at_work,
    -- Only clockings show a record of a person who is not in service.
    n.dates * n.at_work + CASE WHEN n.collection = 'clockings' THEN h.read * n.at_work ELSE h.read END - h.proven AS unproven,
    n.ahead * n.at_work AS due_ahead, h.ahead * datemultirange(daterange(n.today + 1, NULL)) AS read_ahead
FROM persons AS n
LEFT JOIN protime_etl.coverage AS c USING (tenant, collection, person_id)
LEFT JOIN protime_etl.coverage AS e ON e.tenant = n.tenant AND e.collection = n.collection AND e.person_id = -1
CROSS JOIN LATERAL (
    SELECT coalesce(c.dates, e.dates, '{}') AS read, coalesce(c.proven, e.proven, '{}') AS proven,
        -- A night has that long, as for the last day that is over (OVERDUE_HOURS).
        CASE WHEN coalesce(c.ahead_at, e.ahead_at) > now() - interval '36 hours'
            THEN coalesce(c.ahead, e.ahead) ELSE '{}' END
        + CASE WHEN coalesce(c.ahead_before_at, e.ahead_before_at) > now() - interval '36 hours'
            THEN coalesce(c.ahead_before, e.ahead_before) ELSE '{}' END AS ahead
) AS h;

COMMENT ON VIEW protime_etl.book IS 'Of each collection and person: the days that are due, read and proven equal.';
COMMENT ON COLUMN protime_etl.book.tenant IS 'Tenant.';
COMMENT ON COLUMN protime_etl.book.collection IS 'Collection.';
COMMENT ON COLUMN protime_etl.book.person_id IS 'Person; -1: all people, of a collection that is read by days.';
COMMENT ON COLUMN protime_etl.book.due IS 'Days that were requested and are over, on which the person was at work.';
COMMENT ON COLUMN protime_etl.book.read IS 'Days that were completely read after they were over.';
COMMENT ON COLUMN protime_etl.book.proven IS 'Days that are proven equal to the tenant, and were not written since.';
COMMENT ON COLUMN protime_etl.book.at_work IS 'Days in service, as far as they are known, and days with a clocking all the same.';
COMMENT ON COLUMN protime_etl.book.due_ahead IS 'Days to come that are due, of a collection of plans, on which the person will be at work.';
COMMENT ON COLUMN protime_etl.book.read_ahead IS 'Days to come that were read within the last 36 hours, of a collection of plans.';
COMMENT ON COLUMN protime_etl.book.unproven IS 'Days that are due or read, on which the person was at work, and that are not proven.';
