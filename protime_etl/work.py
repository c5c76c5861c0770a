"""What is asked for, how it is divided, and what was done; the same words for HTTP and for SQL."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from typing import NamedTuple

__all__ = [
    "EVERYONE",
    "NO_PERSON",
    "Counts",
    "DagRun",
    "Request",
    "RunKind",
    "Slice",
    "Unit",
    "whole_list",
]

NO_PERSON = 0
"""No person has this id."""
EVERYONE = -1
"""Stands for all people in slices of collections that are read by days."""


class RunKind(StrEnum):
    """What a run is for."""

    SYNC = "sync"
    BACKFILL = "backfill"
    NIGHTLY = "nightly"
    VERIFY = "verify"
    """A comparison that was asked for."""
    PROOF = "proof"
    """The comparison of what was compared longest ago."""
    REPAIR = "repair"
    """Reads again what a comparison found to differ."""
    UNLISTED = "unlisted"
    """Reads people whom a comparison found and no list names."""

    @property
    def is_requested(self) -> bool:
        """Whether its days were asked for; otherwise a comparison led to them."""
        return self not in (RunKind.REPAIR, RunKind.UNLISTED)


class DagRun(NamedTuple):
    """The run of Airflow that started a run of ours."""

    dag_id: str
    run_id: str


class Slice(NamedTuple):
    """These people on these days, both included, of one collection."""

    person_ids: Sequence[int]
    first: dt.date
    last: dt.date
    collection: str


def whole_list(collection: str) -> Slice:
    """All records of a collection; of one that is read whole it is one entry in the book, whatever the day."""
    return Slice((EVERYONE,), dt.date.min, dt.date.max, collection)


@dataclass(frozen=True)
class Request:
    """What a caller asks to be read, checked: days, both included, of all people, of some, or of circles."""

    first: dt.date
    last: dt.date
    collections: tuple[str, ...]
    """Dated collections that are read."""
    person_ids: tuple[int, ...] | None = None
    circles: tuple[int, ...] = ()
    only_missing: bool = False
    asked_until: dt.date | None = None
    """The last day that was asked for, where it is later than the last one that can be read now."""
    plans_until: dt.date | None = None
    """The last day that is read of collections of plans, where it is later than that of the others."""

    def columns(self) -> dict[str, object]:
        """How the table of runs holds it: as it was asked for, so that it is the same tomorrow."""
        return {
            "collections": list(self.collections),
            "date_from": self.first,
            "date_to": self.asked_until or self.last,
            "person_ids": None if self.person_ids is None else list(self.person_ids),
            "circles": list(self.circles) or None,
            "only_missing": self.only_missing,
        }


@dataclass(frozen=True)
class Unit:
    """A slice of a run, or circles x dates, pulled and committed whole or not at all."""

    unit_id: int
    run_id: int
    tenant: str
    collection: str
    person_ids: tuple[int, ...]
    first: dt.date
    last: dt.date
    circles: tuple[int, ...] = ()
    part_of: int | None = None
    """The unit that was planned, if this is a part of one that could not be read whole."""
    failed: bool = False
    """Whether it was tried before and failed."""

    @property
    def slice(self) -> Slice:
        """What it reads, but for circles."""
        return Slice(self.person_ids, self.first, self.last, self.collection)

    @property
    def place(self) -> str:
        """Whose records of which days it reads, in words."""
        if self.circles:
            return f"{self.first}..{self.last}, circles {', '.join(map(str, self.circles))}"
        if self.person_ids == (EVERYONE,):
            return f"{self.first}..{self.last}"
        named = f"{self.person_ids[0]}-{self.person_ids[-1]}" if len(self.person_ids) > 1 else f"{self.person_ids[0]}"
        return f"{self.first}..{self.last}, people {named} ({len(self.person_ids)})"

    @property
    def label(self) -> str:
        """What a person reads in a list of units."""
        return self.place if self.collection == "clockings" else f"{self.collection} {self.place}"


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
