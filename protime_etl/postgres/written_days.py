"""On which days something was written that no asset event has told yet.

The days are kept in the transaction that writes, and told by the next event, whoever wrote: a night that failed later
on, XX
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from protime_etl.postgres.engine_tables import untold_days

__all__ = ["Told", "note_written", "tell_days"]

MOST_DAYS = 400
TELL = """
UPDATE protime_etl.untold_days SET told_in = :task, told_at = clock_timestamp()
WHERE tenant = :tenant AND by_delta = :by_delta AND told_in IS NULL
"""
TOLD = """
SELECT ARRAY(
    SELECT DISTINCT day FROM protime_etl.untold_days AS u CROSS JOIN unnest(u.days) AS day
    WHERE tenant = :tenant AND by_delta = :by_delta AND told_in = :task ORDER BY day DESC LIMIT :most + 1
), count(*), coalesce(bool_and(all_days), true)
FROM protime_etl.untold_days WHERE tenant = :tenant AND by_delta = :by_delta AND told_in = :task
"""
FORGET = """
DELETE FROM protime_etl.untold_days
WHERE tenant = :tenant
    AND (told_at < clock_timestamp() - interval '7 days' OR written_at < clock_timestamp() - interval '1 year')
"""


class Told(NamedTuple):
    """What an event has to tell."""

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
    connection: Connection,
    tenant: str,
    collection: str,
    days: Iterable[dt.date],
    *,
    all_days: bool,
    by_delta: bool,
) -> None:
    """Keep on which days something was written, and whether these are all."""
    values = {"tenant": tenant, "collection": collection, "days": sorted(set(days))}
    connection.execute(untold_days.insert().values(**values, all_days=all_days, by_delta=by_delta))


def tell_days(connection: Connection, tenant: str, task: str, *, by_delta: bool = False) -> Told:
    """All that no event has told yet, told by this task from now on; and what it was given before.

    What the delta brings is told apart from what is read in windows.
    """
    given = {"tenant": tenant, "task": task, "by_delta": by_delta, "most": MOST_DAYS}
    connection.execute(sa.text(FORGET), given)
    connection.execute(sa.text(TELL), given)
    days, number, complete = connection.execute(sa.text(TOLD), given).one()
    newest = sorted(map(str, days[:MOST_DAYS]))
    return Told(newest, complete and len(newest) == len(days), number > 0)
