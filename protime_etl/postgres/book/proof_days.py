"""The book by day: when all of it was last compared, how far a comparison in parts has come, and what ever differed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from protime_etl.postgres.server.statements import text
from protime_etl.postgres.server.stored import Stored

__all__ = ["enter_differences", "enter_part", "enter_proven_days"]


def enter_proven_days(stored: Stored, days: tuple[dt.date, dt.date], at: dt.datetime, *, rest: bool = False) -> None:
    """Enter that a reading of all people on these days, or of the `rest` that was not equal, began at that moment."""
    more = "" if rest else ", rest_at = NULL, part_since = NULL, part_until = NULL"
    statement = text("enter_proven_days", moment="rest_at" if rest else "proven_at", more=more)
    stored.execute(statement, first=days[0], last=days[1], at=at)


def enter_part(stored: Stored, day: dt.date, since: dt.datetime, until: int) -> None:
    """Enter how far a comparison of a day in parts has come: up to that person."""
    stored.execute("enter_part", day=day, since=since, until=until)


def enter_differences(stored: Stored, by_day: Mapping[dt.date, int]) -> None:
    """Count what differed on these days."""
    if by_day:
        stored.execute("enter_differences", days=list(by_day), numbers=list(by_day.values()))
