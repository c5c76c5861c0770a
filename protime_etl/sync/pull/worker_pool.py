"""Several workers that pull the units of one run, each a thread with a connection of its own to API and database."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence

from protime_etl.collections.registry import COLLECTIONS
from protime_etl.errors import OvertakenError, ProtimeError, SchemaError
from protime_etl.postgres.ledger import runs as ledger
from protime_etl.postgres.server.plans import refresh_statistics
from protime_etl.protime.client import ProtimeClient
from protime_etl.protime.pausing import wait_out
from protime_etl.sync.pipeline import Pipeline
from protime_etl.sync.plan.slices import expected_requests, plan_gaps
from protime_etl.sync.plan.volume import VolumeEstimate
from protime_etl.sync.pull.unit import Stage, pull_unit
from protime_etl.sync.pull.work_list import WorkList, failure_of
from protime_etl.sync.read.cutting import UnitCutError
from protime_etl.work import Counts, Slice, Unit

__all__ = ["Observer", "StoppedError", "WorkerPool", "pull", "pull_units"]

LOOK_SECONDS = 0.2
STOP_SECONDS = 10.0
# Fresh knowledge that changes less than this is not worth another plan.
WORTH_A_PLAN = 0.1


class Observer:
    """Gets the events of a run, from one thread at a time; this one ignores them."""

    def planned(self, units: Sequence[Unit], requests: int) -> None:
        """These units are left to do, with the expected number of requests."""

    def page(self, unit: Unit, records: int) -> None:
        """A page of a unit has come, with this number of records; they are stored when the unit is committed."""

    def stage(self, unit: Unit, stage: Stage) -> None:
        """The pull of a unit goes on to this stage; one that takes long is then known by its name."""

    def unit(self, unit: Unit, counts: Counts) -> None:
        """A unit is committed."""

    def failed(self, unit: Unit, error: ProtimeError) -> None:
        """A unit failed; the others go on."""

    def cut(self, unit: Unit, parts: Sequence[Unit], error: ProtimeError) -> None:
        """A unit could not be read whole; its parts are read in its place."""

    def tick(self) -> None:
        """A moment has passed."""


class StoppedError(BaseException):
    """Ends what a worker is doing; its transaction is rolled back."""


def pull(pipeline: Pipeline, *units: Unit) -> Counts:
    """Pull units, one after the other; see `pull_units`.

    Raises:
        ProtimeError: the gravest of what failed, or the first. The others are committed all the same, unless it was
            better to stop.
    """
    counts, failures = pull_units(pipeline, units)
    if failures:
        raise failure_of(failures)
    return counts


def pull_units(
    pipeline: Pipeline, units: Sequence[Unit], observer: Observer | None = None
) -> tuple[Counts, list[ProtimeError]]:
    """Pull units, one after the other; one that cannot be read whole is cut, and its parts are read.

    Returns what was done and what failed; see `WorkList` for what ends it early. The ledger says what is left.
    """
    pool = WorkerPool(pipeline, units, observer)
    pool.run_alone(pipeline.client)
    refresh_statistics(pipeline.engine, pool.work.counts.written)
    for path, counts in pool.work.counts_of.items():
        pipeline.counts_of[path] += counts
    return pool.work.counts, pool.work.failures


class WorkerPool:
    """Pulls units of a run; with estimates by collection, what is not begun is planned again on a surprise."""

    def __init__(
        self,
        pipeline: Pipeline,
        units: Sequence[Unit],
        observer: Observer | None = None,
        *,
        estimates: Mapping[str, VolumeEstimate] | None = None,
    ) -> None:
        self._pipeline = pipeline
        self._units = units
        self._estimates = estimates or {}
        self._planned_with = {name: (one.correction, one.page_size) for name, one in self._estimates.items()}
        self._observer = observer or Observer()
        self._newest_page: dict[int, int] = {}
        """Records of the newest page of each unit."""
        self._workers = 1
        self._unforeseen: list[BaseException] = []
        self.work = WorkList(
            units,
            pipeline.settings.max_wait_in_task,
            self._record_error,
            pipeline.settings_inside.max_wait_in_task,
        )

    def run(self, workers: int, between: Callable[[], None]) -> None:
        """Pull all units in `workers` threads; `between` is called every moment meanwhile.

        What fails is collected in `work.failures`; see `WorkList` for what stops the others, too.

        Raises:
            KeyboardInterrupt: units under way are given up.
        """
        self._workers = workers
        self._observer.planned(self._units, self._expected_requests())
        for path, estimate in self._estimates.items():  # a run that goes on was planned for other workers, or with less
            self._replan(path, estimate, probing=not estimate.knows_page_size)
        threads = [threading.Thread(target=self._in_a_thread, daemon=True) for _ in range(workers)]
        for thread in threads:
            thread.start()
        try:
            while any(thread.is_alive() for thread in threads):
                for thread in threads:
                    thread.join(LOOK_SECONDS / len(threads))
                with self.work.lock:
                    self._observer.tick()
                between()
        except BaseException:
            self.work.stop()
            for thread in threads:
                thread.join(STOP_SECONDS / len(threads))
            raise
        if self._unforeseen:
            raise self._unforeseen[0]

    def run_alone(self, client: ProtimeClient) -> None:
        """Pull all units in this thread, with that client."""
        while (unit := self.work.take()) is not None:
            if self._pull(unit, client):
                wait_out(self._pipeline.pause, self._pipeline.settings.max_wait_in_task)

    def _in_a_thread(self) -> None:
        client = self._pipeline.new_client()
        try:
            self.run_alone(client)
        except StoppedError:
            pass
        except BaseException as error:  # noqa: BLE001 - raised again by the thread that waits
            self._unforeseen.append(error)
            self.work.stop()
        finally:
            client.close()

    def _pull(self, unit: Unit, client: ProtimeClient) -> bool:
        """Pull a unit; returns whether there is a pause that has to be sat out. No transaction is open meanwhile."""
        try:
            counts = pull_unit(
                self._pipeline,
                unit,
                client,
                on_page=lambda records: self._page(unit, records),
                on_stage=lambda stage: self._stage(unit, stage),
                cut_days=self.work.cuts_days(unit),
                after_wait=self.work.parts_after_wait(unit),
            )
        except UnitCutError as cut:
            with self.work.lock:
                self._observer.cut(unit, cut.parts, cut.error)
                return self.work.cut(unit, cut)
        except (OvertakenError, SchemaError):
            raise  # it is about no unit, and said once
        except ProtimeError as error:
            with self.work.lock:
                self._observer.failed(unit, error)
                return self.work.fail(unit, error)
        with self.work.lock:
            self.work.finish(unit, counts)
            self._observer.unit(unit, counts)
            if unit.collection in self._estimates and not unit.circles:
                estimate = self._estimates[unit.collection]
                estimate.observe(len(unit.person_ids), unit.first, unit.last, counts.rows_read)
                if self._surprises(unit.collection, estimate):
                    self._replan(unit.collection, estimate)
        return False

    def _stage(self, unit: Unit, stage: Stage) -> None:
        with self.work.lock:
            self._observer.stage(unit, stage)

    def _page(self, unit: Unit, records: int) -> None:
        if self.work.stopped:
            raise StoppedError
        with self.work.lock:
            before = self._newest_page.get(unit.unit_id)
            if before is not None and unit.collection in self._estimates:  # only a page before another is full
                self._estimates[unit.collection].observe_page(before)
            self._newest_page[unit.unit_id] = records
            self._observer.page(unit, records)

    def _record_error(self, unit: Unit, error: ProtimeError) -> None:
        self._observer.failed(unit, error)
        with self._pipeline.transaction() as connection:
            ledger.finish_unit(connection, unit.unit_id, Counts(), 0.0, str(error))

    def _surprises(self, collection: str, estimate: VolumeEstimate) -> bool:
        correction, page_size = self._planned_with[collection]
        surprise = abs(estimate.correction - correction)
        return surprise > WORTH_A_PLAN * correction or page_size != estimate.page_size

    def _replan(self, collection: str, estimate: VolumeEstimate, *, probing: bool = False) -> None:
        self._planned_with[collection] = (estimate.correction, estimate.page_size)
        waiting = [unit for unit in self.work.planned if unit.collection == collection and not unit.circles]
        client, workers = self._pipeline.client, self._workers
        planned = list(plan_gaps(client, _gaps(waiting), estimate, probing=probing, workers=workers))
        if not waiting or [(tuple(one.person_ids), one.first, one.last) for one in planned] == [
            (unit.person_ids, unit.first, unit.last) for unit in waiting
        ]:
            return
        with self._pipeline.transaction() as connection:
            ledger.remove_units(connection, [unit.unit_id for unit in waiting])
            entered = ledger.enter_units(connection, waiting[0].run_id, planned)
        self.work.plan_again(waiting, entered)
        self._observer.planned([*self.work.under_way.values(), *self.work.planned], self._expected_requests())

    def _expected_requests(self) -> int:
        paths = {unit.collection for unit in self.work.planned}
        known = {path: VolumeEstimate(COLLECTIONS[path]) for path in paths} | dict(self._estimates)
        return expected_requests((unit.slice for unit in self.work.planned), known)


def _gaps(units: Iterable[Unit]) -> list[Slice]:
    """What these units of one collection fill, in as few pieces as possible."""
    of_window: dict[tuple[dt.date, dt.date, str], list[int]] = {}
    for unit in units:
        of_window.setdefault((unit.first, unit.last, unit.collection), []).extend(unit.person_ids)
    gaps: list[Slice] = []
    for gap in sorted(Slice(sorted(people), *window) for window, people in of_window.items()):
        before = gaps[-1] if gaps else None
        if before and before.person_ids == gap.person_ids and before.last + dt.timedelta(days=1) == gap.first:
            gaps[-1] = before._replace(last=gap.last)
        else:
            gaps.append(gap)
    return gaps
