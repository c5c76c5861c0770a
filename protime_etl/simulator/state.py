"""What the simulated tenant holds, and the changes that can be made to it while it is served."""

from __future__ import annotations

import datetime as dt
import threading
from itertools import count
from typing import Any

import msgspec

from protime_etl.collections.clockings import Clocking
from protime_etl.collections.people import Person
from protime_etl.collections.record import Reference
from protime_etl.simulator.clocking_index import ClockingIndex
from protime_etl.simulator.generation import (
    FIRST_CLOCKING_ID,
    FIRST_PERSON_ID,
    change_version,
    generate_clockings,
    generate_people,
    sensitive_fields,
)
from protime_etl.simulator.history import History
from protime_etl.simulator.records import documented_clocking, tidy
from protime_etl.simulator.selection import Selection

__all__ = ["Tenant"]

DEFAULT_DAYS = 30
FIRST_CHANGE_VERSION = 0x0000090200004BD00000


class Tenant:
    """People and their clockings, all following from the seed until they are changed. Safe to share between threads."""

    def __init__(
        self,
        seed: int = 1,
        people: int = 50,
        first_day: dt.date | None = None,
        last_day: dt.date | None = None,
        *,
        today: dt.date | None = None,
        until: dt.datetime | None = None,
    ) -> None:
        """Generate the tenant; without days, the 30 days up to `today`, which is by default the day in UTC.

        `until` is a moment on the wall clock: what is clocked after it is held back until `catch_up`.
        """
        self.seed = seed
        self.last_day = last_day or today or dt.datetime.now(dt.UTC).date()
        self.first_day = first_day or self.last_day - dt.timedelta(days=DEFAULT_DAYS - 1)
        self._lock = threading.RLock()
        self._ids = count(FIRST_CLOCKING_ID)
        self._versions = count(FIRST_CHANGE_VERSION)
        self._people = {person.id: person for person in generate_people(seed, people, self.first_day, self._versions)}
        days = [self.first_day + dt.timedelta(days=n) for n in range((self.last_day - self.first_day).days + 1)]
        clockings = generate_clockings(seed, list(self._people), days, self._ids, self._versions)
        self._to_come = [] if until is None else [one for one in clockings if _moment(one) > until]
        held_back = {one.id for one in self._to_come}
        self._clockings = ClockingIndex([one for one in clockings if one.id not in held_back])
        self._raw: dict[int, dict[str, Any]] = {}
        self._person_ids = count(FIRST_PERSON_ID + people)
        self.history = {"clockings": History(), "people": History()}
        """What changed, by collection, as far as a delta watches."""

    def add(
        self, person_id: int, date: dt.date, time_of_day_in_minutes: int, kind: str = "InOut", **fields: object
    ) -> Clocking:
        """Clock somebody in or out; `fields` are further attributes of `Clocking`.

        Raises:
            KeyError: there is no such person.
        """
        with self._lock:
            person = Reference(id=self._people[person_id].id)
            values: dict[str, Any] = {"is_generated": False, "status": "Active", **fields}
            clocking = Clocking(
                id=next(self._ids),
                person=person,
                date=date,
                time_of_day_in_minutes=time_of_day_in_minutes,
                kind=kind,
                change_version=self._next_version(),
                **values,
            )
            return self._store(clocking)

    def catch_up(self, now: dt.datetime) -> None:
        """Let come what was held back and is clocked by that moment on the wall clock."""
        with self._lock:
            due = [one for one in self._to_come if _moment(one) <= now]
            self._to_come = [one for one in self._to_come if _moment(one) > now]
            for clocking in due:
                self._store(msgspec.structs.replace(clocking, change_version=self._next_version()))

    def edit(self, clocking_id: int, **changes: object) -> Clocking:
        """Change attributes of a clocking as an editor does: it keeps its original time and gets a new changeVersion.

        Raises:
            KeyError: there is no such clocking.
            ValueError: its id or changeVersion was to be changed.
        """
        _refuse_given(changes)
        with self._lock:
            old = self._clockings.by_id[clocking_id]
            original = old.original_time_of_day_in_minutes
            changes.setdefault(
                "original_time_of_day_in_minutes", old.time_of_day_in_minutes if original is None else original
            )
            return self._store(msgspec.structs.replace(old, change_version=self._next_version(), **changes))

    def soft_delete(self, clocking_id: int) -> Clocking:
        """Delete a clocking as the API does: it stays, with the status `Deleted` and a new changeVersion.

        Raises:
            KeyError: there is no such clocking.
        """
        with self._lock:
            old = self._clockings.by_id[clocking_id]
            return self._store(msgspec.structs.replace(old, status="Deleted", change_version=self._next_version()))

    def hard_delete(self, clocking_id: int) -> str:
        """Remove a clocking; the changeVersion of the deletion, which a delta alone will tell.

        Raises:
            KeyError: there is no such clocking.
        """
        with self._lock:
            clocking = self._clockings.remove(clocking_id)
            self._raw.pop(clocking_id, None)
            version = self._next_version()
            self.history["clockings"].record(version, clocking, None)
            return version

    def replace_raw(self, clocking_id: int, record: dict[str, Any]) -> None:
        """Serve this JSON object in the place of a clocking, until the clocking is edited or deleted.

        Filters still find it by what the clocking was.

        Raises:
            KeyError: there is no such clocking.
        """
        with self._lock:
            clocking = self._clockings.by_id[clocking_id]
            self._raw[clocking_id] = dict(record)
            self.history["clockings"].record(clocking.change_version, clocking, clocking, self._raw[clocking_id])

    def add_person(self, **fields: object) -> Person:
        """Take somebody on; `fields` are attributes of `Person`, and those not given are made up."""
        with self._lock:
            person_id = next(self._person_ids)
            values: dict[str, Any] = {
                "last_name": f"Person {person_id}",
                "first_name": "Simulated",
                "employee_number": f"E{person_id}",
                "badge_number": f"{7_000_000 + person_id}",
                "in_service_date": self.first_day,
                **fields,
            }
            return self._store_person(Person(id=person_id, change_version=self._next_version(), **values))

    def edit_person(self, person_id: int, **changes: object) -> Person:
        """Change attributes of a person, who gets a new changeVersion.

        Raises:
            KeyError: there is no such person.
            ValueError: the id or the changeVersion was to be changed.
        """
        _refuse_given(changes)
        with self._lock:
            old = self._people[person_id]
            return self._store_person(msgspec.structs.replace(old, change_version=self._next_version(), **changes))

    def hard_delete_person(self, person_id: int) -> str:
        """Remove a person but none of the clockings; the changeVersion of the deletion, which a delta alone will tell.

        Raises:
            KeyError: there is no such person.
        """
        with self._lock:
            person = self._people.pop(person_id)
            version = self._next_version()
            self.history["people"].record(version, person, None)
            return version

    def truth(self) -> list[Clocking]:
        """All clockings that are served, deleted ones included, in the order of their ids.

        Of an object put in with `replace_raw`, what the documented fields say; without it if they say nothing valid.
        """
        with self._lock:
            served = ((clocking, self._raw.get(key)) for key, clocking in sorted(self._clockings.by_id.items()))
            read = (clocking if raw is None else documented_clocking(raw) for clocking, raw in served)
            return [clocking for clocking in read if clocking is not None]

    def people_truth(self) -> list[Person]:
        """All people, in the order of their ids."""
        with self._lock:
            return list(self._people.values())

    def person_ids(self) -> list[int]:
        """Ids of all people."""
        return list(self._people)

    def clockings_of(self, person_id: int) -> list[Clocking]:
        """The clockings of one person."""
        with self._lock:
            return self._clockings.of_person(person_id)

    def counts(self) -> dict[str, int]:
        """How many clockings and people are served."""
        return {"clockings": len(self._clockings.by_id), "people": len(self._people)}

    def clocking(self, clocking_id: int) -> object | None:
        """The clocking as it is served, or None."""
        with self._lock:
            return self._raw.get(clocking_id, self._clockings.by_id.get(clocking_id))

    def clockings(self, selection: Selection, after: int, limit: int) -> tuple[list[object], int | None]:
        """The next selected clockings by id, as served, and the id to go on after if there are more."""
        with self._lock:
            part, following = self._clockings.page(selection, after, limit)
            return [self._raw.get(clocking.id, clocking) for clocking in part], following

    def person(self, person_id: int) -> dict[str, Any] | None:
        """The person as served, with the sensitive fields, or None."""
        person = self._people.get(person_id)
        return None if person is None else _served_person(person)

    def people(self, after: int, limit: int) -> tuple[list[object], int | None]:
        """The next people by id, as served, and the id to go on after if there are more."""
        with self._lock:
            following = [person for person in self._people.values() if person.id > after]
        part: list[object] = [_served_person(person) for person in following[:limit]]
        return part, following[limit - 1].id if len(following) > limit else None

    def _next_version(self) -> str:
        return change_version(next(self._versions))

    def _store(self, clocking: Clocking) -> Clocking:
        clocking = tidy(clocking)
        old = self._clockings.put(clocking)
        self._raw.pop(clocking.id, None)
        self.history["clockings"].record(clocking.change_version, old, clocking, clocking)
        return clocking

    def _store_person(self, person: Person) -> Person:
        old = self._people.get(person.id)
        self._people[person.id] = person
        self.history["people"].record(person.change_version, old, person, _served_person(person))
        return person


def _moment(clocking: Clocking) -> dt.datetime:
    """When it was clocked, on the wall clock."""
    midnight = dt.datetime.combine(clocking.date, dt.time())
    return midnight + dt.timedelta(minutes=clocking.time_of_day_in_minutes)


def _refuse_given(changes: dict[str, object]) -> None:
    if {"id", "change_version"} & changes.keys():
        raise ValueError("the tenant alone gives ids and changeVersions")


def _served_person(person: Person) -> dict[str, Any]:
    return {**msgspec.to_builtins(person), **sensitive_fields(person.id)}
