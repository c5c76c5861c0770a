"""How a person's day went, as other records follow from it."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping, Sequence

from protime_etl.collections.clockings import Clocking
from protime_etl.simulator.generation.clockings import WEEKEND
from protime_etl.simulator.generation.source import Source

__all__ = ["ids_of", "pairs_by_day", "planned_workdays", "workdays"]

Pair = tuple[int, int]


def pairs_by_day(clockings: Sequence[Clocking]) -> Mapping[dt.date, list[Pair]]:
    """Minutes of clocking in and out again, by day; one that has no other counts for nothing."""
    minutes: defaultdict[dt.date, list[int]] = defaultdict(list)
    for clocking in clockings:
        if clocking.kind == "InOut" and clocking.status != "Deleted":
            minutes[clocking.date].append(clocking.time_of_day_in_minutes)
    return {
        day: list(zip(sorted(found)[::2], sorted(found)[1::2], strict=False)) for day, found in sorted(minutes.items())
    }


def workdays(source: Source) -> list[dt.date]:
    """The tenant's days on which people work."""
    return [day for day in source.days if day.weekday() not in WEEKEND]


def planned_workdays(source: Source) -> list[dt.date]:
    """Days to come on which people will work."""
    return [day for day in source.planned if day.weekday() not in WEEKEND]


class ids_of:  # noqa: N801 - used like a function
    """Ids of records by what they stand for: those that are known keep theirs."""

    def __init__(self, source: Source, known: Mapping[object, int]) -> None:
        self._source = source
        self._known = known

    def __call__(self, what: object) -> int:
        """The id for this."""
        return self._known[what] if what in self._known else next(self._source.ids)
