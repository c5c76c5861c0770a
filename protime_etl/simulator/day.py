"""The day goes on at the simulated tenant: who is still at work clocks out when it is time."""

from __future__ import annotations

import contextlib
import datetime as dt
import threading
from collections.abc import Iterator
from zoneinfo import ZoneInfo

from protime_etl.simulator.state import Tenant

__all__ = ["passing", "wall_clock"]

TIMEZONE = ZoneInfo("Europe/Brussels")
SECONDS = 5.0


def wall_clock() -> dt.datetime:
    """The time on the terminals, without a time zone, as they give it."""
    return dt.datetime.now(TIMEZONE).replace(tzinfo=None)


@contextlib.contextmanager
def passing(tenant: Tenant) -> Iterator[None]:
    """Let clockings that were held back come when it is time, as long as the `with` block lasts."""
    stop = threading.Event()

    def run() -> None:
        while not stop.wait(SECONDS):
            tenant.catch_up(wall_clock())

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
