"""The book: which days of which person are read, and which are proven equal to the tenant.

A complete reading enters what it read and what of it was equal, and so does a comparison; whatever writes a record ends
the proof of its day. What was asked for stands in `promises.py`, what is known to be wrong in `wrong.py`, and
`due.py` reads what follows. The people of an entry are locked before it is made (`lock_coverage`).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Any

import psycopg
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from protime_etl.collections.registry import COLLECTIONS
from protime_etl.postgres.book.multiranges import of_days, of_range, without
from protime_etl.postgres.server.statements import text
from protime_etl.work import EVERYONE, Slice

__all__ = [
    "Cells",
    "end_proofs",
    "enter_compared",
    "enter_read",
    "forget_rejected",
    "lock_coverage",
    "try_lock_coverage",
]

Cells = Sequence[tuple[int | None, dt.date]]
"""Days of people; None is all people."""


def try_lock_coverage(connection: Connection, tenant: str, collection: str, person_ids: Iterable[int]) -> bool:
    """Lock it as `lock_coverage` does, unless another process has locked a part of it; returns whether it is locked."""
    set_timeout = sa.text("SELECT set_config('lock_timeout', :timeout, true)")
    before = connection.scalar(sa.text("SELECT current_setting('lock_timeout')"))
    savepoint = connection.begin_nested()
    try:
        connection.execute(set_timeout, {"timeout": "1ms"})
        lock_coverage(connection, tenant, collection, person_ids)
    except sa.exc.OperationalError as error:
        if not isinstance(error.orig, psycopg.errors.LockNotAvailable):
            raise
        savepoint.rollback()
        return False
    connection.execute(set_timeout, {"timeout": before})
    savepoint.commit()
    return True


def lock_coverage(connection: Connection, tenant: str, collection: str, person_ids: Iterable[int]) -> None:
    """Let no other process finish a unit of these people until this transaction ends: merges see each other's results.

    Of one collection: units of another one store other records. A person who has no row yet begins with what was read
    of all people by date alone.
    """
    parameters = {"tenant": tenant, "collection": collection, "people": sorted(set(person_ids)), "everyone": EVERYONE}
    connection.execute(text("begin_coverage"), parameters)
    connection.execute(text("lock_coverage"), parameters)


def enter_read(
    connection: Connection, tenant: str, read: Slice, over_until: dt.date, changed: Cells | None, *, written: bool
) -> None:
    """Enter a complete reading of these days of these people, whose coverage the caller has locked.

    Days up to `over_until` are read then; later ones were not over yet, and of plans they are read ahead. Proven is
    what it found as it was: all but the `changed` days, or nothing if these are not known (None). `written`: whether
    it wrote anything.
    """
    people = list(read.person_ids)
    if not people:
        return
    cells = changed or ()
    connection.execute(
        text("enter_read"),
        {
            **_whose(tenant, read.collection),
            **_cells((person, day) for person, day in cells if person is not None),
            "people": people,
            "read": of_range(read.first, min(read.last, over_until)),
            "ahead": _ahead(read, over_until),
            "window": of_range(read.first, read.last),
            "lost_by_all": of_days(day for person, day in cells if person is None),
            "known": changed is not None,
            "written": written,
        },
    )


def forget_rejected(connection: Connection, tenant: str, read: Slice, began: dt.datetime) -> None:
    """Forget what was rejected on these days of these people before a complete reading of them began, and not since."""
    values = {"people": list(read.person_ids), "first": read.first, "last": read.last, "began": began}
    connection.execute(
        text("forget_rejected_of_days"), {**_whose(tenant, read.collection), **values, "everyone": EVERYONE}
    )


def end_proofs(connection: Connection, tenant: str, collection: str, written: Cells) -> None:
    """Enter that records of these days were written: what was proven of them before is not any more."""
    if written:
        connection.execute(text("end_proofs"), {**_whose(tenant, collection), **_cells(written), "written": True})


def enter_compared(  # noqa: PLR0917
    connection: Connection,
    tenant: str,
    compared: Slice,
    over_until: dt.date,
    differing: Cells | None,
    began: dt.datetime,
) -> None:
    """Enter a comparison that began at `began`: what was equal is read and proven.

    `EVERYONE` among the people: it was by date alone, so it also covers people who have no row yet. Nothing is equal if
    it is not known what differs (None).
    """
    everyone = EVERYONE in compared.person_ids
    by_all = [day for person, day in differing or () if person is None]
    of_some = [(person, day) for person, day in differing or () if person is not None]
    whose = _whose(tenant, compared.collection)
    people = None if everyone else list(compared.person_ids)
    locked = (EVERYONE, *(person for person, _ in of_some)) if everyone else compared.person_ids
    lock_coverage(connection, tenant, compared.collection, locked)
    if differing is None or by_all:
        lost = of_range(compared.first, compared.last) if differing is None else of_days(by_all)
        connection.execute(text("end_all_proofs"), {**whose, "lost": lost, "people": people})
    if differing is None:
        return
    if of_some:
        connection.execute(text("end_proofs"), {**whose, **_cells(of_some), "written": False})
    equal = without(compared.first, min(compared.last, over_until), by_all)
    # Of whom something differs ahead is read again: it is not taken apart by people.
    ahead = _ahead(compared, over_until) if not any(day > over_until for _, day in differing) else "{}"
    values = {**whose, **_cells(of_some), "people": people, "equal": equal, "began": began, "ahead": ahead}
    connection.execute(text("enter_compared"), values)


def _ahead(read: Slice, over_until: dt.date) -> str:
    """The days that were not over, of a collection of plans: others have nothing to come."""
    if not COLLECTIONS[read.collection].plans:
        return "{}"
    return of_range(max(read.first, over_until + dt.timedelta(days=1)), read.last)


def _whose(tenant: str, collection: str) -> dict[str, Any]:
    return {"tenant": tenant, "collection": collection}


def _cells(cells: Iterable[tuple[int | None, dt.date]]) -> dict[str, Any]:
    """Days of people as two arrays; all people is one of them where the collection is read by days."""
    pairs = [(EVERYONE if person is None else person, day) for person, day in cells]
    return {"changed_people": [person for person, _ in pairs], "changed_days": [day for _, day in pairs]}
