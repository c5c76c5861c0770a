"""Removes all that a warehouse holds of one tenant."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from protime_etl.collections.registry import COLLECTIONS
from protime_etl.postgres.locks import lock_list, lock_merges_exclusive
from protime_etl.postgres.tables import metadata

__all__ = ["forget_tenant", "held_of"]


def _tables() -> list[sa.Table]:
    return [table for table in reversed(metadata.sorted_tables) if "tenant" in table.columns]


def held_of(connection: Connection, tenant: str) -> dict[str, int]:
    """Name of each table that holds rows of the tenant -> how many."""
    counts = {
        table.fullname: connection.scalar(sa.select(sa.func.count()).select_from(table).where(table.c.tenant == tenant))
        for table in _tables()
    }
    return {name: number for name, number in sorted(counts.items()) if number}


def forget_tenant(connection: Connection, tenant: str) -> None:
    """Remove them all, its runs with their units included, after the transactions that write some."""
    for collection in sorted(path for path, one in COLLECTIONS.items() if not one.is_dated):
        lock_list(connection, tenant, collection)
    lock_merges_exclusive(connection, tenant)
    for table in _tables():
        connection.execute(sa.delete(table).where(table.c.tenant == tenant))
