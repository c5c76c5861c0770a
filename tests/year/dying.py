"""A process that dies in the middle of a reading, started from a clean process that has all of it imported."""

from __future__ import annotations

import datetime as dt
import multiprocessing
import os
import signal
from collections.abc import Mapping
from typing import Any

from sqlalchemy.engine import make_url

from protime_etl.config import load_settings
from protime_etl.sync.pipeline import open_pipeline
from protime_etl.sync.plan.request import select
from protime_etl.sync.pull.backfill import backfill
from protime_etl.sync.pull.runs import sync
from protime_etl.sync.pull.worker_pool import Observer
from protime_etl.work import Unit
from tests.support.moving_clock import moving_clock

__all__ = ["At", "die"]

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload([__name__])
SECONDS = 60.0


class At(Observer):
    """Ends everything at that page: by an exception, or with the process."""

    def __init__(self, page: int, error: BaseException | None = None) -> None:
        self._pages = page
        self._error = error

    def page(self, unit: Unit, records: int) -> None:
        """Count down."""
        del unit, records
        self._pages -= 1
        if self._pages <= 0:
            if self._error is None:
                os.kill(os.getpid(), signal.SIGKILL)
            else:
                raise self._error


def die(
    settings: Mapping[str, Any], url: str, ahead: float, days: tuple[dt.date, dt.date], page: int, *, long: bool
) -> bool:
    """Begin a sync, or a backfill, in a process that dies at that page; returns whether it got there."""
    process = CONTEXT.Process(target=_read, args=(dict(settings), url, ahead, days, page, long), daemon=True)
    process.start()
    process.join(SECONDS)
    assert process.exitcode in (0, -signal.SIGKILL), f"it ended with {process.exitcode}"
    return process.exitcode != 0


def _read(
    settings: dict[str, Any], url: str, ahead: float, days: tuple[dt.date, dt.date], page: int, long: bool
) -> None:
    given = load_settings(from_environment=False, **settings)
    with moving_clock(ahead), open_pipeline(given, make_url(url)) as pipeline:
        if long:
            backfill(pipeline, select(pipeline, *days), observer=At(page))
        else:
            sync(pipeline, *days, observer=At(page))
