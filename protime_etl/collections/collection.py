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

__all__ = ["API_PATH", "OTHER_FORM", "Collection", "PerDay", "Privacy", "Shape", "Versions"]

API_PATH = "/connector/protimeapi/api/v1"
PATH = re.compile(r"[a-z]+(-[a-z]+)*")
OTHER_FORM = "other form"
"""Where `extra` keeps the values of documented fields that could not be read; with a space it is no property's name."""

Shape = Literal["dated by people", "dated by days", "whole"]
"""How a collection is read: batches of people in windows of days, windows of days, or the complete list."""
Privacy = Literal["none", "personal", "sensitive", "special"]
"""What a collection holds about people: nothing, who they are, how they work and where they were, their health."""
Versions = Literal["all", "closed days", "none"]
"""Which rows that were replaced are kept with their validity: all, those of days that were closed, or none."""


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
    day: str = "date"
    """The column that the filter on dates is about, if it is dated."""
    single: bool = True
    """Whether the API gives a single record by its id."""
    reaches: bool = False
    """Whether a record may begin before the days that it is about: it is listed by its first day alone."""
    plans: bool = False
    """Whether it holds plans: records of days to come, which are read again each night until they are over."""
    scope_of: str = ""
    """Path of the collection whose scope lets a client read this one, if it is not its own."""
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
    privacy: Privacy = "personal"
    """What it holds about people."""
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
            "it is dated by people and has no person": self.by_people and "person_id" not in names,
            f"it is dated and has no {self.day}": self.is_dated and self.day not in names,
            "it is dated and has no first guess of its records": self.is_dated and self.usual is None,
            "it holds plans and is not dated": self.plans and not self.is_dated,
            "it keeps versions of closed days and has no person or no day": self.versions == "closed days"
            and not {"person_id", self.day} <= {*names},
            "it has no change_version": "change_version" not in names,
            "it has a status that means deleted and no column status": self.deleted_status is not None
            and "status" not in names,
            "its deltas lack a column that it does not have": not {*self.delta_lacks} <= {*names},
        }
        found = [problem for problem, holds in problems.items() if holds]
        if found:
            raise ValueError(f"The registration of {self.path!r} contradicts itself: {'; '.join(found)}.")

    @property
    def by_people(self) -> bool:
        """Whether it is read in batches of people; otherwise by days alone, or whole."""
        return self.shape == "dated by people"

    @property
    def is_dated(self) -> bool:
        """Whether it is read in windows of days."""
        return self.shape != "whole"

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
        return f"connector-protimeapi-{self.scope_of or self.path}.read"

    @cached_property
    def columns(self) -> Sequence[Column]:
        """The columns that hold what the documentation names, in COPY order; rows end with one more value, `extra`."""
        return tuple(columns_of(self.record))

    @cached_property
    def column_names(self) -> Sequence[str]:
        """Names of `columns`."""
        return tuple(column.name for column in self.columns)

    @cached_property
    def strict(self) -> frozenset[str]:
        """Fields, as the API names them, of which any other form makes a record rejected: id, person, day and so on."""
        fields = msgspec.structs.fields(self.record)
        return frozenset(one.encode_name for one in fields if one.required or one.name in ("person", "change_version"))

    @property
    def extra_comment(self) -> str:
        """What the column `extra` holds."""
        unknown = "fields that the documentation does not know" if self.keep_unknown else "no unknown fields"
        return f"Under {OTHER_FORM!r} documented fields that could not be read, as they came; beside it {unknown}."

    def position(self, name: str) -> int:
        """Where in a row the value of that column stands."""
        return self.column_names.index(name)

    @cached_property
    def row(self) -> Callable[[Any], tuple[Any, ...]]:
        """A function from a record to the values of `columns`, then `extra`."""
        return attrgetter(*(column.path for column in self.columns), "extra")
