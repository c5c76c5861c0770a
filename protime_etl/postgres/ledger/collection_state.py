"""What is known of each collection of a tenant: the largest page, and when its list was last read."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from protime_etl.postgres.server.stored import Stored
from protime_etl.postgres.tables.engine import collection_state

__all__ = ["learn_page_size", "note_read", "page_size"]


def page_size(stored: Stored) -> int | None:
    """The most records of a collection that ever came in one answer."""
    found: int | None = stored.connection.scalar(sa.select(collection_state.c.page_size).filter_by(**stored.key))
    return found


def learn_page_size(stored: Stored, records: int) -> None:
    """Remember a larger page than was known."""
    known = collection_state.c.page_size
    statement = insert(collection_state).values(**stored.key, page_size=records)
    stored.connection.execute(
        statement.on_conflict_do_update(
            constraint=collection_state.primary_key,
            set_={"page_size": records},
            where=sa.func.coalesce(known, 0) < records,
        )
    )


def note_read(stored: Stored) -> None:
    """Enter that a collection was read whole just now."""
    statement = insert(collection_state).values(**stored.key, read_at=sa.func.clock_timestamp())
    stored.connection.execute(
        statement.on_conflict_do_update(
            constraint=collection_state.primary_key, set_={"read_at": statement.excluded.read_at}
        )
    )
