"""Runs: what is asked for becomes units in the ledger, and the units are pulled by workers."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Mapping, Sequence

from sqlalchemy.engine import Connection

from protime_etl.collections.clockings import CLOCKINGS
from protime_etl.collections.registry import COLLECTIONS
from protime_etl.errors import IncompleteError, ProtimeError, SettingsError
from protime_etl.postgres import ledger
from protime_etl.postgres.collection_state import learn_page_size, page_size
from protime_etl.postgres.due import missing
from protime_etl.postgres.history import forget_old
from protime_etl.postgres.locks import RunLease
from protime_etl.postgres.people import people_to_read
from protime_etl.postgres.planning import refresh_statistics
from protime_etl.postgres.promises import enter_promise
from protime_etl.postgres.proof_days import enter_proven_days
from protime_etl.postgres.sources import register_source
from protime_etl.postgres.volumes import longest, usual_amounts
from protime_etl.postgres.wrong import Wrong, enter_wrong
from protime_etl.sync.lists import read_lists, read_people_for
from protime_etl.sync.pipeline import Pipeline
from protime_etl.sync.planning import plan_gaps, windows
from protime_etl.sync.requests import readable, select
from protime_etl.sync.settled import last_settled_day, local_day
from protime_etl.sync.volume import VolumeEstimate
from protime_etl.sync.workers import Observer, WorkerPool
from protime_etl.sync.worklist import failure_of
from protime_etl.work import EVERYONE, Counts, Request, Slice, Unit

__all__ = [
    "enter_run",
    "estimates_of",
    "finish",
    "is_done",
    "plan",
    "plan_slices",
    "read_unit",
    "run_units",
    "sync",
    "unfinished_parts",
]

REPAIRS = (" repair", " unlisted")
"""How the origin of a run ends that a comparison has asked for."""


def sync(
    pipeline: Pipeline,
    origin: str,
    first: dt.date,
    last: dt.date,
    person_ids: Sequence[int] | None = None,
    *,
    circles: Sequence[int] = (),
    workers: int = 1,
    observer: Observer | None = None,
) -> tuple[Counts, int]:
    """Read people, plan, and pull every unit; returns the counts and the number of units.

    Raises:
        ProtimeError: a unit failed. The others are committed all the same; the ledger says what is missing.
    """
    request = select(pipeline, first, last, person_ids, circles=circles)
    people_counts = read_people_for(pipeline, request) + read_lists(pipeline)
    run_id, units = plan(pipeline, origin, request, probing=True)
    with RunLease(pipeline.engine, run_id) as lease:
        counts, done = run_units(pipeline, run_id, units, workers, observer or Observer(), lease)
    return people_counts + counts, done


def plan(pipeline: Pipeline, origin: str, request: Request, *, probing: bool = False) -> tuple[int, list[Unit]]:
    """Enter a run for a request in the ledger; returns its number and its units. `probing` as for `plan_gaps`.

    Raises:
        SettingsError: no people are known to plan for.
        ProtimeError: as `readable`.
    """
    request = readable(pipeline, request)
    with pipeline.transaction() as connection:
        register_source(connection, pipeline.settings)
        planned = plan_slices(pipeline, connection, request, estimates_of(pipeline, connection), probing=probing)
        return enter_run(pipeline, connection, origin, request, planned)


def enter_run(
    pipeline: Pipeline, connection: Connection, origin: str, request: Request, planned: Sequence[Slice]
) -> tuple[int, list[Unit]]:
    """Enter a run with its units. What a run for all people asks for is due from then on, whatever becomes of it."""
    days = None
    if request.person_ids is None and not request.circles and not origin.endswith(REPAIRS):
        first, last = request.first, request.asked_until or request.last
        if (since := pipeline.settings.history_from) is not None:
            first, last = min(first, since), max(last, local_day(pipeline.settings, dt.datetime.now(dt.UTC)))
        days = (first, last)
    enter_promise(connection, pipeline.tenant, request.collections, days)
    return ledger.open_run(connection, pipeline.tenant, origin, request, planned)


def estimates_of(pipeline: Pipeline, connection: Connection) -> dict[str, VolumeEstimate]:
    """What to expect of the tenant's people, from what was read lately; by collection."""
    return {
        path: VolumeEstimate(
            usual_amounts(connection, pipeline.tenant, COLLECTIONS[path]),
            page_size(connection, pipeline.tenant, path),
            COLLECTIONS[path],
        )
        for path in {*pipeline.dated, CLOCKINGS.path}
    }


def plan_slices(
    pipeline: Pipeline,
    connection: Connection,
    request: Request,
    estimates: Mapping[str, VolumeEstimate],
    *,
    probing: bool = False,
) -> list[Slice]:
    """The units for a request; `probing` as for `plan_gaps`.

    Raises:
        SettingsError: no people are known.
    """
    tenant, first, last = pipeline.tenant, request.first, request.last
    if request.circles:
        days = list(windows(first, last))
        return [Slice((), *window, path) for path in request.collections for window in days]
    if not request.collections:
        return []
    by_people = [path for path in request.collections if COLLECTIONS[path].shape == "dated by people"]
    people: Sequence[int] = request.person_ids or ()
    if request.person_ids is None and by_people:
        people = people_to_read(connection, tenant, first, last)
    if by_people and not people:
        raise SettingsError(
            f"No people are known of {tenant}: there is nobody to read clockings for.",
            guidance="Check in Protime that this client may see people, or name them with --people.",
        )
    planned: list[Slice] = []
    for path in request.collections:
        if path in by_people:
            asked = Slice(people, first, last, path)
        else:
            began = first - longest(connection, tenant, COLLECTIONS[path])
            asked = Slice((EVERYONE,), began, last, path)
        gaps = missing(connection, tenant, asked) if request.only_missing else [asked]
        planned += plan_gaps(pipeline.client, gaps, estimates[path], probing=probing)
    return planned


def run_units(  # noqa: PLR0917
    pipeline: Pipeline, run_id: int, units: Sequence[Unit], workers: int, observer: Observer, lease: RunLease
) -> tuple[Counts, int]:
    """Pull the units of a run and close it; returns what they did and how many were done now.

    Raises:
        ProtimeError: units failed; the message says how many. What was committed stays. Units that are committed
            but for what needs a look are in `to_look_at` instead, and the ledger holds them as failed.
    """
    with pipeline.reading() as connection:
        estimates = estimates_of(pipeline, connection)
    pool = WorkerPool(pipeline, units, observer, estimates=estimates)
    work = pool.work
    try:
        pool.run(workers, lease.renew)
    except BaseException as error:
        interrupted = isinstance(error, KeyboardInterrupt)
        reason = "interrupted" if interrupted else type(error).__name__
        _finish_badly(pipeline, run_id, reason, interrupted=interrupted)
        raise
    with pipeline.transaction() as connection:
        for path in {unit.collection for unit in units}:
            learn_page_size(connection, pipeline.tenant, estimates[path].page_size, path)
    incomplete = [error for error in work.failures if isinstance(error, IncompleteError)]
    if len(incomplete) < len(work.failures):
        failure = failure_of(work.failures)
        _finish_badly(pipeline, run_id, str(failure))
        raise failure
    pipeline.to_look_at += incomplete
    for path, counts in work.counts_of.items():
        pipeline.counts_of[path] += counts
    refresh_statistics(pipeline.engine, work.counts.written)
    finish(pipeline, run_id)
    return work.counts, work.done


def finish(
    pipeline: Pipeline, run_id: int, error: str | None = None, *, interrupted: bool = False
) -> tuple[Counts, dict[str, int]]:
    """Close a run; returns what its units did together and how many there are of each status.

    What its units were to read and did not counts as missing from now on, unless it was `interrupted` on purpose.

    Raises:
        SettingsError: there is none of that number, or it is one of another tenant.
    """
    with pipeline.transaction() as connection:
        ledger.require_run(connection, pipeline.tenant, run_id)
        counts, statuses = ledger.run_counts(connection, run_id)
        unfinished = sum(number for status, number in statuses.items() if status != "done")
        reason = error or (f"{unfinished} of {sum(statuses.values())} units are not done" if unfinished else None)
        if unfinished and not interrupted:
            _enter_left(connection, pipeline.tenant, run_id, reason or "")
        for path, first, last, began in ledger.read_of_all(connection, run_id):
            days = (first, min(last, last_settled_day(pipeline.settings, began)))
            enter_proven_days(connection, pipeline.tenant, path, days, began)
        ledger.finish_run(connection, run_id, reason)
        forget_old(connection, pipeline.tenant)
        return counts, statuses


def _enter_left(connection: Connection, tenant: str, run_id: int, reason: str) -> None:
    """Enter as wrong what was not begun, as others failed; those that failed are entered."""
    left = [one for one in ledger.unfinished_units(connection, run_id) if not one.failed]
    for path in sorted({one.collection for one in left}):
        why = ledger.first_failure(connection, run_id, path) or reason
        lost = [one.slice for one in left if one.collection == path and not one.circles]
        enter_wrong(connection, tenant, Wrong("failed", why, run_id), lost)


def _finish_badly(pipeline: Pipeline, run_id: int, reason: str, *, interrupted: bool = False) -> None:
    with contextlib.suppress(ProtimeError):  # the database may be what failed; the first error is to be reported
        finish(pipeline, run_id, reason, interrupted=interrupted)


def read_unit(pipeline: Pipeline, unit_id: int) -> Unit:
    """A unit of the ledger.

    Raises:
        SettingsError: there is none of that number, or it is one of another tenant.
    """
    with pipeline.transaction() as connection:
        return ledger.read_unit(connection, pipeline.tenant, unit_id)


def is_done(pipeline: Pipeline, unit_id: int) -> bool:
    """Whether a unit of the ledger was committed.

    Raises:
        SettingsError: as `read_unit`.
    """
    with pipeline.transaction() as connection:
        return ledger.unit_is_done(connection, pipeline.tenant, unit_id)


def unfinished_parts(pipeline: Pipeline, unit_id: int) -> list[Unit]:
    """What is to be pulled of a unit of the ledger: all of it, or the parts of it that are not done.

    Raises:
        SettingsError: as `read_unit`.
    """
    with pipeline.transaction() as connection:
        return ledger.unfinished_parts(connection, pipeline.tenant, unit_id)
