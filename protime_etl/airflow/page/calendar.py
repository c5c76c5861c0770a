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
SETTLES = 2
"""Days after which the next night reads a day once more and knows that it is over for everybody."""


KINDS = {
    "proven": "proven equal",
    "complete": "complete",
    "part": "somebody is missing",
    "hole": "nobody was read",
    "running": "not over yet",
    "none": "not read",
}


@dataclass(frozen=True)
class Cell:
    """One day."""

    date: dt.date
    kind: str
    """One of `KINDS`."""
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

    @property
    def label(self) -> str:
        """All of it in words, for who cannot see it."""
        told = ", ".join(f"{number} {KINDS[kind]}" for kind, number in self.counts.items())
        return (
            f"Days from {self.first} to {self.last}: {told}, {sum(cell.differed for cell in self.cells)} differed once"
        )

    @property
    def missing(self) -> Sequence[Cell]:
        """The days of which somebody or everybody is missing, the latest first."""
        return [cell for cell in reversed(self.cells) if cell.kind in ("part", "hole")]


def calendar_of(days: Mapping[dt.date, Mapping[str, Any]], last: dt.date, today: dt.date) -> Calendar:
    """Draw the year that ends on a day, from what is known of each day that was read."""
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
        kind = _kind(known, over=(today - day).days > SETTLES)
        counts[kind] += 1
        differed = bool(known and known["differences"])
        cells.append(Cell(day, kind, _told(day, known, kind), differed, column, TOP + day.weekday() * STEP))
    return Calendar(first, last, cells, months, counts)


def _kind(known: Mapping[str, Any] | None, *, over: bool) -> str:
    if known is None:
        return "none"
    if known["people_missing"]:
        if not over:
            return "running"
        return "part" if known["people_covered"] else "hole"
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
