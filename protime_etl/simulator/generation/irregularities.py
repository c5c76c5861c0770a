"""What real tenants have beside tidy days: double punches, reasons instead of clockings, forgotten clockings."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from protime_etl.collections.clockings import Clocking
from protime_etl.collections.people import Person
from protime_etl.collections.record import NO_REFERENCE, OptionalReference
from protime_etl.simulator.generation.dice import change_version, dice_of

__all__ = ["changed_people", "irregular"]

# Chances out of 256, of a person and day.
FORGOTTEN = 10
DOUBLE = 20
REASON_INSTEAD = 30
SHOPPING = OptionalReference(id=36)


def irregular(clockings: Iterable[Clocking], seed: int, ids: Iterator[int], versions: Iterator[int]) -> list[Clocking]:
    """The same clockings, with what goes wrong on some days; what comes in addition is newer than all others."""
    found: list[Clocking] = []
    doubles: list[Clocking] = []
    seen: set[tuple[int, dt.date]] = set()
    for clocking in clockings:
        place = (clocking.person.id, clocking.date)
        die = dice_of(seed + 1, *place)[0]
        first = place not in seen and clocking.kind == "InOut"
        seen.add(place)
        if not first or clocking.status == "Deleted":
            found.append(clocking)
        elif die < FORGOTTEN:
            continue
        elif die < DOUBLE:
            found.append(clocking)
            doubles.append(clocking)
        elif die < REASON_INSTEAD:
            found.append(msgspec.structs.replace(clocking, kind="Reason", reason=SHOPPING, terminal=NO_REFERENCE))
        else:
            found.append(clocking)
    return found + [
        msgspec.structs.replace(
            one,
            id=next(ids),
            time_of_day_in_minutes=one.time_of_day_in_minutes + 1,
            change_version=change_version(next(versions)),
        )
        for one in doubles
    ]


def changed_people(people: Sequence[Person], closed: dt.date) -> list[Person]:
    """The people, their calendars closed up to that day, but for the last one, who has left; the clockings stay."""
    staying = people[:-1] if len(people) > 1 else people
    return [msgspec.structs.replace(one, period_closing_date=closed, pay_group="A") for one in staying]
