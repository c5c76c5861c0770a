"""Made-up activity durations: the presence of a day, on the activities that were clocked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from protime_etl.collections.activity_durations import ActivityDuration
from protime_etl.collections.record import Reference
from protime_etl.simulator.generation.presence import ids_of, pairs_by_day
from protime_etl.simulator.generation.source import Source

__all__ = ["FIRST_ID", "derive"]

FIRST_ID = 55_000_000
COUNTERS = [Reference(id=1), Reference(id=2)]


def derive(source: Source, person_id: int, known: Sequence[ActivityDuration]) -> Iterator[ActivityDuration]:
    """One on each day with clockings; one whose day has none any more is deleted."""
    ids = ids_of(source, {one.date: one.id for one in known})
    clockings = source.clockings_of(person_id)
    levels = {one.date: one.activity_levels for one in clockings if one.kind == "Activity" and one.status != "Deleted"}
    days = pairs_by_day(clockings)
    for day in sorted(days.keys() | {one.date for one in known}):
        yield ActivityDuration(
            id=ids(day),
            person=Reference(id=person_id),
            date=day,
            duration_in_minutes=sum(out - came for came, out in days.get(day, [])),
            activity_levels=levels.get(day),
            counter_definitions=COUNTERS if person_id % 2 else [],
            status="Auto" if day in days else "Deleted",
            is_authorized=True,
        )
