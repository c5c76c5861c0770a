"""Filters as the API's grammar has them, and what cannot be said in it."""

from __future__ import annotations

import datetime as dt

import pytest

from protime_etl.protime.filters import dates, encode, kind, person

FIRST, LAST = dt.date(2024, 1, 1), dt.date(2024, 1, 31)


def test_conditions_join_as_documented() -> None:
    condition = person.in_([1, 2]) & dates.between(FIRST, LAST)
    assert str(condition) == "person in (1,2) and date ge '2024-01-01' and date le '2024-01-31'"
    assert str(person.in_circle(2, 8) & dates.ge(FIRST)) == "person in circle(2,8) and date ge '2024-01-01'"


def test_an_or_inside_an_and_stands_in_parentheses() -> None:
    either = kind.eq("InOut") | kind.eq("Reason")
    assert str(dates.ge(FIRST) & either) == "date ge '2024-01-01' and (kind eq 'InOut' or kind eq 'Reason')"


@pytest.mark.parametrize(
    ("build", "error"),
    [
        (lambda: person.in_([]), "at least one value"),
        (lambda: kind.in_([]), "at least one value"),
        (lambda: kind.eq("In'Out"), "quote"),  # type: ignore[arg-type]
        (lambda: dates.between(LAST, FIRST), "after the last"),
        (lambda: dates.ge(dt.datetime(2024, 1, 1)), "without a time"),  # noqa: DTZ001
    ],
)
def test_what_the_grammar_lacks_cannot_be_built(build: object, error: str) -> None:
    with pytest.raises((ValueError, TypeError), match=error):
        build()  # type: ignore[operator]


def test_a_uri_keeps_quotes_commas_and_parentheses() -> None:
    assert encode(person.in_([1, 2]) & dates.le(LAST)) == "person%20in%20(1,2)%20and%20date%20le%20'2024-01-31'"
