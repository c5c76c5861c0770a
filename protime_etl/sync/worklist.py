"""What is left to do of a run: which unit is next, what becomes of one that fails, and when it is better to stop.

Parts of several people come first, as they bring the most; parts of a single person last, as one of them is what cannot
be read. Nothing is asked for ever: what fails again and again with nothing read in between ends the run.
"""

from __future__ import annotations

import threading
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable, Sequence

from protime_etl.errors import IncompleteError, ProtimeError, UnreadableError
from protime_etl.sync.cutting import UnitCutError, told_to_wait, unreadable
from protime_etl.work import Counts, Unit

__all__ = ["CUTS_IN_A_ROW", "FAILURES_IN_A_ROW", "WorkList", "failure_of"]

FAILURES_IN_A_ROW = 5
"""Units or people that fail, or waits of one unit, with nothing read in between: then the others are not tried."""
CUTS_IN_A_ROW = 30
"""So many questions can fail on the way to the one that is to blame."""
CUTS_OF_PEOPLE = 3
"""After so many in a row it is hardly one person: then windows are halved."""
LEAVES_OF_ONE = 3
"""Days of one person that fail in a row: then that person's other days are not asked for this time."""
LOOK_SECONDS = 0.2
NAMED = 20

GiveUp = Callable[[Unit, ProtimeError], None]
"""Enters in the ledger that a unit is not asked for, and why."""


class WorkList:
    """The units that are left. Safe to share between threads.

    `longest_wait` are the seconds that the caller sits out; `give_up` is called for what is left out.
    """

    def __init__(self, units: Iterable[Unit], longest_wait: float, give_up: GiveUp) -> None:
        self.lock = threading.Condition(threading.RLock())
        self.planned: deque[Unit] = deque()
        """Units that were not begun, and are no parts: they may be planned anew."""
        self._parts: deque[Unit] = deque()
        self._last: list[Unit] = []
        self._longest_wait = longest_wait
        self._give_up = give_up
        self.under_way: dict[int, Unit] = {}
        self.stopped = False
        self.failures: list[ProtimeError] = []
        self.done = 0
        """Units committed."""
        self.counts = Counts()
        self.counts_of: defaultdict[str, Counts] = defaultdict(Counts)
        """What was done, by collection."""
        self._failing: set[tuple[int, ...]] = set()
        self._leaves: Counter[tuple[int, ...]] = Counter()
        self._waits: Counter[int] = Counter()
        self._cuts = 0
        self._readable_days: int | None = None
        with self.lock:
            for unit in units:
                self._put(unit)

    def __len__(self) -> int:
        with self.lock:
            return len(self.planned) + len(self._parts) + len(self._last)

    def stop(self) -> None:
        """Begin no other unit."""
        with self.lock:
            self.stopped = True
            self.lock.notify_all()

    def take(self) -> Unit | None:
        """The next unit; None at the end. Waits while others are at work whose units may yet be cut."""
        with self.lock:
            while not self.stopped:
                if len(self):
                    unit = (
                        self._parts.popleft()
                        if self._parts
                        else self.planned.popleft()
                        if self.planned
                        else self._last.pop()
                    )
                    self.under_way[unit.unit_id] = unit
                    return unit
                if not self.under_way:
                    return None
                self.lock.wait(LOOK_SECONDS)
            return None

    def cuts_days(self, unit: Unit) -> bool:
        """Whether it is rather the window that is too wide, should this unit fail."""
        with self.lock:
            if self._readable_days is not None:
                return _days(unit) > self._readable_days
            return self._cuts >= CUTS_OF_PEOPLE

    def finish(self, unit: Unit, counts: Counts) -> None:
        """A unit is committed."""
        with self.lock:
            self._let_go(unit)
            if counts.rows_read and self._cuts >= CUTS_OF_PEOPLE and len(unit.person_ids) > 1:
                self._readable_days = _days(unit)
            if counts.rows_read:
                self._something_was_read()
            self.done += 1
            self.counts += counts
            self.counts_of[unit.collection] += counts

    def cut(self, unit: Unit, cut: UnitCutError) -> bool:
        """A unit was cut; tells whether there is a pause to be sat out first."""
        with self.lock:
            self._let_go(unit)
            for part in reversed(cut.parts):
                self._put(part, first=True)
            if told_to_wait(cut.error) is not None:
                return self._wait(cut.error)
            self._cuts += 1
            if self._cuts >= CUTS_IN_A_ROW:
                self._end(cut.error)
            return False

    def fail(self, unit: Unit, error: ProtimeError) -> bool:
        """A unit failed; tells whether there is a pause to be sat out before it is tried again."""
        with self.lock:
            self._let_go(unit)
            if told_to_wait(error) is not None:
                self._waits[unit.unit_id] += 1
                if self._waits[unit.unit_id] < FAILURES_IN_A_ROW and self._wait(error):
                    self._put(unit, first=True)
                    return True
                self._end(error)
                return False
            self.failures.append(error)
            if isinstance(error, IncompleteError):
                self.counts += Counts(**error.done)
                self.counts_of[unit.collection] += Counts(**error.done)
            if isinstance(error, UnreadableError):
                self._leave_out_the_like(unit, error)
            elif isinstance(error, IncompleteError):
                self._something_was_read()
                return False
            self._failing.add(unit.person_ids if unit.part_of else (unit.unit_id,))
            if not error.retry or len(self._failing) >= FAILURES_IN_A_ROW:
                self._end(error)
            return False

    def _put(self, unit: Unit, *, first: bool = False) -> None:
        if unit.part_of is None and not unit.failed:
            self.planned.appendleft(unit) if first else self.planned.append(unit)
        elif unit.failed or (len(unit.person_ids) <= 1 and not first):
            self._last.insert(0, unit)
        elif len(unit.person_ids) <= 1:
            self._last.append(unit)
        else:
            self._parts.appendleft(unit) if first else self._parts.append(unit)
        self.lock.notify_all()

    def _let_go(self, unit: Unit) -> None:
        self.under_way.pop(unit.unit_id, None)
        self.lock.notify_all()

    def _something_was_read(self) -> None:
        self._failing.clear()
        self._leaves.clear()
        self._waits.clear()
        self._cuts = 0

    def _wait(self, error: ProtimeError) -> bool:
        if (told_to_wait(error) or 0) <= self._longest_wait:
            return True
        self._end(error)
        return False

    def _end(self, error: ProtimeError) -> None:
        cause = error.__cause__ if isinstance(error, UnreadableError) else None
        error = cause if isinstance(cause, ProtimeError) else error
        if error not in self.failures:
            self.failures.append(error)
        self.stop()

    def _leave_out_the_like(self, unit: Unit, error: ProtimeError) -> None:
        """After some days of one person, the others of the same unit are named without being asked for."""
        whose = (unit.part_of or unit.unit_id, *unit.person_ids)
        self._leaves[whose] += 1
        if self._leaves[whose] < LEAVES_OF_ONE:
            return
        like = [one for one in self._last if (one.part_of, *one.person_ids) == whose]
        self._last = [one for one in self._last if one not in like]
        for one in like:
            failure = unreadable(one, error)
            self.failures.append(failure)
            self._give_up(one, failure)


def _days(unit: Unit) -> int:
    return (unit.last - unit.first).days + 1


def failure_of(failures: Sequence[ProtimeError], of: int | None = None) -> ProtimeError:
    """One error for all: the one that no retry cures, the wait that was asked for, or the first; it names the rest.

    `of` is how many units were asked for, if these were several.
    """
    worst = min(failures, key=_gravity)
    if isinstance(worst, IncompleteError):
        worst.message = " ".join(one.message for one in failures[:NAMED])
        if len(failures) > NAMED:
            worst.message += f" And {len(failures) - NAMED} more: protime-etl status."
    elif of and worst.retry and told_to_wait(worst) is None:
        worst.message = f"{len(failures)} of {of} units failed, one so: {worst.message}"
    elif len(failures) > 1:
        worst.message = f"{len(failures)} units failed, one of them so: {worst.message}"
    return worst


def _gravity(error: ProtimeError) -> int:
    if not error.retry:
        return 0
    if told_to_wait(error) is not None:
        return 1
    return 3 if isinstance(error, IncompleteError) else 2
