"""Several workers that pull the units of one run, each a thread with a connection of its own to API and database."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from protime_etl.errors import ProtimeError
from protime_etl.postgres import ledger
from protime_etl.postgres.connection import database_errors
from protime_etl.protime.client import ProtimeClient
from protime_etl.protime.pausing import wait_out
from protime_etl.sync.cutting import UnitCutError
from protime_etl.sync.expectation import Expectation
from protime_etl.sync.plan import expected_requests, plan_gaps
from protime_etl.sync.pull import Stage
from protime_etl.sync.worklist import WorkList
from protime_etl.work import Counts, Slice, Unit

if TYPE_CHECKING:
    from protime_etl.sync.pipeline import Pipeline

__all__ = ["Crew", "Observer", "StoppedError"]

LOOK_SECONDS = 0.2
STOP_SECONDS = 10.0
# Fresh knowledge that changes less than this is not worth another plan.
WORTH_A_PLAN = 0.1


class Observer:
    """Is told what happens, by one thread at a time; this one does nothing with it."""

    def planned(self, units: Sequence[Unit], requests: int) -> None:
        """These units are left to do, with so many requests expected."""

    def page(self, records: int) -> None:
        """A page with so many records has come."""

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


class Crew:
    """Carries out units of a run; with expectations by collection, what is not begun is planned anew on a surprise."""

    def __init__(
        self,
        pipeline: Pipeline,
        units: Sequence[Unit],
        observer: Observer | None = None,
        *,
        expectations: Mapping[str, Expectation] | None = None,
    ) -> None:
        self._pipeline = pipeline
        self._units = units
        self._expectations = expectations or {}
        self._planned_with = {name: (one.correction, one.page_size) for name, one in self._expectations.items()}
        self._observer = observer or Observer()
        self._unforeseen: list[BaseException] = []
        self.work = WorkList(units, pipeline.settings.max_wait_in_task, self._give_up)

    def work_together(self, workers: int, between: Callable[[], None]) -> None:
        """Carry out all units; `between` is called every moment while they are at it.

        What fails is collected in `work.failures`; see `WorkList` for what stops the others, too.

        Raises:
            KeyboardInterrupt: units under way are given up.
        """
        self._observer.planned(self._units, self._expected_requests())
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

    def work_alone(self, client: ProtimeClient) -> None:
        """Carry out all units in this thread, with that client."""
        while (unit := self.work.take()) is not None:
            if self._carry_out(unit, client):
                wait_out(self._pipeline.pause, self._pipeline.settings.max_wait_in_task)

    def _in_a_thread(self) -> None:
        client = self._pipeline.new_client()
        try:
            self.work_alone(client)
        except StoppedError:
            pass
        except BaseException as error:  # noqa: BLE001 - raised again by the thread that waits
            self._unforeseen.append(error)
            self.work.stop()
        finally:
            client.close()

    def _carry_out(self, unit: Unit, client: ProtimeClient) -> bool:
        """Pull a unit; tells whether there is a pause that has to be sat out. No transaction is open meanwhile."""
        try:
            counts = self._pipeline.pull_whole(
                unit,
                lambda records: self._page(unit, records),
                client,
                on_stage=lambda stage: self._stage(unit, stage),
                cut_days=self.work.cuts_days(unit),
            )
        except UnitCutError as cut:
            with self.work.lock:
                self._observer.cut(unit, cut.parts, cut.error)
                return self.work.cut(unit, cut)
        except ProtimeError as error:
            with self.work.lock:
                self._observer.failed(unit, error)
                return self.work.fail(unit, error)
        with self.work.lock:
            self.work.finish(unit, counts)
            self._observer.unit(unit, counts)
            if unit.collection in self._expectations and not unit.circles:
                expectation = self._expectations[unit.collection]
                expectation.learn(len(unit.person_ids), unit.first, unit.last, counts.rows_read)
                self._plan_anew(unit.collection, expectation)
        return False

    def _stage(self, unit: Unit, stage: Stage) -> None:
        with self.work.lock:
            self._observer.stage(unit, stage)

    def _page(self, unit: Unit, records: int) -> None:
        if self.work.stopped:
            raise StoppedError
        with self.work.lock:
            if unit.collection in self._expectations:
                self._expectations[unit.collection].learn_page(records)
            self._observer.page(records)

    def _give_up(self, unit: Unit, error: ProtimeError) -> None:
        self._observer.failed(unit, error)
        engine = self._pipeline.engine
        with database_errors(engine.url), engine.begin() as connection:
            ledger.finish_unit(connection, unit.unit_id, Counts(), 0.0, str(error))

    def _plan_anew(self, collection: str, expectation: Expectation) -> None:
        correction, page_size = self._planned_with[collection]
        surprise = abs(expectation.correction - correction)
        if surprise <= WORTH_A_PLAN * correction and page_size == expectation.page_size:
            return
        self._planned_with[collection] = (expectation.correction, expectation.page_size)
        waiting = [unit for unit in self.work.planned if unit.collection == collection]
        planned = list(plan_gaps(self._pipeline.client, _gaps(waiting), expectation))
        if not waiting or [(tuple(one.person_ids), one.first, one.last) for one in planned] == [
            (unit.person_ids, unit.first, unit.last) for unit in waiting
        ]:
            return
        engine = self._pipeline.engine
        with database_errors(engine.url), engine.begin() as connection:
            ledger.learn_page_size(connection, self._pipeline.settings.tenant, expectation.page_size, collection)
            ledger.remove_units(connection, [unit.unit_id for unit in waiting])
            entered = ledger.enter_units(connection, waiting[0].run_id, planned)
        others = [unit for unit in self.work.planned if unit.collection != collection]
        self.work.planned.clear()
        self.work.planned.extend([*entered, *others])
        self._observer.planned([*self.work.under_way.values(), *self.work.planned], self._expected_requests())

    def _expected_requests(self) -> int:
        known = {unit.collection: Expectation() for unit in self.work.planned} | dict(self._expectations)
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
