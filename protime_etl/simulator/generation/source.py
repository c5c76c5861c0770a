"""What made-up records are made of, and where those of a collection come from."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from protime_etl.collections.clockings import Clocking
from protime_etl.collections.collection import Collection

__all__ = ["Generator", "Source", "generator_of"]


@dataclass(frozen=True)
class Source:
    """A simulated tenant, as far as records of other collections follow from it."""

    seed: int
    days: Sequence[dt.date]
    person_ids: Sequence[int]
    clockings_of: Callable[[int], Sequence[Clocking]]
    """The clockings of a person, deleted ones included."""
    ids: Iterator[int]
    """Ids of the collection that are not taken."""


@dataclass(frozen=True)
class Generator:
    """The made-up records of one collection; their changeVersions are given by the tenant."""

    first_id: int
    generate: Callable[[Source], Iterable[Any]] | None
    """All records, which stay as they are."""
    derive: Callable[[Source, int, Sequence[Any]], Iterable[Any]] | None
    """The records of one person, from those that are known so far: they follow the person's clockings."""


def generator_of(collection: Collection) -> Generator:
    """The generator of a collection: the module of this package that is named like its table.

    It has `FIRST_ID`, and `generate` or `derive`.

    Raises:
        ModuleNotFoundError: there is none.
    """
    module = import_module(f"protime_etl.simulator.generation.{collection.table}")
    return Generator(module.FIRST_ID, getattr(module, "generate", None), getattr(module, "derive", None))
