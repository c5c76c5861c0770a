"""What the warehouse says of itself: the facts that `health` judges and `status` shows, each a query."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from psycopg.errors import QueryCanceled
from sqlalchemy.engine import Connection

from protime_etl.collections.registry import COLLECTIONS
from protime_etl.postgres.locks import RUN_LOCK, UNIT_LOCK

__all__ = ["Facts", "Row", "count_rows", "read_facts", "rows_until"]

Row = Mapping[str, Any]
Facts = Mapping[str, Sequence[Row]]

TENANTS = """
SELECT t.tenant, t.timezone,
    (SELECT max(u.finished_at) FROM protime_etl.units AS u JOIN protime_etl.runs AS r USING (run_id)
        WHERE r.tenant = t.tenant AND u.status = 'done') AS last_read,
    (SELECT count(*) FROM protime_etl.rejected_record AS x WHERE x.tenant = t.tenant) AS rejected
FROM protime_etl.tenants AS t ORDER BY t.tenant
"""
COLLECTION = """
SELECT t.tenant, '{path}' AS collection,
    coalesce(
        (SELECT s.read_at FROM protime_etl.collection_state AS s
            WHERE s.tenant = t.tenant AND s.collection = '{path}'),
        (SELECT max(u.finished_at) FROM protime_etl.units AS u JOIN protime_etl.runs AS r USING (run_id)
            WHERE r.tenant = t.tenant AND u.collection = '{path}' AND u.status = 'done')
    ) AS last_read
FROM protime_etl.tenants AS t
"""
ROWS = """
SELECT t.tenant, '{path}' AS collection,
    (SELECT count(*) FROM protime.{table} AS c WHERE c.tenant = t.tenant AND c.deleted_at IS NULL) AS rows,
    (SELECT count(*) FROM protime.{table} AS c WHERE c.tenant = t.tenant AND c.deleted_at IS NOT NULL) AS deleted
FROM protime_etl.tenants AS t
"""
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
SELECT run_id, r.tenant, r.origin, r.collections, r.date_from, r.date_to, r.started_at,
    CASE WHEN r.status <> 'running' THEN r.status
        WHEN r.origin LIKE 'cli%' AND (:run_lock, r.run_id % 2147483648) NOT IN (SELECT * FROM held) THEN 'died'
        WHEN r.origin NOT LIKE 'cli%' AND count(w.number) = 0 THEN 'waiting'
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
# What failed and was not read since, by whatever run.
LEFT = """
SELECT tenant, collection, run_id, date_from, date_to, people, ids, failed_at, error
FROM (
SELECT r.tenant, u.collection, u.run_id, u.date_from, u.date_to,
    CASE WHEN u.person_ids = '{-1}' THEN 'all'
        WHEN cardinality(u.person_ids) > 20 THEN u.person_ids[1:20]::text || ' and more'
        ELSE u.person_ids::text END AS people, u.finished_at AS failed_at, u.error,
    u.person_ids AS ids,
    row_number() OVER (PARTITION BY r.tenant ORDER BY u.finished_at DESC) AS number
FROM protime_etl.units AS u JOIN protime_etl.runs AS r USING (run_id)
WHERE u.status = 'failed' AND u.collection = ANY(:collections)
    AND u.finished_at > clock_timestamp() - interval '30 days'
    AND NOT EXISTS (
        SELECT FROM protime_etl.units AS d JOIN protime_etl.runs AS s USING (run_id)
        WHERE s.tenant = r.tenant AND d.collection = u.collection AND d.status = 'done'
            AND d.finished_at > u.finished_at AND d.date_from <= u.date_from AND d.date_to >= u.date_to
            AND d.person_ids @> u.person_ids
            AND d.circles IS NOT DISTINCT FROM u.circles
    )
) AS numbered
WHERE number <= 50 ORDER BY failed_at DESC
"""
# Readings of all people that came to their end, the newest of each collection.
COMPLETE = """
SELECT DISTINCT ON (r.tenant, read) r.tenant, read AS collection, r.finished_at AT TIME ZONE t.timezone AS at,
    round(extract(epoch FROM clock_timestamp() - r.finished_at) / 3600, 1)::float8 AS hours, r.finished_at
FROM protime_etl.runs AS r JOIN protime_etl.tenants AS t USING (tenant), unnest(r.collections) AS read
WHERE r.status = 'done' AND r.person_ids IS NULL AND r.circles IS NULL AND read = ANY(:collections)
    AND r.origin NOT LIKE '% repair'
ORDER BY r.tenant, read, r.run_id DESC
"""
PAUSES = """
SELECT tenant, until, ceil(extract(epoch FROM until - clock_timestamp()))::int AS seconds,
    CASE WHEN asked_until > until THEN asked_until END AS asked_until
FROM protime_etl.pauses WHERE until > clock_timestamp()
"""
DELTAS = """
SELECT d.tenant, d.collection, d.status, d.date_from, d.requested_at,
    round(extract(epoch FROM clock_timestamp() - d.requested_at) / 3600, 1)::float8 AS hours_since,
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

PROOF = """
SELECT tenant, collection, count(*) AS days, count(proven_at) AS proven, min(proven_at) AS oldest,
    round(extract(epoch FROM clock_timestamp() - min(proven_at)) / 86400, 1)::float8 AS oldest_days,
    sum(differences)::bigint AS differences, max(last_found_at) AS last_found_at,
    coalesce(sum(differences) FILTER (WHERE last_found_at > clock_timestamp() - interval '7 days'), 0)::bigint AS lately
FROM protime.proof AS p WHERE collection = ANY(:collections) GROUP BY tenant, collection ORDER BY tenant, collection
"""
# Days that are over, that were read for some and not for all.
HOLES = """
SELECT c.tenant, count(*) AS days, min(c.date) AS first, max(c.date) AS last, max(c.people_missing) AS people
FROM protime.coverage AS c JOIN protime.tenants AS t USING (tenant)
WHERE c.people_missing > 0 AND c.date < t.today - 2 GROUP BY c.tenant
"""
# What takes longest comes last.
QUERIES = {
    "runs": RUNS,
    "not_read": LEFT,
    "deltas": DELTAS,
    "pauses": PAUSES,
    "complete": COMPLETE,
    "tenants": TENANTS,
    "coverage": COVERAGE,
    "proof": PROOF,
    "holes": HOLES,
}


def read_facts(
    connection: Connection, collections: Sequence[str], *, within: float | None = None
) -> dict[str, list[dict[str, Any]]]:
    """Every kind of fact about all tenants and these collections, by its name; no table of records is counted.

    `within`: so many seconds for all of them. What could not be told in time is empty, and named in `too_slow`.
    """
    values = {"run_lock": RUN_LOCK, "unit_lock": UNIT_LOCK, "collections": list(collections)}
    queries = {"collections": _of_each(COLLECTION, collections) + " ORDER BY tenant, collection", **QUERIES}
    if within is None:
        return {name: _rows(connection, query, values) for name, query in queries.items()}
    end = time.monotonic() + within
    facts: dict[str, list[dict[str, Any]]] = {"too_slow": []}
    for name, query in queries.items():
        # None takes more than half of what is left, so that there is something for the others.
        rows = rows_until(connection, (time.monotonic() + end) / 2, query, values)
        facts[name] = rows or []
        if rows is None:
            facts["too_slow"].append({"fact": name})
    return facts


def rows_until(
    connection: Connection, end: float, query: str, values: Mapping[str, Any]
) -> list[dict[str, Any]] | None:
    """The rows of a query, or None if they could not be told until that moment of the monotonic clock."""
    milliseconds = int((end - time.monotonic()) * 1000)
    if milliseconds <= 0:
        return None
    try:
        with connection.begin_nested():
            limit = sa.text("SELECT set_config('statement_timeout', :milliseconds, true)")
            connection.execute(limit, {"milliseconds": str(milliseconds)})
            return _rows(connection, query, values)
    except sa.exc.OperationalError as error:
        if not isinstance(error.orig, QueryCanceled):
            raise
        return None


def _rows(connection: Connection, query: str, values: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [dict(row) for row in connection.execute(sa.text(query), values).mappings()]


def count_rows(connection: Connection, collections: Iterable[str]) -> dict[tuple[str, str], tuple[int, int]]:
    """Of each tenant and collection the rows that are there and those marked deleted: a second a few million."""
    query = sa.text(_of_each(ROWS, collections))
    return {(row.tenant, row.collection): (row.rows, row.deleted) for row in connection.execute(query)}


def _of_each(query: str, collections: Iterable[str]) -> str:
    return " UNION ALL ".join(query.format(path=path, table=COLLECTIONS[path].table) for path in collections)
