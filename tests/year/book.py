"""What the year knows for certain: what was asked for, what was tried, what was read, and which cells are due.

A cell is a person on a day. Where a run failed it is not known outside how much of it was committed: its cells
were tried and may have been read. So each question has two answers, what must be so and what must not, and between
them the warehouse may say either.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from typing import NamedTuple
from zoneinfo import ZoneInfo

from protime_etl.sync.plan.days import OPEN_DAYS
from tests.support.truth import Rows
from tests.year.life import Life

__all__ = ["NEVER", "Book", "Cell", "Failure", "days_of"]

Cell = tuple[int, dt.date]
ZONE = ZoneInfo("Europe/Brussels")
NEVER = dt.datetime.min.replace(tzinfo=dt.UTC)
ONE_DAY = dt.timedelta(days=1)
LATER = -1
"""Those who are hired later: a comparison of all by date alone says of them, too, that they have nothing on a day."""


class Failure(NamedTuple):
    """A reading that is known to have come to a bad end."""

    days: frozenset[dt.date]
    at: dt.datetime
    why: str
    is_held: bool
    """Whether deletions were held back, and all else was read."""

    def __str__(self) -> str:
        return f"{min(self.days)}..{max(self.days)} failed ({self.why[:120]})"


def days_of(first: dt.date, last: dt.date) -> list[dt.date]:
    """The days, both included."""
    return [first + ONE_DAY * n for n in range((last - first).days + 1)]


def over(moment: dt.datetime) -> dt.date:
    """The last day that can change no more in the ordinary way."""
    return moment.astimezone(ZONE).date() - ONE_DAY * OPEN_DAYS


class Book:
    """The state of every cell, as far as it is known from outside."""

    def __init__(self, life: Life) -> None:
        self._life = life
        self._asked: set[dt.date] = set()
        self._newest: dt.date | None = None
        self._spans: dict[int, dict[dt.date, dt.date | None]] = {}
        self._listed: set[int] = set()
        self.listed_at = NEVER
        """When the list of people was last read for certain."""
        self.list_failed_at = NEVER
        self.read: dict[Cell, dt.datetime] = {}
        """When a complete reading of a cell that is over last began."""
        self.proven: dict[Cell, dt.datetime] = {}
        """Since when a cell is known to be equal: by a reading, and nothing has changed since the one before it."""
        self.tried: dict[Cell, dt.datetime] = {}
        """When a reading of a cell that is over last began, whatever became of it."""
        self.perhaps: dict[Cell, dt.datetime] = {}
        """The same with what may never have come to the cell."""
        self.failures: list[Failure] = []
        self.failed_at = NEVER
        self.came_at = NEVER
        """When a run of all people last failed, and when one last came to its end; of days that are not over, too."""
        self.plans_tried_at = self.plans_read_at = NEVER
        """When a run that was to read all plans last began, and when one that came to its end."""
        self.delta_since: dt.datetime | None = None
        """When the initial load of the delta began."""
        self.delta_asked_at = NEVER
        """When the last poll of the delta came to its end well."""
        self.polled_at = NEVER
        """When the last of these brought all that had changed."""
        self.delta_held = False
        """Whether deletions of the delta are held back."""

    # What happens.

    def promise(self, first: dt.date, last: dt.date) -> None:
        """A run for all people was asked for."""
        self._asked |= set(days_of(first, last))
        self._newest = last if self._newest is None else max(self._newest, last)

    def take_back(self, first: dt.date, last: dt.date) -> None:
        """A range is asked for no longer."""
        self._asked -= set(days_of(first, last))
        self._forgive(days_of(first, last))

    def list_people(self, at: dt.datetime) -> None:
        """The list of people was read."""
        self.listed_at = at
        self._listed = set(self._life.tenant.person_ids())
        for person in self._life.tenant.people_truth():
            if person.id not in self._spans:
                compared = {day: at for (whose, day), at in self.perhaps.items() if whose == LATER}
                self.perhaps = {**{(person.id, day): at for day, at in compared.items()}, **self.perhaps}
            spans = self._spans.setdefault(person.id, {})
            spans[person.in_service_date or dt.date.min] = person.out_of_service_date

    def try_to_read(self, first: dt.date, last: dt.date, at: dt.datetime, *, by_date: bool = False) -> list[Cell]:
        """A reading of these days began, of the people in the list or, by date alone, of all; returns its cells."""
        cells = self.may_reach(first, last, at, by_date=by_date)
        self.tried.update(dict.fromkeys(cells, at))
        return cells

    def may_reach(self, first: dt.date, last: dt.date, at: dt.datetime, *, by_date: bool = False) -> list[Cell]:
        """A reading of these days was about to begin; returns the cells that it was to read."""
        cells = list(self._cells(days_of(first, min(last, over(at))), by_date=by_date))
        self.perhaps.update(dict.fromkeys(cells, at))
        return cells

    def doubt(self, first: dt.date, last: dt.date, at: dt.datetime) -> None:
        """Something of these days was read or failed: nothing is known of them until they are read again."""
        for cell in self.may_reach(first, last, at, by_date=True):
            self.read.pop(cell, None)
            self.proven.pop(cell, None)
        self._forgive(days_of(first, last))

    def finish(self, cells: Iterable[Cell], at: dt.datetime) -> None:
        """What began at that moment came to its end: these cells are as the tenant had them."""
        for cell in cells:
            if self._life.touched.get(cell, NEVER) < self.read.get(cell, NEVER):
                self.proven[cell] = at
            else:
                self.proven.pop(cell, None)
            self.read[cell] = at
        self.failures = [one for one in self.failures if not self._is_made_good(one)]

    def fill(self, first: dt.date, last: dt.date, at: dt.datetime) -> None:
        """What was missing on these days was read: what was not known to be here, and what had failed."""
        cells = self.try_to_read(first, last, at)
        self.finish(
            [
                cell
                for cell in cells
                if cell[0] in self.in_service(cell[1]) and (cell not in self.read or self.has_failed(cell))
            ],
            at,
        )

    def fail(self, first: dt.date, last: dt.date, at: dt.datetime, why: str, *, is_held: bool = False) -> None:
        """A reading that began at that moment failed."""
        self.failed_at = at
        days = frozenset(days_of(first, min(last, over(at))))
        if days:
            self.failures.append(Failure(days, at, why, is_held))

    def accept(self) -> None:
        """What vanished at once was accepted: on other days of its run nothing had failed."""
        self.failures = [one for one in self.failures if not one.is_held]

    # What follows.

    def has_failed(self, cell: Cell) -> bool:
        """Whether a reading of a cell failed since it was last read."""
        return any(cell[1] in one.days and one.at > self.read.get(cell, NEVER) for one in self.failures)

    def may_be_wrong(self, cell: Cell) -> bool:
        """Whether a cell is unread, has failed, or has changed since: a comparison may have found it to differ."""
        read = self.read.get(cell, NEVER)
        return read == NEVER or self.has_failed(cell) or self._life.touched.get(cell, NEVER) > read

    def is_proven(self, cell: Cell) -> bool:
        """Whether a cell was found equal by the last reading and is not known to have changed or failed since."""
        proven = self.proven.get(cell, NEVER)
        return proven > self._life.touched.get(cell, NEVER) and not self.has_failed(cell)

    def due_days(self, now: dt.datetime) -> list[dt.date]:
        """Days that were asked for and are over."""
        later = days_of(self._newest, over(now)) if self._newest is not None and self._newest < over(now) else []
        return sorted(day for day in {*self._asked, *later} if day <= over(now))

    def in_service(self, day: dt.date, *, listed: bool = False) -> list[int]:
        """Who is due on a day, by the lists that were read; only those who are in the list still, if `listed`."""
        return [
            person
            for person, spans in self._spans.items()
            if any(first <= day <= (last or day) for first, last in spans.items())
            and (person in self._listed or not listed)
        ]

    def due(self, now: dt.datetime, *, listed: bool = False) -> Iterator[Cell]:
        """The cells that are due."""
        return ((person, day) for day in self.due_days(now) for person in self.in_service(day, listed=listed))

    def is_right_for_certain(self, record_id: int, truth: Rows, table: Rows) -> bool:
        """Whether a reading since its last change has brought a record, wherever it was and is."""
        changed = self._life.changed.get(record_id, NEVER + ONE_DAY)
        if self.delta_since is not None and self.delta_since < changed < self.polled_at:
            return True
        return self._reached(record_id, truth, table, self.read) > changed

    def was_tried(self, record_id: int, truth: Rows, table: Rows) -> bool:
        """Whether a reading since its last change was to bring a record, whatever became of the reading."""
        changed = self._life.changed.get(record_id, NEVER + ONE_DAY)
        return self._reached(record_id, truth, table, self.tried) > changed

    def _reached(self, record_id: int, truth: Rows, table: Rows, by: dict[Cell, dt.datetime]) -> dt.datetime:
        """When a reading last was where the tenant has the record, or the table has one that the tenant has not."""
        row = truth.get(record_id) or table.get(record_id)
        return NEVER if row is None else by.get((row["person_id"], dt.date.fromisoformat(row["date"])), NEVER)

    def _cells(self, days: Iterable[dt.date], *, by_date: bool) -> Iterator[Cell]:
        people = self._life.tenant.people_truth()
        ever = self._spans.keys() | {LATER, *(one.id for one in people)}
        for day in days:
            for person in ever if by_date else {one.id for one in people if (one.out_of_service_date or day) >= day}:
                yield person, day

    def _is_made_good(self, failure: Failure) -> bool:
        """Whether all that failed was read since."""
        cells = ((person, day) for day in failure.days for person in self.in_service(day))
        return all(self.read.get(cell, NEVER) > failure.at for cell in cells)

    def _forgive(self, days: Iterable[dt.date]) -> None:
        """It is not known any more whether these days failed."""
        left = [one._replace(days=one.days.difference(days)) for one in self.failures]
        self.failures = [one for one in left if one.days]
