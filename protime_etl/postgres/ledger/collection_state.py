"""What is known of each collection of a tenant: the largest page, and when its list was last read."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.engine import Connection

from protime_etl.postgres.tables.engine import collection_state

__all__ = ["learn_page_size", "note_read", "page_size"]


def page_size(connection: Connection, tenant: str, collection: str) -> int | None:
    """The most records of a collection that ever came in one answer."""
    found: int | None = connection.scalar(
        sa.select(collection_state.c.page_size).where(
            collection_state.c.tenant == tenant, collection_state.c.collection == collection
        )
    )
    return found


def learn_page_size(connection: Connection, tenant: str, collection: str, records: int) -> None:
    """Remember a larger page than was known."""
    known = collection_state.c.page_size
    statement = insert(collection_state).values(tenant=tenant, collection=collection, page_size=records)
    connection.execute(
        statement.on_conflict_do_update(
            constraint=collection_state.primary_key,
            set_={"page_size": records},
            where=sa.func.coalesce(known, 0) < records,
        )
    )


def note_read(connection: Connection, tenant: str, collection: str) -> None:
    """Enter that a collection was read whole just now."""
    statement = insert(collection_state).values(tenant=tenant, collection=collection, read_at=sa.func.clock_timestamp())
    connection.execute(
        statement.on_conflict_do_update(
            constraint=collection_state.primary_key, set_={"read_at": statement.excluded.read_at}
        )
    )
