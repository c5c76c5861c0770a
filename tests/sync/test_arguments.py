"""Days, ids and numbers as people and templates write them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import pytest

from protime_etl.errors import SettingsError
from protime_etl.sync.arguments import parse_date, parse_ids, parse_number, parse_whole_number


def test_what_is_meant_is_understood() -> None:
    assert parse_date("2026-03-20") == dt.date(2026, 3, 20)
    assert parse_ids("--people", " 1, 2 ,3") == [1, 2, 3]
    assert parse_whole_number("Concurrency", "3.0", 1, 10) == 3
    assert parse_whole_number("unit_id", 2**53 + 1, 1, 2**63 - 1) == 2**53 + 1
    assert parse_number("hours", "0.5", 0, 24) == 0.5


@pytest.mark.parametrize(
    ("parse", "message"),
    [
        (lambda: parse_date("20.3.2026"), "'20.3.2026' is not a date"),
        (lambda: parse_ids("--people", "1,,2"), "--people '1,,2' is not a list of ids"),
        (lambda: parse_ids("--people", str(2**63)), "is not a list of ids"),
        (lambda: parse_whole_number("Concurrency", "1.5", 1, 10), "Concurrency '1.5' is not a whole number from 1 to"),
        (lambda: parse_whole_number("Concurrency", "NaN", 1, 10), "is not a whole number"),
        (lambda: parse_number("hours", "25", 0, 24), "hours '25' is not a number from 0 to 24"),
    ],
)
def test_anything_else_is_refused_in_one_line(parse: Callable[[], object], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        parse()
