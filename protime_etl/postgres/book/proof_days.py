"""The book by day: when all of it was last compared, how far a comparison in parts has come, and what ever differed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

__all__ = ["enter_differences", "enter_part", "enter_proven_days"]

PROVEN_DAYS = """
INSERT INTO protime_etl.proof_days AS d (tenant, collection, date, {moment})
SELECT :tenant, :collection, CAST(:first AS date) + n, :at
FROM generate_series(0, CAST(:last AS date) - CAST(:first AS date)) AS n
ON CONFLICT (tenant, collection, date) DO UPDATE SET {moment} = greatest(d.{moment}, excluded.{moment}){more}
"""
DIFFERENCES = """
INSERT INTO protime_etl.proof_days AS d (tenant, collection, date, differences, last_found_at)
SELECT :tenant, :collection, day, number, clock_timestamp()
FROM unnest(CAST(:days AS date[]), CAST(:numbers AS bigint[])) AS found (day, number) ORDER BY day
ON CONFLICT (tenant, collection, date) DO UPDATE
SET differences = d.differences + excluded.differences, last_found_at = excluded.last_found_at
"""


def enter_proven_days(
    connection: Connection,
    tenant: str,
    collection: str,
    days: tuple[dt.date, dt.date],
    at: dt.datetime,
    *,
    rest: bool = False,
) -> None:
    """Enter that a reading of all people on these days, or of the `rest` that was not equal, began at that moment."""
    values = {**_whose(tenant, collection), "first": days[0], "last": days[1], "at": at}
    more = "" if rest else ", rest_at = NULL, part_since = NULL, part_until = NULL"
    connection.execute(sa.text(PROVEN_DAYS.format(moment="rest_at" if rest else "proven_at", more=more)), values)


def enter_part(  # noqa: PLR0917
    connection: Connection, tenant: str, collection: str, day: dt.date, since: dt.datetime, until: int
) -> None:
    """Enter how far a comparison of a day in parts has come: up to that person."""
    statement = (
        "INSERT INTO protime_etl.proof_days AS d (tenant, collection, date, part_since, part_until)"
        " VALUES (:tenant, :collection, :day, :since, :until) ON CONFLICT (tenant, collection, date)"
        " DO UPDATE SET part_since = excluded.part_since, part_until = excluded.part_until"
    )
    values = {**_whose(tenant, collection), "day": day, "since": since, "until": until}
    connection.execute(sa.text(statement), values)


def enter_differences(connection: Connection, tenant: str, collection: str, by_day: Mapping[dt.date, int]) -> None:
    """Count what differed on these days."""
    if by_day:
        found = {"days": list(by_day), "numbers": list(by_day.values())}
        connection.execute(sa.text(DIFFERENCES), {**_whose(tenant, collection), **found})


def _whose(tenant: str, collection: str) -> dict[str, Any]:
    return {"tenant": tenant, "collection": collection}
