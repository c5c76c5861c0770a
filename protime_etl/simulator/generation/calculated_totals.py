"""Calculated totals, derived from the clockings of each person's days."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from protime_etl.collections.calculated_totals import CalculatedTotal
from protime_etl.collections.record import NO_REFERENCE, OptionalReference, Reference
from protime_etl.simulator.generation.clockings import WEEKEND, works_nights
from protime_etl.simulator.generation.source import Source

__all__ = ["FIRST_ID", "derive"]

FIRST_ID = 50_000_000
NORMAL_MINUTES = 456
NIGHT_SHIFT = OptionalReference(id=12)


def derive(source: Source, person_id: int, known: Sequence[CalculatedTotal]) -> Iterator[CalculatedTotal]:
    """The totals of one person: of the tenant's days, of those with clockings, and of those that are known.

    One that is known keeps its id.
    """
    totals = {total.date: total for total in known}
    minutes: defaultdict[dt.date, list[int]] = defaultdict(list)
    for clocking in source.clockings_of(person_id):
        if clocking.kind == "InOut" and clocking.status != "Deleted":
            minutes[clocking.date].append(clocking.time_of_day_in_minutes)
    balance = 0
    for day in sorted({*source.days, *minutes, *totals}):
        present = _between_pairs(minutes[day])
        normal = 0 if day.weekday() in WEEKEND else NORMAL_MINUTES
        balance += present - normal
        total = totals.get(day) or CalculatedTotal(id=next(source.ids), person=Reference(id=person_id), date=day)
        yield msgspec.structs.replace(
            total,
            normal_time_duration_in_minutes=normal,
            time_present_duration_in_minutes=present,
            calculated_presence_duration_in_minutes=present // 15 * 15,
            flextime_duration_in_minutes=present - normal,
            flextime_balance_in_minutes=balance,
            shift_definition=NIGHT_SHIFT if works_nights(person_id) else NO_REFERENCE,
        )


def _between_pairs(minutes: Iterable[int]) -> int:
    """Minutes between each clocking in and the clocking out after it; one that has no other counts for nothing."""
    ordered = sorted(minutes)
    return sum(out - in_ for in_, out in zip(ordered[::2], ordered[1::2], strict=False))
