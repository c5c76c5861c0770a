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

from protime_etl.postgres.book.multiranges import of_days, of_range, without
from protime_etl.postgres.server.stored import Stored
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


def try_lock_coverage(stored: Stored, person_ids: Iterable[int]) -> bool:
    """Lock it as `lock_coverage` does, unless another process has locked a part of it; returns whether it is locked."""
    connection = stored.connection
    set_timeout = sa.text("SELECT set_config('lock_timeout', :timeout, true)")
    before = connection.scalar(sa.text("SELECT current_setting('lock_timeout')"))
    savepoint = connection.begin_nested()
    try:
        connection.execute(set_timeout, {"timeout": "1ms"})
        lock_coverage(stored, person_ids)
    except sa.exc.OperationalError as error:
        if not isinstance(error.orig, psycopg.errors.LockNotAvailable):
            raise
        savepoint.rollback()
        return False
    connection.execute(set_timeout, {"timeout": before})
    savepoint.commit()
    return True


def lock_coverage(stored: Stored, person_ids: Iterable[int]) -> None:
    """Let no other process finish a unit of these people until this transaction ends: merges see each other's results.

    Of one collection: units of another one store other records. A person who has no row yet begins with what was read
    of all people by date alone.
    """
    people = sorted(set(person_ids))
    stored.execute("begin_coverage", people=people, everyone=EVERYONE)
    stored.execute("lock_coverage", people=people, everyone=EVERYONE)


def enter_read(stored: Stored, read: Slice, over_until: dt.date, changed: Cells | None, *, written: bool) -> None:
    """Enter a complete reading of these days of these people, whose coverage the caller has locked.

    Days up to `over_until` are read then; later ones were not over yet, and of plans they are read ahead. Proven is
    what it found as it was: all but the `changed` days, or nothing if these are not known (None). `written`: whether
    it wrote anything.
    """
    people = list(read.person_ids)
    if not people:
        return
    cells = changed or ()
    stored.execute(
        "enter_read",
        **_cells((person, day) for person, day in cells if person is not None),
        people=people,
        read=of_range(read.first, min(read.last, over_until)),
        ahead=_ahead(stored, read, over_until),
        window=of_range(read.first, read.last),
        lost_by_all=of_days(day for person, day in cells if person is None),
        known=changed is not None,
        written=written,
    )


def forget_rejected(stored: Stored, read: Slice, began: dt.datetime) -> None:
    """Forget what was rejected on these days of these people before a complete reading of them began, and not since."""
    values = {"people": list(read.person_ids), "first": read.first, "last": read.last, "began": began}
    stored.execute("forget_rejected_of_days", **values, everyone=EVERYONE)


def end_proofs(stored: Stored, written: Cells) -> None:
    """Enter that records of these days were written: what was proven of them before is not any more."""
    if written:
        stored.execute("end_proofs", **_cells(written), written=True)


def enter_compared(
    stored: Stored, compared: Slice, over_until: dt.date, differing: Cells | None, began: dt.datetime
) -> None:
    """Enter a comparison that began at `began`: what was equal is read and proven.

    `EVERYONE` among the people: it was by date alone, so it also covers people who have no row yet. Nothing is equal if
    it is not known what differs (None).
    """
    everyone = EVERYONE in compared.person_ids
    by_all = [day for person, day in differing or () if person is None]
    of_some = [(person, day) for person, day in differing or () if person is not None]
    people = None if everyone else list(compared.person_ids)
    locked = (EVERYONE, *(person for person, _ in of_some)) if everyone else compared.person_ids
    lock_coverage(stored, locked)
    if differing is None or by_all:
        lost = of_range(compared.first, compared.last) if differing is None else of_days(by_all)
        stored.execute("end_all_proofs", lost=lost, people=people)
    if differing is None:
        return
    if of_some:
        stored.execute("end_proofs", **_cells(of_some), written=False)
    equal = without(compared.first, min(compared.last, over_until), by_all)
    # Of whom something differs ahead is read again: it is not taken apart by people.
    ahead = _ahead(stored, compared, over_until) if not any(day > over_until for _, day in differing) else "{}"
    stored.execute("enter_compared", **_cells(of_some), people=people, equal=equal, began=began, ahead=ahead)


def _ahead(stored: Stored, read: Slice, over_until: dt.date) -> str:
    """The days that were not over, of a collection of plans: others have nothing to come."""
    if not stored.collection.plans:
        return "{}"
    return of_range(max(read.first, over_until + dt.timedelta(days=1)), read.last)


def _cells(cells: Iterable[tuple[int | None, dt.date]]) -> dict[str, Any]:
    """Days of people as two arrays; all people is one of them where the collection is read by days."""
    pairs = [(EVERYONE if person is None else person, day) for person, day in cells]
    return {"changed_people": [person for person, _ in pairs], "changed_days": [day for _, day in pairs]}
