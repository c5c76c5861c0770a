"""Made-up paid presences: the pairs of clockings, split over two shifts where a night ends."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from protime_etl.collections.paid_presences import PaidPresence
from protime_etl.collections.record import NO_REFERENCE, OptionalReference, Reference
from protime_etl.simulator.generation.presence import ids_of, pairs_by_day
from protime_etl.simulator.generation.source import Source

__all__ = ["FIRST_ID", "derive"]

FIRST_ID = 51_000_000
EARLY, LATE = OptionalReference(id=1), OptionalReference(id=2)


def derive(source: Source, person_id: int, known: Sequence[PaidPresence]) -> Iterator[PaidPresence]:
    """One row for each pair of clockings, each of another shift."""
    ids = ids_of(source, {(one.date, one.shift_definition.id): one.id for one in known})
    days = pairs_by_day(source.clockings_of(person_id))
    minutes = {
        (day, shift): sum(out - came for came, out in pairs[place::2])
        for day, pairs in days.items()
        for place, shift in enumerate((EARLY, LATE))
        if pairs[place:]
    }
    left = {(one.date, one.shift_definition): 0 for one in known if one.shift_definition is not NO_REFERENCE}
    for (day, shift), paid in sorted((left | minutes).items(), key=lambda one: (one[0][0], one[0][1].id)):
        yield PaidPresence(
            id=ids((day, shift.id)),
            person=Reference(id=person_id),
            date=day,
            duration_in_minutes=paid,
            shift_definition=shift,
        )
