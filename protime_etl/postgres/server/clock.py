"""The clock by which everything is ordered: PostgreSQL's, the only one that all processes share."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from sqlalchemy.engine import Connection

__all__ = ["database_clock"]


def database_clock(connection: Connection) -> dt.datetime:
    """The moment now by PostgreSQL's clock."""
    now: dt.datetime = connection.execute(sa.text("SELECT clock_timestamp()")).scalar_one()
    return now
