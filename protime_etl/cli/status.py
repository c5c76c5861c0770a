"""`protime-etl status`: what is there, how fresh it is, and what needs a look."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
import typer
from sqlalchemy.engine import URL

from protime_etl.cli.console import print_json, print_line
from protime_etl.cli.options import Collections, Json
from protime_etl.cli.place import chosen_collections, warehouse
from protime_etl.cli.status_details import print_details
from protime_etl.cli.verdict import judge
from protime_etl.collections.registry import COLLECTIONS
from protime_etl.config import load_place
from protime_etl.postgres.connection import create_engine, database_errors
from protime_etl.postgres.locks import RUN_LOCK, UNIT_LOCK
from protime_etl.postgres.schema import require_schema

__all__ = ["print_status", "status"]

TENANTS = """
SELECT t.tenant, t.timezone,
    (SELECT count(*) FROM protime.clockings AS c WHERE c.tenant = t.tenant AND c.deleted_at IS NULL) AS clockings,
    (SELECT count(*) FROM protime.clockings AS c WHERE c.tenant = t.tenant AND c.deleted_at IS NOT NULL) AS deleted,
    (SELECT count(*) FROM protime.people AS p WHERE p.tenant = t.tenant AND p.deleted_at IS NULL) AS people,
    (SELECT max(u.finished_at) FROM protime_etl.units AS u JOIN protime_etl.runs AS r USING (run_id)
        WHERE r.tenant = t.tenant AND u.status = 'done') AS last_read,
    (SELECT count(*) FROM protime_etl.rejected_record AS x WHERE x.tenant = t.tenant) AS rejected
FROM protime_etl.tenants AS t ORDER BY t.tenant
"""
COLLECTION = """
SELECT t.tenant, '{path}' AS collection,
    (SELECT count(*) FROM protime.{table} AS c WHERE c.tenant = t.tenant AND c.deleted_at IS NULL) AS rows,
    (SELECT count(*) FROM protime.{table} AS c WHERE c.tenant = t.tenant AND c.deleted_at IS NOT NULL) AS deleted,
    coalesce(
        (SELECT s.read_at FROM protime_etl.collection_state AS s
            WHERE s.tenant = t.tenant AND s.collection = '{path}'),
        (SELECT max(u.finished_at) FROM protime_etl.units AS u JOIN protime_etl.runs AS r USING (run_id)
            WHERE r.tenant = t.tenant AND u.collection = '{path}' AND u.status = 'done')
    ) AS last_read
FROM protime_etl.tenants AS t
"""
COVERAGE = """
SELECT tenant, collection, lower(days) AS first, upper(days) - 1 AS last,
    nullif(count(*) FILTER (WHERE person_id > 0), 0) AS people
FROM protime_etl.coverage, unnest(dates) AS days WHERE collection = ANY(:collections)
GROUP BY tenant, collection, days ORDER BY tenant, collection, days DESC LIMIT 10
"""
# A run of the command line lives in one process, whose death PostgreSQL notices by the lock it held. A run of Airflow
# has many; without one at work it waits for Airflow, which starts the next task or the next try.
RUNS = """
WITH held AS (
    SELECT l.classid::bigint AS kind, l.objid::bigint AS number FROM pg_locks AS l
    JOIN pg_database AS d ON d.oid = l.database AND d.datname = current_database()
    WHERE l.locktype = 'advisory' AND l.objsubid = 2 AND l.granted
)
SELECT run_id, r.tenant, r.origin, r.date_from, r.date_to, r.started_at,
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
WHERE r.collections && CAST(:collections AS text[]) GROUP BY run_id ORDER BY run_id DESC LIMIT 10
"""
# What failed and was not read since, by whatever run.
LEFT = """
SELECT r.tenant, u.collection, u.run_id, u.date_from, u.date_to,
    CASE WHEN u.person_ids = '{-1}' THEN 'all'
        WHEN cardinality(u.person_ids) > 20 THEN u.person_ids[1:20]::text || ' and more'
        ELSE u.person_ids::text END AS people, u.finished_at AS failed_at, u.error
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
ORDER BY u.finished_at DESC LIMIT 50
"""
# Readings of all people that came to their end, the newest of each collection.
COMPLETE = """
SELECT DISTINCT ON (r.tenant, read) r.tenant, read AS collection, r.finished_at AT TIME ZONE t.timezone AS at,
    round(extract(epoch FROM clock_timestamp() - r.finished_at) / 3600, 1)::float8 AS hours
FROM protime_etl.runs AS r JOIN protime_etl.tenants AS t USING (tenant), unnest(r.collections) AS read
WHERE r.status = 'done' AND r.person_ids IS NULL AND r.circles IS NULL AND read = ANY(:collections)
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


LOCKS = {"run_lock": RUN_LOCK, "unit_lock": UNIT_LOCK}


def print_status(url: URL, *, collections: Sequence[str], as_json: bool) -> bool:
    """Print what the warehouse says of itself and these collections; tells whether all is well.

    Raises:
        DatabaseError: it cannot be reached, or has no schema.
    """
    engine = create_engine(url)
    values = {**LOCKS, "collections": list(collections)}
    try:
        require_schema(engine)
        with database_errors(url), engine.connect() as connection:
            results = {
                name: [dict(row) for row in connection.execute(sa.text(query), values).mappings()]
                for name, query in (
                    ("tenants", TENANTS),
                    ("collections", " UNION ALL ".join(map(_about, collections)) + " ORDER BY tenant, collection"),
                    ("coverage", COVERAGE),
                    ("runs", RUNS),
                    ("not_read", LEFT),
                    ("deltas", DELTAS),
                    ("pauses", PAUSES),
                    ("complete", COMPLETE),
                )
            }
    finally:
        engine.dispose()
    dated = [path for path in collections if COLLECTIONS[path].is_dated]
    verdicts = [judge(row["tenant"], results, dated) for row in results["tenants"]]
    for verdict in verdicts:
        for line in verdict.lines:
            print_line(line)
    if not verdicts:
        print_line("Nothing has been read yet. Next: protime-etl sync --from DATE --to DATE")
    else:
        print_details(results)
    if as_json:
        del results["complete"]
        print_json({"verdict": [verdict.as_dict() for verdict in verdicts], **results})
    return all(verdict.ok for verdict in verdicts)


def _about(path: str) -> str:
    return COLLECTION.format(path=path, table=COLLECTIONS[path].table)


def status(collections: Collections = None, as_json: Json = False) -> None:
    """Whether all is well, and what is here. Exit status 3 if something needs a look."""
    chosen = load_place().collections if collections is None else chosen_collections(collections)
    with warehouse() as url:
        all_is_well = print_status(url, collections=chosen, as_json=as_json)
    if not all_is_well:
        raise typer.Exit(3)
