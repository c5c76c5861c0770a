"""Made-up people and clockings in a realistic shape, the same ones for the same seed.

Every person and day has its own dice: the digest of seed, person and day. So a person's day looks the same whatever
else is generated, on every version of Python.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b, shake_128

import msgspec

from protime_etl.collections.clockings import ActivityDefinition, ActivityLevel, Clocking
from protime_etl.collections.people import Person
from protime_etl.collections.record import NO_GEOLOCATION, NO_REFERENCE, Geolocation, OptionalReference, Reference

__all__ = [
    "FIRST_CLOCKING_ID",
    "FIRST_PERSON_ID",
    "change_version",
    "generate_clockings",
    "generate_people",
    "sensitive_fields",
    "works_nights",
]

FIRST_PERSON_ID = 100_001
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


def change_version(number: int) -> str:
    """The form of the API: 20 upper-case hexadecimal digits, which sort as text."""
    return f"{number:020X}"


def generate_people(seed: int, people: int, first_day: dt.date, versions: Iterator[int]) -> Iterator[Person]:
    """People who all came into service before `first_day`."""
    for person_id in range(FIRST_PERSON_ID, FIRST_PERSON_ID + people):
        dice = _dice(seed, person_id, first_day)
        yield Person(
            id=person_id,
            change_version=change_version(next(versions)),
            last_name=f"Person {person_id}",
            first_name="Simulated",
            employee_number=f"E{person_id}",
            badge_number=f"{7_000_000 + person_id}",
            in_service_date=first_day - dt.timedelta(days=30 + dice[0] * 16 + dice[1] % 16),
        )


def sensitive_fields(person_id: int) -> dict[str, str]:
    """Documented fields of a person that nobody should keep; each value is found by a plain text search."""
    return {
        "address": f"Made-up Street {person_id}",
        "bankAccount": f"MADE-UP-ACCOUNT-{person_id}",
        "birthDate": (dt.date(1930, 1, 1) + dt.timedelta(days=person_id % 9000)).isoformat(),
        "email": f"person.{person_id}@example.invalid",
        "pinCode": f"PIN-{person_id}",
        "socialSecurityNumber": f"MADE-UP-SSN-{person_id}",
    }


def generate_clockings(
    seed: int, person_ids: Sequence[int], days: Iterable[dt.date], ids: Iterator[int], versions: Iterator[int]
) -> list[Clocking]:
    """The clockings of these people on the workdays among these days, in the order of their ids."""
    people = [Reference(id=person_id) for person_id in person_ids]
    clockings: list[Clocking] = []
    for day in days:
        if day.weekday() not in WEEKEND:
            for person in people:
                dice = _dice(seed, person.id, day)
                if dice[0] >= ABSENT:
                    clockings.extend(_workday(person, day, dice, ids, versions))
    # Corrections come after everything was clocked, so their changeVersion is newer than any of the others.
    for position, die in enumerate(shake_128(f"{seed}/corrections".encode()).digest(len(clockings))):
        if die < EDITED + DELETED:
            clockings[position] = _corrected(clockings[position], die, change_version(next(versions)))
    return clockings


def _dice(seed: int, person_id: int, day: dt.date) -> bytes:
    return blake2b(f"{seed}/{person_id}/{day}".encode(), digest_size=40).digest()


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
