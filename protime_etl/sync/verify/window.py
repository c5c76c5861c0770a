"""Which days, and whose, a proof compares next: rules without a warehouse and without a tenant."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

from protime_etl.postgres.book.due import Candidate

__all__ = ["Cost", "Window", "next_window", "part_of_day", "widest"]

ONE_DAY = dt.timedelta(days=1)


class Window(NamedTuple):
    """What is compared at once."""

    first: dt.date
    last: dt.date
    people: tuple[int, ...] | None
    """Whose days; None is all people."""
    rest_of: tuple[dt.date, ...] = ()
    """Days of which these are only those that were not equal; empty: it is whole days."""
    part_since: dt.datetime | None = None
    """When the comparison began of which this is the next part, if it is one."""
    is_last_part: bool = True


class Cost(NamedTuple):
    """What a comparison takes."""

    rows_of_one: Callable[[dt.date, dt.date], float]
    """Records of one person between two days."""
    page_size: int

    def requests(self, first: dt.date, last: dt.date, people: int) -> int:
        """How many requests the days of this number of people take."""
        return max(1, math.ceil(people * self.rows_of_one(first, last) / self.page_size))

    def people(self, day: dt.date, requests: int) -> int:
        """Of how many people a day can be compared with this number of requests; one at least."""
        return max(1, int(requests * self.page_size / max(self.rows_of_one(day, day), 1e-9)))


def next_window(
    candidates: Sequence[Candidate],
    cost: Cost,
    requests: int,
    *,
    everyone: int,
    people_of: Callable[[Candidate, bool], Sequence[int]] | None,
    now: dt.datetime,
) -> Window | None:
    """What is compared next, the first candidate or a part of it among it; None if there are not enough requests.

    `everyone`: how many people are known. `people_of` gives those of a day, or (True) those who were not equal; it is
    None for a collection that is not read by people.
    """
    day = candidates[0]
    if people_of is None:
        return widest(candidates, lambda first, last: cost.requests(first, last, 1), requests) if day.of_all else None

    def of_all(first: dt.date, last: dt.date) -> int:
        return cost.requests(first, last, everyone)

    whose = people_of(day, day.is_rest)
    if day.of_all and day.part_since is None and (not day.is_rest or 2 * len(whose) >= everyone):
        window = widest(candidates, of_all, requests)
        if window is not None:
            return window
    if day.is_rest:
        alone = cost.requests(day.date, day.date, len(whose))
        if alone <= requests:
            if day.of_all and of_all(day.date, day.date) <= alone:  # a page is a request however full it is
                return widest(candidates, of_all, alone)
            return _rest(candidates, whose, cost, alone, people_of)
        whose = people_of(day, False)  # too many for the requests: the whole day is compared in parts
    return part_of_day(day, whose, cost, requests, now)


def _rest(
    candidates: Sequence[Candidate],
    whose: Sequence[int],
    cost: Cost,
    requests: int,
    people_of: Callable[[Candidate, bool], Sequence[int]],
) -> Window:
    """Who was not equal on the first day, with the same of other days, as far as they come with the same requests."""
    first = last = candidates[0].date
    days, people = [first], set(whose)
    for one in candidates[1:]:
        reach = (min(first, one.date), max(last, one.date))
        if one.is_rest and cost.requests(*reach, len(people)) <= requests:
            more = people.union(people_of(one, True))
            if cost.requests(*reach, len(more)) <= requests:
                (first, last), people = reach, more
                days.append(one.date)
    return Window(first, last, tuple(sorted(people)), rest_of=tuple(days))


def part_of_day(day: Candidate, whose: Sequence[int], cost: Cost, requests: int, now: dt.datetime) -> Window | None:
    """The next people of a day, as many as the requests allow; None if they allow none, or everyone was compared."""
    some = whose[: cost.people(day.date, requests)]
    if not some or cost.requests(day.date, day.date, len(some)) > requests:
        return None
    since = day.part_since or now
    return Window(day.date, day.date, tuple(some), part_since=since, is_last_part=len(some) == len(whose))


def widest(candidates: Sequence[Candidate], pages: Callable[[dt.date, dt.date], int], requests: int) -> Window | None:
    """The first day and those next to it that come next, or that come with the same requests; of all people.

    None if the first day alone takes more requests than there are.
    """
    waiting = {one.date for one in candidates if one.of_all}
    first = last = candidates[0].date
    if pages(first, last) > requests:
        return None
    for one in candidates[1:]:
        reach = (min(first, one.date), max(last, one.date))
        beside = one.of_all and one.date in (first - ONE_DAY, last + ONE_DAY)
        if not beside or pages(*reach) > requests:
            break
        first, last = reach
    cost = pages(first, last)
    while first - ONE_DAY in waiting and pages(first - ONE_DAY, last) <= cost:
        first -= ONE_DAY
    while last + ONE_DAY in waiting and pages(first, last + ONE_DAY) <= cost:
        last += ONE_DAY
    return Window(first, last, None)
