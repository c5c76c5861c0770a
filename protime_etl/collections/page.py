"""A page of a collection: what came in one answer, ready to be stored."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

__all__ = ["Page", "RejectedRecord", "Rows"]

Rows = list[tuple[Any, ...]]
"""Values of the collection's columns, then `extra`."""


@dataclass(frozen=True)
class RejectedRecord:
    """A record that is not what the documentation promises."""

    record_id: int | None
    """Its id, when at least that could be read."""
    reason: str
    record: str
    """The record as JSON, cut to 10,000 characters; of people only the fields that are stored anyway."""
    fingerprint: str
    """SHA-256 of the record as it came."""


@dataclass
class Page:
    """One answer of a list or of a delta: rows ready for COPY, what was rejected, and the way on."""

    rows: Rows = field(default_factory=list)
    rejected: list[RejectedRecord] = field(default_factory=list)
    next_link: str | None = None
    delta_link: str | None = None
    """Where changes are to be asked for; on the last page of an initial load and in every answer of a delta."""
    deletions: dict[int, str] = field(default_factory=dict)
    """Ids that a delta reports as `Delete`, with the changeVersion of the deletion."""
