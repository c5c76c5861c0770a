"""A year of days as a calendar: a column a week, a line a weekday."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from protime_etl.counted import counted

__all__ = ["DAYS", "KINDS", "Calendar", "Cell", "calendar_of"]

WEEKS = 53
DAYS = 7 * WEEKS
STEP = 14
"""From one day's square to the next."""
LEFT, TOP = 34, 18
RIGHT = 24
"""Room for the name of a month that begins in the last week."""
ONE_DAY = dt.timedelta(days=1)
SETTLES = 2
"""Days after which the next night reads a day once more and knows that it is over for all people."""


KINDS = {
    "proven": "verified",
    "complete": "complete",
    "part": "incomplete",
    "hole": "not read",
    "running": "not over yet",
    "none": "not requested",
}
MISSING = ("part", "hole")
Days = tuple[dt.date, dt.date]
"""First and last day."""


@dataclass(frozen=True)
class Cell:
    """One day."""

    date: dt.date
    kind: str
    """One of `KINDS`."""
    title: str
    whom: str
    """Of how many people it was not read; empty if it is complete."""
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
    width: int = LEFT + WEEKS * STEP + RIGHT
    height: int = TOP + 7 * STEP

    @property
    def label(self) -> str:
        """All of it in words, for screen readers."""
        counts = ", ".join(f"{number} {KINDS[kind]}" for kind, number in self.counts.items())
        differed = sum(cell.differed for cell in self.cells)
        return f"Days from {self.first} to {self.last}: {counts}, {differed} differed once"

    @property
    def missing(self) -> Sequence[tuple[Days, str]]:
        """The ranges of days that are not complete, each with what it is, the latest first."""
        ranges: list[tuple[Days, str]] = []
        for cell in self.cells:
            if cell.kind not in MISSING:
                continue
            if ranges and ranges[-1][1] == cell.whom and ranges[-1][0][1] == cell.date - ONE_DAY:
                ranges[-1] = ((ranges[-1][0][0], cell.date), cell.whom)
            else:
                ranges.append(((cell.date, cell.date), cell.whom))
        return ranges[::-1]

    @property
    def days_missing(self) -> int:
        """How many days are not complete."""
        return sum(self.counts[kind] for kind in MISSING)


def calendar_of(
    days: Mapping[dt.date, Mapping[str, Any]], last: dt.date, today: dt.date, failed: Sequence[Days] = ()
) -> Calendar:
    """Draw the year that ends on a day, from what is known of each day that was read.

    `failed` are days whose last reading failed: they are incomplete however young they are.
    """
    first = last - dt.timedelta(days=DAYS - 7 + last.weekday())
    cells: list[Cell] = []
    months: list[tuple[int, str]] = []
    counts = dict.fromkeys(KINDS, 0)
    for n in range((last - first).days + 1):
        day = first + dt.timedelta(days=n)
        column = LEFT + n // 7 * STEP
        if day.day == 1 and (not months or column - months[-1][0] > 2 * STEP):
            months.append((column, f"{day:%b}" if day.month > 1 else f"{day:%Y}"))
        known = days.get(day)
        has_failed = any(begin <= day <= end for begin, end in failed)
        kind = _kind(known, over=(today - day).days > SETTLES, has_failed=has_failed)
        counts[kind] += 1
        differed = bool(known and known["differences"])
        title, whom = _title(day, known, kind), _whom(known) if kind in MISSING else ""
        cells.append(Cell(day, kind, title, whom, differed, column, TOP + day.weekday() * STEP))
    return Calendar(first, last, cells, months, counts)


def _kind(known: Mapping[str, Any] | None, *, over: bool, has_failed: bool) -> str:
    if known is None:
        return "none"
    if known["people_missing"] or (has_failed and not known["people_covered"]):
        if not over and not has_failed:
            return "running"
        return "part" if known["people_covered"] else "hole"
    if not known["people_covered"]:  # not due: it is not over, or was not asked for
        return "none" if over else "running"
    return "complete" if known["proven_at"] is None else "proven"


def _whom(known: Mapping[str, Any] | None) -> str:
    if known is None:
        return ""
    return f"{known['people_missing']} of {known['people_missing'] + known['people_covered']} people"


def _title(day: dt.date, known: Mapping[str, Any] | None, kind: str) -> str:
    parts = [f"{day:%a %d %b %Y}"]
    if known is None:
        return f"{parts[0]}: {KINDS[kind]}"
    if kind == "running":
        parts.append("not over yet, or read before it was")
    elif known["people_missing"]:
        parts.append(f"not read for {_whom(known)}")
    else:
        parts.append(f"read for {known['people_covered']} people")
    if known["last_read"]:
        parts.append(f"last read {known['last_read']:%Y-%m-%d %H:%M}")
    if not known["people_missing"]:
        proven = known["proven_at"]
        parts.append(f"verified {proven:%Y-%m-%d %H:%M}" if proven else "not verified yet")
    if known["differences"]:
        parts.append(f"{counted(known['differences'], 'record')} differed once")
    return "; ".join(parts)
