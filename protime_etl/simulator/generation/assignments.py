"""Made-up assignments: each week of each person, and a long one that began before the first day."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from protime_etl.collections.assignments import Assignment
from protime_etl.collections.record import Reference
from protime_etl.simulator.generation.presence import planned_workdays, workdays
from protime_etl.simulator.generation.source import Source

__all__ = ["FIRST_ID", "generate"]

FIRST_ID = 61_000_000
BEFORE = dt.timedelta(days=20)


def generate(source: Source) -> Iterator[Assignment]:
    """From Monday to Friday, and for each third person one that reaches into the days."""
    mondays = sorted({day - dt.timedelta(days=day.weekday()) for day in (*workdays(source), *planned_workdays(source))})
    for person_id in source.person_ids:
        for monday in mondays:
            yield _assignment(source, person_id, monday, monday + dt.timedelta(days=4))
        if person_id % 3 == 0:
            first = source.days[0]
            yield _assignment(source, person_id, first - BEFORE, first + dt.timedelta(days=2))


def _assignment(source: Source, person_id: int, first: dt.date, last: dt.date) -> Assignment:
    return Assignment(
        id=next(source.ids),
        person=Reference(id=person_id),
        from_date=first,
        until_date=last,
        start_time_in_minutes=480,
        end_time_in_minutes=1005,
        break_duration_in_minutes=45,
        is_rejected=False,
    )
