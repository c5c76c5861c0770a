"""Fixture: a clock that a test can move; the warehouse of a test that asks for it follows. See `moving_clock`."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.moving_clock import MovingClock, moving_clock


@pytest.fixture
def clock() -> Iterator[MovingClock]:
    with moving_clock() as clock:
        yield clock
