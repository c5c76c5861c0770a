"""What the book says is to be read and to be compared next."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy.engine import Connection

from protime_etl.postgres.book.wrong import Kind
from protime_etl.postgres.server.plans import no_nested_loops
from protime_etl.postgres.server.statements import text
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


def missing(connection: Connection, tenant: str, asked: Slice) -> list[Slice]:
    """What of a slice was not read completely, or is wrong; of people who were in service then."""
    values = {
        "tenant": tenant,
        "collection": asked.collection,
        "people": list(asked.person_ids),
        "first": asked.first,
        "last": asked.last,
    }
    with no_nested_loops(connection):
        rows = connection.execute(text("missing_days"), values).all()
    return [Slice(row[0], row[1], row[2], asked.collection) for row in rows]


def wrong_slices(
    connection: Connection, tenant: str, collection: str, before: dt.date, *, waiting: Sequence[Kind]
) -> list[Slice]:
    """What is known to be wrong before that day, the latest days first, but for kinds that wait to be accepted."""
    values = {"tenant": tenant, "collection": collection, "before": before, "waiting": list(waiting)}
    return [Slice(row[0], row[1], row[2], collection) for row in connection.execute(text("wrong_days"), values)]


def to_compare(
    connection: Connection, tenant: str, collection: str, before: dt.date, until: dt.datetime, *, by_people: bool
) -> list[Candidate]:
    """Days before `before` that were not compared since `until`, in the order in which they are to be compared."""
    values = {
        "tenant": tenant,
        "collection": collection,
        "before": before,
        "until": until,
        "by_people": by_people,
    }
    with no_nested_loops(connection):
        return [Candidate(*row) for row in connection.execute(text("days_to_compare"), values)]


def people_of_day(
    connection: Connection, tenant: str, collection: str, day: dt.date, *, rest: bool = False, after: int = 0
) -> list[int]:
    """Whose records of that day were read, in order; `rest`: that are not proven; `after`: larger ids alone."""
    values = {"tenant": tenant, "collection": collection, "day": day, "rest": rest, "after": after}
    return list(connection.scalars(text("people_of_day"), values))
