-- What the book knows to be wrong: days of people that are not here as the tenant has them. For SQLAlchemy.

-- name: uncover
-- Takes days that are wrong out of what is read, proven and read ahead.
WITH lost AS ({entered_days})
UPDATE protime_etl.coverage AS c
SET dates = c.dates - lost.days, proven = c.proven - lost.days, ahead = c.ahead - lost.days,
    ahead_before = c.ahead_before - lost.days
FROM lost
WHERE c.tenant = :tenant AND c.collection = :collection AND c.person_id = lost.person_id
    AND (c.dates && lost.days OR c.proven && lost.days OR c.ahead && lost.days OR c.ahead_before && lost.days)

-- name: entered_days
-- The days of each person that are entered as wrong.
SELECT person_id, range_agg(daterange(first, last, '[]')) AS days
FROM unnest(CAST(:people AS bigint[]), CAST(:firsts AS date[]), CAST(:lasts AS date[]))
    AS w (person_id, first, last)
GROUP BY person_id

-- name: enter_wrong
-- Enters why days are wrong. What is held back stays so, whatever else fails.
WITH entry AS ({entered_days}),
new AS (
    SELECT person_id, entry.days - coalesce((
        SELECT range_agg(d) FROM protime_etl.wrong AS w, unnest(w.dates) AS d
        WHERE w.tenant = :tenant AND w.collection = :collection AND w.kind = 'withheld'
            AND (w.people @> person_id OR person_id = :everyone)
    ), '{}') AS days
    FROM entry
)
INSERT INTO protime_etl.wrong (tenant, collection, people, dates, since, kind, why, run_id)
SELECT :tenant, :collection,
    range_agg(CASE WHEN person_id = :everyone THEN int8range(NULL, NULL)
        ELSE int8range(person_id, person_id, '[]') END),
    days, clock_timestamp(), :kind, :why, :run_id
FROM new WHERE NOT isempty(days) GROUP BY days

-- name: people_of_wrong
-- Of whom something is wrong on these days, whether a list names them or not.
SELECT person_id FROM protime_etl.wrong_days
WHERE tenant = :tenant AND collection = :collection AND person_id > 0
    AND dates && datemultirange(daterange(CAST(:first AS date), CAST(:last AS date), '[]'))

-- name: enter_right
-- Takes these days of these people out. Of an entry remain the other people, and the other days of these.
WITH found AS (
    DELETE FROM protime_etl.wrong
    WHERE tenant = :tenant AND collection = :collection AND people && CAST(:people AS int8multirange)
        AND dates && CAST(:dates AS datemultirange)
        AND kind = ANY(CAST(:kinds AS text[]))
    RETURNING people, dates, since, kind, why, run_id
)
INSERT INTO protime_etl.wrong (tenant, collection, people, dates, since, kind, why, run_id)
SELECT :tenant, :collection, left_over.people, left_over.dates, since, kind, why, run_id
FROM found CROSS JOIN LATERAL (
    VALUES (found.people - CAST(:people AS int8multirange), found.dates),
        (found.people * CAST(:people AS int8multirange), found.dates - CAST(:dates AS datemultirange))
) AS left_over (people, dates)
WHERE NOT isempty(left_over.people) AND NOT isempty(left_over.dates)

-- name: not_known_to_differ
-- Those of these days of people that no comparison has found to differ yet.
SELECT nullif(cell.person_id, :everyone), cell.day
FROM unnest(CAST(:people AS bigint[]), CAST(:days AS date[])) AS cell (person_id, day)
WHERE NOT EXISTS (
    SELECT FROM protime_etl.wrong AS w
    WHERE w.tenant = :tenant AND w.collection = :collection AND w.kind IN ('differs', 'withheld', 'older')
        AND (w.people @> cell.person_id OR cell.person_id = :everyone) AND w.dates @> cell.day
)

-- name: cells_of_rows
-- Whose days the rows of these records are on.
SELECT DISTINCT {person}, t.{day} FROM unnest(CAST(:ids AS bigint[])) AS d (id) CROSS JOIN LATERAL (
    SELECT * FROM protime.{table} AS t
    WHERE t.tenant = (SELECT CAST(:tenant AS text)) AND t.id = d.id OFFSET 0
) AS t

-- name: held_back
-- Those of these records whose rows are on days of which deletions are held back.
SELECT t.id FROM unnest(CAST(:ids AS bigint[])) AS d (id)
CROSS JOIN LATERAL (
    SELECT t.id, {person} AS person_id, {day} AS day FROM protime.{table} AS t
    WHERE t.tenant = (SELECT CAST(:tenant AS text)) AND t.id = d.id OFFSET 0
) AS t
WHERE EXISTS (
    SELECT FROM protime_etl.wrong AS w WHERE w.tenant = :tenant AND w.collection = :collection AND w.kind = 'withheld'
        AND (t.person_id IS NULL OR w.people @> t.person_id) AND (t.day IS NULL OR w.dates @> t.day)
)
ORDER BY t.id
