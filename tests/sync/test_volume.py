"""How much is expected of a number of people on a number of days, and how that is corrected by what comes."""

from __future__ import annotations

import datetime as dt

import pytest

from protime_etl.collections.clockings import CLOCKINGS
from protime_etl.collections.registry import COLLECTIONS
from protime_etl.sync.plan.volume import VolumeEstimate

MONDAY = dt.date(2026, 3, 16)
SUNDAY = MONDAY + dt.timedelta(days=6)


@pytest.mark.parametrize("path", ["clockings", "calculated-totals"])
def test_before_anything_was_read_the_first_guess_of_the_collection_counts(path: str) -> None:
    estimate = VolumeEstimate(COLLECTIONS[path])
    usual = COLLECTIONS[path].usual
    assert usual is not None
    assert not estimate.is_learnt
    assert not estimate.knows_page_size
    assert estimate.rows_per_person(MONDAY, SUNDAY) == pytest.approx(5 * usual.working + 2 * usual.weekend)


def test_what_is_known_of_a_weekday_replaces_the_guess() -> None:
    estimate = VolumeEstimate(CLOCKINGS, {0: (30.0, 10.0)}, 250)
    assert (estimate.is_learnt, estimate.page_size) == (True, 250)
    assert estimate.rows_per_person(MONDAY, MONDAY) == 3.0


def test_what_comes_corrects_the_estimate() -> None:
    estimate = VolumeEstimate(CLOCKINGS)
    assert estimate.page_size == 1000
    before = estimate.rows_per_person(MONDAY, MONDAY)
    estimate.observe(100, MONDAY, MONDAY, int(200 * before))
    estimate.observe_page(250)
    assert estimate.rows_per_person(MONDAY, MONDAY) == pytest.approx(2 * before)
    assert estimate.page_size == 250
    week = estimate.rows_per_person(MONDAY, MONDAY + dt.timedelta(days=6))
    assert estimate.rows_per_person(MONDAY, MONDAY + dt.timedelta(days=364)) == pytest.approx(52 * week + 2 * before)


def test_a_page_that_is_not_full_says_nothing_of_the_size_of_a_full_one() -> None:
    estimate = VolumeEstimate(CLOCKINGS)
    for records in (250, 30):
        estimate.observe_page(records)
    assert estimate.page_size == 250


def test_going_back_to_days_without_clockings_the_estimate_soon_forgets() -> None:
    estimate = VolumeEstimate(CLOCKINGS)
    expected = 100 * estimate.rows_per_person(MONDAY, MONDAY)
    for _ in range(20):
        estimate.observe(100, MONDAY, MONDAY, int(expected))
    assert estimate.correction == pytest.approx(1, rel=0.01), "as much came as was expected"
    for _ in range(4):
        estimate.observe(100, MONDAY, MONDAY, 0)
    assert estimate.correction < 0.1
