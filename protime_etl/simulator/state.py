"""What the simulated tenant holds, and the changes that can be made to it while it is served."""

from __future__ import annotations

import datetime as dt
import threading
from bisect import bisect_right
from collections.abc import Callable, Mapping
from itertools import count
from operator import attrgetter
from typing import Any

import msgspec

from protime_etl.protime.resources import Clocking, Person, Reference
from protime_etl.simulator.generation import (
    FIRST_CLOCKING_ID,
    change_version,
    generate_clockings,
    generate_people,
    sensitive_fields,
)
from protime_etl.simulator.records import documented_clocking, tidy
from protime_etl.simulator.selection import Selection

__all__ = ["Tenant", "circle_of", "org_group_of"]

DEFAULT_DAYS = 30
FIRST_CHANGE_VERSION = 0x0000090200004BD00000
MAX_KEPT_LISTINGS = 64

_by_id: Callable[[Clocking], int] = attrgetter("id")


def circle_of(person_id: int) -> int:
    """The one circle, 1 to 10, that a person is in."""
    return person_id % 10 + 1


def org_group_of(person_id: int) -> int:
    """The one organisation group, 101 to 107, that a person is in."""
    return person_id % 7 + 101


_GROUPS: Mapping[str, Callable[[int], int]] = {"circle": circle_of, "org-group": org_group_of}


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
    ) -> None:
        """Generate the tenant; without days, the 30 days up to `today`, which is by default the day in UTC."""
        self.seed = seed
        self.last_day = last_day or today or dt.datetime.now(dt.UTC).date()
        self.first_day = first_day or self.last_day - dt.timedelta(days=DEFAULT_DAYS - 1)
        self._lock = threading.RLock()
        self._ids = count(FIRST_CLOCKING_ID)
        self._versions = count(FIRST_CHANGE_VERSION)
        self._people = {person.id: person for person in generate_people(seed, people, self.first_day, self._versions)}
        days = [self.first_day + dt.timedelta(days=n) for n in range((self.last_day - self.first_day).days + 1)]
        clockings = generate_clockings(seed, list(self._people), days, self._ids, self._versions)
        self._clockings = {clocking.id: clocking for clocking in clockings}
        self._of_person: dict[int, dict[int, Clocking]] = {person_id: {} for person_id in self._people}
        for clocking in clockings:
            self._of_person[clocking.person.id][clocking.id] = clocking
        self._raw: dict[int, dict[str, Any]] = {}
        self._listings: dict[Selection, list[Clocking]] = {}

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

    def edit(self, clocking_id: int, **changes: object) -> Clocking:
        """Change attributes of a clocking as an editor does: it keeps its original time and gets a new changeVersion.

        Raises:
            KeyError: there is no such clocking.
            ValueError: its id or changeVersion was to be changed.
        """
        if {"id", "change_version"} & changes.keys():
            raise ValueError("the tenant alone gives ids and changeVersions")
        with self._lock:
            old = self._clockings[clocking_id]
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
            old = self._clockings[clocking_id]
            return self._store(msgspec.structs.replace(old, status="Deleted", change_version=self._next_version()))

    def hard_delete(self, clocking_id: int) -> None:
        """Remove a clocking without a trace.

        Raises:
            KeyError: there is no such clocking.
        """
        with self._lock:
            clocking = self._clockings.pop(clocking_id)
            del self._of_person[clocking.person.id][clocking_id]
            self._raw.pop(clocking_id, None)
            self._listings.clear()

    def replace_raw(self, clocking_id: int, record: dict[str, Any]) -> None:
        """Serve this JSON object in the place of a clocking, until the clocking is edited or deleted.

        Filters still find it by what the clocking was.

        Raises:
            KeyError: there is no such clocking.
        """
        with self._lock:
            self._raw[self._clockings[clocking_id].id] = dict(record)

    def truth(self) -> list[Clocking]:
        """All clockings that are served, deleted ones included, in the order of their ids.

        Of an object put in with `replace_raw`, what the documented fields say; without it if they say nothing valid.
        """
        with self._lock:
            served = ((clocking, self._raw.get(key)) for key, clocking in sorted(self._clockings.items()))
            read = (clocking if raw is None else documented_clocking(raw) for clocking, raw in served)
            return [clocking for clocking in read if clocking is not None]

    def people_truth(self) -> list[Person]:
        """All people, in the order of their ids."""
        return list(self._people.values())

    def person_ids(self) -> list[int]:
        """Ids of all people."""
        return list(self._people)

    def clockings_of(self, person_id: int) -> list[Clocking]:
        """The clockings of one person."""
        with self._lock:
            return list(self._of_person[person_id].values())

    def counts(self) -> dict[str, int]:
        """How many clockings and people are served."""
        return {"clockings": len(self._clockings), "people": len(self._people)}

    def clocking(self, clocking_id: int) -> object | None:
        """The clocking as it is served, or None."""
        with self._lock:
            return self._raw.get(clocking_id, self._clockings.get(clocking_id))

    def clockings(self, selection: Selection, after: int, limit: int) -> tuple[list[object], int | None]:
        """The next selected clockings by id, as served, and the id to go on after if there are more."""
        with self._lock:
            listing = self._listing(selection)
            start = bisect_right(listing, after, key=_by_id)
            part = listing[start : start + limit]
            more = bool(part) and start + limit < len(listing)
            served: list[object] = [self._raw.get(clocking.id, clocking) for clocking in part]
            return served, part[-1].id if more else None

    def person(self, person_id: int) -> dict[str, Any] | None:
        """The person as served, with the sensitive fields, or None."""
        person = self._people.get(person_id)
        return None if person is None else {**msgspec.to_builtins(person), **sensitive_fields(person_id)}

    def people(self, after: int, limit: int) -> tuple[list[object], int | None]:
        """The next people by id, as served, and the id to go on after if there are more."""
        ids = [person_id for person_id in self._people if person_id > after]
        part: list[object] = [self.person(person_id) for person_id in ids[:limit]]
        return part, ids[limit - 1] if len(ids) > limit else None

    def _next_version(self) -> str:
        return change_version(next(self._versions))

    def _store(self, clocking: Clocking) -> Clocking:
        clocking = tidy(clocking)
        old = self._clockings.get(clocking.id)
        if old is not None and old.person != clocking.person:
            del self._of_person[old.person.id][old.id]
        self._clockings[clocking.id] = clocking
        self._of_person.setdefault(clocking.person.id, {})[clocking.id] = clocking
        self._raw.pop(clocking.id, None)
        self._listings.clear()
        return clocking

    def _listing(self, selection: Selection) -> list[Clocking]:
        # Every page of a list asks for the same selection, so the work is done once, until something changes.
        listing = self._listings.get(selection)
        if listing is None:
            listing = sorted(self._selected(selection), key=_by_id)
            if len(self._listings) >= MAX_KEPT_LISTINGS:
                del self._listings[next(iter(self._listings))]
            self._listings[selection] = listing
        return listing

    def _selected(self, selection: Selection) -> list[Clocking]:
        people = self._of_person.keys() if selection.people is None else selection.people & self._of_person.keys()
        first, last = selection.first_day or dt.date.min, selection.last_day or dt.date.max
        return [
            clocking
            for person_id in people
            if all(_GROUPS[name](person_id) in numbers for name, numbers in selection.collections)
            for clocking in self._of_person[person_id].values()
            if first <= clocking.date <= last and (selection.kinds is None or clocking.kind in selection.kinds)
        ]
