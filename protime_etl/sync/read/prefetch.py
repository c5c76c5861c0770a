"""Reading ahead: the next page is under way while this one is stored."""

from __future__ import annotations

import queue
import threading
from collections.abc import Generator, Iterable
from typing import TypeVar

__all__ = ["prefetch"]

WAITING = 1
LOOK_SECONDS = 0.1
PATIENCE_SECONDS = 2.0

Item = TypeVar("Item")


def prefetch(items: Iterable[Item]) -> Generator[Item]:
    """The same items, produced in a thread of their own, one ahead of what is taken and one more under way.

    An error of the source is raised where its item would have come. When the taker stops, the source ends after the
    item that it is at. This is waited for two seconds only: a tenant that stalls takes minutes, and the taker may have
    been stopped because its time is over. So a source is to do no harm if it ends later.
    """
    handed: queue.Queue[tuple[Item | None, BaseException | None]] = queue.Queue(WAITING)
    stopped = threading.Event()

    def hand(item: Item | None, error: BaseException | None) -> None:
        while not stopped.is_set():
            try:
                handed.put((item, error), timeout=LOOK_SECONDS)
            except queue.Full:
                continue
            return

    def produce() -> None:
        try:
            for item in items:
                hand(item, None)
                if stopped.is_set():
                    return
        except BaseException as error:  # noqa: BLE001 - raised again by the thread that takes
            hand(None, error)
        else:
            hand(None, StopIteration())

    thread = threading.Thread(target=produce, daemon=True)
    thread.start()
    try:
        while True:
            item, error = handed.get()
            if isinstance(error, StopIteration):
                return
            if error is not None:
                raise error
            assert item is not None  # noqa: S101 - it comes without an error
            yield item
    finally:
        stopped.set()
        if thread is not threading.current_thread():  # which may be the one that collects a forgotten generator
            thread.join(PATIENCE_SECONDS)
