"""What was asked for: days of which all people are due, whatever became of the run that asked."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from sqlalchemy.engine import Connection

from protime_etl.collections.registry import COLLECTIONS
from protime_etl.postgres.server.statements import text
from protime_etl.postgres.server.stored import Stored
from protime_etl.postgres.shared.locks import RUN_LOCK, UNIT_LOCK

__all__ = ["enter_promise", "promised_ranges", "runs_at", "take_back_promise"]


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
        stored = Stored(connection, tenant, COLLECTIONS[path])
        stored.execute(
            "enter_no_promise" if days is None else "enter_promise",
            by_people=stored.collection.by_people,
            first=first,
            last=last,
            planned_days=planned_days if stored.collection.plans else 0,
        )


def take_back_promise(
    connection: Connection, tenant: str, collections: Iterable[str], first: dt.date, last: dt.date
) -> list[str]:
    """Take these days back: they are not due any more. Returns the collections of which any were asked for."""
    values = {"tenant": tenant, "collections": list(collections), "first": first, "last": last}
    return sorted(connection.scalars(text("take_back_promise"), values))


def runs_at(
    connection: Connection, tenant: str, collections: Iterable[str], first: dt.date, last: dt.date
) -> list[int]:
    """Numbers of the runs for all people that are at any of these days now."""
    values = {"tenant": tenant, "collections": list(collections), "first": first, "last": last}
    locks = {"run_lock": RUN_LOCK, "unit_lock": UNIT_LOCK}
    return list(connection.scalars(text("runs_at"), values | locks))


def promised_ranges(
    connection: Connection, tenant: str, collections: Iterable[str]
) -> list[tuple[str, dt.date, dt.date]]:
    """Collection, first and last day of each range that was asked for, as far as it is due by now."""
    chosen = {*collections}
    rows = connection.execute(text("promised_ranges"), {"tenant": tenant})
    return [(row[0], row[1], row[2]) for row in rows if row[0] in chosen]
