"""Runs: what is asked for becomes units in the ledger, and the units are pulled by workers."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence

from sqlalchemy.engine import Connection

from protime_etl.collections.clockings import CLOCKINGS
from protime_etl.collections.registry import COLLECTIONS
from protime_etl.errors import (
    ApiError,
    AuthenticationError,
    IncompleteError,
    OlderVersionsError,
    ProtimeError,
    ProtocolError,
    SettingsError,
    UnreachableError,
)
from protime_etl.postgres.book.due import missing
from protime_etl.postgres.book.promises import enter_promise
from protime_etl.postgres.book.proof_days import enter_proven_days
from protime_etl.postgres.book.wrong import Wrong, enter_wrong, people_of_wrong
from protime_etl.postgres.ledger import runs as ledger
from protime_etl.postgres.ledger.collection_state import page_size
from protime_etl.postgres.ledger.history import forget_old
from protime_etl.postgres.ledger.people import known_people, people_to_read
from protime_etl.postgres.ledger.sources import register_source
from protime_etl.postgres.ledger.volumes import longest, usual_amounts
from protime_etl.postgres.server.plans import refresh_statistics
from protime_etl.postgres.shared.locks import RunLease
from protime_etl.sync.pipeline import Pipeline, stops_all
from protime_etl.sync.plan.days import last_finished_day, local_day
from protime_etl.sync.plan.request import last_of, readable, select
from protime_etl.sync.plan.slices import plan_gaps, windows
from protime_etl.sync.plan.volume import VolumeEstimate
from protime_etl.sync.pull.lists import read_lists, read_people_for
from protime_etl.sync.pull.work_list import failure_of
from protime_etl.sync.pull.worker_pool import Observer, WorkerPool, pull
from protime_etl.work import EVERYONE, Counts, Request, RunKind, Slice, Unit

__all__ = [
    "enter_asked",
    "enter_run",
    "entering_failures",
    "estimates_of",
    "finish",
    "is_done",
    "plan",
    "plan_slices",
    "read_all",
    "read_unit",
    "run_alone",
    "run_units",
    "sync",
    "unfinished_parts",
]


def sync(
    pipeline: Pipeline,
    first: dt.date,
    last: dt.date,
    person_ids: Sequence[int] | None = None,
    *,
    circles: Sequence[int] = (),
    workers: int = 1,
    observer: Observer | None = None,
) -> tuple[Counts, int]:
    """Read people, plan, pull every unit, and read the lists; returns the counts and the number of units.

    Raises:
        ProtimeError: as `read_all`. What is read is committed all the same; the ledger says what is missing.
    """
    request = select(pipeline, first, last, person_ids, circles=circles)

    def pull_all() -> tuple[Counts, int]:
        with entering_failures(pipeline, request):
            run_id, units = plan(pipeline, RunKind.SYNC, request, probing=True, workers=workers)
        with RunLease(pipeline.engine, run_id) as lease:
            return run_units(pipeline, run_id, units, workers, observer or Observer(), lease)

    return read_all(pipeline, request, pull_all)


def read_all(pipeline: Pipeline, request: Request, pull_all: Callable[[], tuple[Counts, int]]) -> tuple[Counts, int]:
    """People, by whom the others are planned, then what is dated (`pull_all`), then the other lists.

    A collection that fails is reported by the pipeline (`to_look_at`) and stops no other.

    Raises:
        ProtimeError: no dated collection of the request could be read, or without dated ones no list; or the error
            is about all of them.
    """
    with entering_failures(pipeline, request):
        counts, done = read_people_for(pipeline, request), 0
    failure: ProtimeError | None = None
    try:
        pulled, done = pull_all()
        counts += pulled
    except ProtimeError as error:
        if stops_all(error, pipeline.settings.max_wait_in_task):
            raise
        failure = error
    try:
        counts += read_lists(pipeline)
    except ProtimeError as error:
        raise failure or error from None
    if failure is not None:
        raise failure
    pipeline.raise_if_all_failed(request.collections or pipeline.settings.collections)
    return counts, done


@contextlib.contextmanager
def entering_failures(pipeline: Pipeline, request: Request) -> Iterator[None]:
    """What keeps a run from being planned is entered as the reason why its days are not read.

    Only of a known tenant: a misspelt name is no tenant.
    """
    try:
        yield
    except (ApiError, UnreachableError, ProtocolError, AuthenticationError) as error:
        with contextlib.suppress(ProtimeError), pipeline.transaction() as connection:
            # The database may be what failed; the first error is the one to report.
            if known_people(connection, pipeline.tenant) and not request.circles:
                _enter_unread(pipeline, connection, request, dict.fromkeys(request.collections, error))
        raise


def run_alone(pipeline: Pipeline, kind: RunKind, request: Request) -> Counts:
    """Plan a request and pull it in this thread, with the pipeline's own client and what it may still request.

    Raises:
        ProtimeError: as `plan` and `pull`; what was committed stays.
    """
    run_id, units = plan(pipeline, kind, request)
    try:
        with RunLease(pipeline.engine, run_id):
            return pull(pipeline, *units)
    finally:
        finish(pipeline, run_id)


def plan(
    pipeline: Pipeline, kind: RunKind, request: Request, *, probing: bool = False, workers: int = 1
) -> tuple[int, list[Unit]]:
    """Enter a run for a request in the ledger; returns its number and its units. The rest as for `plan_gaps`.

    Raises:
        SettingsError: no people are known to plan for.
        ProtimeError: as `readable`.
    """
    asked, request = request, readable(pipeline, request)
    with pipeline.transaction() as connection:
        register_source(connection, pipeline.settings)
        estimates = estimates_of(pipeline, connection)
        planned = plan_slices(pipeline, connection, request, estimates, probing=probing, workers=workers)
        return enter_run(pipeline, connection, kind, request, planned, asked=asked)


def enter_run(
    pipeline: Pipeline,
    connection: Connection,
    kind: RunKind,
    request: Request,
    planned: Sequence[Slice],
    *,
    asked: Request,
) -> tuple[int, list[Unit]]:
    """Enter a run with its units, and what was `asked` for of collections that cannot be read now.

    What a run for all people asks for is due from then on, whatever becomes of it.
    """
    enter_asked(pipeline, connection, kind, request, asked)
    return ledger.open_run(connection, pipeline.tenant, kind, request, planned, dag_run=pipeline.dag_run)


def enter_asked(pipeline: Pipeline, connection: Connection, kind: RunKind, request: Request, asked: Request) -> None:
    """Enter what was `asked` for, of which `request` can be read; see `enter_run`."""
    days = None
    if request.person_ids is None and not request.circles and kind.is_requested:
        first, last = request.first, request.asked_until or request.last
        if (since := pipeline.settings.history_from) is not None:
            first, last = min(first, since), max(last, local_day(pipeline.settings, dt.datetime.now(dt.UTC)))
        days = (first, last)
    enter_promise(connection, pipeline.tenant, asked.collections, days, pipeline.settings.planned_days)
    failed = {path: pipeline.failed[path] for path in asked.collections if path not in request.collections}
    _enter_unread(pipeline, connection, asked, failed)


def _enter_unread(
    pipeline: Pipeline, connection: Connection, asked: Request, failed: Mapping[str, ProtimeError]
) -> None:
    """Enter as wrong what was asked for of collections that failed."""
    for path in sorted(failed):
        last = last_of(asked, path)
        if asked.first > last:
            continue
        stored, whose = pipeline.stored(connection, COLLECTIONS[path]), asked.person_ids or ()
        if not stored.collection.by_people:
            whose = (EVERYONE,)
        elif not whose:
            whose = tuple(people_to_read(stored, asked.first, last))
        reason = Wrong("failed", failed[path].message)
        enter_wrong(connection, pipeline.tenant, reason, [Slice(whose, asked.first, last, path)])


def estimates_of(pipeline: Pipeline, connection: Connection) -> dict[str, VolumeEstimate]:
    """What to expect of the tenant's people, from what was read lately; by collection."""
    known = [pipeline.stored(connection, COLLECTIONS[path]) for path in {*pipeline.dated, CLOCKINGS.path}]
    return {one.collection.path: VolumeEstimate(one.collection, usual_amounts(one), page_size(one)) for one in known}


def plan_slices(
    pipeline: Pipeline,
    connection: Connection,
    request: Request,
    estimates: Mapping[str, VolumeEstimate],
    *,
    probing: bool = False,
    workers: int = 1,
) -> list[Slice]:
    """The units for a request; `probing` and `workers` as for `plan_gaps`.

    Raises:
        SettingsError: no people are known.
    """
    first = request.first
    lasts = {path: last for path in request.collections if (last := last_of(request, path)) >= first}
    if request.circles:
        return [Slice((), *window, path) for path, last in lasts.items() for window in windows(first, last)]
    planned: list[Slice] = []
    for path, last in lasts.items():
        stored = pipeline.stored(connection, COLLECTIONS[path])
        if stored.collection.by_people:
            asked = Slice(request.person_ids or (), first, last, path)
            if request.person_ids is None:
                people = people_to_read(stored, first, last)
                whose = people_of_wrong(stored, asked).union(people)
                asked = asked._replace(person_ids=sorted(whose))
            if not asked.person_ids:
                raise SettingsError(
                    f"No people of {pipeline.tenant} are known, so no clockings can be read.",
                    guidance="Check in Protime that this client may see people, or name them with --people.",
                )
        else:
            asked = Slice((EVERYONE,), first - longest(stored), last, path)
        gaps = missing(stored, asked) if request.only_missing else [asked]
        planned += plan_gaps(pipeline.client, gaps, estimates[path], probing=probing, workers=workers)
    return planned


def run_units(  # noqa: PLR0917
    pipeline: Pipeline, run_id: int, units: Sequence[Unit], workers: int, observer: Observer, lease: RunLease
) -> tuple[Counts, int]:
    """Pull the units of a run and close it; returns what they did and how many were done now.

    A collection whose units failed is reported by the pipeline (`to_look_at`), as are units that are committed but for
    what needs a look; the ledger holds them as failed.

    Raises:
        ProtimeError: units of all collections failed, or it is about all of them; the message says how many. What was
            committed stays.
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
    incomplete = [error for error in work.failures if isinstance(error, IncompleteError)]
    broken = {
        path: failures
        for path, failures in work.failures_of.items()
        if not all(isinstance(error, IncompleteError) for error in failures)
    }
    about_all = len(work.failures) - sum(map(len, work.failures_of.values()))
    if about_all or (broken and broken.keys() == {unit.collection for unit in units}):
        failure = failure_of(work.failures)
        _finish_badly(pipeline, run_id, str(failure))
        raise failure
    pipeline.has_answered |= work.done > 0
    for path, counts in work.counts_of.items():
        pipeline.counts_of[path] += counts
    failed = [failure_of([one for one in broken[path] if one not in incomplete]) for path in broken]
    for path, failure in zip(broken, failed, strict=True):
        pipeline.report_failed(path, failure)
    older = [error for error in incomplete if isinstance(error, OlderVersionsError)]
    if older:  # of a restored tenant each unit: the first one names the others
        failure_of(older)
    pipeline.to_look_at += [error for error in incomplete if error not in older[1:]]
    refresh_statistics(pipeline.engine, work.counts.written)
    finish(pipeline, run_id, " ".join(map(str, failed)) or None)
    return work.counts, work.done


def finish(
    pipeline: Pipeline, run_id: int, error: str | None = None, *, interrupted: bool = False
) -> tuple[Counts, dict[str, int]]:
    """Close a run; returns what its units did together and how many there are of each status.

    What its units were to read and did not counts as missing from now on, unless it was `interrupted` on purpose.

    Raises:
        SettingsError: no run has that number, or it is one of another tenant.
    """
    with pipeline.transaction() as connection:
        ledger.require_run(connection, pipeline.tenant, run_id)
        counts, statuses = ledger.run_counts(connection, run_id)
        unfinished = sum(number for status, number in statuses.items() if status != "done")
        reason = error or (f"{unfinished} of {sum(statuses.values())} units are not done" if unfinished else None)
        if unfinished and not interrupted:
            _enter_left(connection, pipeline.tenant, run_id, reason or "")
        for path, first, last, began in ledger.read_of_all(connection, run_id):
            days = (first, min(last, last_finished_day(pipeline.settings, began)))
            enter_proven_days(pipeline.stored(connection, COLLECTIONS[path]), days, began)
        ledger.finish_run(connection, run_id, reason)
        forget_old(connection, pipeline.tenant)
        return counts, statuses


def _enter_left(connection: Connection, tenant: str, run_id: int, reason: str) -> None:
    """Enter as wrong what was not begun, as others failed; those that failed are entered."""
    left = [one for one in ledger.unfinished_units(connection, run_id) if not one.failed]
    for path in sorted({one.collection for one in left}):
        why = ledger.first_failure(connection, run_id, path) or reason
        lost = [one.slice for one in left if one.collection == path]
        enter_wrong(connection, tenant, Wrong("failed", why, run_id), lost)


def _finish_badly(pipeline: Pipeline, run_id: int, reason: str, *, interrupted: bool = False) -> None:
    with contextlib.suppress(ProtimeError):  # the database may be what failed; the first error is to be reported
        finish(pipeline, run_id, reason, interrupted=interrupted)


def read_unit(pipeline: Pipeline, unit_id: int) -> Unit:
    """A unit of the ledger.

    Raises:
        SettingsError: no unit has that number, or it is one of another tenant.
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
