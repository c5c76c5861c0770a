"""The clockings of a large simulated tenant, kept as the bytes that are served.

They are made by the simulated tenant's own generator. Its usual clocking has 239 bytes; the documented one, with a
place and an original time, has about 335. So that neither download nor decoding looks cheaper than it is, every
clocking gets those two fields here.
"""

from __future__ import annotations

import datetime as dt
from array import array
from collections.abc import Iterator, Sequence
from itertools import chain, count
from typing import NamedTuple

import msgspec

from protime_etl.collections.clockings import Clocking
from protime_etl.collections.record import NO_GEOLOCATION, Geolocation
from protime_etl.simulator.generation.clockings import FIRST_CLOCKING_ID, generate_clockings
from protime_etl.simulator.generation.dice import change_version
from protime_etl.simulator.generation.people import FIRST_PERSON_ID, generate_people
from protime_etl.simulator.selection import Selection

__all__ = ["DAYS", "Clockings", "Tenant", "people_for"]

SEED = 1
DAYS = 94
"""67 workdays: about 293 clockings a person."""
CLOCKINGS_OF_A_PERSON = 292.6
FIRST_VERSION = 0x0000090200004BD00000
FIRST_CHANGED_VERSION = 0x00000A0200004BD00000
EDITED_SHARE = 100
"""One clocking in this number is edited in the changed tenant."""


class Tenant(NamedTuple):
    """How large a tenant is: these people, on `days` days up to `last_day`."""

    people: int
    last_day: dt.date
    days: int = DAYS

    @property
    def first_day(self) -> dt.date:
        """The first day on which anybody clocked."""
        return self.last_day - dt.timedelta(days=self.days - 1)

    @property
    def person_ids(self) -> range:
        """All people."""
        return range(FIRST_PERSON_ID, FIRST_PERSON_ID + self.people)


def people_for(clockings: int) -> int:
    """How many people have about this number of clockings in `DAYS` days."""
    return max(1, round(clockings / CLOCKINGS_OF_A_PERSON))


class Clockings:
    """All clockings of a tenant in the order of their ids, rendered; and a second form in which 1 % are edited."""

    def __init__(self, tenant: Tenant) -> None:
        """Generate them, a day at a time: ten million are held as bytes, not as objects."""
        self.tenant = tenant
        self._encoder = msgspec.json.Encoder()
        self._decoder = msgspec.json.Decoder(Clocking)
        self._bytes = bytearray()
        self._ends = array("Q", [0])
        self._first_of_day: dict[dt.date, int] = {}
        self._of_person = {person_id: array("L") for person_id in tenant.person_ids}
        self._edited: dict[int, bytes] = {}
        self.minutes = 0
        """The sum of all times, by which it is checked that a contender brought them; each edit adds one."""
        ids, versions = count(FIRST_CLOCKING_ID), count(FIRST_VERSION)
        for day in (tenant.first_day + dt.timedelta(days=number) for number in range(tenant.days)):
            self._first_of_day[day] = len(self)
            for clocking in generate_clockings(SEED, tenant.person_ids, [day], ids, versions):
                self.minutes += clocking.time_of_day_in_minutes
                self._of_person[clocking.person.id].append(len(self))
                self._bytes += self._encoder.encode(_with_all_usual_fields(clocking))
                self._ends.append(len(self._bytes))

    def __len__(self) -> int:
        return len(self._ends) - 1

    @property
    def edited(self) -> int:
        """How many clockings differ in the second form."""
        return len(self._edited)

    @property
    def record_bytes(self) -> float:
        """Bytes of a clocking, on the average."""
        return len(self._bytes) / max(1, len(self))

    def people(self) -> Iterator[bytes]:
        """All people, rendered."""
        people = generate_people(SEED, self.tenant.people, self.tenant.first_day, count(FIRST_VERSION))
        return map(self._encoder.encode, people)

    def edit(self) -> None:
        """Make the second form, in which some clockings are a minute later."""
        versions = count(FIRST_CHANGED_VERSION)
        for position in range(EDITED_SHARE // 2, len(self), EDITED_SHARE):
            clocking = self._decoder.decode(self.record(position, edited=False))
            edited = msgspec.structs.replace(
                clocking,
                time_of_day_in_minutes=clocking.time_of_day_in_minutes + 1,
                change_version=change_version(next(versions)),
            )
            self._edited[position] = self._encoder.encode(edited)

    def record(self, position: int, *, edited: bool) -> bytes:
        """One clocking, in its first or second form."""
        found = self._edited.get(position) if edited else None
        return bytes(self._bytes[self._ends[position] : self._ends[position + 1]]) if found is None else found

    def listing(self, selection: Selection) -> Sequence[int]:
        """The positions of the selected clockings, in the order of their ids.

        Raises:
            ValueError: the selection has conditions that no contender needs.
        """
        if selection.collections or selection.kinds is not None:
            raise ValueError("the rendered tenant is asked for people and dates only")
        first, after = self._positions(selection)
        if selection.people is None:
            return range(first, after)
        chosen = (self._of_person.get(person_id, ()) for person_id in selection.people)
        return array("L", sorted(position for position in chain.from_iterable(chosen) if first <= position < after))

    def _positions(self, selection: Selection) -> tuple[int, int]:
        first = min(max(selection.first_day or dt.date.min, self.tenant.first_day), self.tenant.last_day)
        last = min(selection.last_day or dt.date.max, self.tenant.last_day)
        following = last + dt.timedelta(days=1)
        return self._first_of_day[first], self._first_of_day.get(following, len(self))


def _with_all_usual_fields(clocking: Clocking) -> Clocking:
    original = clocking.original_time_of_day_in_minutes
    place = clocking.geolocation
    return msgspec.structs.replace(
        clocking,
        original_time_of_day_in_minutes=clocking.time_of_day_in_minutes if original is None else original,
        geolocation=_place(clocking.id) if place is NO_GEOLOCATION else place,
    )


def _place(number: int) -> Geolocation:
    return Geolocation(
        longitude=round(4.39 + number % 997 / 10_000, 6), latitude=round(51.14 - number % 991 / 20_000, 6)
    )
