"""Several workers that pull the units of one run, each a thread with a connection of its own to API and database."""

from __future__ import annotations

import datetime as dt
import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from protime_etl.errors import ProtimeError
from protime_etl.postgres import ledger
from protime_etl.postgres.connection import database_errors
from protime_etl.postgres.ledger import Unit
from protime_etl.postgres.load import Counts
from protime_etl.sync.expectation import Expectation
from protime_etl.sync.plan import Gap, PlannedUnit, expected_requests, plan_gaps

if TYPE_CHECKING:
    from protime_etl.sync.pipeline import Pipeline

__all__ = ["Crew", "Observer", "StoppedError"]

FAILURES_IN_A_ROW = 5
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

    def unit(self, unit: Unit, counts: Counts) -> None:
        """A unit is committed."""

    def failed(self, unit: Unit, error: ProtimeError) -> None:
        """A unit failed; the others go on."""

    def tick(self) -> None:
        """A moment has passed."""


class StoppedError(BaseException):
    """Ends what a worker is doing; its transaction is rolled back."""


class Crew:
    """Carries out the units of a run; what is not begun is planned anew when the answers are not as expected."""

    def __init__(
        self, pipeline: Pipeline, run_id: int, units: Sequence[Unit], expectation: Expectation, observer: Observer
    ) -> None:
        self._pipeline = pipeline
        self._run_id = run_id
        self._waiting = deque(units)
        self._under_way: dict[int, Unit] = {}
        self._expectation = expectation
        self._planned_with = (expectation.correction, expectation.page_size)
        self._observer = observer
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._failed_in_a_row = 0
        self._unforeseen: list[BaseException] = []
        self.done = 0
        """Units committed."""
        self.failures: list[ProtimeError] = []
        self.counts = Counts()

    def work(self, workers: int, between: Callable[[], None]) -> None:
        """Carry out all units; `between` is called every moment while they are at it.

        Units that fail are collected in `failures`. An error that no retry cures, or five failures in a row, stop the
        others, too.

        Raises:
            KeyboardInterrupt: units under way are given up.
        """
        self._observer.planned(list(self._waiting), self._expected_requests())
        threads = [threading.Thread(target=self._work, daemon=True) for _ in range(workers)]
        for thread in threads:
            thread.start()
        try:
            while any(thread.is_alive() for thread in threads):
                for thread in threads:
                    thread.join(LOOK_SECONDS / len(threads))
                with self._lock:
                    self._observer.tick()
                between()
        except BaseException:
            self._stop.set()
            for thread in threads:
                thread.join(STOP_SECONDS / len(threads))
            raise
        if self._unforeseen:
            raise self._unforeseen[0]

    def _work(self) -> None:
        client = self._pipeline.new_client()
        try:
            while (unit := self._take()) is not None:
                try:
                    counts = self._pipeline.pull(unit, self._page, client)
                except ProtimeError as error:
                    self._fail(unit, error)
                else:
                    self._finish(unit, counts)
        except StoppedError:
            pass
        except BaseException as error:  # noqa: BLE001 - raised again by the thread that waits
            self._unforeseen.append(error)
            self._stop.set()
        finally:
            client.close()

    def _take(self) -> Unit | None:
        with self._lock:
            if not self._waiting or self._stop.is_set():
                return None
            unit = self._waiting.popleft()
            self._under_way[unit.unit_id] = unit
            return unit

    def _page(self, records: int) -> None:
        if self._stop.is_set():
            raise StoppedError
        with self._lock:
            self._expectation.learn_page(records)
            self._observer.page(records)

    def _fail(self, unit: Unit, error: ProtimeError) -> None:
        with self._lock:
            del self._under_way[unit.unit_id]
            self.failures.append(error)
            self._failed_in_a_row += 1
            self._observer.failed(unit, error)
            if not error.retry or self._failed_in_a_row >= FAILURES_IN_A_ROW:
                self._stop.set()

    def _finish(self, unit: Unit, counts: Counts) -> None:
        with self._lock:
            del self._under_way[unit.unit_id]
            self.done += 1
            self.counts += counts
            self._failed_in_a_row = 0
            self._observer.unit(unit, counts)
            if not unit.circles:
                self._expectation.learn(len(unit.person_ids), unit.first, unit.last, counts.rows_read)
                self._plan_anew()

    def _plan_anew(self) -> None:
        correction, page_size = self._planned_with
        surprise = abs(self._expectation.correction - correction)
        if surprise <= WORTH_A_PLAN * correction and page_size == self._expectation.page_size:
            return
        self._planned_with = (self._expectation.correction, self._expectation.page_size)
        planned = list(plan_gaps(self._pipeline.client, _gaps(self._waiting), self._expectation))
        if [(tuple(one.person_ids), one.first, one.last) for one in planned] == [
            (unit.person_ids, unit.first, unit.last) for unit in self._waiting
        ]:
            return
        engine = self._pipeline.engine
        with database_errors(engine.url), engine.begin() as connection:
            ledger.learn_page_size(connection, self._pipeline.settings.tenant, self._expectation.page_size)
            ledger.remove_units(connection, [unit.unit_id for unit in self._waiting])
            entered = ledger.enter_units(connection, self._run_id, planned)
        self._waiting = deque(entered)
        self._observer.planned([*self._under_way.values(), *entered], self._expected_requests())

    def _expected_requests(self) -> int:
        planned = (PlannedUnit(unit.person_ids, unit.first, unit.last) for unit in self._waiting)
        return expected_requests(planned, self._expectation)


def _gaps(units: Iterable[Unit]) -> list[Gap]:
    """What these units fill, in as few pieces as possible."""
    of_window: dict[tuple[dt.date, dt.date], list[int]] = {}
    for unit in units:
        of_window.setdefault((unit.first, unit.last), []).extend(unit.person_ids)
    gaps: list[Gap] = []
    for person_ids, first, last in sorted((sorted(people), *window) for window, people in of_window.items()):
        before = gaps[-1] if gaps else None
        if before and before.person_ids == person_ids and before.last + dt.timedelta(days=1) == first:
            gaps[-1] = Gap(person_ids, before.first, last)
        else:
            gaps.append(Gap(person_ids, first, last))
    return gaps
