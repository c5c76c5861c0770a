"""Work beside Airflow's server, in a few threads of our own that may wait for a warehouse."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import Callable, Hashable
from threading import Lock, Thread
from typing import Any, TypeVar

__all__ = ["BusyError", "in_background", "kept"]

T = TypeVar("T")
# A slow warehouse is to take none of the threads in which Airflow answers its tasks, and no user those of the others.
SLOTS, OF_A_USER = 4, 2
KEPT_SECONDS = 2.0
"""Shorter than it takes to fill what is missing: what is shown afterwards is new."""
_lock = Lock()
_at_work: Counter[str] = Counter()
_kept: dict[Hashable, tuple[float, Any]] = {}


class BusyError(Exception):
    """All threads are at work, or as many as one user may have."""


def kept(key: Hashable, make: Callable[[], T]) -> T:
    """What was made of the key within the last two seconds, or is made now."""
    with _lock:
        now = time.monotonic()
        for old in [old for old, (until, _) in _kept.items() if until < now]:
            del _kept[old]
        if key in _kept:
            result: T = _kept[key][1]
            return result
    made = make()
    with _lock:
        _kept[key] = time.monotonic() + KEPT_SECONDS, made
    return made


async def in_background(work: Callable[[], T], seconds: float, user: str) -> T:
    """The result of some work for a user. What takes longer goes on unheard, and keeps no process from its end.

    Raises:
        BusyError: there is no thread left for it.
        TimeoutError: it takes longer.
    """
    with _lock:
        if _at_work.total() >= SLOTS or _at_work[user] >= OF_A_USER:
            raise BusyError
        _at_work[user] += 1
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def deliver(result: T | None, error: BaseException | None) -> None:
        if done.done():
            return
        if error is None:
            done.set_result(result)  # type: ignore[arg-type]
        else:
            done.set_exception(error)

    def run() -> None:
        result, failed = None, None
        try:
            result = work()
        except BaseException as error:  # noqa: BLE001 - it is raised where it is waited for
            failed = error
        finally:
            with _lock:
                _at_work[user] -= 1
                if not _at_work[user]:
                    del _at_work[user]
        with contextlib.suppress(RuntimeError):  # the server has ended meanwhile
            loop.call_soon_threadsafe(deliver, result, failed)

    Thread(target=run, name="protime-page", daemon=True).start()
    return await asyncio.wait_for(done, seconds)
