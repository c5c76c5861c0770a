"""One item ahead, in order, with the error where its item would have come, and an end when no more are taken."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from protime_etl.sync.read.prefetch import prefetch


def test_items_come_in_order_and_the_error_in_its_place() -> None:
    def source() -> Iterator[int]:
        yield 1
        yield 2
        raise ConnectionError("away")

    items = prefetch(source())
    assert [next(items), next(items)] == [1, 2]
    with pytest.raises(ConnectionError, match="away"):
        next(items)


def test_the_next_item_is_made_while_one_is_in_hand() -> None:
    made = threading.Event()

    def source() -> Iterator[int]:
        yield 1
        made.set()
        yield 2

    items = prefetch(source())
    assert next(items) == 1
    assert made.wait(10)
    items.close()


def test_a_taker_that_stops_ends_the_source() -> None:
    made = []

    def source() -> Iterator[int]:
        for number in range(1000):
            made.append(number)
            yield number

    items = prefetch(source())
    next(items)
    items.close()
    before = len(made)
    time.sleep(0.3)
    assert len(made) == before < 5


def test_a_source_that_is_stuck_is_waited_for_two_seconds() -> None:
    answered = threading.Event()

    def source() -> Iterator[int]:
        yield 1
        answered.wait(60)

    items = prefetch(source())
    assert next(items) == 1
    began = time.monotonic()
    items.close()
    assert 1 < time.monotonic() - began < 5
    answered.set()
