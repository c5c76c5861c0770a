"""On which days something was written that no asset event has told yet.

The days are kept in the transaction that writes, and told by the next event, whoever wrote: a night that failed later
on, a repair, the delta, the command line. A task that asks again, as its first try died, gets the same answer. What the
delta brings is kept twice, as it has an asset of its own beside that of the table.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Any, Literal, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from protime_etl.postgres.engine_tables import untold_days

__all__ = ["AssetKind", "Told", "forget_told", "note_written", "tell_days"]

AssetKind = Literal["table", "delta"]
"""The asset of the table is told everything, that of the delta what the delta brings."""

MOST_DAYS = 400
TELL = """
UPDATE protime_etl.untold_days SET told_in = :task, told_at = clock_timestamp()
WHERE tenant = :tenant AND asset = :asset AND told_in IS NULL
"""
TOLD = """
WITH told AS (
    SELECT days, all_days FROM protime_etl.untold_days
    WHERE tenant = :tenant AND asset = :asset AND (told_in = :task OR run_id = :run)
)
SELECT ARRAY(SELECT DISTINCT day FROM told CROSS JOIN unnest(days) AS day ORDER BY day DESC LIMIT :most + 1),
    count(*), coalesce(bool_and(all_days), true)
FROM told
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
    assets: Sequence[AssetKind] = ("table",),
    run_id: int | None = None,
) -> None:
    """Keep on which days something was written, and whether these are all, for the next event of each asset."""
    values = {"tenant": tenant, "collection": collection, "days": sorted(set(days)), "all_days": all_days}
    notes = [{**values, "asset": asset, "run_id": run_id} for asset in assets]
    connection.execute(untold_days.insert(), notes)


def tell_days(
    connection: Connection, tenant: str, task: str, *, asset: AssetKind = "table", run_id: int | None = None
) -> Told:
    """All that no event of the asset has told yet, told by this task from now on; and what it was given before.

    Of its own run, if it is named, also what another task has told already: its event need not have the same readers.
    """
    forget_told(connection, tenant)
    given = {"tenant": tenant, "task": task, "asset": asset, "run": run_id, "most": MOST_DAYS}
    connection.execute(sa.text(TELL), given)
    days, number, complete = connection.execute(sa.text(TOLD), given).one()
    newest = sorted(map(str, days[:MOST_DAYS]))
    return Told(newest, complete and len(newest) == len(days), number > 0)


def forget_told(connection: Connection, tenant: str) -> None:
    """Forget what was told a week ago, and what nobody has asked for in a year."""
    connection.execute(sa.text(FORGET), {"tenant": tenant})
