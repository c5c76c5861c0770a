"""Clockings by id and by person, and the lists that filters make of them."""

from __future__ import annotations

import datetime as dt
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from operator import attrgetter

from protime_etl.collections.clockings import Clocking
from protime_etl.simulator.selection import Selection

__all__ = ["ClockingIndex", "circle_of", "org_group_of"]

MAX_KEPT_LISTINGS = 64

_by_id: Callable[[Clocking], int] = attrgetter("id")


def circle_of(person_id: int) -> int:
    """The one circle, 1 to 10, that a person is in."""
    return person_id % 10 + 1


def org_group_of(person_id: int) -> int:
    """The one organisation group, 101 to 107, that a person is in."""
    return person_id % 7 + 101


_GROUPS: Mapping[str, Callable[[int], int]] = {"circle": circle_of, "org-group": org_group_of}


class ClockingIndex:
    """The newest version of every clocking. Not safe to share between threads."""

    def __init__(self, clockings: Iterable[Clocking]) -> None:
        self.by_id = {clocking.id: clocking for clocking in clockings}
        self._of_person: defaultdict[int, dict[int, Clocking]] = defaultdict(dict)
        for clocking in self.by_id.values():
            self._of_person[clocking.person.id][clocking.id] = clocking
        self._listings: dict[Selection, list[Clocking]] = {}

    def put(self, clocking: Clocking) -> Clocking | None:
        """Keep this version of a clocking; the one before it comes back."""
        old = self.by_id.get(clocking.id)
        if old is not None and old.person != clocking.person:
            del self._of_person[old.person.id][old.id]
        self.by_id[clocking.id] = clocking
        self._of_person[clocking.person.id][clocking.id] = clocking
        self._listings.clear()
        return old

    def of_person(self, person_id: int) -> list[Clocking]:
        """The clockings of one person."""
        return list(self._of_person.get(person_id, {}).values())

    def remove(self, clocking_id: int) -> Clocking:
        """Take a clocking out.

        Raises:
            KeyError: there is no such clocking.
        """
        clocking = self.by_id.pop(clocking_id)
        del self._of_person[clocking.person.id][clocking_id]
        self._listings.clear()
        return clocking

    def page(self, selection: Selection, after: int, limit: int) -> tuple[list[Clocking], int | None]:
        """The next selected clockings by id, and the id to go on after if there are more."""
        listing = self._listing(selection)
        start = bisect_right(listing, after, key=_by_id)
        part = listing[start : start + limit]
        more = bool(part) and start + limit < len(listing)
        return part, part[-1].id if more else None

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
