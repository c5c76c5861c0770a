"""What the warehouse says of itself: the facts that `health` judges and `status` shows, each a query."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa
from psycopg.errors import QueryCanceled
from sqlalchemy.engine import Connection

from protime_etl.collections.registry import COLLECTIONS
from protime_etl.postgres.book.days import complete_ranges, gaps, late, plans, proofs
from protime_etl.postgres.health.other_forms import other_forms
from protime_etl.postgres.shared.locks import RUN_LOCK, UNIT_LOCK

__all__ = ["Facts", "Row", "RowCount", "count_rows", "read_facts", "rows_until", "tenants_of"]

Row = Mapping[str, Any]
Facts = Mapping[str, Sequence[Row]]

OVERDUE_HOURS = 36
"""A night has that long to read the last day that is over: also one that begins late in the evening, and the next."""
TENANTS = """
SELECT t.tenant, t.timezone, CAST(now() AT TIME ZONE t.timezone AS date) AS today,
    (SELECT max(u.finished_at) FROM protime_etl.units AS u JOIN protime_etl.runs AS r USING (run_id)
        WHERE r.tenant = t.tenant AND u.collection = ANY(:collections) AND u.status = 'done') AS last_read,
    (SELECT count(*) FROM protime_etl.rejected_record AS x
        WHERE x.tenant = t.tenant AND x.collection = ANY(:collections)) AS rejected
FROM protime_etl.tenants AS t ORDER BY t.tenant
"""
COLLECTION = """
SELECT t.tenant, '{path}' AS collection, l.last_read,
    round(extract(epoch FROM clock_timestamp() - l.last_read) / 3600, 1)::float8 AS hours
FROM protime_etl.tenants AS t CROSS JOIN LATERAL (
    SELECT coalesce(
        (SELECT s.read_at FROM protime_etl.collection_state AS s
            WHERE s.tenant = t.tenant AND s.collection = '{path}'),
        (SELECT max(u.finished_at) FROM protime_etl.units AS u JOIN protime_etl.runs AS r USING (run_id)
            WHERE r.tenant = t.tenant AND u.collection = '{path}' AND u.status = 'done')
    ) AS last_read
) AS l
"""
ROWS = """
SELECT t.tenant, '{path}' AS collection,
    (SELECT count(*) FROM protime.{table} AS c WHERE c.tenant = t.tenant AND c.deleted_at IS NULL) AS rows,
    (SELECT count(*) FROM protime.{table} AS c WHERE c.tenant = t.tenant AND c.deleted_at IS NOT NULL) AS deleted
FROM protime_etl.tenants AS t
"""
SIZE = "SELECT reltuples FROM pg_class WHERE oid = CAST(:table AS regclass)"
ESTIMATE = "EXPLAIN (FORMAT JSON) SELECT FROM protime.{table} WHERE tenant = :tenant AND deleted_at {which}"
IMPOSSIBLE = (sa.exc.DataError, sa.exc.NotSupportedError)
"""What PostgreSQL says of a value that it cannot calculate with, such as an infinite moment."""
MOST_COUNTED = 1_000_000
"""Rows of a table that are counted; a second takes a few times as many."""
COVERAGE = """
SELECT tenant, collection, first, last, people
FROM (
    SELECT tenant, collection, lower(days) AS first, upper(days) - 1 AS last,
        nullif(count(*) FILTER (WHERE person_id > 0), 0) AS people,
        row_number() OVER (PARTITION BY tenant ORDER BY collection, days DESC) AS number
    FROM protime_etl.coverage, unnest(dates) AS days WHERE collection = ANY(:collections)
    GROUP BY tenant, collection, days
) AS numbered
WHERE number <= 10 ORDER BY tenant, collection, first DESC
"""
# A run of the command line lives in one process, whose death PostgreSQL notices by the lock it held. A run of Airflow
# has many; without one at work it waits for Airflow, which starts the next task or the next try.
RUNS = """
WITH held AS (
    SELECT l.classid::bigint AS kind, l.objid::bigint AS number FROM pg_locks AS l
    JOIN pg_database AS d ON d.oid = l.database AND d.datname = current_database()
    WHERE l.locktype = 'advisory' AND l.objsubid = 2 AND l.granted
)
SELECT run_id, r.tenant, r.kind, r.started_by, r.dag_id, r.dag_run_id,
    concat_ws(' ', r.started_by, r.dag_id, r.dag_run_id,
        CASE WHEN r.kind IN ('repair', 'unlisted') OR (r.kind = 'backfill' AND r.dag_id IS NULL) THEN r.kind END
    ) AS origin,
    r.collections, r.date_from, r.date_to, r.started_at,
    CASE WHEN r.status <> 'running' THEN r.status
        WHEN r.started_by = 'cli' AND (:run_lock, r.run_id % 2147483648) NOT IN (SELECT * FROM held) THEN 'died'
        WHEN r.started_by <> 'cli' AND count(w.number) = 0 THEN 'waiting'
        ELSE r.status END AS status,
    count(*) FILTER (WHERE u.status = 'done') || '/' || count(u.unit_id) FILTER (WHERE u.status <> 'cut') AS units,
    count(w.number) AS under_way,
    coalesce(sum(u.rows_read), 0)::bigint AS rows_read, r.error,
    concat_ws(' ',
        '--people ' || CASE WHEN cardinality(r.person_ids) > 100 THEN '(the same)'
            ELSE array_to_string(r.person_ids, ',') END,
        '--collections ' || CASE WHEN r.collections <> '{clockings}' THEN array_to_string(r.collections, ',') END,
        '--circles ' || array_to_string(r.circles, ','),
        CASE WHEN r.only_missing THEN '--only-missing' END
    ) AS options
FROM protime_etl.runs AS r LEFT JOIN protime_etl.units AS u USING (run_id)
    LEFT JOIN (SELECT DISTINCT number FROM held WHERE kind = :unit_lock) AS w ON w.number = u.unit_id % 2147483648
WHERE run_id IN (
    -- Of each tenant: many of one hide none of another.
    SELECT run_id FROM (
        SELECT run_id, row_number() OVER (PARTITION BY tenant ORDER BY run_id DESC) AS number
        FROM protime_etl.runs WHERE collections && CAST(:collections AS text[])
    ) AS numbered
    WHERE number <= 10
) GROUP BY run_id ORDER BY run_id DESC
"""
# What is known to be wrong: whose days, and the first reason of each kind.
WRONG = """
SELECT tenant, collection, kind, since, why, run_id, first, last, person_id,
    CASE WHEN NOT of_all THEN (SELECT sum(upper(u) - lower(u))::int FROM unnest(whose) AS u) END AS people
FROM (
    SELECT w.tenant, w.collection, w.kind, min(w.since) AS since, (array_agg(w.why ORDER BY w.since))[1] AS why,
        (array_agg(w.run_id ORDER BY w.since))[1] AS run_id, min(lower(d)) AS first, max(upper(d) - 1) AS last,
        min(lower(p)) AS person_id, bool_or(upper_inf(p)) AS of_all, range_agg(p) AS whose
    FROM protime_etl.wrong AS w, unnest(w.dates) AS d, unnest(w.people) AS p
    WHERE w.collection = ANY(:collections)
    GROUP BY w.tenant, w.collection, w.kind
) AS entries ORDER BY tenant, collection, kind
"""
# The whole book at once, as ranges of days on which nothing changes: of how many people each day is due, of how many of
# these it was not read, and is not known to be wrong either, and of how many it is read and not proven; and of days to
# come of how many people they are due, of how many they were not read by the last night, and are not wrong either.
BOOK = """
WITH wrong AS (
    SELECT tenant, collection, person_id, dates FROM protime_etl.wrong_days WHERE collection = ANY(:collections)
),
span AS MATERIALIZED (
    SELECT tenant, collection, what, d, count(*) AS people
    FROM (
        SELECT b.tenant, b.collection, b.due, b.due - b.read AS missing, b.read, b.unproven,
            b.due - b.read - coalesce(w.dates, '{}') - coalesce(e.dates, '{}') AS unread,
            b.due_ahead AS ahead, b.due_ahead - b.read_ahead AS unread_ahead,
            b.due_ahead - b.read_ahead - coalesce(w.dates, '{}') - coalesce(e.dates, '{}') AS late
        FROM protime_etl.book AS b
        LEFT JOIN wrong AS w
            ON w.tenant = b.tenant AND w.collection = b.collection AND w.person_id = b.person_id AND w.person_id > 0
        LEFT JOIN wrong AS e ON e.tenant = b.tenant AND e.collection = b.collection AND e.person_id = -1
        WHERE b.collection = ANY(:collections)
    ) AS held CROSS JOIN LATERAL (VALUES ('due', due), ('missing', missing), ('unread', unread), ('read', read),
        ('unproven', unproven), ('ahead', ahead), ('unread_ahead', unread_ahead), ('late', late)
    ) AS kinds (what, dates), unnest(dates) AS d
    GROUP BY tenant, collection, what, d
),
ends AS (
    SELECT tenant, collection, day,
        sum(change) FILTER (WHERE what = 'due') AS due, sum(change) FILTER (WHERE what = 'missing') AS missing,
        sum(change) FILTER (WHERE what = 'unread') AS unread, sum(change) FILTER (WHERE what = 'read') AS read,
        sum(change) FILTER (WHERE what = 'unproven') AS unproven,
        sum(change) FILTER (WHERE what = 'ahead') AS ahead,
        sum(change) FILTER (WHERE what = 'unread_ahead') AS unread_ahead,
        sum(change) FILTER (WHERE what = 'late') AS late
    FROM (
        SELECT tenant, collection, what, lower(d) AS day, people AS change FROM span
        UNION ALL SELECT tenant, collection, what, upper(d), -people FROM span WHERE NOT upper_inf(d)
    ) AS e
    GROUP BY tenant, collection, day
)
SELECT tenant, collection, day AS first, lead(day) OVER later - 1 AS last,
    coalesce(sum(due) OVER later, 0)::int AS due, coalesce(sum(missing) OVER later, 0)::int AS missing,
    coalesce(sum(unread) OVER later, 0)::int AS unread, coalesce(sum(read) OVER later, 0)::int AS read,
    coalesce(sum(unproven) OVER later, 0)::int AS unproven, coalesce(sum(ahead) OVER later, 0)::int AS ahead,
    coalesce(sum(unread_ahead) OVER later, 0)::int AS unread_ahead, coalesce(sum(late) OVER later, 0)::int AS late
FROM ends WINDOW later AS (PARTITION BY tenant, collection ORDER BY day)
ORDER BY tenant, collection, first
"""
ASKED = """
SELECT p.tenant, p.collection, p.follows_from, t.today,
    CAST((now() - make_interval(hours => :overdue)) AT TIME ZONE t.timezone AS date) - 1 AS overdue_before,
    (extract(epoch FROM now() - CAST(t.today AS timestamp) AT TIME ZONE t.timezone) / 3600)::float8 AS hours_today,
    clock_timestamp() AS now
FROM protime_etl.promises AS p JOIN protime.tenants AS t USING (tenant)
WHERE p.collection = ANY(:collections) AND p.follows_from IS NOT NULL ORDER BY p.tenant, p.collection
"""
PROVEN_DAYS = """
SELECT tenant, collection, date, proven_at, differences, last_found_at,
    round(extract(epoch FROM clock_timestamp() - proven_at) / 86400, 1)::float8 AS days_ago
FROM protime_etl.proof_days WHERE collection = ANY(:collections) ORDER BY tenant, collection, date
"""
# Days between ranges that were asked for.
NOT_ASKED_FOR = """
SELECT p.tenant, p.collection, lower(span) AS first, upper(span) - 1 AS last
FROM protime_etl.promises AS p JOIN protime.tenants AS t USING (tenant),
    unnest(datemultirange(daterange(lower(p.dates), t.today)) - p.dates
        - datemultirange(daterange(p.follows_from, NULL))) AS span
WHERE p.collection = ANY(:collections) AND NOT isempty(p.dates) AND lower(p.dates) < t.today
ORDER BY p.tenant, p.collection, first
"""
PAUSES = """
SELECT tenant, until, ceil(extract(epoch FROM until - clock_timestamp()))::int AS seconds,
    CASE WHEN asked_until > until THEN asked_until END AS asked_until
FROM protime_etl.pauses WHERE until > clock_timestamp()
"""
DELTAS = """
SELECT d.tenant, d.collection, d.status, d.date_from, d.requested_at,
    round(extract(epoch FROM clock_timestamp() - coalesce(d.requested_at, d.started_at)) / 3600, 1)::float8
        AS hours_since,
    CASE WHEN d.status = 'active' THEN
        greatest(0, 72 - round(extract(epoch FROM clock_timestamp() - d.requested_at) / 3600, 1))::float8
    END AS hours_left,
    (SELECT count(*) FROM protime.drift AS x WHERE (x.tenant, x.collection) = (d.tenant, d.collection)) AS drift,
    (SELECT count(*) FROM protime_etl.delta_unconfirmed AS u
        WHERE (u.tenant, u.collection) = (d.tenant, d.collection)) AS unconfirmed,
    (SELECT count(*) FROM protime_etl.delta_unconfirmed AS u
        WHERE (u.tenant, u.collection) = (d.tenant, d.collection) AND u.withheld) AS withheld,
    d.error
FROM protime_etl.deltas AS d WHERE d.collection = ANY(:collections) ORDER BY d.tenant, d.collection
"""

# What takes longest comes last.
QUERIES = {
    "runs": RUNS,
    "wrong": WRONG,
    "deltas": DELTAS,
    "pauses": PAUSES,
    "not_asked_for": NOT_ASKED_FOR,
    "tenants": TENANTS,
    "asked": ASKED,
    "proof_days": PROVEN_DAYS,
    "coverage": COVERAGE,
    "book": BOOK,
}


class RowCount(NamedTuple):
    """Rows of a tenant in a table."""

    rows: int
    deleted: int
    is_exact: bool
    """Counted, and not estimated."""


def read_facts(
    connection: Connection, collections: Sequence[str], *, within: float | None = None
) -> dict[str, list[dict[str, Any]]]:
    """Every kind of fact about all tenants and these collections, by its name; no table of records is counted.

    `within`: seconds for all of them. What could not be read in time is empty, and named in `too_slow`; so is what
    cannot be read of one tenant, as by a time zone that PostgreSQL does not know, with the tenant and the reason.
    """
    values = {
        "run_lock": RUN_LOCK,
        "unit_lock": UNIT_LOCK,
        "collections": list(collections),
        "overdue": OVERDUE_HOURS,
    }
    queries = {
        "collections": _of_each(COLLECTION, collections) + " ORDER BY tenant, collection",
        **QUERIES,
        "other_forms": other_forms(collections),
    }
    end = None if within is None else time.monotonic() + within
    facts: dict[str, list[dict[str, Any]]] = {"too_slow": []}
    for name, query in queries.items():
        # None takes more than half of what is left, so that there is something for the others.
        until = None if end is None else (time.monotonic() + end) / 2
        failed: dict[str, str] = {}
        rows = _rows_of_each(connection, until, query, values, failed)
        facts[name] = rows or []
        facts["too_slow"] += [{"fact": name, "tenant": tenant, "why": why} for tenant, why in failed.items()]
        if rows is None:
            facts["too_slow"].append({"fact": name})
    return _derived(facts)


def tenants_of(facts: Facts) -> list[str]:
    """All tenants of the warehouse, also those of which something cannot be read."""
    return sorted({row["tenant"] for name in ("tenants", "too_slow") for row in facts[name] if "tenant" in row})


def _rows_of_each(
    connection: Connection, end: float | None, query: str, values: Mapping[str, Any], failed: dict[str, str]
) -> list[dict[str, Any]] | None:
    """As `rows_until`; of a query that fails by a value of one tenant the rows of the others; notes who failed why."""
    try:
        return rows_until(connection, end, query, values)
    except IMPOSSIBLE:
        pass
    found: list[dict[str, Any]] = []
    for tenant in connection.scalars(sa.text("SELECT tenant FROM protime_etl.tenants ORDER BY tenant")).all():
        try:
            rows = rows_until(
                connection, end, f"SELECT * FROM ({query}) AS every WHERE tenant = :only", {**values, "only": tenant}
            )
        except IMPOSSIBLE as error:
            failed[tenant] = (
                getattr(getattr(error.orig, "diag", None), "message_primary", None) or "an impossible value"
            )
            continue
        if rows is None:
            return None
        found += rows
    return found


def _derived(facts: dict[str, list[dict[str, Any]]]) -> dict[str, list[dict[str, Any]]]:
    """The facts, and what follows from the book."""
    book, asked = facts["book"], facts["asked"]
    now = asked[0]["now"] if asked else dt.datetime.now(dt.UTC)
    return facts | {
        "complete": complete_ranges(book, asked),
        "gaps": gaps(book, asked) + late(book, asked),
        "plans": plans(book, asked),
        "proof": proofs(book, facts["proof_days"], now),
    }


def rows_until(
    connection: Connection, end: float | None, query: str, values: Mapping[str, Any]
) -> list[dict[str, Any]] | None:
    """The rows of a query, or None if they could not be read until a moment of the monotonic clock, if one is given."""
    milliseconds = None if end is None else int((end - time.monotonic()) * 1000)
    if milliseconds is not None and milliseconds <= 0:
        return None
    try:
        with connection.begin_nested():
            if milliseconds is not None:
                limit = sa.text("SELECT set_config('statement_timeout', :milliseconds, true)")
                connection.execute(limit, {"milliseconds": str(milliseconds)})
            return [dict(row) for row in connection.execute(sa.text(query), values).mappings()]
    except sa.exc.OperationalError as error:
        if not isinstance(error.orig, QueryCanceled):
            raise
        return None


def count_rows(
    connection: Connection, tenants: Sequence[str], collections: Iterable[str]
) -> dict[tuple[str, str], RowCount]:
    """The rows of each tenant and collection: counted, or as PostgreSQL estimates them where counting takes seconds."""
    sizes = {
        path: connection.scalar(sa.text(SIZE), {"table": f"protime.{COLLECTIONS[path].table}"}) for path in collections
    }
    small = [path for path, size in sizes.items() if size <= MOST_COUNTED]
    rows = connection.execute(sa.text(_of_each(ROWS, small))) if small else ()
    found = {(row.tenant, row.collection): RowCount(row.rows, row.deleted, is_exact=True) for row in rows}
    for path in sorted(sizes.keys() - {*small}):
        for tenant in tenants:
            here, deleted = (_estimate(connection, tenant, path, which) for which in ("IS NULL", "IS NOT NULL"))
            found[tenant, path] = RowCount(here, deleted, is_exact=False)
    return found


def _estimate(connection: Connection, tenant: str, path: str, which: str) -> int:
    """How many rows PostgreSQL expects."""
    query = sa.text(ESTIMATE.format(table=COLLECTIONS[path].table, which=which))
    ((plan,),) = connection.scalars(query, {"tenant": tenant}).all()
    return int(plan["Plan"]["Plan Rows"])


def _of_each(query: str, collections: Iterable[str]) -> str:
    return " UNION ALL ".join(query.format(path=path, table=COLLECTIONS[path].table) for path in collections)
