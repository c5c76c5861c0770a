-- What was asked for, what of it is to be read, and what is to be compared next. For SQLAlchemy.

-- name: enter_promise
-- Enters days that were asked for. From the day of the first run on each day that ends is due, also while no run comes.
INSERT INTO protime_etl.promises AS p (tenant, collection, by_people, dates, follows_from, planned_days)
SELECT t.tenant, CAST(:collection AS text), :by_people, datemultirange(daterange(:first, :last, '[]')),
    CAST(now() AT TIME ZONE t.timezone AS date), :planned_days
FROM protime_etl.tenants AS t WHERE t.tenant = :tenant
ON CONFLICT (tenant, collection) DO UPDATE
SET dates = p.dates + excluded.dates, follows_from = coalesce(p.follows_from, excluded.follows_from),
    planned_days = excluded.planned_days

-- name: enter_no_promise
-- Enters that something is read and nothing is due.
INSERT INTO protime_etl.promises (tenant, collection, by_people, dates)
VALUES (:tenant, :collection, :by_people, '{}') ON CONFLICT (tenant, collection) DO NOTHING

-- name: take_back_promise
-- Takes days out, and gives the collections of which any were asked for. What followed by itself is written down first,
-- so that it can be taken out; what comes after follows on.
UPDATE protime_etl.promises AS p
SET dates = p.dates + datemultirange(daterange(p.follows_from, greatest(p.follows_from, t.following)))
        - datemultirange(daterange(:first, :last, '[]')),
    follows_from = greatest(p.follows_from, t.following)
FROM (SELECT tenant, greatest(today, CAST(:last AS date)) + 1 AS following FROM protime.tenants) AS t
WHERE t.tenant = p.tenant AND p.tenant = :tenant AND p.collection = ANY(CAST(:collections AS text[]))
    AND p.follows_from IS NOT NULL
RETURNING p.collection

-- name: promised_ranges
-- Each range that was asked for, as far as it is due by now.
SELECT p.collection, lower(span) AS first, least(upper(span) - 1, t.today + p.planned_days) AS last
FROM protime_etl.promises AS p JOIN protime.tenants AS t USING (tenant),
    unnest(p.dates + CASE WHEN p.follows_from IS NULL THEN '{}'
        ELSE datemultirange(daterange(p.follows_from, NULL)) END) AS span
WHERE p.tenant = :tenant AND lower(span) <= t.today + p.planned_days
ORDER BY p.collection, first

-- name: runs_at
-- Runs for all people that have asked for any of these days and are alive: by the lease of their process, or with a unit
-- under way.
SELECT r.run_id FROM protime_etl.runs AS r
WHERE r.tenant = :tenant AND r.status = 'running' AND r.date_from <= :last AND r.date_to >= :first
    AND r.collections && CAST(:collections AS text[]) AND r.person_ids IS NULL AND r.circles IS NULL
    AND EXISTS (
        SELECT FROM pg_locks AS l JOIN pg_database AS d ON d.oid = l.database AND d.datname = current_database()
        WHERE l.locktype = 'advisory' AND l.objsubid = 2 AND l.granted AND (
            (CAST(l.classid AS bigint) = :run_lock AND CAST(l.objid AS bigint) = r.run_id % 2147483648)
            OR (CAST(l.classid AS bigint) = :unit_lock AND CAST(l.objid AS bigint) IN (
                SELECT u.unit_id % 2147483648 FROM protime_etl.units AS u WHERE u.run_id = r.run_id
            ))
        )
    )
ORDER BY r.run_id

-- name: missing_days
-- What was not read completely, or is wrong, and of whom. Who is in the book is due while in service, and where a
-- clocking is; what is wrong is read wherever it is.
SELECT array_agg(p ORDER BY p), lower(gap), upper(gap) - 1
FROM unnest(CAST(:people AS bigint[])) AS p
LEFT JOIN protime_etl.book AS b ON b.tenant = :tenant AND b.collection = :collection AND b.person_id = p
LEFT JOIN protime_etl.coverage AS c ON c.tenant = :tenant AND c.collection = :collection AND c.person_id = p
LEFT JOIN protime_etl.coverage AS e ON e.tenant = :tenant AND e.collection = :collection AND e.person_id = -1
LEFT JOIN protime_etl.wrong_days AS w ON w.tenant = :tenant AND w.collection = :collection AND w.person_id = p
CROSS JOIN LATERAL unnest(datemultirange(daterange(:first, :last, '[]'))
    * (coalesce(b.at_work, '{(,)}') + coalesce(w.dates, '{}'))
    - coalesce(c.dates, e.dates, '{}') - coalesce(b.read_ahead, '{}')) AS gap
GROUP BY gap ORDER BY gap

-- name: wrong_days
-- What is known to be wrong, the latest days first. What waits for a decision is read again only by a caller who has
-- accepted it.
SELECT array_agg(person_id ORDER BY person_id), lower(span), upper(span) - 1
FROM (
    SELECT p.person_id, range_agg(d) AS dates
    FROM protime_etl.wrong AS w, unnest(w.people) AS part, unnest(w.dates) AS d,
        generate_series(coalesce(lower(part), -1), coalesce(upper(part) - 1, -1)) AS p (person_id)
    WHERE w.tenant = :tenant AND w.collection = :collection AND NOT w.kind = ANY(:waiting)
    GROUP BY p.person_id
) AS w, unnest(w.dates * datemultirange(daterange(NULL, :before))) AS span
WHERE NOT lower_inf(span)
GROUP BY span ORDER BY span DESC

-- name: days_to_compare
-- Days by when they were last compared: those never were come first, the latest of them; then what was compared longest
-- ago. What was not equal then is compared again a month earlier, alone.
WITH held AS MATERIALIZED (
    SELECT read, read * unproven AS unproven, at_work - read AS unread
    FROM protime_etl.book WHERE tenant = :tenant AND collection = :collection GROUP BY 1, 2, 3
),
days AS (
    SELECT lower(span) + n AS date
    FROM (SELECT unnest(range_agg(span)) AS span FROM held, unnest(read) AS span) AS spans,
        generate_series(0, upper(span) - lower(span) - 1) AS n
    WHERE lower(span) + n < :before
),
spans AS (
    SELECT (SELECT coalesce(range_agg(span), '{}') FROM held, unnest(unproven) AS span) AS unproven,
        (SELECT coalesce(range_agg(span), '{}') FROM held, unnest(unread) AS span) AS unread
),
aged AS (
    SELECT days.date, p.part_since, p.part_until, p.proven_at,
        CASE WHEN spans.unproven @> days.date AND coalesce(p.rest_at, p.proven_at) < :until THEN
            coalesce(p.rest_at, p.proven_at) - interval '30 days' END AS rest_due,
        NOT :by_people OR NOT spans.unread @> days.date AS of_all
    FROM spans CROSS JOIN days
    LEFT JOIN protime_etl.proof_days AS p
        ON p.tenant = :tenant AND p.collection = :collection AND p.date = days.date
)
SELECT date, part_since, part_until, of_all, least(proven_at, rest_due) AS due,
    proven_at IS NOT NULL AND rest_due IS NOT NULL AND rest_due < proven_at AND part_since IS NULL AS is_rest
FROM aged
WHERE proven_at IS NULL OR proven_at < :until OR rest_due IS NOT NULL
ORDER BY least(proven_at, rest_due) NULLS FIRST, date DESC

-- name: people_of_day
-- Whose records of a day were read, or of these those that are not proven.
SELECT person_id FROM protime_etl.book
WHERE tenant = :tenant AND collection = :collection AND person_id > 0 AND read @> CAST(:day AS date)
    AND NOT (:rest AND proven @> CAST(:day AS date)) AND person_id > :after
ORDER BY person_id
