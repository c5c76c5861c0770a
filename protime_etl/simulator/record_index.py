"""Records of a collection by id and by person, and the lists that filters make of them."""

from __future__ import annotations

import datetime as dt
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from operator import attrgetter
from typing import Any

from protime_etl.simulator.selection import Selection

__all__ = ["RecordIndex", "circle_of", "org_group_of", "person_of"]

MAX_KEPT_LISTINGS = 64

_by_id: Callable[[Any], int] = attrgetter("id")


def person_of(record: Any) -> int | None:
    """Whose record it is; None if it is no person's."""
    person = getattr(record, "person", None)
    return None if person is None else person.id


def circle_of(person_id: int) -> int:
    """The one circle, 1 to 10, that a person is in."""
    return person_id % 10 + 1


def org_group_of(person_id: int) -> int:
    """The one organisation group, 101 to 107, that a person is in."""
    return person_id % 7 + 101


_GROUPS: Mapping[str, Callable[[int], int]] = {"circle": circle_of, "org-group": org_group_of}


class RecordIndex:
    """The newest version of every record of one collection. Not safe to share between threads."""

    def __init__(self, records: Iterable[Any], day: str = "date") -> None:
        self._day: Callable[[Any], dt.date] = attrgetter(day)
        self.fill(records)

    def fill(self, records: Iterable[Any]) -> None:
        """Hold these records and no other ones."""
        self.by_id = {record.id: record for record in records}
        self._of_person: defaultdict[int | None, dict[int, Any]] = defaultdict(dict)
        for record in self.by_id.values():
            self._of_person[person_of(record)][record.id] = record
        self._listings: dict[Selection, list[Any]] = {}

    def put(self, record: Any) -> Any | None:
        """Keep this version of a record; the one before it comes back."""
        old = self.by_id.get(record.id)
        if old is not None and person_of(old) != person_of(record):
            del self._of_person[person_of(old)][old.id]
        self.by_id[record.id] = record
        self._of_person[person_of(record)][record.id] = record
        self._listings.clear()
        return old

    def of_person(self, person_id: int | None) -> list[Any]:
        """The records of one person."""
        return list(self._of_person.get(person_id, {}).values())

    def remove(self, record_id: int) -> Any:
        """Take a record out.

        Raises:
            KeyError: there is no such record.
        """
        record = self.by_id.pop(record_id)
        del self._of_person[person_of(record)][record_id]
        self._listings.clear()
        return record

    def page(self, selection: Selection, after: int, limit: int) -> tuple[list[Any], int | None]:
        """The next selected records by id, and the id to go on after if there are more."""
        listing = self._listing(selection)
        start = bisect_right(listing, after, key=_by_id)
        part = listing[start : start + limit]
        more = bool(part) and start + limit < len(listing)
        return part, part[-1].id if more else None

    def _listing(self, selection: Selection) -> list[Any]:
        # Every page of a list asks for the same selection, so the work is done once, until something changes.
        listing = self._listings.get(selection)
        if listing is None:
            listing = sorted(self._selected(selection), key=_by_id)
            if len(self._listings) >= MAX_KEPT_LISTINGS:
                del self._listings[next(iter(self._listings))]
            self._listings[selection] = listing
        return listing

    def _selected(self, selection: Selection) -> list[Any]:
        people = self._of_person.keys() if selection.people is None else selection.people & self._of_person.keys()
        first, last = selection.first_day or dt.date.min, selection.last_day or dt.date.max
        return [
            record
            for person_id in people
            if all(
                person_id is not None and _GROUPS[name](person_id) in numbers for name, numbers in selection.collections
            )
            for record in self._of_person[person_id].values()
            if (selection.first_day is None and selection.last_day is None) or first <= self._day(record) <= last
            if selection.kinds is None or record.kind in selection.kinds
        ]
