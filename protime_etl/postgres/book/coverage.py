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

# Days to come are read again each night, in parts perhaps: what is read within half a day belongs together, and what
# was read before it counts until it is too old. The view of the book says when that is.
JOINS = "(CAST(:ahead AS datemultirange) = '{}' OR c.ahead_at > statement_timestamp() - interval '12 hours')"
AHEAD = f"""
    ahead = CASE WHEN {JOINS} THEN c.ahead ELSE '{{}}' END + CAST(:ahead AS datemultirange),
    ahead_at = CASE WHEN {JOINS} THEN c.ahead_at ELSE statement_timestamp() END,
    ahead_before = CASE WHEN {JOINS} THEN c.ahead_before ELSE c.ahead END,
    ahead_before_at = CASE WHEN {JOINS} THEN c.ahead_before_at ELSE c.ahead_at END
"""
ENTER_READ = f"""
WITH lost AS (
    SELECT person_id, range_agg(daterange(day, day, '[]')) AS days
    FROM unnest(CAST(:changed_people AS bigint[]), CAST(:changed_days AS date[])) AS cell (person_id, day)
    GROUP BY person_id
)
UPDATE protime_etl.coverage AS c
SET read_at = statement_timestamp(),
    dates = c.dates + CAST(:read AS datemultirange), {AHEAD},
    proven = CASE WHEN :known THEN c.proven + CAST(:read AS datemultirange) - CAST(:lost_by_all AS datemultirange)
        - coalesce(lost.days, '{{}}') ELSE c.proven - CAST(:window AS datemultirange) END,
    written_at = CASE WHEN :written THEN clock_timestamp() ELSE c.written_at END
FROM unnest(CAST(:people AS bigint[])) AS p (person_id) LEFT JOIN lost USING (person_id)
WHERE c.tenant = :tenant AND c.collection = :collection AND c.person_id = p.person_id
"""
# Who is at work on the same people proves what it reads: nothing is waited for, so no order of locks is broken.
END_PROOFS = """
WITH lost AS (
    SELECT person_id, range_agg(daterange(day, day, '[]')) AS days
    FROM unnest(CAST(:changed_people AS bigint[]), CAST(:changed_days AS date[])) AS cell (person_id, day)
    GROUP BY person_id
),
locked AS (
    SELECT person_id FROM protime_etl.coverage
    WHERE tenant = :tenant AND collection = :collection AND person_id = ANY(ARRAY(SELECT person_id FROM lost))
    ORDER BY person_id FOR UPDATE SKIP LOCKED
)
UPDATE protime_etl.coverage AS c
SET proven = c.proven - lost.days, written_at = CASE WHEN :written THEN clock_timestamp() ELSE c.written_at END
FROM locked JOIN lost USING (person_id)
WHERE c.tenant = :tenant AND c.collection = :collection AND c.person_id = locked.person_id
"""
# A comparison holds no lock while it reads: it proves nothing of people whose records were written since it began.
ENTER_COMPARED = f"""
WITH lost AS (
    SELECT person_id, range_agg(daterange(day, day, '[]')) AS days
    FROM unnest(CAST(:changed_people AS bigint[]), CAST(:changed_days AS date[])) AS cell (person_id, day)
    GROUP BY person_id
),
locked AS (
    SELECT person_id FROM protime_etl.coverage
    WHERE tenant = :tenant AND collection = :collection AND (written_at IS NULL OR written_at <= :began)
        AND (CAST(:people AS bigint[]) IS NULL OR person_id = ANY(CAST(:people AS bigint[])))
    ORDER BY person_id FOR UPDATE SKIP LOCKED
)
UPDATE protime_etl.coverage AS c SET dates = c.dates + equal.days, proven = c.proven + equal.days, {AHEAD}
FROM locked LEFT JOIN lost USING (person_id)
CROSS JOIN LATERAL (SELECT CAST(:equal AS datemultirange) - coalesce(lost.days, '{{}}') AS days) AS equal
WHERE c.tenant = :tenant AND c.collection = :collection AND c.person_id = locked.person_id
    AND NOT (c.dates @> equal.days AND c.proven @> equal.days AND CAST(:ahead AS datemultirange) = '{{}}')
"""
END_ALL_PROOFS = """
WITH locked AS (
    SELECT person_id FROM protime_etl.coverage
    WHERE tenant = :tenant AND collection = :collection AND proven && CAST(:lost AS datemultirange)
        AND (CAST(:people AS bigint[]) IS NULL OR person_id = ANY(CAST(:people AS bigint[])))
    ORDER BY person_id FOR UPDATE
)
UPDATE protime_etl.coverage AS c SET proven = c.proven - CAST(:lost AS datemultirange) FROM locked
WHERE c.tenant = :tenant AND c.collection = :collection AND c.person_id = locked.person_id
"""


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
    connection.execute(
        sa.text(
            "INSERT INTO protime_etl.coverage (tenant, collection, person_id, dates, proven, read_at, ahead, ahead_at)"
            " SELECT :tenant, :collection, p.person_id, coalesce(e.dates, '{}'), coalesce(e.proven, '{}'), '-infinity',"
            " coalesce(e.ahead, '{}'), e.ahead_at"
            " FROM unnest(CAST(:people AS bigint[])) AS p (person_id) LEFT JOIN protime_etl.coverage AS e"
            " ON e.tenant = :tenant AND e.collection = :collection AND e.person_id = :everyone"
            " ORDER BY p.person_id ON CONFLICT DO NOTHING"
        ),
        parameters,
    )
    connection.execute(
        sa.text(
            "SELECT FROM protime_etl.coverage WHERE tenant = :tenant AND collection = :collection"
            " AND person_id = ANY(CAST(:people AS bigint[])) ORDER BY person_id FOR UPDATE"
        ),
        parameters,
    )


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
        sa.text(ENTER_READ),
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
    statement = (
        "DELETE FROM protime_etl.rejected_record WHERE tenant = :tenant AND collection = :collection"
        " AND last_seen_at < :began AND date BETWEEN :first AND :last"
        " AND (person_id = ANY(CAST(:people AS bigint[])) OR :everyone = ANY(CAST(:people AS bigint[])))"
    )
    values = {"people": list(read.person_ids), "first": read.first, "last": read.last, "began": began}
    connection.execute(sa.text(statement), {**_whose(tenant, read.collection), **values, "everyone": EVERYONE})


def end_proofs(connection: Connection, tenant: str, collection: str, written: Cells) -> None:
    """Enter that records of these days were written: what was proven of them before is not any more."""
    if written:
        connection.execute(sa.text(END_PROOFS), {**_whose(tenant, collection), **_cells(written), "written": True})


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
        connection.execute(sa.text(END_ALL_PROOFS), {**whose, "lost": lost, "people": people})
    if differing is None:
        return
    if of_some:
        connection.execute(sa.text(END_PROOFS), {**whose, **_cells(of_some), "written": False})
    equal = without(compared.first, min(compared.last, over_until), by_all)
    # Of whom something differs ahead is read again: it is not taken apart by people.
    ahead = _ahead(compared, over_until) if not any(day > over_until for _, day in differing) else "{}"
    values = {**whose, **_cells(of_some), "people": people, "equal": equal, "began": began, "ahead": ahead}
    connection.execute(sa.text(ENTER_COMPARED), values)


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
