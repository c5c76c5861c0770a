"""Made-up breaks, from the middle of the day: the time between two pairs of clockings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from protime_etl.collections.breaks import Break
from protime_etl.collections.record import OptionalReference, Reference
from protime_etl.simulator.generation.presence import ids_of, pairs_by_day
from protime_etl.simulator.generation.source import Source

__all__ = ["FIRST_ID", "derive"]

FIRST_ID = 53_000_000
DEDUCTED = 30


def derive(source: Source, person_id: int, known: Sequence[Break]) -> Iterator[Break]:
    """The break of each day with clockings; one that was not clocked is deducted."""
    ids = ids_of(source, {one.date: one.id for one in known})
    days = pairs_by_day(source.clockings_of(person_id))
    for day in sorted(days.keys() | {one.date for one in known}):
        pairs = days.get(day, [])
        clocked = pairs[1][0] - pairs[0][1] if len(pairs) > 1 else 0
        yield Break(
            id=ids(day),
            person=Reference(id=person_id),
            date=day,
            break_definition=OptionalReference(id=1),
            calculated_duration_in_minutes=max(DEDUCTED, clocked),
            clocked_duration_in_minutes=clocked,
            start_time_in_minutes=690,
            end_time_in_minutes=840,
            is_break_taken=clocked > 0,
        )
