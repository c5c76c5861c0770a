-- The book: which days of which person are read, and which are proven equal to the tenant. For SQLAlchemy.

-- name: begin_coverage
-- A row for each of these people. Who has none yet begins with what was read of all people by date alone.
INSERT INTO protime_etl.coverage (tenant, collection, person_id, dates, proven, read_at, ahead, ahead_at)
SELECT :tenant, :collection, p.person_id, coalesce(e.dates, '{}'), coalesce(e.proven, '{}'), '-infinity',
    coalesce(e.ahead, '{}'), e.ahead_at
FROM unnest(CAST(:people AS bigint[])) AS p (person_id)
LEFT JOIN protime_etl.coverage AS e
    ON e.tenant = :tenant AND e.collection = :collection AND e.person_id = :everyone
ORDER BY p.person_id ON CONFLICT DO NOTHING

-- name: lock_coverage
-- Locks the rows of these people, in their order, so that two transactions cannot deadlock.
SELECT FROM protime_etl.coverage
WHERE tenant = :tenant AND collection = :collection AND person_id = ANY(CAST(:people AS bigint[]))
ORDER BY person_id FOR UPDATE

-- name: enter_read
-- Enters a complete reading, by which all that it did not change is proven.
WITH lost AS ({changed_days})
UPDATE protime_etl.coverage AS c
SET read_at = statement_timestamp(),
    dates = c.dates + CAST(:read AS datemultirange), {ahead},
    proven = CASE WHEN :known THEN c.proven + CAST(:read AS datemultirange) - CAST(:lost_by_all AS datemultirange)
        - coalesce(lost.days, '{}') ELSE c.proven - CAST(:window AS datemultirange) END,
    written_at = CASE WHEN :written THEN clock_timestamp() ELSE c.written_at END
FROM unnest(CAST(:people AS bigint[])) AS p (person_id) LEFT JOIN lost USING (person_id)
WHERE c.tenant = :tenant AND c.collection = :collection AND c.person_id = p.person_id

-- name: changed_days
-- The days of each person that were written or differ.
SELECT person_id, range_agg(daterange(day, day, '[]')) AS days
FROM unnest(CAST(:changed_people AS bigint[]), CAST(:changed_days AS date[])) AS cell (person_id, day)
GROUP BY person_id

-- name: ahead
-- Days to come are read again each night, in parts perhaps: what is read within half a day belongs together, and what
-- was read before it counts until it is too old. The view of the book says when that is.
ahead = CASE WHEN {joins_ahead} THEN c.ahead ELSE '{}' END + CAST(:ahead AS datemultirange),
    ahead_at = CASE WHEN {joins_ahead} THEN c.ahead_at ELSE statement_timestamp() END,
    ahead_before = CASE WHEN {joins_ahead} THEN c.ahead_before ELSE c.ahead END,
    ahead_before_at = CASE WHEN {joins_ahead} THEN c.ahead_before_at ELSE c.ahead_at END

-- name: joins_ahead
-- Whether these days to come belong to those that were read last, or there are none.
(CAST(:ahead AS datemultirange) = '{}' OR c.ahead_at > statement_timestamp() - interval '12 hours')

-- name: end_proofs
-- Ends what is proven of days that were written or differ. Who is at work on the same people proves what it reads:
-- nothing is waited for, so no order of locks is broken.
WITH lost AS ({changed_days}),
locked AS (
    SELECT person_id FROM protime_etl.coverage
    WHERE tenant = :tenant AND collection = :collection AND person_id = ANY(ARRAY(SELECT person_id FROM lost))
    ORDER BY person_id FOR UPDATE SKIP LOCKED
)
UPDATE protime_etl.coverage AS c
SET proven = c.proven - lost.days, written_at = CASE WHEN :written THEN clock_timestamp() ELSE c.written_at END
FROM locked JOIN lost USING (person_id)
WHERE c.tenant = :tenant AND c.collection = :collection AND c.person_id = locked.person_id

-- name: end_all_proofs
-- Ends what is proven of these days, of these people or of all.
WITH locked AS (
    SELECT person_id FROM protime_etl.coverage
    WHERE tenant = :tenant AND collection = :collection AND proven && CAST(:lost AS datemultirange)
        AND (CAST(:people AS bigint[]) IS NULL OR person_id = ANY(CAST(:people AS bigint[])))
    ORDER BY person_id FOR UPDATE
)
UPDATE protime_etl.coverage AS c SET proven = c.proven - CAST(:lost AS datemultirange) FROM locked
WHERE c.tenant = :tenant AND c.collection = :collection AND c.person_id = locked.person_id

-- name: enter_compared
-- Enters a comparison, by which the equal days are read and proven. It holds no lock while it reads: it proves nothing
-- of people whose records were written since it began.
WITH lost AS ({changed_days}),
locked AS (
    SELECT person_id FROM protime_etl.coverage
    WHERE tenant = :tenant AND collection = :collection AND (written_at IS NULL OR written_at <= :began)
        AND (CAST(:people AS bigint[]) IS NULL OR person_id = ANY(CAST(:people AS bigint[])))
    ORDER BY person_id FOR UPDATE SKIP LOCKED
)
UPDATE protime_etl.coverage AS c SET dates = c.dates + equal.days, proven = c.proven + equal.days, {ahead}
FROM locked LEFT JOIN lost USING (person_id)
CROSS JOIN LATERAL (SELECT CAST(:equal AS datemultirange) - coalesce(lost.days, '{}') AS days) AS equal
WHERE c.tenant = :tenant AND c.collection = :collection AND c.person_id = locked.person_id
    AND NOT (c.dates @> equal.days AND c.proven @> equal.days AND CAST(:ahead AS datemultirange) = '{}')

-- name: forget_rejected_of_days
-- What was rejected on these days of these people before a complete reading of them began, and not since.
DELETE FROM protime_etl.rejected_record WHERE tenant = :tenant AND collection = :collection
    AND last_seen_at < :began AND date BETWEEN :first AND :last
    AND (person_id = ANY(CAST(:people AS bigint[])) OR :everyone = ANY(CAST(:people AS bigint[])))

-- name: enter_proven_days
-- When a reading of all people on these days began, or of the rest that was not equal; an earlier moment changes nothing.
INSERT INTO protime_etl.proof_days AS d (tenant, collection, date, {moment})
SELECT :tenant, :collection, CAST(:first AS date) + n, :at
FROM generate_series(0, CAST(:last AS date) - CAST(:first AS date)) AS n
ON CONFLICT (tenant, collection, date) DO UPDATE SET {moment} = greatest(d.{moment}, excluded.{moment}){more}

-- name: enter_part
-- How far a comparison of a day in parts has come.
INSERT INTO protime_etl.proof_days AS d (tenant, collection, date, part_since, part_until)
VALUES (:tenant, :collection, :day, :since, :until) ON CONFLICT (tenant, collection, date)
DO UPDATE SET part_since = excluded.part_since, part_until = excluded.part_until

-- name: enter_differences
-- Counts what differed on these days.
INSERT INTO protime_etl.proof_days AS d (tenant, collection, date, differences, last_found_at)
SELECT :tenant, :collection, day, number, clock_timestamp()
FROM unnest(CAST(:days AS date[]), CAST(:numbers AS bigint[])) AS found (day, number) ORDER BY day
ON CONFLICT (tenant, collection, date) DO UPDATE
SET differences = d.differences + excluded.differences, last_found_at = excluded.last_found_at
