"""Removes all that a warehouse holds of one tenant."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from protime_etl.postgres.ledger.acts import act_on
from protime_etl.postgres.tables.all import metadata
from protime_etl.postgres.tables.engine import acts, pauses

__all__ = ["forget_tenant", "held_of"]

LASTING = (acts, pauses)
"""What stays: that it was forgotten, for commands that are under way, and until when the API asked to wait."""


def _tables() -> list[sa.Table]:
    return [table for table in reversed(metadata.sorted_tables) if "tenant" in table.columns and table not in LASTING]


def held_of(connection: Connection, tenant: str) -> dict[str, int]:
    """Name of each table that holds rows of the tenant -> how many."""
    counts = {
        table.fullname: connection.scalar(sa.select(sa.func.count()).select_from(table).where(table.c.tenant == tenant))
        for table in _tables()
    }
    return {name: number for name, number in sorted(counts.items()) if number}


def forget_tenant(engine: Engine, tenant: str) -> dict[str, int]:
    """Remove them all, its runs with their units included, after the transactions under way; returns how many of each.

    Commands that are under way end: what they have read is not stored any more.
    """
    during, done = "is being forgotten while this command runs", "was forgotten while this command ran"
    with act_on(engine, tenant, during, done) as connection:
        counts = {
            table.fullname: connection.execute(sa.delete(table).where(table.c.tenant == tenant)).rowcount
            for table in _tables()
        }
    return {name: number for name, number in sorted(counts.items()) if number}
