"""Which window a proof compares next, by candidates, people and requests."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import pytest

from protime_etl.postgres.book.due import Candidate
from protime_etl.sync.verify.window import Cost, Window, next_window

DAY = dt.date(2026, 3, 20)
NOW = dt.datetime(2026, 3, 21, tzinfo=dt.UTC)
BEFORE = NOW - dt.timedelta(days=1)
EVERYONE = 100
REST = (3, 7)
# A record a person and day, ten on a page: a day of all people takes ten requests.
COST = Cost(lambda first, last: (last - first).days + 1.0, page_size=10)


def day(back: int = 0, *, of_all: bool = True, is_rest: bool = False, part_until: int | None = None) -> Candidate:
    since = None if part_until is None else BEFORE
    return Candidate(DAY - dt.timedelta(days=back), since, part_until, of_all, None, is_rest)


def all_of(back: int, until: int = 0) -> Window:
    return Window(DAY - dt.timedelta(days=back), DAY - dt.timedelta(days=until), None)


def some_of(people: Sequence[int], *, since: dt.datetime = NOW, is_last: bool = True) -> Window:
    return Window(DAY, DAY, tuple(people), part_since=since, is_last_part=is_last)


def rest_of(people: Sequence[int]) -> Window:
    return Window(DAY, DAY, tuple(people), rest_of=(DAY,))


ALL = range(1, EVERYONE + 1)
CASES = {
    "a day of all people": ([day()], 10, ALL, all_of(0)),
    "as many days in a row as there are requests": ([day(), day(1), day(2)], 20, ALL, all_of(1)),
    "a gap ends it": ([day(), day(2)], 100, ALL, all_of(0)),
    "too few requests for all: some people": ([day()], 3, ALL, some_of(range(1, 31), is_last=False)),
    "not even one request": ([day()], 0, ALL, None),
    "the next part": ([day(part_until=30)], 3, range(31, 101), some_of(range(31, 61), since=BEFORE, is_last=False)),
    "the last part": ([day(part_until=90)], 3, range(91, 101), some_of(range(91, 101), since=BEFORE)),
    "a part is not made whole, however many requests there are": (
        [day(part_until=90)],
        100,
        range(91, 101),
        some_of(range(91, 101), since=BEFORE),
    ),
    "not all are read: those who are": ([day(of_all=False)], 100, range(1, 6), some_of(range(1, 6))),
    "the few that were not equal": ([day(is_rest=True)], 10, ALL, rest_of(REST)),
    "no people are left": ([day(of_all=False)], 10, (), None),
}


@pytest.mark.parametrize(("candidates", "requests", "whole", "expected"), CASES.values(), ids=CASES)
def test_the_next_window(
    candidates: Sequence[Candidate], requests: int, whole: Sequence[int], expected: Window | None
) -> None:
    found = next_window(
        candidates,
        COST,
        requests,
        everyone=EVERYONE,
        people_of=lambda _, rest: REST if rest else whole,
        now=NOW,
    )
    assert found == expected


def test_a_day_beside_comes_with_the_same_requests_though_others_come_before_it() -> None:
    candidates = [day(1), day(5), day()]
    assert next_window(candidates, COST, 1, everyone=1, people_of=lambda _, __: [1], now=NOW) == all_of(1)


def test_most_that_were_not_equal_are_compared_with_all() -> None:
    found = next_window(
        [day(is_rest=True)], COST, 10, everyone=4, people_of=lambda _, rest: REST if rest else range(4), now=NOW
    )
    assert found == all_of(0)


def test_those_that_were_not_equal_come_with_all_where_that_takes_no_more_requests() -> None:
    """A page is a request however full it is."""
    found = next_window(
        [day(is_rest=True)], COST, 10, everyone=9, people_of=lambda _, rest: REST if rest else range(9), now=NOW
    )
    assert found == all_of(0)


def test_those_that_were_not_equal_on_other_days_come_with_the_same_requests() -> None:
    """But for days that are too far away, days of more people, and days that are compared as a whole."""
    unequal = {day(0): (3,), day(2): (4,), day(3): (5, 6), day(9): (3,), day(40): (3,)}
    candidates = [day(0, is_rest=True), day(40, is_rest=True), day(1), *(day(n, is_rest=True) for n in (3, 2, 9))]
    found = next_window(
        candidates,
        COST,
        10,
        everyone=EVERYONE,
        people_of=lambda one, rest: unequal[one._replace(is_rest=False)] if rest else ALL,
        now=NOW,
    )
    days = (DAY, DAY - dt.timedelta(days=2))
    assert found == Window(days[1], DAY, (3, 4), rest_of=days)


def test_more_that_were_not_equal_than_there_are_requests_make_a_whole_day_in_parts() -> None:
    found = next_window(
        [day(is_rest=True)],
        COST,
        2,
        everyone=EVERYONE,
        people_of=lambda _, rest: range(1, 41) if rest else ALL,
        now=NOW,
    )
    assert found == some_of(range(1, 21), is_last=False)


@pytest.mark.parametrize(("requests", "expected"), [(1, all_of(9)), (0, None)])
def test_a_collection_that_is_not_read_by_people_is_compared_by_days(requests: int, expected: Window | None) -> None:
    candidates = [day(back) for back in range(12)]
    assert next_window(candidates, COST, requests, everyone=EVERYONE, people_of=None, now=NOW) == expected
