"""On which days something was written, and which asset's event has reported it.

The transaction that writes keeps the days, and the next event of each asset reports them, whatever wrote them: a
night that failed later on, a repair, the delta, the command line. A task that asks again, as its first try died, gets
the same answer.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any, NamedTuple

from sqlalchemy.engine import Connection

from protime_etl.postgres.server.statements import text
from protime_etl.postgres.tables.engine import written_days

__all__ = ["DayReport", "note_written", "report_days"]

MOST_DAYS = 400


class DayReport(NamedTuple):
    """What an event has to report."""

    days: list[str]
    """The newest of them, oldest first."""
    all_days: bool
    """Whether they are all."""
    anything: bool
    """Whether anything was written at all."""

    def as_extra(self) -> dict[str, Any]:
        """As an asset event carries it."""
        return {"days": self.days, "all_days": self.all_days}


def note_written(
    connection: Connection, tenant: str, days: Iterable[dt.date], *, all_days: bool, by_delta: bool
) -> None:
    """Keep on which days something was written, and whether these are all."""
    values = {"tenant": tenant, "days": sorted(set(days)), "all_days": all_days, "by_delta": by_delta}
    connection.execute(written_days.insert().values(values))


def report_days(connection: Connection, tenant: str, asset: str, task: str, *, delta_alone: bool = False) -> DayReport:
    """Assign all days that no event of the asset has reported to this task; return them with those it got before.

    The event is sent when the task succeeds. If the task fails for good after this and is never cleared, these days are
    never reported: so call it last.
    """
    given = {"tenant": tenant, "asset": asset, "task": task, "delta_alone": delta_alone, "most": MOST_DAYS}
    connection.execute(text("take_days"), given)
    days, number, complete = connection.execute(text("taken_days"), given).one()
    newest = sorted(map(str, days[:MOST_DAYS]))
    return DayReport(newest, complete and len(newest) == len(days), number > 0)
