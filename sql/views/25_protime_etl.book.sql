-- The book: of each collection and person the days that are due, those that were read, and those that are proven.
--
-- Due is what runs for all people asked for, and each day since; as far as it is over, and as long as the person was in
-- service, or has a clocking. Who joined later is not missing on the days before. Of people whose service is not known
-- every day counts. What is due and not read is missing. One row for a collection that is read by days: person -1.
CREATE OR REPLACE VIEW protime_etl.book AS
WITH promised AS (
    SELECT p.tenant, p.collection, p.by_people,
        -- A day is over when the next one is, too: minutes of a clocking reach into it.
        (p.dates + datemultirange(daterange(p.follows_from, NULL))) * datemultirange(daterange(NULL, t.today - 1)) AS dates
    FROM protime_etl.promises AS p JOIN protime.tenants AS t USING (tenant)
),
-- What was known last of each beginning of service: a person who comes back has another one.
spells AS (
    SELECT DISTINCT ON (tenant, id, in_service_date) tenant, id, in_service_date AS first,
        coalesce(out_of_service_date, CAST(deleted_at AS date)) AS last
    FROM (
        SELECT tenant, id, in_service_date, out_of_service_date, deleted_at, NULL::timestamptz AS valid_to
        FROM protime.people
        UNION ALL
        SELECT tenant, id, in_service_date, out_of_service_date, NULL, valid_to FROM protime.people_versions
    ) AS known
    ORDER BY tenant, id, in_service_date, valid_to DESC NULLS FIRST
),
service AS (
    SELECT tenant, id, range_agg(days) AS days
    FROM spells, unnest(CASE
        WHEN first > last THEN datemultirange(daterange(NULL, last, '[]'), daterange(first, NULL))
        ELSE datemultirange(daterange(first, last, '[]')) END) AS days
    GROUP BY tenant, id
),
persons AS (
    SELECT tenant, collection, person_id FROM protime_etl.coverage WHERE person_id > 0
    UNION
    SELECT p.tenant, p.collection, s.id
    FROM (
        SELECT tenant, collection FROM promised WHERE by_people
        UNION SELECT DISTINCT tenant, collection FROM protime_etl.coverage WHERE person_id > 0
    ) AS p JOIN service AS s USING (tenant)
    UNION ALL
    SELECT tenant, collection, -1 FROM promised WHERE NOT by_people
)
SELECT n.tenant, n.collection, n.person_id,
    coalesce(p.dates * coalesce(s.days, '{(,)}') + coalesce(o.days, '{}'), '{}') AS due,
    coalesce(c.dates, e.dates, '{}') AS read,
    coalesce(c.proven, e.proven, '{}') AS proven,
    coalesce(s.days, '{(,)}') AS in_service
FROM persons AS n
LEFT JOIN promised AS p USING (tenant, collection)
LEFT JOIN service AS s ON s.tenant = n.tenant AND s.id = n.person_id
LEFT JOIN protime_etl.coverage AS c
    ON c.tenant = n.tenant AND c.collection = n.collection AND c.person_id = n.person_id
LEFT JOIN protime_etl.coverage AS e ON e.tenant = n.tenant AND e.collection = n.collection AND e.person_id = -1
-- Days out of service on which there is a clocking all the same: a look into an index for each range of such days.
LEFT JOIN LATERAL (
    SELECT range_agg(daterange(k.date, k.date, '[]')) AS days
    FROM unnest(p.dates - s.days) AS gap
    CROSS JOIN LATERAL (
        SELECT DISTINCT k.date FROM protime.clockings AS k
        WHERE k.tenant = n.tenant AND k.person_id = n.person_id AND k.date >= lower(gap) AND k.date < upper(gap)
            AND k.deleted_at IS NULL OFFSET 0
    ) AS k
) AS o ON n.collection = 'clockings';

COMMENT ON VIEW protime_etl.book IS 'Of each collection and person: the days that are due, read and proven equal.';
COMMENT ON COLUMN protime_etl.book.tenant IS 'Tenant.';
COMMENT ON COLUMN protime_etl.book.collection IS 'Collection.';
COMMENT ON COLUMN protime_etl.book.person_id IS 'Person; -1: all people, of a collection that is read by days.';
COMMENT ON COLUMN protime_etl.book.due IS 'Days that were asked for and are over, as long as the person was in service.';
COMMENT ON COLUMN protime_etl.book.read IS 'Days that were completely read after they were over.';
COMMENT ON COLUMN protime_etl.book.proven IS 'Days that are proven equal to the tenant, and were not written since.';
COMMENT ON COLUMN protime_etl.book.in_service IS 'Days in service, as far as they are known.';
