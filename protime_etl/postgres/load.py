"""What a load is of, what it did, and the clock by which it is ordered."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

__all__ = ["Counts", "Scope", "database_clock"]


@dataclass
class Counts:
    """What a piece of work did, with the names that `--json` promises."""

    requests: int = 0
    rows_read: int = 0
    inserted: int = 0
    updated: int = 0
    deleted: int = 0
    unchanged: int = 0
    rejected: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(*(getattr(self, one.name) + getattr(other, one.name) for one in fields(Counts)))

    @property
    def written(self) -> int:
        """Rows that were written."""
        return self.inserted + self.updated + self.deleted

    def as_dict(self) -> dict[str, int]:
        """Name to number."""
        return asdict(self)


class Scope(NamedTuple):
    """What a complete pull covers: these people on these days; None is everybody, always."""

    person_ids: Sequence[int] | None = None
    first: dt.date | None = None
    last: dt.date | None = None


def database_clock(connection: Connection) -> dt.datetime:
    """The moment now by PostgreSQL's clock, the only one that all processes share."""
    now: dt.datetime = connection.execute(sa.text("SELECT clock_timestamp()")).scalar_one()
    return now
