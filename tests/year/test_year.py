"""A year of nights; the short form lives through eight of them, `make year` through 365."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest
from sqlalchemy.engine import URL

from tests.support.databases import NUMBERS, database
from tests.support.moving_clock import moved_template, moving_clock
from tests.year.checks import CHECKS
from tests.year.year import Year, year

pytestmark = pytest.mark.timeout(3600)
NIGHTS, LONG_NIGHTS = 8, 365
NAMED = 8


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    seeds = [int(one) for one in metafunc.config.getoption("--seeds").split(",")]
    metafunc.parametrize("lived", seeds, indirect=True, scope="module", ids=[f"seed {one}" for one in seeds])


@pytest.fixture(scope="module")
def lived(servers: Callable[[str], URL], request: pytest.FixtureRequest) -> Iterator[Year]:
    """A year that was lived through, with what was not as it must be."""
    seed = int(request.param)
    option = request.config.getoption
    nights = option("--nights") or (LONG_NIGHTS if option("--long") else NIGHTS)
    server = servers("embedded")
    with (
        moving_clock() as clock,
        database(server, f"year_{next(NUMBERS)}", moved_template(server)) as url,
    ):
        clock.follow(url)
        with year(clock, url, seed) as one:
            began = time.perf_counter()
            for _ in range(nights):
                one.pass_night()
            seconds = time.perf_counter() - began
            _report(f"seed {seed}, {nights} nights, {seconds / nights:.2f} s a night", one)
            yield one


def _report(what: str, lived: Year) -> None:
    mornings, found = lived.checks.mornings, lived.checks.found.values()
    kinds = {check: sum(one.check == check for one in found) for check in CHECKS}
    print(f"\nyear: {what}; OK on {mornings[True]} mornings, not on {mornings[False]}; findings: {kinds}")  # noqa: T201


@pytest.mark.parametrize("check", CHECKS)
def test_a_year_of_nights(lived: Year, check: str) -> None:
    found = [one for one in lived.checks.found.values() if one.check == check]
    if found:
        lines = [f"{one.when}: {one.text} ({lived.checks.times[one.kind]} times)" for one in found[:NAMED]]
        before = ["", "Before the first of them:", *found[0].diary]
        pytest.fail("\n".join([f"Not so: {CHECKS[check]}", *lines, *before]), pytrace=False)
