"""On which days something changed: what those who wait for the clockings need not look at, and what they do."""

from __future__ import annotations

import datetime as dt
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from protime_etl.collections.registry import COLLECTIONS
from protime_etl.postgres.planning import BOUND_TENANT

__all__ = ["days_written_by", "days_written_since"]

MOST_DAYS = 400


def days_written_by(connection: Connection, tenant: str, run_id: int) -> dict[str, Any]:
    """Days of its window on which rows were written since the run began, as an asset event carries them."""
    asked = connection.execute(
        sa.text(
            "SELECT u.collection, min(u.date_from), max(u.date_to), min(r.started_at) FROM protime_etl.units AS u"
            " JOIN protime_etl.runs AS r USING (run_id)"
            " WHERE run_id = :run AND r.tenant = :tenant GROUP BY u.collection"
        ),
        {"run": run_id, "tenant": tenant},
    )
    days: set[str] = set()
    for collection, first, last, began in asked.all():
        days.update(map(str, _days(connection, tenant, collection, (first, last), began)))
    return _told(days)


def days_written_since(connection: Connection, tenant: str, collection: str, began: dt.datetime) -> dict[str, Any]:
    """Days on which rows of a collection were written since that moment."""
    return _told(set(map(str, _days(connection, tenant, collection, None, began))))


def _days(
    connection: Connection,
    tenant: str,
    path: str,
    window: tuple[dt.date, dt.date] | None,
    began: dt.datetime,
) -> list[dt.date]:
    """Of people's own days, or all: also what another reading wrote meanwhile, which is changed as well."""
    collection = COLLECTIONS[path]
    within = f" AND {collection.day} BETWEEN :first AND :last" if window else ""
    first, last = window or (None, None)
    found = connection.execute(
        sa.text(
            f"SELECT DISTINCT {collection.day} FROM protime.{collection.table}"
            f" WHERE tenant = {BOUND_TENANT} AND written_at >= :began{within} LIMIT {MOST_DAYS + 1}"
        ),
        {"tenant": tenant, "began": began, **({"first": first, "last": last} if window else {})},
    )
    return list(found.scalars())


def _told(days: set[str]) -> dict[str, Any]:
    """The newest ones, and whether these are all."""
    newest = sorted(days)[-MOST_DAYS:]
    return {"days": newest, "all_days": len(newest) == len(days)}
