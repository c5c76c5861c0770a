"""A backfill: a long range, read by several workers, and taken up again where it was left."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace

from sqlalchemy.engine import Connection

from protime_etl.errors import ProtimeError
from protime_etl.postgres.ledger import runs as ledger
from protime_etl.postgres.ledger.sources import register_source
from protime_etl.postgres.ledger.volumes import seconds_per_request
from protime_etl.postgres.shared.locks import RunLease, is_alive, lock_backfill
from protime_etl.sync.pipeline import Pipeline
from protime_etl.sync.plan.request import last_of, readable
from protime_etl.sync.plan.slices import expected_requests
from protime_etl.sync.plan.volume import VolumeEstimate
from protime_etl.sync.pull.lists import read_people_for
from protime_etl.sync.pull.runs import (
    enter_asked,
    enter_run,
    entering_failures,
    estimates_of,
    plan_slices,
    read_all,
    run_units,
)
from protime_etl.sync.pull.worker_pool import Observer
from protime_etl.work import Counts, Request, RunKind, Slice, Unit

__all__ = ["BackfillPlan", "backfill", "plan_backfill"]


@dataclass(frozen=True)
class BackfillPlan:
    """What a backfill would do."""

    units: list[Slice]
    requests: int
    """Expected, from what is known of the people so far."""
    guessed: bool
    """Whether nothing is known of them: then a tenant like any other is assumed, with clockings on all of the days."""
    seconds: float | None
    """Expected at the pace of the latest units; None where nothing was read yet."""
    workers: int
    """How many of the workers have a unit to do."""
    resumes: int | None
    """The run that it would take up again."""


def plan_backfill(pipeline: Pipeline, request: Request, *, workers: int = 1, fresh: bool = False) -> BackfillPlan:
    """Plan without entering or reading anything but people.

    Raises:
        SettingsError: there are no people to plan for.
    """
    read_people_for(pipeline, request)
    request = readable(pipeline, request)
    tenant = pipeline.tenant
    with pipeline.transaction() as connection:
        estimates = estimates_of(pipeline, connection)
        pace = seconds_per_request(connection, tenant)
        resumes = None if fresh else ledger.unfinished_backfill(connection, tenant, request)
        if resumes is not None:
            left = ledger.unfinished_units(connection, resumes)
            units = [
                *_begun_since(pipeline, connection, resumes, request, estimates, workers),
                *(unit.slice for unit in left),
            ]
        else:
            units = plan_slices(pipeline, connection, request, estimates, probing=True, workers=workers)
    requests = expected_requests(units, estimates)
    busy = max(1, min(workers, len(units)))
    seconds = None if pace is None else pace * requests / busy
    return BackfillPlan(
        units, requests, not all(estimates[unit.collection].is_learnt for unit in units), seconds, busy, resumes
    )


def backfill(
    pipeline: Pipeline,
    request: Request,
    *,
    workers: int = 1,
    fresh: bool = False,
    observer: Observer | None = None,
) -> tuple[Counts, int]:
    """Read a range, or what is left of it by an earlier backfill of exactly the same within a week.

    Returns what was done now and the number of units.

    Raises:
        ProtimeError: as `read_all`, or another process is at the same backfill. The same call goes on where it ended.
    """

    def pull_all() -> tuple[Counts, int]:
        with entering_failures(pipeline, request):
            run_id, units, lease = _begin(pipeline, readable(pipeline, request), request, workers, fresh=fresh)
        with lease:
            return run_units(pipeline, run_id, units, workers, observer or Observer(), lease)

    return read_all(pipeline, request, pull_all)


def _begin(
    pipeline: Pipeline, request: Request, asked: Request, workers: int, *, fresh: bool
) -> tuple[int, list[Unit], RunLease]:
    """Find the run to go on with or enter a new one, and hold its lease before another process can look."""
    tenant = pipeline.tenant
    with pipeline.transaction() as connection:
        lock_backfill(connection, f"{tenant} {request.columns()}")
        register_source(connection, pipeline.settings)
        run_id = ledger.unfinished_backfill(connection, tenant, request)
        if run_id is not None and is_alive(connection, run_id):
            raise ProtimeError(
                f"Another process is already running this backfill (run {run_id}).",
                guidance="Wait for it to end. Its progress: protime-etl status",
            )
        estimates = estimates_of(pipeline, connection)
        if run_id is not None and not fresh:
            since = _begun_since(pipeline, connection, run_id, request, estimates, workers)
            ledger.enter_units(connection, run_id, since, request.circles)
            enter_asked(pipeline, connection, RunKind.BACKFILL, request, asked)  # it may have been given up meanwhile
            units = ledger.resume_run(connection, run_id)
        else:
            planned = plan_slices(pipeline, connection, request, estimates, probing=True, workers=workers)
            run_id, units = enter_run(pipeline, connection, RunKind.BACKFILL, request, planned, asked=asked)
        lease = RunLease(pipeline.engine, run_id)
        lease.renew()
        return run_id, units, lease


def _begun_since(  # noqa: PLR0917
    pipeline: Pipeline,
    connection: Connection,
    run_id: int,
    request: Request,
    estimates: Mapping[str, VolumeEstimate],
    workers: int,
) -> list[Slice]:
    """The days of the range that lay in the future when the run was planned and do not any more."""
    until = ledger.planned_until(connection, run_id)
    since: list[Slice] = []
    for path in request.collections:
        first = until[path] + dt.timedelta(days=1) if path in until else request.first
        if first <= last_of(request, path):
            asked = replace(request, first=first, collections=(path,))
            since += plan_slices(pipeline, connection, asked, estimates, workers=workers)
    return since
