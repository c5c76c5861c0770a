"""What the book knows to be wrong: days of people that are not here as the tenant has them, and why.

An entry leaves only when a complete reading or a comparison finds its days right. While there is one, its days are not
read: so a reading of what is missing brings them, and `prove` reads them first.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Any, Literal, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from protime_etl.collections.registry import COLLECTIONS
from protime_etl.postgres.book.coverage import Cells, lock_coverage
from protime_etl.postgres.book.multiranges import ALL, of_people, of_range, without
from protime_etl.postgres.server.statements import text
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
    for collection, cells in sorted(of.items()):
        people, firsts, lasts = (list(column) for column in zip(*cells, strict=True))
        if COLLECTIONS[collection].is_dated:
            lock_coverage(connection, tenant, collection, people)
        values = {
            **_whose(tenant, collection),
            "people": people,
            "firsts": firsts,
            "lasts": lasts,
            "everyone": EVERYONE,
            **wrong._asdict(),
        }
        connection.execute(text("uncover"), values)
        lock_wrong(connection, tenant)
        kinds = ALL_KINDS if wrong.kind == "withheld" else tuple(one for one in ALL_KINDS if one != "withheld")
        for one in lost:
            if one.collection == collection:
                enter_right(connection, tenant, one, kinds)
        connection.execute(text("enter_wrong"), values)


def not_known_to_differ(connection: Connection, tenant: str, collection: str, cells: Cells) -> Cells:
    """Those of these days of people that no comparison has found to differ yet."""
    people = [EVERYONE if person is None else person for person, _ in cells]
    values = {"people": people, "days": [day for _, day in cells], "everyone": EVERYONE}
    rows = connection.execute(text("not_known_to_differ"), {**_whose(tenant, collection), **values})
    return [(person, day) for person, day in rows]


def enter_wrong_rows(connection: Connection, tenant: str, collection: str, ids: Sequence[int], reason: Wrong) -> None:
    """Enter that the rows of these records are not as the tenant has them, until that is accepted."""
    one = COLLECTIONS[collection]
    person = "t.person_id" if one.by_people else str(EVERYONE)
    query = text("cells_of_rows", person=person, day=str(one.day), table=one.table)
    cells = connection.execute(query, {"tenant": tenant, "ids": list(ids)}).all()
    enter_wrong(connection, tenant, reason, slices_of(collection, [(whose, day) for whose, day in cells]))


def slices_of(collection: str, cells: Cells) -> list[Slice]:
    """These days of people of a collection, in as few pieces as there are days; None is all people."""
    of_day: dict[dt.date, set[int]] = {}
    for person, day in cells:
        of_day.setdefault(day, set()).add(EVERYONE if person is None else person)
    return [Slice(sorted(people), day, day, collection) for day, people in sorted(of_day.items())]


def enter_right(connection: Connection, tenant: str, read: Slice, kinds: Sequence[Kind | str] = ALL_KINDS) -> None:
    """Enter that these days of these people were completely read and are right now."""
    if not read.person_ids or not _is_anything_wrong(connection, tenant, read.collection):
        return
    people = ALL if EVERYONE in read.person_ids else of_people(read.person_ids)
    dated = COLLECTIONS[read.collection].is_dated
    dates = of_range(read.first, read.last) if dated else ALL
    _remove(connection, tenant, read.collection, people, dates, kinds)


def enter_equal(connection: Connection, tenant: str, compared: Slice, differing: Cells) -> None:
    """Enter that what was compared is right, but for the days that differed."""
    if not _is_anything_wrong(connection, tenant, compared.collection):
        return
    by_all = [day for person, day in differing if person is None]
    days_of: dict[int, set[dt.date]] = {}
    for person, day in differing:
        if person is not None:
            days_of.setdefault(person, set()).add(day)
    whole = ALL if EVERYONE in compared.person_ids else of_people(compared.person_ids)
    others = sa.text("SELECT CAST(:whole AS int8multirange) - CAST(:some AS int8multirange)")
    rest = connection.scalar(others, {"whole": whole, "some": of_people(days_of)})
    for people, lost in [(rest, by_all), *((of_people([one]), [*by_all, *days]) for one, days in days_of.items())]:
        _remove(connection, tenant, compared.collection, people, without(compared.first, compared.last, lost))


def give_up(connection: Connection, tenant: str, collection: str, first: dt.date, last: dt.date) -> None:
    """Forget what could not be read of these days: it is not waited for. What is known to differ stays."""
    _remove(connection, tenant, collection, ALL, of_range(first, last), ("failed", "unreadable"))


def people_of_wrong(connection: Connection, tenant: str, read: Slice) -> set[int]:
    """Of whom something is wrong on the days of a slice, whosever they are; also of people whom no list names."""
    values = {"tenant": tenant, "collection": read.collection, "first": read.first, "last": read.last}
    return set(connection.scalars(text("people_of_wrong"), values))


def _is_anything_wrong(connection: Connection, tenant: str, collection: str) -> bool:
    query = "SELECT EXISTS (SELECT FROM protime_etl.wrong WHERE tenant = :tenant AND collection = :collection)"
    return bool(connection.scalar(sa.text(query), _whose(tenant, collection)))


def _remove(  # noqa: PLR0917
    connection: Connection,
    tenant: str,
    collection: str,
    people: object,
    dates: str,
    kinds: Sequence[str] = ALL_KINDS,
) -> None:
    # Two that take parts out of the same entry would each leave what the other has taken.
    lock_wrong(connection, tenant)
    given = {"people": people, "dates": dates, "kinds": list(kinds)}
    connection.execute(text("enter_right"), {**_whose(tenant, collection), **given})


def held_back(connection: Connection, tenant: str, collection: str, ids: Sequence[int]) -> list[int]:
    """Which of these records are on days whose deletions are held back."""
    if not ids or not _is_anything_wrong(connection, tenant, collection):
        return []
    one = COLLECTIONS[collection]
    person = "t.person_id" if one.by_people else "NULL::bigint"
    day = f"t.{one.day}" if one.is_dated else "NULL::date"
    query = text("held_back", person=person, day=day, table=one.table)
    return list(connection.scalars(query, {**_whose(tenant, collection), "ids": list(ids)}))


def _whose(tenant: str, collection: str) -> dict[str, Any]:
    return {"tenant": tenant, "collection": collection}
