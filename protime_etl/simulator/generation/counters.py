"""Made-up counters: overtime, minutes of the night and of the evening."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from protime_etl.collections.counters import Counter
from protime_etl.collections.record import OptionalReference, Reference
from protime_etl.simulator.generation.presence import ids_of, pairs_by_day
from protime_etl.simulator.generation.source import Source

__all__ = ["FIRST_ID", "derive"]

FIRST_ID = 52_000_000
NORMAL_MINUTES = 456
NIGHT, EVENING = (-240, 360), (990, 1320)
OVERTIME_ID, NIGHT_ID, EVENING_ID = 1, 2, 3


def derive(source: Source, person_id: int, known: Sequence[Counter]) -> Iterator[Counter]:
    """What each counter gained on each day with clockings; nothing any more where it gained before."""
    ids = ids_of(source, {(one.date, one.counter_definition.id): one.id for one in known})
    gained = {(one.date, one.counter_definition.id or 0): 0 for one in known}
    for day, pairs in pairs_by_day(source.clockings_of(person_id)).items():
        minutes = {
            OVERTIME_ID: max(0, sum(out - came for came, out in pairs) - NORMAL_MINUTES),
            NIGHT_ID: sum(_within(pair, NIGHT) for pair in pairs),
            EVENING_ID: sum(_within(pair, EVENING) for pair in pairs),
        }
        gained |= {(day, counter): number for counter, number in minutes.items() if number or (day, counter) in gained}
    for (day, counter), number in sorted(gained.items()):
        yield Counter(
            id=ids((day, counter)),
            person=Reference(id=person_id),
            date=day,
            counter_definition=OptionalReference(id=counter),
            duration_in_minutes=number,
            period_type="Day",
            status="Auto",
            is_authorized=True,
        )


def _within(pair: tuple[int, int], window: tuple[int, int]) -> int:
    return max(0, min(pair[1], window[1]) - max(pair[0], window[0]))
