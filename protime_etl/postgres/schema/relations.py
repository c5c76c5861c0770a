"""Relations between tables of records, as foreign keys that are not enforced: diagrams and tools know them then.

Nothing can be enforced: a collection may not be read, a record may come before the one that it refers to, and deleted
rows stay. PostgreSQL knows such keys from version 18 on; comments of columns say the same everywhere.
"""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from protime_etl.collections.registry import COLLECTIONS
from protime_etl.collections.relations import RELATIONS

__all__ = ["add_relations", "relations"]

FIRST_SERVER = 180000


def relations() -> Iterator[tuple[str, str, str]]:
    """Table, column, and the table that it refers to."""
    for collection in COLLECTIONS.values():
        for column in collection.columns:
            if column.name in RELATIONS:
                yield collection.table, column.name, COLLECTIONS[RELATIONS[column.name]].table


def add_relations(connection: Connection, server: int) -> None:
    """Add the keys that are not there yet, where the server knows keys that are not enforced."""
    if server < FIRST_SERVER:
        return
    known = set(
        connection.scalars(
            sa.text("SELECT conname FROM pg_constraint WHERE contype = 'f' AND connamespace = 'protime'::regnamespace")
        )
    )
    for table, column, other in relations():
        name = f"fk_{table}_{column}"
        if name not in known:
            connection.execute(
                sa.text(
                    f"ALTER TABLE protime.{table} ADD CONSTRAINT {name} FOREIGN KEY (tenant, {column})"
                    f" REFERENCES protime.{other} (tenant, id) NOT ENFORCED"
                )
            )
