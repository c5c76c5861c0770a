-- What is known to be wrong, person by person; -1 is all people, and has a line of its own.
CREATE OR REPLACE VIEW protime_etl.wrong_days AS
SELECT w.tenant, w.collection, p.person_id, range_agg(d) AS dates
FROM protime_etl.wrong AS w, unnest(w.people) AS part, unnest(w.dates) AS d,
    generate_series(coalesce(lower(part), -1), coalesce(upper(part) - 1, -1)) AS p (person_id)
GROUP BY w.tenant, w.collection, p.person_id;

COMMENT ON VIEW protime_etl.wrong_days IS 'Days that are known not to be as the tenant has them, by person.';
COMMENT ON COLUMN protime_etl.wrong_days.tenant IS 'Tenant.';
COMMENT ON COLUMN protime_etl.wrong_days.collection IS 'Collection.';
COMMENT ON COLUMN protime_etl.wrong_days.person_id IS 'Person; -1: all people.';
COMMENT ON COLUMN protime_etl.wrong_days.dates IS 'Days; all of them for a list that is read whole.';
