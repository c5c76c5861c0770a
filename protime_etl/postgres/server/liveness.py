"""Whether a connection still has a server at its other end.

A connection is asked for before every request to the API; a ping each time would double that wait. So one that was used
a moment ago is taken as it is, unless its server has sent something unasked: that it stops, as a rule.
"""

from __future__ import annotations

import selectors
import time
from typing import Any

import psycopg
import sqlalchemy as sa
from sqlalchemy.engine import Engine

__all__ = ["has_spoken", "ping_after_rest"]

REST_SECONDS = 5.0
USED = "used"
"""Where a connection's `info` keeps when it was last given back."""
Selector = getattr(selectors, "PollSelector", selectors.SelectSelector)


def has_spoken(driver: psycopg.Connection[Any]) -> bool:
    """Whether the server has sent anything that is not read yet.

    Between statements, and during COPY, it does so when it fails or stops.
    """
    with Selector() as selector:
        selector.register(driver.fileno(), selectors.EVENT_READ)
        return bool(selector.select(0))


def ping_after_rest(engine: Engine) -> None:
    """Ping a pooled connection that has rested or whose server has spoken; one that is dead is replaced."""

    def checked_in(_: object, record: sa.pool.ConnectionPoolEntry) -> None:
        record.info[USED] = time.monotonic()

    def checked_out(driver: psycopg.Connection[Any], record: sa.pool.ConnectionPoolEntry, _: object) -> None:
        used = record.info.get(USED)
        if used is None:  # it is new
            return
        try:
            if time.monotonic() - used > REST_SECONDS or has_spoken(driver):
                engine.dialect.do_ping(driver)  # type: ignore[arg-type]
        except psycopg.Error:
            raise sa.exc.InvalidatePoolError from None

    sa.event.listen(engine, "checkin", checked_in)
    sa.event.listen(engine, "checkout", checked_out)
