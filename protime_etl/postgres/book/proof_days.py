"""The book by day: when all of it was last compared, how far a comparison in parts has come, and what ever differed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from sqlalchemy.engine import Connection

from protime_etl.postgres.server.statements import text

__all__ = ["enter_differences", "enter_part", "enter_proven_days"]


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
    statement = text("enter_proven_days", moment="rest_at" if rest else "proven_at", more=more)
    connection.execute(statement, values)


def enter_part(  # noqa: PLR0917
    connection: Connection, tenant: str, collection: str, day: dt.date, since: dt.datetime, until: int
) -> None:
    """Enter how far a comparison of a day in parts has come: up to that person."""
    values = {**_whose(tenant, collection), "day": day, "since": since, "until": until}
    connection.execute(text("enter_part"), values)


def enter_differences(connection: Connection, tenant: str, collection: str, by_day: Mapping[dt.date, int]) -> None:
    """Count what differed on these days."""
    if by_day:
        found = {"days": list(by_day), "numbers": list(by_day.values())}
        connection.execute(text("enter_differences"), {**_whose(tenant, collection), **found})


def _whose(tenant: str, collection: str) -> dict[str, Any]:
    return {"tenant": tenant, "collection": collection}
