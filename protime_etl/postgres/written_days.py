"""On which days something changed, as an asset event carries them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

__all__ = ["days_written_by", "told_days"]

MOST_DAYS = 400

# Of a unit of which they are not known one by one, as of a first load, all its days.
DAYS = """
SELECT DISTINCT unnest(coalesce(
    u.changed_days, ARRAY(SELECT u.date_from + n FROM generate_series(0, u.date_to - u.date_from) AS n)
)) AS day
FROM protime_etl.units AS u JOIN protime_etl.runs AS r USING (run_id)
WHERE u.run_id = :run AND r.tenant = :tenant AND u.inserted + u.updated + u.deleted > 0
"""


def days_written_by(connection: Connection, tenant: str, run_id: int) -> dict[str, Any]:
    """Days of which the units of a run wrote something; where a record was moved, both."""
    return told_days(set(connection.execute(sa.text(DAYS), {"run": run_id, "tenant": tenant}).scalars()))


def told_days(days: Collection[dt.date] | None) -> dict[str, Any]:
    """The newest of these days, and whether they are all; None is days that are not known."""
    newest = sorted(map(str, days or ()))[-MOST_DAYS:]
    return {"days": newest, "all_days": days is not None and len(newest) == len(days)}
