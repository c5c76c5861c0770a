"""Made-up clockings in a realistic shape, the same ones for the same seed."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterable, Iterator, Sequence
from hashlib import shake_128

import msgspec

from protime_etl.collections.clockings import ActivityDefinition, ActivityLevel, Clocking
from protime_etl.collections.record import NO_GEOLOCATION, NO_REFERENCE, Geolocation, OptionalReference, Reference
from protime_etl.simulator.generation.dice import change_version, dice_of
from protime_etl.simulator.generation.people import FIRST_PERSON_ID

__all__ = ["FIRST_CLOCKING_ID", "WEEKEND", "generate_clockings", "works_nights"]

FIRST_CLOCKING_ID = 18_000_000

# In, out for the break, in again, out. The night begins on the evening before the day it is assigned to.
DAY_SHIFT = (480, 720, 765, 1005)
NIGHT_SHIFT = (-120, 120, 150, 360)
WEEKEND = (5, 6)
TERMINALS = [OptionalReference(id=number) for number in range(701, 713)]
REASONS = [OptionalReference(id=number) for number in range(31, 37)]
ACTIVITIES = [
    [
        ActivityLevel(level=level, activity_definition=ActivityDefinition(id=str(uuid.UUID(int=level << 64 | number))))
        for level in (1, 2)
    ]
    for number in range(1, 9)
]
# Chances out of 256: the faces of one byte.
ABSENT = 8
WITH_REASON = 10
GENERATED = 2
MOBILE = 8
WITHOUT_TERMINAL = 12
EDITED = 5
DELETED = 3


def works_nights(person_id: int) -> bool:
    """Whether this person, one in twelve, works nights."""
    return (person_id - FIRST_PERSON_ID) % 12 == 7


def _works_on_activities(person_id: int) -> bool:
    return (person_id - FIRST_PERSON_ID) % 5 == 3


def generate_clockings(
    seed: int, person_ids: Sequence[int], days: Iterable[dt.date], ids: Iterator[int], versions: Iterator[int]
) -> list[Clocking]:
    """The clockings of these people on the workdays among these days, in the order of their ids."""
    people = [Reference(id=person_id) for person_id in person_ids]
    clockings: list[Clocking] = []
    for day in days:
        if day.weekday() not in WEEKEND:
            for person in people:
                dice = dice_of(seed, person.id, day)
                if dice[0] >= ABSENT:
                    clockings.extend(_workday(person, day, dice, ids, versions))
    # Corrections come after everything was clocked, so their changeVersion is newer than any of the others.
    for position, die in enumerate(shake_128(f"{seed}/corrections".encode()).digest(len(clockings))):
        if die < EDITED + DELETED:
            clockings[position] = _corrected(clockings[position], die, change_version(next(versions)))
    return clockings


def _workday(
    person: Reference, day: dt.date, dice: bytes, ids: Iterator[int], versions: Iterator[int]
) -> Iterator[Clocking]:
    shift = NIGHT_SHIFT if works_nights(person.id) else DAY_SHIFT
    minutes = [minute + die % 21 - 10 for minute, die in zip(shift, dice[4:8], strict=True)]
    for minute, place, terminal, origin in zip(minutes, dice[8:12], dice[12:16], dice[16:20], strict=True):
        generated = origin < GENERATED
        yield Clocking(
            id=next(ids),
            person=person,
            date=day,
            time_of_day_in_minutes=minute,
            kind="InOut",
            change_version=change_version(next(versions)),
            calculated_time_of_day_in_minutes=_rounded(minute),
            is_generated=generated,
            terminal=NO_REFERENCE if generated or place < WITHOUT_TERMINAL else TERMINALS[terminal % 12],
            geolocation=NO_GEOLOCATION if generated or place >= MOBILE else _place(terminal),
            status="Active",
        )
    if dice[1] < WITH_REASON:
        yield Clocking(
            id=next(ids),
            person=person,
            date=day,
            time_of_day_in_minutes=minutes[-1],
            kind="Reason",
            change_version=change_version(next(versions)),
            is_generated=False,
            terminal=TERMINALS[dice[12] % 12],
            reason=REASONS[dice[2] % 6],
            is_open=dice[2] < 64,
            status="Active",
        )
    if _works_on_activities(person.id):
        levels = ACTIVITIES[dice[3] % 8]
        for kind, minute in (("Activity", minutes[0]), ("ActivityEnd", minutes[-1])):
            yield Clocking(
                id=next(ids),
                person=person,
                date=day,
                time_of_day_in_minutes=minute,
                kind=kind,
                change_version=change_version(next(versions)),
                is_generated=False,
                terminal=TERMINALS[dice[12] % 12],
                activity_levels=levels if kind == "Activity" else None,
                status="Active",
            )


def _rounded(minute: int) -> int:
    return (minute + 7) // 15 * 15


def _place(die: int) -> Geolocation:
    return Geolocation(longitude=round(4.392225 + die / 10_000, 6), latitude=round(51.144127 - die / 20_000, 6))


def _corrected(clocking: Clocking, die: int, version: str) -> Clocking:
    if die >= EDITED:
        return msgspec.structs.replace(clocking, status="Deleted", change_version=version)
    minute = clocking.time_of_day_in_minutes + 5 * (die - 3 if die < 3 else die)
    return msgspec.structs.replace(
        clocking,
        time_of_day_in_minutes=minute,
        original_time_of_day_in_minutes=clocking.time_of_day_in_minutes,
        calculated_time_of_day_in_minutes=_rounded(minute),
        change_version=version,
    )
