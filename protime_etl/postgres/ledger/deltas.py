"""How far a delta has been read: none -> loading -> active -> expired, conflicted or broken -> loading.

The link moves in the transaction that stores what it brought, and only from the link that was followed: of two
processes that follow the same one, the second changes nothing.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Literal

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.engine import Connection

from protime_etl.collections.registry import COLLECTIONS
from protime_etl.errors import BusyError
from protime_etl.postgres.ledger.delta_unconfirmed import withheld
from protime_etl.postgres.server.stored import Stored
from protime_etl.postgres.tables.deltas import deltas
from protime_etl.postgres.tables.proofs import delta_polls

__all__ = [
    "LIFETIME",
    "DeltaState",
    "Status",
    "advance",
    "begin",
    "give_up",
    "load_started_since",
    "loads_in_a_row",
    "note",
    "read_delta",
    "stale_deltas",
]

Status = Literal["loading", "active", "expired", "conflicted", "broken"]
LIFETIME = dt.timedelta(hours=72)


@dataclass(frozen=True)
class DeltaState:
    """What is known of a delta."""

    status: Status
    date_from: dt.date
    link: str | None
    """None in `loading`: not even the first page was stored; in `expired`, `conflicted`, `broken`: start again."""
    started_at: dt.datetime
    requested_at: dt.datetime | None
    initial_rows: int
    """Records that its initial load has brought so far."""
    unreadable: int
    failures: int
    """Polls in a row whose answer could not be used."""
    outages: int
    """Polls in a row without an answer."""
    loads: int
    """Initial loads begun since it was last active."""
    error: str | None


def read_delta(stored: Stored) -> DeltaState | None:
    """The state of a delta; None if none was ever begun."""
    row = stored.connection.execute(sa.select(deltas).where(*_is(stored))).one_or_none()
    if row is None:
        return None
    return DeltaState(**{one.name: getattr(row, one.name) for one in fields(DeltaState)})


def begin(stored: Stored, date_from: dt.date, started_at: dt.datetime) -> None:
    """Enter that an initial load begins; the links of the delta before it stay to be looked at until it has a page."""
    statement = insert(deltas).values(
        **stored.key, status="loading", date_from=date_from, started_at=started_at, loads=1
    )
    fresh = {
        "status": "loading",
        "date_from": date_from,
        "started_at": started_at,
        "initial_rows": 0,
        "unreadable": 0,
        "failures": 0,
        "outages": 0,
        "loads": deltas.c.loads + 1,
        "previous_link": sa.func.coalesce(deltas.c.link, deltas.c.previous_link),
        "link": None,
    }
    stored.connection.execute(statement.on_conflict_do_update(index_elements=["tenant", "collection"], set_=fresh))
    # What is held back waits for its decision, whatever becomes of the delta.
    for table, which in (("delta_seen", ""), ("delta_unconfirmed", " AND NOT withheld"), ("drift_candidates", "")):
        stored.execute(
            sa.text(f"DELETE FROM protime_etl.{table} WHERE tenant = :tenant AND collection = :collection{which}")
        )


def advance(
    stored: Stored,
    followed: DeltaState | None,
    link: str,
    *,
    status: Status,
    requested_at: dt.datetime,
    changed: bool = False,
    loaded: int = 0,
    unreadable: int = 0,
) -> None:
    """Move the delta on from the link that was followed.

    Raises:
        BusyError: another process has moved it meanwhile; the transaction is to be rolled back.
    """
    values: dict[str, object] = {"status": status, "link": link, "requested_at": requested_at, "error": None}
    values |= {"failures": 0, "outages": 0}
    if status == "active":
        values["loads"] = 0
    if followed is not None and followed.link not in (None, link):
        values["previous_link"] = deltas.c.link
    if changed:
        values["changed_at"] = requested_at
    if loaded or unreadable:
        values["initial_rows"] = deltas.c.initial_rows + loaded
        values["unreadable"] = deltas.c.unreadable + unreadable
    expected = None if followed is None else followed.link
    moved = stored.connection.execute(
        deltas.update().where(*_is(stored), deltas.c.link.is_not_distinct_from(expected)).values(**values)
    )
    if moved.rowcount != 1:
        raise BusyError(
            f"Another process has advanced the delta of {stored.collection.path} in the meantime.",
            guidance="Nothing was changed twice. Run it again if it is not running.",
        )


def note(stored: Stored, error: str, counter: Literal["failures", "outages"] | None) -> None:
    """Enter what went wrong in a poll, and that one more in a row did so."""
    values: dict[str, object] = {"error": error}
    if counter is not None:
        values[counter] = deltas.c[counter] + 1
    stored.connection.execute(deltas.update().where(*_is(stored)).values(**values))


def loads_in_a_row(stored: Stored) -> int:
    """How many of the latest good polls were initial loads: none has brought changes since."""
    polls = delta_polls
    good = (polls.c.tenant == stored.tenant, polls.c.collection == stored.collection.path, polls.c.error.is_(None))
    last_changes = sa.select(sa.func.max(polls.c.poll_id)).where(*good, ~polls.c.initial).scalar_subquery()
    loads = sa.select(sa.func.count()).where(*good, polls.c.poll_id > sa.func.coalesce(last_changes, 0))
    return int(stored.connection.scalar(loads) or 0)


def give_up(stored: Stored, status: Status, error: str, *, loads: int | None) -> None:
    """Enter that the delta is over; its link is kept to be looked at. `loads`: how many count as begun, if given."""
    values: dict[str, object] = {
        "status": status,
        "error": error,
        "failures": 0,
        "outages": 0,
        "previous_link": sa.func.coalesce(deltas.c.link, deltas.c.previous_link),
        "link": None,
    }
    if loads is not None:
        values["loads"] = loads
    stored.connection.execute(deltas.update().where(*_is(stored)).values(**values))


def load_started_since(stored: Stored, began: dt.datetime) -> bool:
    """Whether an initial load of the delta has started since then; the caller holds the lock of merges.

    What was read before it may have been deleted before the delta began to watch: neither the load nor a poll reports
    that.
    """
    later = sa.exists().where(*_is(stored), deltas.c.started_at >= began)
    return bool(stored.connection.scalar(sa.select(later)))


def stale_deltas(connection: Connection, tenant: str, collections: Sequence[str], age: dt.timedelta) -> list[str]:
    """A sentence for each delta of these that has not had a good request for so long, or needs a decision."""
    last = sa.func.coalesce(deltas.c.requested_at, deltas.c.started_at)
    chosen = (deltas.c.tenant == tenant, deltas.c.collection.in_(collections))
    rows = connection.execute(
        sa.select(deltas.c.collection, deltas.c.status, last, deltas.c.error)
        .where(*chosen, sa.or_(last < sa.func.clock_timestamp() - age, deltas.c.status == "broken"))
        .order_by(deltas.c.collection)
    )
    sentences = [
        f"The delta of {collection} ({status}{', and cannot start over' if status == 'broken' else ''})"
        f" had its last good request at {moment:%Y-%m-%d %H:%M} UTC{f'; since then: {error}' if error else '.'}"
        " Unpause the DAG protime_clockings_changes and check its last runs, or run: protime-etl changes."
        " After 72 hours without a request the delta expires and a new initial load starts."
        for collection, status, moment, error in rows
    ]
    named = connection.scalars(sa.select(deltas.c.collection).where(*chosen)).all()
    waiting = {path: withheld(Stored(connection, tenant, COLLECTIONS[path])) for path in named}
    for collection, number in waiting.items():
        if not number:
            continue
        sentences.append(
            f"{number} deletions of {collection} are held back, as too many vanished at once. If they are right,"
            " trigger the DAG protime_clockings_changes with Accept deletions, or run: protime-etl changes"
            " --accept-deletions. If not, once the tenant shows them again: protime-etl changes --restart"
        )
    return sentences


def _is(stored: Stored) -> tuple[sa.ColumnElement[bool], sa.ColumnElement[bool]]:
    return deltas.c.tenant == stored.tenant, deltas.c.collection == stored.collection.path
