"""Made-up access clockings: the doors that people went through to clock, and badges that no person has."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from protime_etl.collections.access_clockings import AccessClocking
from protime_etl.collections.record import OptionalReference
from protime_etl.simulator.generation.presence import ids_of, workdays
from protime_etl.simulator.generation.source import Source

__all__ = ["FIRST_ID", "derive", "generate"]

FIRST_ID = 60_000_000
DOOR = OptionalReference(id=801)
LAST_MINUTE = 1439


def generate(source: Source) -> Iterator[AccessClocking]:
    """Each workday a badge that is not known."""
    for day in workdays(source):
        yield AccessClocking(
            id=next(source.ids), date=day, time_of_day_in_minutes=420, terminal=DOOR, status="UnknownBadgeNumber"
        )


def derive(source: Source, person_id: int, known: Sequence[AccessClocking]) -> Iterator[AccessClocking]:
    """A door at each clocking in and out, on the calendar day; it stays when the clocking is gone."""
    ids = ids_of(source, {(one.date, one.time_of_day_in_minutes): one.id for one in known})
    went = {(one.date, one.time_of_day_in_minutes or 0) for one in known}
    for clocking in source.clockings_of(person_id):
        if clocking.kind == "InOut" and 0 <= clocking.time_of_day_in_minutes <= LAST_MINUTE:
            went.add((clocking.date, clocking.time_of_day_in_minutes))
    for day, minute in sorted(went):
        yield AccessClocking(
            id=ids((day, minute)),
            person=OptionalReference(id=person_id),
            date=day,
            time_of_day_in_minutes=minute,
            terminal=DOOR,
            status="AccessOk",
        )
