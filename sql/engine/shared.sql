-- What all processes share: the pause, the budget of requests, the token, and who holds which lock. For SQLAlchemy.

-- name: pause_left
-- Seconds until a request may be sent again; no row when there is no pause.
SELECT extract(epoch FROM until - clock_timestamp())::float8 FROM protime_etl.pauses
WHERE tenant = :tenant AND until > clock_timestamp()

-- name: extend_pause
-- Lets no process ask for some seconds, or for as long as was known before, whichever ends later; of what the API has
-- asked for the longest stays, while there is a pause.
INSERT INTO protime_etl.pauses AS p (tenant, until, asked_until)
VALUES (:tenant, clock_timestamp() + make_interval(secs => :seconds),
    clock_timestamp() + make_interval(secs => :asked))
ON CONFLICT (tenant) DO UPDATE SET until = greatest(p.until, excluded.until), asked_until =
    greatest(excluded.asked_until, CASE WHEN p.until > clock_timestamp() THEN p.asked_until END)

-- name: reserve_slot
-- Takes the next slot within the budget, a share of a second after the last one, and gives the seconds until it; no row
-- if it is too far away.
INSERT INTO protime_etl.pauses AS p (tenant, until, next_slot)
VALUES (:tenant, '-infinity', clock_timestamp() + make_interval(secs => :share))
ON CONFLICT (tenant) DO UPDATE
SET next_slot = greatest(p.next_slot, clock_timestamp()) + make_interval(secs => :share)
WHERE p.next_slot IS NULL OR p.next_slot <= clock_timestamp() + make_interval(secs => :patience)
RETURNING extract(epoch FROM next_slot - clock_timestamp())::float8 - :share

-- name: next_slot
-- Seconds until the next free slot, which is not taken.
SELECT extract(epoch FROM next_slot - clock_timestamp())::float8 FROM protime_etl.pauses
WHERE tenant = :tenant

-- name: known_pauses
-- The pauses of a tenant, or of all, that have not ended.
SELECT tenant, until, asked_until FROM protime_etl.pauses
WHERE until > clock_timestamp() AND tenant = coalesce(:tenant, tenant) ORDER BY tenant

-- name: lift_pause
-- Ends the pause; the budget of requests stays.
UPDATE protime_etl.pauses SET until = '-infinity', asked_until = NULL WHERE tenant = :tenant

-- name: lock_token
-- Whether the caller is the one that asks for a token; it may rest for longer while it does.
SELECT pg_try_advisory_xact_lock(hashtextextended(:client, 0)),
    set_config('idle_in_transaction_session_timeout', :limit, true)

-- name: read_token
-- The sealed token of a client, and the seconds that it has left by the clock that all share.
SELECT sealed, lifetime, extract(epoch FROM expires_at - clock_timestamp())::float8
FROM protime_etl.tokens WHERE client = :client

-- name: write_token
-- Keeps a sealed token in the place of the one before.
INSERT INTO protime_etl.tokens (client, sealed, lifetime, expires_at)
VALUES (:client, :sealed, :lifetime, clock_timestamp() + make_interval(secs => :remaining))
ON CONFLICT (client) DO UPDATE SET
    sealed = excluded.sealed, lifetime = excluded.lifetime, expires_at = excluded.expires_at

-- name: is_alive
-- Whether a process holds the lease of a run.
SELECT EXISTS (
    SELECT FROM pg_locks AS l JOIN pg_database AS d ON d.oid = l.database AND d.datname = current_database()
    WHERE l.locktype = 'advisory' AND l.objsubid = 2 AND l.granted AND CAST(l.classid AS bigint) = :lock
        AND CAST(l.objid AS bigint) = :run
)

-- name: who_blocks
-- The sessions that keep processes of ours waiting for a lock, and not for a moment.
SELECT DISTINCT l.pid AS waiting, {session_in_words}
FROM pg_locks AS l, unnest(pg_blocking_pids(l.pid)) AS blocking JOIN pg_stat_activity AS b ON b.pid = blocking
WHERE NOT l.granted AND l.pid = ANY(:pids) AND b.pid <> ALL(:pids)
    AND l.waitstart < clock_timestamp() - make_interval(secs => :patience)

-- name: who_holds
-- Other sessions that hold locks on tables of ours.
SELECT DISTINCT {session_in_words}
FROM pg_locks AS l JOIN pg_class AS c ON c.oid = l.relation JOIN pg_database AS d ON d.oid = l.database
    JOIN pg_stat_activity AS b ON b.pid = l.pid
WHERE l.granted AND d.datname = current_database() AND b.pid <> pg_backend_pid()
    AND CAST(CAST(c.relnamespace AS regnamespace) AS text) IN ('protime', 'protime_etl')
ORDER BY b.pid LIMIT 5

-- name: session_in_words
-- The moment as text: no setting of a role says how it looks. What other roles do is hidden from most users.
b.pid, b.usename, coalesce(nullif(b.application_name, ''), 'unnamed') AS application,
    coalesce(', ' || b.state || to_char(b.xact_start AT TIME ZONE 'UTC', '" since "YYYY-MM-DD HH24:MI" UTC"'), '')
    AS doing

-- name: outgrown
-- Tables of ours that have grown by a factor since they were last analysed, and that this user may analyse.
SELECT c.oid::regclass::text FROM pg_class AS c
WHERE c.relnamespace IN ('protime'::regnamespace, 'protime_etl'::regnamespace) AND c.relkind = 'r'
    AND pg_relation_size(c.oid) / current_setting('block_size')::int > :factor * greatest(c.relpages, 12)
    AND pg_has_role(c.relowner, 'USAGE')
