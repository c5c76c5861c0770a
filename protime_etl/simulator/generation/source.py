"""What made-up records are made of, and where those of a collection come from."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from itertools import count
from typing import Any

from protime_etl.collections.clockings import Clocking
from protime_etl.collections.registry import COLLECTIONS

__all__ = ["Following", "Source"]


@dataclass(frozen=True)
class Source:
    """A simulated tenant, as far as records of other collections follow from it."""

    seed: int
    days: Sequence[dt.date]
    planned: Sequence[dt.date]
    """Days after these, of which there are plans only."""
    person_ids: Sequence[int]
    clockings_of: Callable[[int], Sequence[Clocking]]
    """The clockings of a person, deleted ones included."""
    collection: str
    """Path of the collection whose records are asked for."""
    ids: Iterator[int]
    """Ids of the collection that are not taken."""


class Following:
    """Records of the other collections, as they follow from people and clockings.

    Those of a collection come from the module of this package that is named like the one of its registration. It has
    `FIRST_ID`, and `generate(source)`, which gives records that stay, or `derive(source, person_id, known)`, which
    gives those of a person whenever that person's clockings have changed; those in `known` keep their ids. It may have
    both. The tenant gives versions.
    """

    def __init__(
        self,
        seed: int,
        days: Sequence[dt.date],
        planned: Sequence[dt.date],
        clockings_of: Callable[[int], Sequence[Clocking]],
    ) -> None:
        self._seed = seed
        self._days = days
        self._planned = planned
        self._clockings_of = clockings_of
        self._begun: dict[str, tuple[Any, Source]] = {}

    def records(self, collection: str, person_ids: Sequence[int]) -> list[Any]:
        """All records of a collection, for the first time.

        Raises:
            ModuleNotFoundError: the collection has no made-up records.
        """
        _, _, name = COLLECTIONS[collection].record.__module__.rpartition(".")
        module: Any = import_module(f"protime_etl.simulator.generation.{name}")
        ids = count(module.FIRST_ID)
        source = Source(self._seed, self._days, self._planned, person_ids, self._clockings_of, collection, ids)
        self._begun[collection] = (module, source)
        records = list(module.generate(source)) if hasattr(module, "generate") else []
        if hasattr(module, "derive"):
            records += [one for person in person_ids for one in module.derive(source, person, ())]
        return records

    def of_person(self, collection: str, person_id: int, known: Sequence[Any]) -> list[Any]:
        """The records of a person as they are now; none of a collection that does not follow clockings."""
        if collection not in self._begun:
            return []
        module, source = self._begun[collection]
        return list(module.derive(source, person_id, known)) if hasattr(module, "derive") else []
