"""Which rows an initial load never met: their records were deleted while no delta watched.

Rows that the load writes are newer than its beginning, so only those that it leaves as they are need to be kept.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from protime_etl.postgres.server.plans import no_nested_loops
from protime_etl.postgres.server.statements import text
from protime_etl.postgres.tables.records import RECORD_TABLES

__all__ = ["forget_seen", "keep_seen", "unseen"]


def keep_seen(
    connection: Connection, tenant: str, collection: str, started_at: dt.datetime, rejected: Sequence[int]
) -> None:
    """Keep the ids of what was staged and rejected and whose row is older than the load. After the merge."""
    table = RECORD_TABLES[collection].name
    connection.execute(
        text("keep_seen", table=table),
        {"tenant": tenant, "collection": collection, "started": started_at, "rejected": list(rejected)},
    )


def unseen(
    connection: Connection, tenant: str, collection: str, started_at: dt.datetime, date_from: dt.date
) -> list[int]:
    """Live rows of the loaded days that are older than the load and that it never met."""
    query = text("unseen", table=RECORD_TABLES[collection].name)
    parameters = {"tenant": tenant, "collection": collection, "started": started_at, "first": date_from}
    with no_nested_loops(connection):
        return list(connection.scalars(query, parameters))


def forget_seen(connection: Connection, tenant: str, collection: str) -> None:
    """The load is over."""
    connection.execute(
        sa.text("DELETE FROM protime_etl.delta_seen WHERE tenant = :tenant AND collection = :collection"),
        {"tenant": tenant, "collection": collection},
    )
