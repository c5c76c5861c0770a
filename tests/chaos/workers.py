"""What the processes of the chaos tests do. They are started from a clean process that has all of it imported."""

from __future__ import annotations

import contextlib
import datetime as dt
import multiprocessing
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from typing import Any

from sqlalchemy.engine import URL, make_url

from protime_etl.collections.clockings import CLOCKINGS
from protime_etl.config import load_settings
from protime_etl.errors import ProtimeError
from protime_etl.protime.filters import dates
from protime_etl.simulator.server import SimulatedTenant
from protime_etl.sync.pipeline import Pipeline, open_pipeline
from protime_etl.sync.pull.runs import sync

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload([__name__])
END_SECONDS = 120.0


@dataclass(frozen=True)
class Place:
    """Where a worker reads and writes."""

    settings: dict[str, Any]
    url: str
    first: dt.date
    last: dt.date

    @classmethod
    def of(cls, simulated: SimulatedTenant, url: URL, **settings: Any) -> Place:
        given = {
            "tenant": "simulated",
            "client_id": simulated.client_id,
            "client_secret": simulated.client_secret,
            "api_url": simulated.url,
            "auth_url": simulated.url,
        }
        text = url.render_as_string(hide_password=False)
        return cls(given | settings, text, simulated.tenant.first_day, simulated.tenant.last_day)

    @contextmanager
    def pipeline(self) -> Iterator[Pipeline]:
        with open_pipeline(load_settings(from_environment=False, **self.settings), make_url(self.url)) as pipeline:
            yield pipeline


def sync_until(place: Place, until: float, failures: Any) -> None:
    """Sync again and again until that `time.time()`; a failure that a retry may cure is counted."""
    while time.time() < until:
        try:
            sync_once(place)
        except ProtimeError as error:
            if not error.retry:
                raise
            with failures.get_lock():
                failures.value += 1


def sync_once(place: Place, *, accepts_older: bool = False) -> None:
    """One sync of everything."""
    with place.pipeline() as pipeline:
        pipeline.accepts_older = accepts_older
        sync(pipeline, place.first, place.last)


def ask_until(place: Place, until: float, enough: Any = None) -> None:
    """Read one page after the other until that `time.time()`, or until the event `enough`."""

    def over() -> bool:
        return time.time() > until or (enough is not None and enough.is_set())

    with place.pipeline() as pipeline:
        while not over():
            for _ in pipeline.client.pages(CLOCKINGS, dates.between(place.first, place.first)):
                if over():
                    break


@contextmanager
def running(number: int, target: Any, *arguments: Any) -> Iterator[list[BaseProcess]]:
    """This number of processes at once; at the end each has to have ended well."""
    processes: list[BaseProcess] = [CONTEXT.Process(target=target, args=arguments, daemon=True) for _ in range(number)]
    for process in processes:
        process.start()
    try:
        yield processes
        for process in processes:
            process.join(END_SECONDS)
        assert [process.exitcode for process in processes] == [0] * number
    finally:
        for process in processes:
            with contextlib.suppress(ValueError):
                process.kill()
                process.join()
