"""What the book knows to be wrong: days of people that are not here as the tenant has them, and why.

An entry leaves only when a complete reading or a comparison finds its days right. While there is one, its days are not
read: so a reading of what is missing brings them, and `prove` reads them first.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from protime_etl.collections.registry import COLLECTIONS
from protime_etl.postgres.book.coverage import Cells, lock_coverage
from protime_etl.postgres.book.multiranges import ALL, of_people, of_range, without
from protime_etl.postgres.server.statements import text
from protime_etl.postgres.server.stored import Stored
from protime_etl.postgres.shared.locks import lock_wrong
from protime_etl.work import EVERYONE, Slice

__all__ = [
    "ALL_KINDS",
    "Kind",
    "Wrong",
    "enter_equal",
    "enter_right",
    "enter_wrong",
    "enter_wrong_rows",
    "give_up",
    "held_back",
    "not_known_to_differ",
    "people_of_wrong",
    "slices_of",
]

Kind = Literal["failed", "unreadable", "withheld", "differs", "older"]
ALL_KINDS: Sequence[Kind] = ("failed", "unreadable", "withheld", "differs", "older")


class Wrong(NamedTuple):
    """Why days are wrong."""

    kind: Kind
    why: str
    run_id: int | None = None


def enter_wrong(connection: Connection, tenant: str, wrong: Wrong, lost: Iterable[Slice]) -> None:
    """Enter that these days of these people are not as the tenant has them; they are not read then.

    Without days it is a list that is read whole.
    """
    of: dict[str, list[tuple[int, dt.date | None, dt.date | None]]] = {}
    lost = [one for one in lost if one.person_ids]  # of circles it is not known who is in them
    for one in lost:
        days = (one.first, one.last) if COLLECTIONS[one.collection].is_dated else (None, None)
        of.setdefault(one.collection, []).extend((person, *days) for person in one.person_ids)
    for path, cells in sorted(of.items()):
        stored = Stored(connection, tenant, COLLECTIONS[path])
        people, firsts, lasts = (list(column) for column in zip(*cells, strict=True))
        if stored.collection.is_dated:
            lock_coverage(stored, people)
        values = {"people": people, "firsts": firsts, "lasts": lasts, "everyone": EVERYONE, **wrong._asdict()}
        stored.execute("uncover", **values)
        lock_wrong(connection, tenant)
        kinds = ALL_KINDS if wrong.kind == "withheld" else tuple(one for one in ALL_KINDS if one != "withheld")
        for one in lost:
            if one.collection == path:
                enter_right(stored, one, kinds)
        stored.execute("enter_wrong", **values)


def not_known_to_differ(stored: Stored, cells: Cells) -> Cells:
    """Those of these days of people that no comparison has found to differ yet."""
    people = [EVERYONE if person is None else person for person, _ in cells]
    rows = stored.execute("not_known_to_differ", people=people, days=[day for _, day in cells], everyone=EVERYONE)
    return [(person, day) for person, day in rows]


def enter_wrong_rows(stored: Stored, ids: Sequence[int], reason: Wrong) -> None:
    """Enter that the rows of these records are not as the tenant has them, until that is accepted."""
    one = stored.collection
    person = "t.person_id" if one.by_people else str(EVERYONE)
    query = text("cells_of_rows", person=person, day=str(one.day), table=one.table)
    cells = stored.execute(query, ids=list(ids)).all()
    lost = slices_of(one.path, [(whose, day) for whose, day in cells])
    enter_wrong(stored.connection, stored.tenant, reason, lost)


def slices_of(collection: str, cells: Cells) -> list[Slice]:
    """These days of people of a collection, in as few pieces as there are days; None is all people."""
    of_day: dict[dt.date, set[int]] = {}
    for person, day in cells:
        of_day.setdefault(day, set()).add(EVERYONE if person is None else person)
    return [Slice(sorted(people), day, day, collection) for day, people in sorted(of_day.items())]


def enter_right(stored: Stored, read: Slice, kinds: Sequence[Kind | str] = ALL_KINDS) -> None:
    """Enter that these days of these people were completely read and are right now."""
    if not read.person_ids or not _is_anything_wrong(stored):
        return
    people = ALL if EVERYONE in read.person_ids else of_people(read.person_ids)
    dates = of_range(read.first, read.last) if stored.collection.is_dated else ALL
    _remove(stored, people, dates, kinds)


def enter_equal(stored: Stored, compared: Slice, differing: Cells) -> None:
    """Enter that what was compared is right, but for the days that differed."""
    if not _is_anything_wrong(stored):
        return
    by_all = [day for person, day in differing if person is None]
    days_of: dict[int, set[dt.date]] = {}
    for person, day in differing:
        if person is not None:
            days_of.setdefault(person, set()).add(day)
    whole = ALL if EVERYONE in compared.person_ids else of_people(compared.person_ids)
    others = sa.text("SELECT CAST(:whole AS int8multirange) - CAST(:some AS int8multirange)")
    rest = stored.execute(others, whole=whole, some=of_people(days_of)).scalar()
    for people, lost in [(rest, by_all), *((of_people([one]), [*by_all, *days]) for one, days in days_of.items())]:
        _remove(stored, people, without(compared.first, compared.last, lost))


def give_up(stored: Stored, first: dt.date, last: dt.date) -> None:
    """Forget what could not be read of these days: it is not waited for. What is known to differ stays."""
    _remove(stored, ALL, of_range(first, last), ("failed", "unreadable"))


def people_of_wrong(stored: Stored, read: Slice) -> set[int]:
    """Of whom something is wrong on the days of a slice, whosever they are; also of people whom no list names."""
    return set(stored.execute("people_of_wrong", first=read.first, last=read.last).scalars())


def _is_anything_wrong(stored: Stored) -> bool:
    query = "SELECT EXISTS (SELECT FROM protime_etl.wrong WHERE tenant = :tenant AND collection = :collection)"
    return bool(stored.execute(sa.text(query)).scalar())


def _remove(stored: Stored, people: object, dates: str, kinds: Sequence[str] = ALL_KINDS) -> None:
    # Two that take parts out of the same entry would each leave what the other has taken.
    lock_wrong(stored.connection, stored.tenant)
    stored.execute("enter_right", people=people, dates=dates, kinds=list(kinds))


def held_back(stored: Stored, ids: Sequence[int]) -> list[int]:
    """Which of these records are on days whose deletions are held back."""
    if not ids or not _is_anything_wrong(stored):
        return []
    one = stored.collection
    person = "t.person_id" if one.by_people else "NULL::bigint"
    day = f"t.{one.day}" if one.is_dated else "NULL::date"
    query = text("held_back", person=person, day=day, table=one.table)
    return list(stored.execute(query, ids=list(ids)).scalars())
