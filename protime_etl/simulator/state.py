"""What the simulated tenant holds, and the changes that can be made to it while it is served."""

from __future__ import annotations

import datetime as dt
import threading
from itertools import count
from typing import Any, NamedTuple

import msgspec

from protime_etl.collections.clockings import Clocking
from protime_etl.collections.people import Person
from protime_etl.collections.record import Reference
from protime_etl.collections.registry import COLLECTIONS
from protime_etl.simulator.generation import irregularities
from protime_etl.simulator.generation.clockings import FIRST_CLOCKING_ID, generate_clockings
from protime_etl.simulator.generation.dice import change_version
from protime_etl.simulator.generation.people import FIRST_PERSON_ID, generate_people
from protime_etl.simulator.generation.source import Following
from protime_etl.simulator.history import History
from protime_etl.simulator.record_index import RecordIndex
from protime_etl.simulator.records import documented, moment_of, refuse_given, served_person, tidy
from protime_etl.simulator.selection import Selection

__all__ = ["Backup", "Tenant"]

FIRST_CHANGE_VERSION = 0x0000090200004BD00000


class Backup(NamedTuple):
    """What a tenant held at a moment."""

    records: dict[str, list[Any]]
    raw: dict[tuple[str, int], dict[str, Any]]
    first_id: int
    """Of the next record."""
    first_version: int
    """Of the next change."""


class Tenant:
    """Records of every collection, all following from the seed until they are changed. Safe to share between threads.

    Clockings and people are there from the start; what is derived from them is derived when it is first asked for, and
    follows them from then on.
    """

    def __init__(
        self,
        seed: int = 1,
        people: int = 50,
        first_day: dt.date | None = None,
        last_day: dt.date | None = None,
        *,
        today: dt.date | None = None,
        until: dt.datetime | None = None,
        irregular: bool = False,
        planned_days: int = 0,
    ) -> None:
        """Generate the tenant; without days, the 30 days up to `today`, which is by default the day in UTC.

        `until` is a moment on the wall clock: what is clocked after it is held back until `catch_up`. `irregular`: with
        what real tenants have, as double punches, forgotten clockings, a closed period, and a person who left.
        `planned_days`: how many days after the last one have plans.
        """
        self.seed = seed
        self.last_day = last_day or today or dt.datetime.now(dt.UTC).date()
        self.first_day = first_day or self.last_day - dt.timedelta(days=29)
        self._lock = threading.RLock()
        self._ids = count(FIRST_CLOCKING_ID)
        self._versions = count(FIRST_CHANGE_VERSION)
        persons = list(generate_people(seed, people, self.first_day, self._versions))
        self._days = [self.first_day + dt.timedelta(days=n) for n in range((self.last_day - self.first_day).days + 1)]
        person_ids = [person.id for person in persons]
        clockings = generate_clockings(seed, person_ids, self._days, self._ids, self._versions)
        if irregular:
            clockings = irregularities.irregular(clockings, seed, self._ids, self._versions)
            persons = irregularities.changed_people(persons, self._days[len(self._days) // 3])
        self._to_come = [] if until is None else [one for one in clockings if moment_of(one) > until]
        held_back = {one.id for one in self._to_come}
        self._indexes = {
            "people": RecordIndex(persons),
            "clockings": RecordIndex(one for one in clockings if one.id not in held_back),
        }
        self._raw: dict[tuple[str, int], dict[str, Any]] = {}
        planned = [self.last_day + dt.timedelta(days=n + 1) for n in range(planned_days)]
        self._following = Following(seed, self._days, planned, self._clockings.of_person)
        self._person_ids = count(FIRST_PERSON_ID + people)
        self.history = {path: History() for path in COLLECTIONS}
        """What changed, by collection, as far as a delta watches."""

    def add(
        self, person_id: int, date: dt.date, time_of_day_in_minutes: int, kind: str = "InOut", **fields: object
    ) -> Clocking:
        """Clock a person in or out; `fields` are further attributes of `Clocking`.

        Raises:
            KeyError: there is no such person.
        """
        with self._lock:
            person = Reference(id=self._people.by_id[person_id].id)
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
            stored: Clocking = self._put("clockings", clocking)
            return stored

    def catch_up(self, now: dt.datetime) -> None:
        """Let come what was held back and is clocked by that moment on the wall clock."""
        with self._lock:
            due = [one for one in self._to_come if moment_of(one) <= now]
            self._to_come = [one for one in self._to_come if moment_of(one) > now]
            for clocking in due:
                self._put("clockings", msgspec.structs.replace(clocking, change_version=self._next_version()))

    def edit(self, clocking_id: int, **changes: object) -> Clocking:
        """Change attributes of a clocking as an editor does: it keeps its original time and gets a new changeVersion.

        Raises:
            KeyError: there is no such clocking.
            ValueError: its id or changeVersion was to be changed.
        """
        refuse_given(changes)
        with self._lock:
            old = self._clockings.by_id[clocking_id]
            original = old.original_time_of_day_in_minutes
            changes.setdefault(
                "original_time_of_day_in_minutes", old.time_of_day_in_minutes if original is None else original
            )
            stored: Clocking = self.edit_record("clockings", clocking_id, **changes)
            return stored

    def soft_delete(self, clocking_id: int) -> Clocking:
        """Delete a clocking as the API does: it stays, with the status `Deleted` and a new changeVersion.

        Raises:
            KeyError: there is no such clocking.
        """
        deleted: Clocking = self.edit_record("clockings", clocking_id, status="Deleted")
        return deleted

    def hard_delete(self, clocking_id: int) -> str:
        """Remove a clocking; the changeVersion of the deletion, which only a delta will report.

        Raises:
            KeyError: there is no such clocking.
        """
        with self._lock:
            clocking: Clocking = self._clockings.by_id[clocking_id]
            version = self.remove_record("clockings", clocking_id)
            self._derive(clocking.person.id)
            return version

    def replace_raw(self, record_id: int, served: dict[str, Any], collection: str = "clockings") -> None:
        """Serve this JSON object in the place of a record, until the record is edited or deleted.

        Filters still find it by what the record was.

        Raises:
            KeyError: there is no such record.
        """
        with self._lock:
            record = self._index(collection).by_id[record_id]
            self._raw[collection, record_id] = dict(served)
            self.history[collection].record(record.change_version, record, record, dict(served))

    def edit_record(self, collection: str, record_id: int, **changes: object) -> Any:
        """Change attributes of a record of any collection; it gets a new changeVersion.

        Raises:
            KeyError: there is no such record.
            ValueError: its id or changeVersion was to be changed.
        """
        refuse_given(changes)
        with self._lock:
            old = self._index(collection).by_id[record_id]
            return self._put(collection, msgspec.structs.replace(old, change_version=self._next_version(), **changes))

    def add_record(self, collection: str, record: Any) -> Any:
        """Take in a record of any collection; it gets a changeVersion."""
        with self._lock:
            return self._put(collection, msgspec.structs.replace(record, change_version=self._next_version()))

    def remove_record(self, collection: str, record_id: int) -> str:
        """Remove a record of any collection; the changeVersion of the deletion, which only a delta will report.

        Raises:
            KeyError: there is no such record.
        """
        with self._lock:
            record = self._index(collection).remove(record_id)
            self._raw.pop((collection, record_id), None)
            version = self._next_version()
            self.history[collection].record(version, record, None)
            return version

    def add_person(self, **fields: object) -> Person:
        """Take a person on; `fields` are attributes of `Person`, and those not given are made up."""
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
            person: Person = self._put("people", Person(id=person_id, change_version=self._next_version(), **values))
            return person

    def truth(self) -> list[Clocking]:
        """All clockings that are served, as `records`."""
        return self.records("clockings")

    def people_truth(self) -> list[Person]:
        """All people, as `records`."""
        return self.records("people")

    def records(self, collection: str) -> list[Any]:
        """All records of a collection that are served, deleted ones included, in the order of their ids.

        Of an object put in with `replace_raw`, what the documented fields say; without it if they say nothing valid.
        """
        kind = COLLECTIONS[collection].record
        with self._lock:
            served = (
                (record, self._raw.get((collection, key)))
                for key, record in sorted(self._index(collection).by_id.items())
            )
            read = (record if raw is None else documented(kind, raw) for record, raw in served)
            return [record for record in read if record is not None]

    def backup(self) -> Backup:
        """What the tenant holds now."""
        with self._lock:
            held = {path: list(index.by_id.values()) for path, index in self._indexes.items()}
            self._ids, self._versions = count(first_id := next(self._ids)), count(first_version := next(self._versions))
            return Backup(held, dict(self._raw), first_id, first_version)

    def restore(self, backup: Backup, lower: int = 0) -> None:
        """Hold again what the backup has, as after an accident or a move; deltas do not report it.

        Ids and versions that were given since are given again. `lower`: each version is that much lower.
        """
        with self._lock:
            for path, records in backup.records.items():
                lowered = ((one, change_version(int(one.change_version, 16) - lower)) for one in records)
                self._indexes[path].fill(
                    msgspec.structs.replace(one, change_version=version) for one, version in lowered
                )
            self._raw = dict(backup.raw)
            self._ids, self._versions = count(backup.first_id), count(backup.first_version - lower)

    def person_ids(self) -> list[int]:
        """Ids of all people."""
        return list(self._people.by_id)

    def clockings_of(self, person_id: int) -> list[Clocking]:
        """The clockings of one person."""
        with self._lock:
            return self._clockings.of_person(person_id)

    def counts(self) -> dict[str, int]:
        """How many clockings and people are served."""
        return {"clockings": len(self._clockings.by_id), "people": len(self._people.by_id)}

    def record(self, collection: str, record_id: int) -> object | None:
        """The record as it is served, or None."""
        with self._lock:
            record = self._index(collection).by_id.get(record_id)
            return None if record is None else self._served(collection, record)

    def page(self, collection: str, selection: Selection, after: int, limit: int) -> tuple[list[object], int | None]:
        """The next selected records by id, as served, and the id to go on after if there are more."""
        with self._lock:
            part, following = self._index(collection).page(selection, after, limit)
            return [self._served(collection, record) for record in part], following

    @property
    def _clockings(self) -> RecordIndex:
        return self._indexes["clockings"]

    @property
    def _people(self) -> RecordIndex:
        return self._indexes["people"]

    def _index(self, collection: str) -> RecordIndex:
        if collection not in self._indexes:
            self._indexes[collection] = RecordIndex(
                (
                    msgspec.structs.replace(one, change_version=self._next_version())
                    for one in self._following.records(collection, tuple(self._people.by_id))
                ),
                COLLECTIONS[collection].day,
            )
        return self._indexes[collection]

    def _derive(self, person_id: int) -> None:
        """Let what is derived from a person's clockings follow them."""
        for collection, index in list(self._indexes.items()):
            for record in self._following.of_person(collection, person_id, index.of_person(person_id)):
                if index.by_id.get(record.id) != record:
                    self._put(collection, msgspec.structs.replace(record, change_version=self._next_version()))

    def _served(self, collection: str, record: Any) -> object:
        raw = self._raw.get((collection, record.id))
        if raw is not None:
            return raw
        return served_person(record) if collection == "people" else record

    def _next_version(self) -> str:
        return change_version(next(self._versions))

    def _put(self, collection: str, record: Any) -> Any:
        """Let this be the newest version of a record; what is derived from clockings and people follows."""
        record = tidy(record)
        old = self._index(collection).put(record)
        self._raw.pop((collection, record.id), None)
        self.history[collection].record(record.change_version, old, record, self._served(collection, record))
        if collection == "people":
            self._derive(record.id)
        elif collection == "clockings":
            for person in {record.person} if old is None else {old.person, record.person}:
                self._derive(person.id)
        return record
