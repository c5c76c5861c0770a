"""Which rows an initial load never met: their records were deleted while no delta watched.

Rows that the load writes are newer than its beginning, so only those that it leaves as they are need to be kept.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import sqlalchemy as sa

from protime_etl.postgres.server.plans import no_nested_loops
from protime_etl.postgres.server.stored import Stored

__all__ = ["forget_seen", "keep_seen", "unseen"]


def keep_seen(stored: Stored, started_at: dt.datetime, rejected: Sequence[int]) -> None:
    """Keep the ids of what was staged and rejected and whose row is older than the load. After the merge."""
    stored.execute("keep_seen", started=started_at, rejected=list(rejected))


def unseen(stored: Stored, started_at: dt.datetime, date_from: dt.date) -> list[int]:
    """Live rows of the loaded days that are older than the load and that it never met."""
    with no_nested_loops(stored.connection):
        return list(stored.execute("unseen", started=started_at, first=date_from).scalars())


def forget_seen(stored: Stored) -> None:
    """The load is over."""
    stored.execute(sa.text("DELETE FROM protime_etl.delta_seen WHERE tenant = :tenant AND collection = :collection"))
