"""The registration of a collection."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from operator import attrgetter
from typing import Any, Literal

import msgspec

from protime_etl.collections.columns import Column, columns_of
from protime_etl.collections.record import Record

__all__ = ["API_PATH", "Collection", "PerDay", "Shape", "Versions"]

API_PATH = "/connector/protimeapi/api/v1"
PATH = re.compile(r"[a-z]+(-[a-z]+)*")

Shape = Literal["dated by people", "whole"]
"""How a collection is read: batches of people in windows of days, or the complete list."""
Versions = Literal["all", "none"]
"""Which rows that were replaced are kept with their validity."""


@dataclass(frozen=True)
class PerDay:
    """A first guess at how many records one person has a day; what is read corrects it."""

    working: float
    weekend: float


@dataclass(frozen=True, kw_only=True, eq=False)
class Collection:
    """What it takes to carry one collection from the API to its table."""

    path: str
    """Path below `API_PATH`: the collection's name in settings, options and the ledger."""
    record: type[Record]
    comment: str
    """What the table holds."""
    shape: Shape
    documentation: str
    """The page that documents its list."""
    delta: Literal["dated", "undated"] | None = None
    """Whether the API has a delta of it, and if so whether its filter has to name the first day."""
    deleted_status: str | None = None
    """Value of the column `status` that means deleted."""
    delta_lacks: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """Columns that answers of the delta do not have -> the column and its value of the records that always have one."""
    versions: Versions = "none"
    former_versions_table: str = ""
    """Name of the table of versions where it was promised before all were named alike."""
    keep_unknown: bool = False
    """Whether undocumented fields go to the column `extra`; never where they may be personal."""
    extra_comment: str = "Fields that the API sent and its documentation does not know."
    usual: PerDay | None = None
    """A first guess for planning, if it is dated."""

    def __post_init__(self) -> None:
        self._refuse_contradictions()
        # msgspec takes a record's type apart at its first use. Two threads that meet there crash the process: the
        # second is given what the first has not filled in yet. So it is done here, while modules are imported.
        msgspec.json.Decoder(self.record)

    def _refuse_contradictions(self) -> None:
        names = self.column_names
        problems = {
            "its path is no name of lower-case letters and hyphens": not PATH.fullmatch(self.path),
            "its first column is not id": names[:1] != ("id",),
            "it is dated by people and has no person or no date": self.shape == "dated by people"
            and not {"person_id", "date"} <= {*names},
            "it is dated by people and has no first guess of its records": self.shape == "dated by people"
            and self.usual is None,
            "it has no change_version": "change_version" not in names,
            "it has a status that means deleted and no column status": self.deleted_status is not None
            and "status" not in names,
            "its deltas lack a column that it does not have": not {*self.delta_lacks} <= {*names},
        }
        told = [problem for problem, holds in problems.items() if holds]
        if told:
            raise ValueError(f"The registration of {self.path!r} contradicts itself: {'; '.join(told)}.")

    @property
    def table(self) -> str:
        """Name of the table in schema `protime`."""
        return self.path.replace("-", "_")

    @property
    def versions_table(self) -> str:
        """Name of the table of the rows that were replaced."""
        return self.former_versions_table or f"{self.table}_versions"

    @property
    def scope(self) -> str:
        """The scope that lets a client read it."""
        return f"connector-protimeapi-{self.path}.read"

    @cached_property
    def columns(self) -> Sequence[Column]:
        """The columns that hold what the documentation names, in COPY order; rows end with one more value, `extra`."""
        return tuple(columns_of(self.record))

    @cached_property
    def column_names(self) -> Sequence[str]:
        """Names of `columns`."""
        return tuple(column.name for column in self.columns)

    def position(self, name: str) -> int:
        """Where in a row the value of that column stands."""
        return self.column_names.index(name)

    @cached_property
    def row(self) -> Callable[[Any], tuple[Any, ...]]:
        """A function from a record to the values of `columns`, then `extra`."""
        return attrgetter(*(column.path for column in self.columns), "extra")
