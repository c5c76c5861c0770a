"""Records that are to be asked for by their ids before anything is believed of them.

They are entered in the transaction that moves the link of the delta, so that none is lost, and taken out in the one
that stores what asking gave. So no lock is held while the API is asked, and whatever ends a poll costs no more than
what was being asked for.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

from sqlalchemy.engine import Connection

from protime_etl.postgres.server.statements import text
from protime_etl.postgres.tables.records import RECORD_TABLES

__all__ = [
    "DELETIONS",
    "Reason",
    "Unconfirmed",
    "keep_unconfirmed",
    "live_among",
    "live_rows",
    "settle",
    "settle_met",
    "unconfirmed",
    "withheld",
    "withhold",
]

Reason = Literal["delta", "vanished", "doubtful", "older"]
"""delta: it reports the record as deleted; vanished: an initial load never met it; doubtful: it came, and may be gone;
older: it came with an older version than is stored."""
DELETIONS: Sequence[Reason] = ("delta", "vanished")
"""Why a record is to be marked as deleted once it is confirmed missing."""


class Unconfirmed(NamedTuple):
    """One record."""

    id: int
    version: str
    """Of the deletion that the delta reports, or of the record that came; empty: no version."""
    reason: Reason


def keep_unconfirmed(
    connection: Connection, tenant: str, collection: str, reason: Reason, versions: Mapping[int, str]
) -> None:
    """Enter records, with the changeVersions of their deletions where a delta gives them, or those that came."""
    connection.execute(
        text("keep_unconfirmed"),
        {
            "tenant": tenant,
            "collection": collection,
            "reason": reason,
            "ids": list(versions),
            "versions": list(versions.values()),
        },
    )


def unconfirmed(connection: Connection, tenant: str, collection: str, *, accepted: bool) -> list[Unconfirmed]:
    """What is to be asked for, by id; `accepted`: those that were withheld, too."""
    rows = connection.execute(text("to_confirm"), {"tenant": tenant, "collection": collection, "accepted": accepted})
    return [Unconfirmed(*row) for row in rows]


def settle(connection: Connection, tenant: str, collection: str, ids: Sequence[int]) -> None:
    """Take records out: what is to be known of them is known."""
    connection.execute(text("settle"), {"tenant": tenant, "collection": collection, "ids": list(ids)})


def settle_met(connection: Connection, tenant: str, collection: str, first: dt.date, unmet: Sequence[int]) -> None:
    """Take out what was held back and needs no decision: an initial load from this day on has met it, or it is no row.

    It knows nothing of earlier days.
    """
    query = text("settle_met", table=RECORD_TABLES[collection].name)
    values = {"tenant": tenant, "collection": collection, "first": first, "unmet": list(unmet)}
    connection.execute(query, values)


def withhold(connection: Connection, tenant: str, collection: str, ids: Sequence[int]) -> None:
    """These are too many at once: they wait until they are accepted."""
    connection.execute(text("withhold"), {"tenant": tenant, "collection": collection, "ids": list(ids)})


def withheld(connection: Connection, tenant: str, collection: str) -> int:
    """How many deletions of a collection wait to be accepted."""
    return int(connection.scalar(text("withheld"), {"tenant": tenant, "collection": collection}) or 0)


def live_rows(connection: Connection, tenant: str, collection: str, first: dt.date, most: int | None = None) -> int:
    """Rows of these days and later that are not deleted; none is counted beyond `most`."""
    query = text("live_rows", table=RECORD_TABLES[collection].name)
    return int(connection.scalar(query, {"tenant": tenant, "first": first, "most": most}) or 0)


def live_among(connection: Connection, tenant: str, collection: str, ids: Sequence[int]) -> int:
    """How many of these records the table has and does not know as deleted."""
    query = text("live_among", table=RECORD_TABLES[collection].name)
    return int(connection.scalar(query, {"tenant": tenant, "ids": list(ids)}) or 0)
