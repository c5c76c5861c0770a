"""Records that are to be asked for by their ids before anything is believed of them.

They are entered in the transaction that moves the link of the delta, so that none is lost, and taken out in the one
that stores what asking gave. So no lock is held while the API is asked, and whatever ends a poll costs no more than
what was being asked for.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

from protime_etl.postgres.server.stored import Stored

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


def keep_unconfirmed(stored: Stored, reason: Reason, versions: Mapping[int, str]) -> None:
    """Enter records, with the changeVersions of their deletions where a delta gives them, or those that came."""
    stored.execute("keep_unconfirmed", reason=reason, ids=list(versions), versions=list(versions.values()))


def unconfirmed(stored: Stored, *, accepted: bool) -> list[Unconfirmed]:
    """What is to be asked for, by id; `accepted`: those that were withheld, too."""
    return [Unconfirmed(*row) for row in stored.execute("to_confirm", accepted=accepted)]


def settle(stored: Stored, ids: Sequence[int]) -> None:
    """Take records out: what is to be known of them is known."""
    stored.execute("settle", ids=list(ids))


def settle_met(stored: Stored, first: dt.date, unmet: Sequence[int]) -> None:
    """Take out what was held back and needs no decision: an initial load from this day on has met it, or it is no row.

    It knows nothing of earlier days.
    """
    stored.execute("settle_met", first=first, unmet=list(unmet))


def withhold(stored: Stored, ids: Sequence[int]) -> None:
    """These are too many at once: they wait until they are accepted."""
    stored.execute("withhold", ids=list(ids))


def withheld(stored: Stored) -> int:
    """How many deletions of a collection wait to be accepted."""
    return int(stored.execute("withheld").scalar() or 0)


def live_rows(stored: Stored, first: dt.date, most: int | None = None) -> int:
    """Rows of these days and later that are not deleted; none is counted beyond `most`."""
    return int(stored.execute("live_rows", first=first, most=most).scalar() or 0)


def live_among(stored: Stored, ids: Sequence[int]) -> int:
    """How many of these records the table has and does not know as deleted."""
    return int(stored.execute("live_among", ids=list(ids)).scalar() or 0)
