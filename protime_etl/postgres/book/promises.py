"""What was asked for: days of which all people are due, whatever became of the run that asked."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from protime_etl.collections.registry import COLLECTIONS
from protime_etl.postgres.shared.locks import RUN_LOCK, UNIT_LOCK

__all__ = ["enter_promise", "promised_ranges", "runs_at", "take_back_promise"]

# From the day of the first run on each day that ends is due, also while no run comes.
PROMISE = """
INSERT INTO protime_etl.promises AS p (tenant, collection, by_people, dates, follows_from, planned_days)
SELECT t.tenant, CAST(:collection AS text), :by_people, datemultirange(daterange(:first, :last, '[]')),
    CAST(now() AT TIME ZONE t.timezone AS date), :planned_days
FROM protime_etl.tenants AS t WHERE t.tenant = :tenant
ON CONFLICT (tenant, collection) DO UPDATE
SET dates = p.dates + excluded.dates, follows_from = coalesce(p.follows_from, excluded.follows_from),
    planned_days = excluded.planned_days
"""
NO_PROMISE = """
INSERT INTO protime_etl.promises (tenant, collection, by_people, dates)
VALUES (:tenant, :collection, :by_people, '{}') ON CONFLICT (tenant, collection) DO NOTHING
"""
# What followed by itself is written down first, so that it can be taken out; what comes after follows on.
TAKE_BACK = """
UPDATE protime_etl.promises AS p
SET dates = p.dates + datemultirange(daterange(p.follows_from, greatest(p.follows_from, t.following)))
        - datemultirange(daterange(:first, :last, '[]')),
    follows_from = greatest(p.follows_from, t.following)
FROM (SELECT tenant, greatest(today, CAST(:last AS date)) + 1 AS following FROM protime.tenants) AS t
WHERE t.tenant = p.tenant AND p.tenant = :tenant AND p.collection = ANY(CAST(:collections AS text[]))
    AND p.follows_from IS NOT NULL
RETURNING p.collection
"""
# What has asked for them and is alive: by the lease of its process, or with a unit under way.
RUNS_AT = """
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
"""
RANGES = """
SELECT p.collection, lower(span) AS first, least(upper(span) - 1, t.today + p.planned_days) AS last
FROM protime_etl.promises AS p JOIN protime.tenants AS t USING (tenant),
    unnest(p.dates + CASE WHEN p.follows_from IS NULL THEN '{}'
        ELSE datemultirange(daterange(p.follows_from, NULL)) END) AS span
WHERE p.tenant = :tenant AND lower(span) <= t.today + p.planned_days
ORDER BY p.collection, first
"""


def enter_promise(
    connection: Connection,
    tenant: str,
    collections: Iterable[str],
    days: tuple[dt.date, dt.date] | None,
    planned_days: int = 0,
) -> None:
    """Enter that these days were asked for, of all people; without days, that something is read and nothing is due.

    Of collections of plans, as many days to come as `planned_days` are due, too, from each day on.
    """
    first, last = days or (None, None)
    for path in sorted(collections):
        by_people = COLLECTIONS[path].by_people
        values = {"tenant": tenant, "collection": path, "by_people": by_people, "first": first, "last": last}
        values["planned_days"] = planned_days if COLLECTIONS[path].plans else 0
        connection.execute(sa.text(NO_PROMISE if days is None else PROMISE), values)


def take_back_promise(
    connection: Connection, tenant: str, collections: Iterable[str], first: dt.date, last: dt.date
) -> list[str]:
    """Take these days back: they are not due any more. Returns the collections of which any were asked for."""
    values = {"tenant": tenant, "collections": list(collections), "first": first, "last": last}
    return sorted(connection.scalars(sa.text(TAKE_BACK), values))


def runs_at(
    connection: Connection, tenant: str, collections: Iterable[str], first: dt.date, last: dt.date
) -> list[int]:
    """Numbers of the runs for all people that are at any of these days now."""
    values = {"tenant": tenant, "collections": list(collections), "first": first, "last": last}
    locks = {"run_lock": RUN_LOCK, "unit_lock": UNIT_LOCK}
    return list(connection.scalars(sa.text(RUNS_AT), values | locks))


def promised_ranges(
    connection: Connection, tenant: str, collections: Iterable[str]
) -> list[tuple[str, dt.date, dt.date]]:
    """Collection, first and last day of each range that was asked for, as far as it is due by now."""
    chosen = {*collections}
    rows = connection.execute(sa.text(RANGES), {"tenant": tenant})
    return [(row[0], row[1], row[2]) for row in rows if row[0] in chosen]
