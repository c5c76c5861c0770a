"""A year of days as a calendar: a column a week, a line a weekday."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from protime_etl.counted import counted

__all__ = ["DAYS", "Calendar", "Cell", "calendar_of"]

WEEKS = 53
DAYS = 7 * WEEKS
STEP = 14
"""From one day's square to the next."""
LEFT, TOP = 34, 18
NOT_OVER = 2
"""Days, the running one included, that are covered only when they are over for everybody."""


@dataclass(frozen=True)
class Cell:
    """One day."""

    date: dt.date
    kind: str
    """`proven`, `complete`, `part`, `running` or `none`."""
    told: str
    differed: bool
    x: int
    y: int


@dataclass(frozen=True)
class Calendar:
    """A year that ends on some day."""

    first: dt.date
    last: dt.date
    cells: Sequence[Cell]
    months: Sequence[tuple[int, str]]
    """Where their names stand."""
    counts: Mapping[str, int]
    """How many days there are of each kind."""
    width: int = LEFT + WEEKS * STEP
    height: int = TOP + 7 * STEP


def calendar_of(days: Mapping[dt.date, Mapping[str, Any]], last: dt.date, today: dt.date) -> Calendar:
    """Draw the year that ends on a day, from what is known of each day that was read."""
    first = last - dt.timedelta(days=DAYS - 7 + last.weekday())
    cells: list[Cell] = []
    months: list[tuple[int, str]] = []
    counts = dict.fromkeys(("proven", "complete", "part", "running", "none"), 0)
    for n in range((last - first).days + 1):
        day = first + dt.timedelta(days=n)
        column = LEFT + n // 7 * STEP
        if day.day == 1 and (not months or column - months[-1][0] > 2 * STEP):
            months.append((column, f"{day:%b}" if day.month > 1 else f"{day:%Y}"))
        known = days.get(day)
        kind = _kind(known, over=(today - day).days >= NOT_OVER)
        counts[kind] += 1
        differed = bool(known and known["differences"])
        cells.append(Cell(day, kind, _told(day, known, kind), differed, column, TOP + day.weekday() * STEP))
    return Calendar(first, last, cells, months, counts)


def _kind(known: Mapping[str, Any] | None, *, over: bool) -> str:
    if known is None:
        return "none"
    if known["people_missing"]:
        return "part" if over else "running"
    return "complete" if known["proven_at"] is None else "proven"


def _told(day: dt.date, known: Mapping[str, Any] | None, kind: str) -> str:
    said = [f"{day:%a %d %b %Y}"]
    if known is None:
        return f"{said[0]}: not read"
    missing, covered = known["people_missing"], known["people_covered"]
    if kind == "running":
        said.append("not over yet, or read before it was")
    elif missing:
        said.append(f"not read for {missing} of {missing + covered} people")
    else:
        said.append(f"read for {covered} people")
    if known["last_read"]:
        said.append(f"last read {known['last_read']:%Y-%m-%d %H:%M}")
    if not missing:
        proven = known["proven_at"]
        said.append(f"proven equal {proven:%Y-%m-%d %H:%M}" if proven else "not proven equal yet")
    if known["differences"]:
        said.append(f"{counted(known['differences'], 'record')} differed once")
    return "; ".join(said)
