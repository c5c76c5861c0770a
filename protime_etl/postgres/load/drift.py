"""What pulls repair while a delta is active, so that an operator sees whether the delta can be trusted.

A pull may simply be faster than the delta: what the delta brings later, with the same or a newer version, is taken out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from protime_etl.postgres.server.plans import no_nested_loops
from protime_etl.postgres.server.statements import text
from protime_etl.postgres.server.stored import Stored

__all__ = ["clear_drift", "note_drift"]


def note_drift(stored: Stored, vanished: Sequence[int] = ()) -> None:
    """Keep which records this transaction's pull has written, if a delta is active that should have brought them."""
    collection = stored.collection
    first = stored.execute("watched_since").scalar()
    if first is None or collection.versions == "none":
        return  # without versions it is not known what the row was before
    lacking = list(collection.delta_lacks)
    stored.execute(
        text("note_drift", table=collection.table, versions=collection.versions_table),
        vanished=list(vanished),
        first=first,
        version_columns=[*lacking, "valid_from", "valid_to"],
        row_columns=[*lacking, "written_at"],
    )


def clear_drift(stored: Stored, changed: Mapping[int, str]) -> None:
    """The delta has brought these records with these versions."""
    with no_nested_loops(stored.connection):
        stored.execute("clear_drift", ids=list(changed), versions=list(changed.values()))
