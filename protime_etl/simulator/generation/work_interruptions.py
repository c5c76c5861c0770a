"""Made-up interruptions of work: a quarter of an hour after the clocking in, on some days."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from protime_etl.collections.record import Reference
from protime_etl.collections.work_interruptions import WorkInterruption
from protime_etl.simulator.generation.presence import ids_of, pairs_by_day
from protime_etl.simulator.generation.source import Source

__all__ = ["FIRST_ID", "derive"]

FIRST_ID = 54_000_000
MINUTES = 15


def derive(source: Source, person_id: int, known: Sequence[WorkInterruption]) -> Iterator[WorkInterruption]:
    """One on each third day with clockings; it stays where it was once."""
    ids = ids_of(source, {one.date: one.id for one in known})
    days = pairs_by_day(source.clockings_of(person_id))
    interrupted = {day for day in days if (person_id + day.toordinal()) % 3 == 0 and days[day]}
    starts = {one.date: one.start_time_in_minutes for one in known}
    for day in sorted(interrupted | starts.keys()):
        start = days[day][0][0] + 60 if day in interrupted else starts[day]
        yield WorkInterruption(
            id=ids(day),
            person=Reference(id=person_id),
            date=day,
            duration_in_minutes=MINUTES,
            start_time_in_minutes=start,
            end_time_in_minutes=None if start is None else start + MINUTES,
        )
