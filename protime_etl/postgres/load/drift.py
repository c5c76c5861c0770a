"""What pulls repair while a delta is active, so that an operator sees whether the delta can be trusted.

A pull may simply be faster than the delta: what the delta brings later, with the same or a newer version, is taken out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy.engine import Connection

from protime_etl.collections.collection import Collection
from protime_etl.postgres.server.plans import no_nested_loops
from protime_etl.postgres.server.statements import text

__all__ = ["clear_drift", "note_drift"]


def note_drift(connection: Connection, tenant: str, collection: Collection, vanished: Sequence[int] = ()) -> None:
    """Keep which records this transaction's pull has written, if a delta is active that should have brought them."""
    first = connection.scalar(text("watched_since"), {"tenant": tenant, "collection": collection.path})
    if first is None or collection.versions == "none":
        return  # without versions it is not known what the row was before
    lacking = list(collection.delta_lacks)
    connection.execute(
        text("note_drift", table=collection.table, versions=collection.versions_table),
        {
            "tenant": tenant,
            "collection": collection.path,
            "vanished": list(vanished),
            "first": first,
            "version_columns": [*lacking, "valid_from", "valid_to"],
            "row_columns": [*lacking, "written_at"],
        },
    )


def clear_drift(connection: Connection, tenant: str, collection: str, changed: Mapping[int, str]) -> None:
    """The delta has brought these records with these versions."""
    parameters = {"tenant": tenant, "collection": collection, "ids": list(changed), "versions": list(changed.values())}
    with no_nested_loops(connection):
        connection.execute(text("clear_drift"), parameters)
