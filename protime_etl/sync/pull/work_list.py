"""What is left to do of a run: which unit is next, what becomes of one that fails, and when it is better to stop.

Parts of several people come first, as they bring the most; parts of a single person last, as one of them is what cannot
be read. Nothing is asked for ever: what fails again and again with nothing read in between ends its collection. The
other collections go on, unless it is about all of them.
"""

from __future__ import annotations

import math
import threading
from bisect import insort
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from enum import IntEnum

from protime_etl.errors import IncompleteError, ProtimeError, UnreachableError, UnreadableError
from protime_etl.sync.pipeline import FAILING_ALIKE, LONGEST_WAIT_INSIDE, stops_all
from protime_etl.sync.read.cutting import PARTS_AFTER_WAIT, UnitCutError, parts_of, requested_wait, unreadable
from protime_etl.work import Counts, Unit

__all__ = ["CUTS_IN_A_ROW", "FAILURES_IN_A_ROW", "WorkList", "failure_of"]

FAILURES_IN_A_ROW = 5
"""Units or people of a collection that fail with nothing of it read in between: then its others are not tried."""
WAITS_OF_ONE = 3
"""Waits of a unit that cannot be cut any further, while others of its collection are answered: then it is left out."""
MOST_WAITS_OF_ONE = 5
"""Waits of a unit that cannot be cut, where nothing of its collection was answered: then none is asked for any more."""
WAITS_INSIDE = 3
"""Waits, at least, that a unit has sat out in its tries when it fails for a short one."""
CUTS_IN_A_ROW = 30
"""Requests that can fail on the way to the one that is to blame."""
CUTS_OF_PEOPLE = 3
"""Failures in a row after which it is hardly one person: then windows are halved."""
LEAVES_OF_ONE = 3
"""Days of one person that fail in a row: then that person's other days are not asked for this time."""
LOOK_SECONDS = 0.2
NAMED = 20

GiveUp = Callable[[Unit, ProtimeError], None]
"""Enters in the ledger that a unit is not asked for, and why."""


class Rank(IntEnum):
    """Which units come first."""

    PARTS = 0
    """Parts of several people."""
    PLANNED = 1
    LAST = 2
    """Parts of one person, and what failed before."""


@dataclass
class _Island:
    """How the units of one collection fare."""

    failing: set[tuple[int, ...]] = field(default_factory=set)
    leaves: Counter[tuple[int, ...]] = field(default_factory=Counter)
    cuts: int = 0
    readable_days: int | None = None
    too_broad: bool = False
    """Whether the API has limited questions that are too broad."""
    answered_people: int = 0
    """The most people of a question that it has answered since."""
    answered: bool = False
    ended: bool = False

    def was_read(self) -> None:
        self.failing.clear()
        self.leaves.clear()
        self.cuts = 0


class WorkList:
    """The units that are left. Safe to share between threads.

    `longest_wait` are the seconds that the caller sits out, `longest_inside` those that are sat out in the tries of a
    unit; `give_up` is called for what is left out.
    """

    def __init__(
        self,
        units: Iterable[Unit],
        longest_wait: float,
        give_up: GiveUp,
        longest_inside: float = LONGEST_WAIT_INSIDE,
    ) -> None:
        self.lock = threading.Condition(threading.RLock())
        self._waiting: list[tuple[Rank, int, Unit]] = []
        """The units that are left, in their order; the number is their place among those of a rank."""
        self._place = 0
        self._longest_wait = longest_wait
        self._longest_inside = longest_inside
        self._give_up = give_up
        self.under_way: dict[int, Unit] = {}
        self.stopped = False
        self.failures: list[ProtimeError] = []
        self.failures_of: defaultdict[str, list[ProtimeError]] = defaultdict(list)
        """The same by collection, but for what is about all of them."""
        self.done = 0
        """Units committed."""
        self.counts = Counts()
        self.counts_of: defaultdict[str, Counts] = defaultdict(Counts)
        """What was done, by collection."""
        self._islands: defaultdict[str, _Island] = defaultdict(_Island)
        """By collection; under "" what is about all of them."""
        self._waits: Counter[int] = Counter()
        """Waits by unit."""
        self._without_answer = 0
        with self.lock:
            for unit in units:
                self._put(unit)

    def __len__(self) -> int:
        with self.lock:
            return len(self._waiting)

    @property
    def planned(self) -> list[Unit]:
        """Units that were not begun, and are no parts: they may be planned again."""
        return [unit for rank, _, unit in self._waiting if rank is Rank.PLANNED]

    def plan_again(self, before: Sequence[Unit], planned: Sequence[Unit]) -> None:
        """Let other units take the place of some that were planned before; they come first."""
        replaced = {unit.unit_id for unit in before}
        with self.lock:
            self._waiting = [one for one in self._waiting if one[2].unit_id not in replaced]
            for unit in reversed(planned):
                self._put(unit, first=True)

    def stop(self) -> None:
        """Begin no other unit."""
        with self.lock:
            self.stopped = True
            self.lock.notify_all()

    def take(self) -> Unit | None:
        """The next unit; None at the end. Waits while others are at work whose units may yet be cut."""
        with self.lock:
            while not self.stopped:
                if self._waiting:
                    _, _, unit = self._waiting.pop(0)
                    self.under_way[unit.unit_id] = unit
                    return unit
                if not self.under_way:
                    return None
                self.lock.wait(LOOK_SECONDS)
            return None

    def cuts_days(self, unit: Unit) -> bool:
        """Whether it is rather the window that is too wide, should this unit fail."""
        with self.lock:
            island = self._islands[unit.collection]
            if island.readable_days is not None:
                return _days(unit) > island.readable_days
            return island.cuts >= CUTS_OF_PEOPLE

    def parts_after_wait(self, unit: Unit) -> int:
        """Into how many parts to cut a unit that has to wait before anything of it was read; 0: ask again whole.

        A first wait may be about anything. It is the unit that is too broad when it was asked again after a wait, also
        by another process, or when others of its collection were too broad before.
        """
        with self.lock:
            island = self._islands[unit.collection]
            if not (self._waits[unit.unit_id] or unit.failed or island.too_broad):
                return 0
            answered = min(island.answered_people, len(unit.person_ids))
            return max(PARTS_AFTER_WAIT, math.ceil(len(unit.person_ids) / answered) if answered else 0)

    def finish(self, unit: Unit, counts: Counts) -> None:
        """A unit is committed."""
        with self.lock:
            self._let_go(unit)
            island = self._islands[unit.collection]
            island.answered = True
            if island.too_broad:
                island.answered_people = max(island.answered_people, len(unit.person_ids))
            if counts.rows_read and island.cuts >= CUTS_OF_PEOPLE and len(unit.person_ids) > 1:
                island.readable_days = _days(unit)
            if counts.rows_read:
                island.was_read()
                self._islands[""].was_read()
            self._without_answer = 0
            self.done += 1
            self.counts += counts
            self.counts_of[unit.collection] += counts

    def cut(self, unit: Unit, cut: UnitCutError) -> bool:
        """A unit was cut; returns whether there is a pause to be sat out first."""
        with self.lock:
            self._let_go(unit)
            for part in reversed(cut.parts):
                self._put(part, first=True)
            island = self._islands[unit.collection]
            waits = requested_wait(cut.error) is not None
            if cut.too_broad or not waits:
                island.cuts += 1
                island.too_broad |= cut.too_broad
                if island.cuts >= CUTS_IN_A_ROW:
                    self._end(unit.collection, cut.error)
            return waits and self._wait(cut.error)

    def fail(self, unit: Unit, error: ProtimeError) -> bool:
        """A unit failed; returns whether there is a pause to be sat out before it is tried again."""
        with self.lock:
            self._let_go(unit)
            island = self._islands[unit.collection]
            if stops_all(error, self._longest_wait):
                return self._fail_for_all(unit, error)
            waits, is_alone = requested_wait(error) is not None, False
            if waits:
                was_patient = (requested_wait(error) or 0) <= self._longest_inside and not self.parts_after_wait(unit)
                self._waits[unit.unit_id] += WAITS_INSIDE if was_patient else 1
                is_alone = island.answered and not parts_of(unit.slice)
                if self._waits[unit.unit_id] < (WAITS_OF_ONE if is_alone else MOST_WAITS_OF_ONE):
                    self._put(unit, first=True)
                    return True
                if is_alone:
                    wait, error = error, unreadable(unit, error)
                    error.__cause__ = wait
                    self._give_up(unit, error)
            self._note(unit, error)
            if isinstance(error, IncompleteError):
                self.counts += Counts(**error.done)
                self.counts_of[unit.collection] += Counts(**error.done)
            if isinstance(error, UnreadableError):
                self._leave_out_the_like(unit, error)
            elif isinstance(error, IncompleteError):
                island.answered = True
                island.was_read()
                self._without_answer = 0
                return False
            island.failing.add(unit.person_ids if unit.part_of else (unit.unit_id,))
            if not error.retry or len(island.failing) >= FAILURES_IN_A_ROW or (waits and not is_alone):
                self._end(unit.collection, error)
            return waits

    def _put(self, unit: Unit, *, first: bool = False) -> None:
        if not self._islands[unit.collection].ended:  # if it has, the ledger knows the unit as not done
            self._place += 1
            goes_first = first and not unit.failed
            insort(self._waiting, (_rank(unit), -self._place if goes_first else self._place, unit))
        self.lock.notify_all()

    def _let_go(self, unit: Unit) -> None:
        self.under_way.pop(unit.unit_id, None)
        self.lock.notify_all()

    def _note(self, unit: Unit, error: ProtimeError) -> None:
        self.failures.append(error)
        self.failures_of[unit.collection].append(error)

    def _wait(self, error: ProtimeError) -> bool:
        if (requested_wait(error) or 0) <= self._longest_wait:
            return True
        self._end_all(error)
        return False

    def _fail_for_all(self, unit: Unit, error: ProtimeError) -> bool:
        """A failure that is about no collection: of those that may pass several in a row end all."""
        everything = self._islands[""]
        everything.failing.add((unit.unit_id,))
        lasts = not error.retry or requested_wait(error) is not None
        if lasts or len(everything.failing) >= FAILURES_IN_A_ROW:
            self._end_all(error)
        else:
            self.failures.append(error)
        return False

    def _end(self, collection: str, error: ProtimeError) -> None:
        """Ask for nothing else of this collection; of none any more, if several in a row ended without an answer."""
        island = self._islands[collection]
        if island.ended:
            return
        island.ended = True
        cause = error.__cause__ if isinstance(error, UnreadableError) else None
        error = cause if isinstance(cause, ProtimeError) else error
        if error not in self.failures:
            self.failures.append(error)
            self.failures_of[collection].append(error)
        self._waiting = [one for one in self._waiting if one[2].collection != collection]
        self._without_answer += isinstance(error, UnreachableError)
        if self._without_answer >= FAILING_ALIKE:
            self.stop()
        self.lock.notify_all()

    def _end_all(self, error: ProtimeError) -> None:
        if error not in self.failures:
            self.failures.append(error)
        self.stop()

    def _leave_out_the_like(self, unit: Unit, error: ProtimeError) -> None:
        """After some days of one person, the others of the same unit are named without being asked for."""
        leaves = self._islands[unit.collection].leaves
        whose = (unit.part_of or unit.unit_id, *unit.person_ids)
        leaves[whose] += 1
        if leaves[whose] < LEAVES_OF_ONE:
            return
        like = [one for rank, _, one in self._waiting if rank is Rank.LAST and (one.part_of, *one.person_ids) == whose]
        left_out = {one.unit_id for one in like}
        self._waiting = [one for one in self._waiting if one[2].unit_id not in left_out]
        for one in like:
            failure = unreadable(one, error)
            self._note(one, failure)
            self._give_up(one, failure)


def _rank(unit: Unit) -> Rank:
    if unit.part_of is None and not unit.failed:
        return Rank.PLANNED
    return Rank.LAST if unit.failed or len(unit.person_ids) <= 1 else Rank.PARTS


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
    elif of and worst.retry and requested_wait(worst) is None:
        worst.message = f"{len(failures)} of {of} units failed, for example: {worst.message}"
    elif len(failures) > 1:
        worst.message = f"{len(failures)} units failed, for example: {worst.message}"
    return worst


def _gravity(error: ProtimeError) -> int:
    if not error.retry:
        return 0
    if requested_wait(error) is not None:
        return 1
    return 3 if isinstance(error, IncompleteError) else 2
