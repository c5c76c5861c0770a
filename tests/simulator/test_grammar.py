from __future__ import annotations

import datetime as dt

import pytest

from protime_etl.collections.clockings import CLOCKINGS
from protime_etl.simulator.grammar import FilterError, parse_expression
from protime_etl.simulator.selection import Selection, parse_filter

JANUARY = "date ge '2026-01-01' and date le '2026-01-31'"
IN_JANUARY = Selection(first_day=dt.date(2026, 1, 1), last_day=dt.date(2026, 1, 31))


@pytest.mark.parametrize(
    ("text", "selection"),
    [
        ("date ge '2026-01-01'", Selection(first_day=dt.date(2026, 1, 1))),
        (JANUARY, IN_JANUARY),
        (f"({JANUARY})", IN_JANUARY),
        (f"(({JANUARY}))", IN_JANUARY),
        ("date le '2026-01-31' and date ge '2026-01-01'", IN_JANUARY),
        (f"{JANUARY} and date ge '2025-12-01'", IN_JANUARY),
        (f"person eq 7 and {JANUARY}", IN_JANUARY & Selection(people=frozenset({7}))),
        (f"person in (1, 2,3) and {JANUARY}", IN_JANUARY & Selection(people=frozenset({1, 2, 3}))),
        (f"person in(1)and {JANUARY}", IN_JANUARY & Selection(people=frozenset({1}))),
        (f"person in (1,2) and person in (2,3) and {JANUARY}", IN_JANUARY & Selection(people=frozenset({2}))),
        (
            f"person in circle(2, 8) and {JANUARY}",
            Selection(collections=(("circle", frozenset({2, 8})),)) & IN_JANUARY,
        ),
        (f"person in circle (2) and {JANUARY}", Selection(collections=(("circle", frozenset({2})),)) & IN_JANUARY),
        (
            f"person in org-group(121,122) and {JANUARY}",
            Selection(collections=(("org-group", frozenset({121, 122})),)) & IN_JANUARY,
        ),
        (f"{JANUARY} and kind eq 'Activity'", IN_JANUARY & Selection(kinds=frozenset({"Activity"}))),
        (
            f"{JANUARY} and (kind eq 'Activity' or kind eq 'Absence')",
            IN_JANUARY & Selection(kinds=frozenset({"Activity", "Absence"})),
        ),
        (f"{JANUARY} and kind in ('InOut','Reason')", IN_JANUARY & Selection(kinds=frozenset({"InOut", "Reason"}))),
        (
            "date ge '2024-01-01' and date le '2025-01-01'",
            Selection(None, (), dt.date(2024, 1, 1), dt.date(2025, 1, 1)),
        ),
        (
            "date ge '2026-01-01' and date le '2026-01-01'",
            Selection(None, (), dt.date(2026, 1, 1), dt.date(2026, 1, 1)),
        ),
    ],
)
def test_accepts(text: str, selection: Selection) -> None:
    assert parse_filter(CLOCKINGS, text) == selection


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "start date"),
        (" ", "start date"),
        ("person eq 1", "start date"),
        ("date le '2026-01-31'", "start date"),
        ("date ge '2026-02-01' and date le '2026-01-31'", "ends before it starts"),
        ("date ge '2024-01-01' and date le '2025-01-02'", "longer than one year"),
        ("date ge '2026-02-30'", "not a date"),
        ("date ge '20260101'", "not a date"),
        ("date ge '2026-01-01T00:00:00'", "not a date"),
        ("date ge 2026", "does not take 'ge'"),
        ("date eq '2026-01-01'", "does not take 'eq'"),
        ("date gt '2026-01-01'", "'gt' is not an operator"),
        ("date lt '2026-01-01'", "'lt' is not an operator"),
        ("date ne '2026-01-01'", "'ne' is not an operator"),
        ("date GE '2026-01-01'", "'GE' is not an operator"),
        ('date ge "2026-01-01"', "cannot be read"),
        ("date ge '2026-01-01", "cannot be read"),
        ("date ge", "ends too early"),
        ("date", "ends too early"),
        (f"{JANUARY} and", "ends too early"),
        (f"({JANUARY}", "ends too early"),
        (f"{JANUARY})", "not expected"),
        (f"not {JANUARY}", "not an operator"),
        (f"{JANUARY} or person eq 1", "'or' is allowed on the field kind only"),
        ("date ge '2026-01-01' or date le '2026-01-31'", "'or' is allowed on the field kind only"),
        (f"{JANUARY} and (person eq 1 or person eq 2)", "'or' is allowed on the field kind only"),
        (f"kind eq 'InOut' or kind eq 'Reason' and {JANUARY}", "'or' is allowed on the field kind only"),
        (f"{JANUARY} and status eq 'Active'", "'status' cannot be filtered on"),
        (f"{JANUARY} and Person eq 1", "'Person' cannot be filtered on"),
        (f"{JANUARY} and person eq '1'", "does not take 'eq'"),
        (f"{JANUARY} and person eq true", "does not take 'eq'"),
        (f"{JANUARY} and person eq (1,2)", "does not take 'eq'"),
        (f"{JANUARY} and person in 1", "does not take 'in'"),
        (f"{JANUARY} and person in ()", "not expected"),
        (f"{JANUARY} and person in (1,)", "not expected"),
        (f"{JANUARY} and person in (1,'2')", "another type"),
        (f"{JANUARY} and person in (1,true)", "another type"),
        (f"{JANUARY} and person in circle('a')", "another type"),
        (f"{JANUARY} and person in org-tree(1)", "does not take 'in'"),
        (f"{JANUARY} and person ge 1", "does not take 'ge'"),
        (f"{JANUARY} and person eq {'9' * 5000}", "not expected"),
        (f"{JANUARY} and kind eq 1", "does not take 'eq'"),
        (f"{JANUARY} and kind in (1)", "another type"),
        (f"{JANUARY} and kind in circle(1)", "does not take 'in'"),
    ],
)
def test_refuses(text: str, reason: str) -> None:
    with pytest.raises(FilterError) as refusal:
        parse_filter(CLOCKINGS, text)
    assert reason in str(refusal.value)


def test_and_binds_more_tightly_than_or() -> None:
    assert parse_expression("a eq 1 or b eq 2 and c eq true") == parse_expression("a eq 1 or (b eq 2 and c eq true)")
    assert parse_expression("a eq 1 or b eq 2 and c eq true") != parse_expression("(a eq 1 or b eq 2) and c eq true")


def test_a_keyword_inside_a_longer_word_is_no_keyword() -> None:
    assert parse_expression("inside eq false") == parse_expression("(inside  eq  false)")
    assert parse_expression("order-in in origin(1)") == parse_expression("order-in in origin (1)")
