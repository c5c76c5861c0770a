"""What the book says is to be read and to be compared next."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import NamedTuple

from protime_etl.postgres.book.wrong import Kind
from protime_etl.postgres.server.plans import no_nested_loops
from protime_etl.postgres.server.stored import Stored
from protime_etl.work import Slice

__all__ = ["Candidate", "missing", "people_of_day", "to_compare", "wrong_slices"]


class Candidate(NamedTuple):
    """A day that may be compared next."""

    date: dt.date
    part_since: dt.datetime | None
    """When a comparison of it in parts began that is not complete."""
    part_until: int | None
    """Last person of it that was compared."""
    of_all: bool
    """Whether all people who were in service on it are read: then it can be compared by date alone."""
    due: dt.datetime | None
    """When it was last compared; None: never. Earlier by a month where something was not equal then."""
    is_rest: bool
    """Whether only people whose records are not proven are to be compared."""


def missing(stored: Stored, asked: Slice) -> list[Slice]:
    """What of a slice was not read completely, or is wrong; of people who were in service then."""
    with no_nested_loops(stored.connection):
        rows = stored.execute("missing_days", people=list(asked.person_ids), first=asked.first, last=asked.last).all()
    return [Slice(row[0], row[1], row[2], asked.collection) for row in rows]


def wrong_slices(stored: Stored, before: dt.date, *, waiting: Sequence[Kind]) -> list[Slice]:
    """What is known to be wrong before that day, the latest days first, but for kinds that wait to be accepted."""
    rows = stored.execute("wrong_days", before=before, waiting=list(waiting))
    return [Slice(row[0], row[1], row[2], stored.collection.path) for row in rows]


def to_compare(stored: Stored, before: dt.date, until: dt.datetime) -> list[Candidate]:
    """Days before `before` that were not compared since `until`, in the order in which they are to be compared."""
    values = {"before": before, "until": until, "by_people": stored.collection.by_people}
    with no_nested_loops(stored.connection):
        return [Candidate(*row) for row in stored.execute("days_to_compare", **values)]


def people_of_day(stored: Stored, day: dt.date, *, rest: bool = False, after: int = 0) -> list[int]:
    """Whose records of that day were read, in order; `rest`: that are not proven; `after`: larger ids alone."""
    return list(stored.execute("people_of_day", day=day, rest=rest, after=after).scalars())
