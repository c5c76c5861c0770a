"""Work beside Airflow's server, in a few threads of our own that may wait for a warehouse."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from threading import BoundedSemaphore, Thread
from typing import TypeVar

__all__ = ["BusyError", "in_background"]

T = TypeVar("T")
# A slow warehouse is to take none of the threads in which Airflow answers its tasks.
SLOTS = BoundedSemaphore(4)


class BusyError(Exception):
    """All threads are at work."""


async def in_background(work: Callable[[], T], seconds: float) -> T:
    """The result of some work. What takes longer goes on unheard, and keeps no process from its end.

    Raises:
        BusyError: there is no thread left for it.
        TimeoutError: it takes longer.
    """
    if not SLOTS.acquire(blocking=False):
        raise BusyError
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def tell(result: T | None, error: BaseException | None) -> None:
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
            SLOTS.release()
        with contextlib.suppress(RuntimeError):  # the server has ended meanwhile
            loop.call_soon_threadsafe(tell, result, failed)

    Thread(target=run, name="protime-page", daemon=True).start()
    return await asyncio.wait_for(done, seconds)
