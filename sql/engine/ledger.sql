-- What was done and what is known from it: acts, people, amounts, written days. For SQLAlchemy.

-- name: look
-- The version of the schema, and the last act on the tenant. Reading the version keeps an upgrade out until the
-- transaction ends: it locks that table before it changes any other.
SELECT v.version_num, a.number, a.what FROM protime_etl.alembic_version AS v
LEFT JOIN protime_etl.acts AS a ON a.tenant = :tenant

-- name: note_act
-- Notes an act on all that is held of the tenant.
INSERT INTO protime_etl.acts AS a (tenant, number, what, noted_at) VALUES (:tenant, 1, :what, clock_timestamp())
ON CONFLICT (tenant) DO UPDATE SET number = a.number + 1, what = excluded.what, noted_at = excluded.noted_at

-- name: people_to_read
-- All people who may have records of a collection on these days. Each person who was ever seen has a row of coverage, also
-- one who came by a delta, by circles, or by the record of another person. Who has left is read on days until they left,
-- and where the table has records of them: one look into an index each.
SELECT p.id FROM protime.people AS p
WHERE p.tenant = :tenant
    AND (p.deleted_at IS NULL OR coalesce(p.out_of_service_date, CAST(p.deleted_at AS date)) + 2 >= :first)
UNION
SELECT r.record_id FROM protime_etl.rejected_record AS r
WHERE r.tenant = :tenant AND r.collection = 'people' AND r.record_id IS NOT NULL
UNION
SELECT s.person_id FROM (
    SELECT person_id FROM protime_etl.coverage WHERE tenant = :tenant AND person_id > 0
    EXCEPT SELECT id FROM protime.people WHERE tenant = :tenant AND deleted_at IS NULL
) AS s
LEFT JOIN LATERAL (SELECT id FROM protime.people WHERE tenant = :tenant AND id = s.person_id OFFSET 0) AS p ON true
LEFT JOIN LATERAL (
    SELECT true AS found FROM protime.{table} AS k
    WHERE k.tenant = :tenant AND k.person_id = s.person_id
        AND k.date BETWEEN (SELECT CAST(:first AS date)) AND (SELECT CAST(:last AS date)) LIMIT 1
) AS recorded ON true
WHERE p.id IS NULL OR recorded.found

-- name: unknown_people
-- Which of these ids belong to no person that was ever seen.
SELECT asked.id FROM unnest(CAST(:ids AS bigint[])) AS asked (id)
WHERE NOT EXISTS (SELECT FROM protime.people AS p WHERE p.tenant = :tenant AND p.id = asked.id)
    AND NOT EXISTS (SELECT FROM protime_etl.coverage AS c WHERE c.tenant = :tenant AND c.person_id = asked.id)
    AND NOT EXISTS (SELECT FROM protime_etl.rejected_record AS r
        WHERE r.tenant = :tenant AND r.collection = 'people' AND r.record_id = asked.id)
ORDER BY asked.id

-- name: usual_amounts
-- Records and person-days of each weekday, of some people in the last weeks that were covered.
WITH recent AS (
    SELECT daterange(max(upper(dates)) - :days, max(upper(dates))) AS days
    FROM protime_etl.coverage WHERE tenant = :tenant AND collection = :collection
),
sampled AS (
    SELECT person_id, dates * datemultirange(days) AS dates
    FROM protime_etl.coverage, recent
    WHERE tenant = :tenant AND collection = :collection AND dates && days
    ORDER BY hashint8(person_id) LIMIT :people
),
held AS (
    SELECT person_id, lower(part) + n AS day FROM sampled, unnest(dates) AS part,
        generate_series(0, upper(part) - lower(part) - 1) AS n
)
SELECT extract(isodow FROM day)::int - 1, sum(records)::float8, count(*)::float8
FROM held CROSS JOIN LATERAL (
    SELECT count(*) AS records FROM protime.{table} AS c
    WHERE c.tenant = (SELECT CAST(:tenant AS text)) AND {same_person} AND c.{day} = held.day
        AND (c.deleted_by IS NULL OR c.deleted_by = 'status')
) AS counted GROUP BY 1

-- name: longest
-- How many days the longest record reaches over; at least as many as one that is not known yet may.
SELECT greatest(max(until_date - from_date), :least) FROM protime.{table}
WHERE tenant = (SELECT CAST(:tenant AS text)) AND deleted_at IS NULL AND isfinite(until_date) AND isfinite(from_date)

-- name: newest_version
-- The newest changeVersion that the table has.
SELECT coalesce(max(change_version), '') FROM protime.{table} WHERE tenant = (SELECT CAST(:tenant AS text))

-- name: take_days
-- Assigns what no event of the asset has reported to this task.
INSERT INTO protime_etl.reported_days (note_id, asset, task)
SELECT note_id, :asset, :task FROM protime_etl.written_days AS w
WHERE tenant = :tenant AND (by_delta OR NOT :delta_alone)
    AND NOT EXISTS (SELECT FROM protime_etl.reported_days AS t WHERE t.note_id = w.note_id AND t.asset = :asset)
ON CONFLICT DO NOTHING

-- name: taken_days
-- The days that this task has to report, the newest first and one more than are reported; how many notes there are; and
-- whether these are all days.
WITH reported AS (
    SELECT w.days, w.all_days FROM protime_etl.reported_days AS t JOIN protime_etl.written_days AS w USING (note_id)
    WHERE w.tenant = :tenant AND t.asset = :asset AND t.task = :task
)
SELECT ARRAY(SELECT DISTINCT day FROM reported CROSS JOIN unnest(days) AS day ORDER BY day DESC LIMIT :most + 1),
    count(*), coalesce(bool_and(all_days), true)
FROM reported

-- name: forget_old
-- Forgets what is older than a year. Another process may be forgetting the same rows.
DELETE FROM protime_etl.{table} WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM protime_etl.{table}
    WHERE tenant = :tenant AND {at} < clock_timestamp() - interval '1 year' FOR UPDATE SKIP LOCKED
))
