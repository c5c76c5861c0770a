"""Made-up absences, on workdays without a clocking, and planned ones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from protime_etl.collections.absences import Absence
from protime_etl.collections.record import OptionalReference, OptionalTextReference, Reference
from protime_etl.simulator.generation.presence import ids_of, pairs_by_day, planned_workdays, workdays
from protime_etl.simulator.generation.source import Source

__all__ = ["FIRST_ID", "derive"]

FIRST_ID = 40_000_000
PLANNED = 9
"""Days of which one is a holiday."""
HOLIDAY, ILLNESS, TRAINING = (OptionalReference(id=number) for number in (37, 38, 32))


def derive(source: Source, person_id: int, known: Sequence[Absence]) -> Iterator[Absence]:
    """A whole day where a workday has no clocking, an hour of training on each third day, and holidays to come."""
    ids = ids_of(source, {(one.date, one.start_time_in_minutes is None): one.id for one in known})
    present = pairs_by_day(source.clockings_of(person_id))
    for day in workdays(source):
        if day not in present:
            kind = ILLNESS if (person_id + day.toordinal()) % 3 == 0 else HOLIDAY
            yield _absence(ids((day, True)), person_id, day, kind, None, 456)
        elif (person_id + day.toordinal()) % 3 == 0:
            yield _absence(ids((day, False)), person_id, day, TRAINING, 600, 60)
    for day in planned_workdays(source):
        if day not in present and (person_id + day.toordinal()) % PLANNED == 0:
            yield _absence(ids((day, True)), person_id, day, HOLIDAY, None, 456)


def _absence(  # noqa: PLR0917
    number: int, person_id: int, day: object, kind: OptionalReference, start: int | None, minutes: int
) -> Absence:
    return Absence(
        id=number,
        person=Reference(id=person_id),
        date=day,  # type: ignore[arg-type]
        resulting_absence_definition=kind,
        requested_absence_definition=kind,
        start_time_in_minutes=start,
        duration_in_minutes=minutes,
        calculated_duration_in_minutes=minutes,
        day_part="Unknown",
        request=OptionalTextReference(id=f"1-{person_id}-{number}"),
        status="Manual",
        approval_level="Approved",
        is_locked=False,
        period_type="Day",
    )
