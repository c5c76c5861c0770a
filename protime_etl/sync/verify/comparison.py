"""The comparison of one collection, slice by slice: what differs, and what is proven equal by it."""

from __future__ import annotations

import datetime as dt
from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing, suppress
from functools import partial
from typing import TypeVar

from sqlalchemy.engine import Connection

from protime_etl.collections.collection import Collection
from protime_etl.collections.people import PEOPLE
from protime_etl.counted import counted
from protime_etl.errors import PagingConflictError, ProtimeError, RateLimited, RequestsSpentError
from protime_etl.postgres.book.coverage import enter_compared
from protime_etl.postgres.book.proof_days import enter_differences, enter_proven_days
from protime_etl.postgres.book.wrong import (
    Kind,
    Wrong,
    enter_equal,
    enter_right,
    enter_wrong,
    not_known_to_differ,
    slices_of,
)
from protime_etl.postgres.ledger.people import people_to_read
from protime_etl.postgres.ledger.volumes import longest, stored_records
from protime_etl.postgres.load.compare import Comparison, Difference, newest_version
from protime_etl.postgres.server.clock import database_clock
from protime_etl.protime.pausing import wait_out
from protime_etl.sync.pipeline import Pipeline
from protime_etl.sync.plan.days import last_finished_day
from protime_etl.sync.plan.slices import plan_units
from protime_etl.sync.pull.unit import OnPage
from protime_etl.sync.pull.work_list import CUTS_IN_A_ROW
from protime_etl.sync.read.cutting import (
    answers_others,
    in_words,
    is_about_the_question,
    parts_of_failed,
    requested_wait,
)
from protime_etl.sync.read.pages import restarting
from protime_etl.sync.read.reading import Reading
from protime_etl.sync.read.recheck import older_error
from protime_etl.sync.verify.second_look import look_again
from protime_etl.sync.verify.unlisted import listed_people, windows_of_all
from protime_etl.sync.verify.verification import MOST_DIFFERENCES, Compared, Verification
from protime_etl.work import EVERYONE, Slice, whole_list

__all__ = ["Comparing"]

Result = TypeVar("Result")


class Comparing:
    """The comparison of one collection; `is_repaired`: whether what differs is repaired after it."""

    def __init__(self, pipeline: Pipeline, collection: Collection, on_page: OnPage, *, is_repaired: bool) -> None:
        self._pipeline = pipeline
        self._is_repaired = is_repaired
        self._client = pipeline.client
        self._collection = collection
        self._on_page = on_page

    def days(self, first: dt.date, last: dt.date, person_ids: Sequence[int] | None) -> Verification:
        """Compare these days."""
        before = self._client.requests
        found = Verification(self._collection.path)
        with self._pipeline.reading() as connection:
            stored = self._pipeline.stored(connection, self._collection)
            newest = newest_version(stored)
            first -= longest(stored)
            if person_ids is None:
                windows = windows_of_all(stored, first, last)
                slices = [Slice((EVERYONE,), *window, self._collection.path) for window in windows]
            else:
                slices = [*plan_units(self._client, self._collection, person_ids, first, last)]
            known = people_to_read(stored, first, last)
        left = deque(slices)
        failures, is_spent = 0, False
        while left:
            one = left.popleft()
            with closing(self._reading(one, at_most_people=len(known))) as reading:
                try:
                    compared = self._over_pauses(partial(self._compare, reading))
                except ProtimeError as error:
                    failures += 1
                    if failures > CUTS_IN_A_ROW or not self._is_to_blame(one, error):
                        raise
                    left.extendleft(reversed(self._parts(one, known, found, error)))
                    continue
                failures = 0
                found.take(compared)
                if self._collection.by_people:
                    found.unlisted |= compared.people.difference(known if person_ids is None else compared.people)
                found.units += 1
                try:
                    self._over_pauses(partial(self._look_again, reading, compared, found, newest))
                except RequestsSpentError:  # no request is left for a second look: the repair looks again
                    looked_at = {one.id for one in found.differences}
                    found.differences += [one for one in compared.differences if one.id not in looked_at]
                    left.appendleft(one)
                    is_spent = True
                finally:  # what was equal at the first look is
                    self._enter(one, compared, found)
            if left and (is_spent or len(found.differences) >= MOST_DIFFERENCES):
                found.uncompared = min(one.first for one in left), max(one.last for one in left)
                break
        self._leave_out_listed(found)
        found.requests = self._client.requests - before
        return found

    def _leave_out_listed(self, found: Verification) -> None:
        """Take those out of the unlisted whom a list names by now."""
        if not found.unlisted:
            return
        try:
            found.unlisted -= listed_people(self._pipeline)
        except RequestsSpentError:  # what differs of theirs is known to, and read next
            found.unlisted.clear()
        except ProtimeError as error:  # their list is an island, too
            self._pipeline.report_failed(PEOPLE.path, error)

    def lists(self) -> Verification:
        """Compare the complete list."""
        before = self._client.requests
        found = Verification(self._collection.path, units=1)
        with self._pipeline.reading() as connection:
            stored = self._pipeline.stored(connection, self._collection)
            newest = newest_version(stored)
            live = stored_records(stored)
        with closing(self._reading(whole_list(self._collection.path), stored=live)) as reading:
            compared = self._over_pauses(partial(self._compare, reading))
            found.take(compared)
            self._over_pauses(partial(self._look_again, reading, compared, found, newest))
        self._enter_list(found)
        found.requests = self._client.requests - before
        return found

    def _reading(self, one: Slice, *, at_most_people: int = 0, stored: int = 0) -> Reading:
        return Reading(
            self._client,
            self._collection,
            one,
            self._collection.path,
            at_most_people=at_most_people,
            stored=stored,
            keeps=True,
            on_page=self._on_page,
        )

    def _enter(self, one: Slice, compared: Compared, found: Verification) -> None:
        """Enter what of a slice was equal at the first look, and what is known not to be; of the rest nothing."""
        over = last_finished_day(self._pipeline.settings, compared.began)
        is_known = compared.rejected_days is not None
        in_question = [*self._cells(compared.differences), *((None, day) for day in compared.rejected_days or ())]
        with self._pipeline.transaction() as connection:
            stored = self._pipeline.stored(connection, self._collection)
            enter_compared(stored, one, over, in_question if is_known else None, compared.began)
            if is_known:
                enter_equal(stored, one, in_question)
            if EVERYONE in one.person_ids and one.first <= over:
                enter_proven_days(stored, (one.first, min(one.last, over)), compared.began)
        ids = {one.id for one in compared.differences}
        stay = [one for one in found.differences if one.id in ids and one.date is not None and one.date <= over]
        overlooked = [one for one in stay if one.id not in found.pending]
        if not self._is_repaired:  # the next reading brings the others
            stay = overlooked
        if stay:
            with self._pipeline.transaction() as connection:
                stored = self._pipeline.stored(connection, self._collection)
                # What a comparison before has found is counted already.
                new = {*not_known_to_differ(stored, self._cells(overlooked))}
                counted_now = [one for one in overlooked if not new.isdisjoint(self._cells([one]))]
                enter_differences(stored, Counter(one.date for one in counted_now if one.date))
                self._enter_differing(connection, stay)

    def _enter_list(self, found: Verification) -> None:
        """Enter whether the complete list is right."""
        with self._pipeline.transaction() as connection:
            if found.overlooked:
                self._enter_differing(connection, found.overlooked)
            elif not found.differences:
                enter_right(self._pipeline.stored(connection, self._collection), whole_list(self._collection.path))

    def _enter_differing(self, connection: Connection, stay: Sequence[Difference]) -> None:
        """Enter days on which a reading is due that brings them, and others on which it takes a decision before."""
        path = self._collection.path
        older, others = ([one for one in stay if one.is_older is wanted] for wanted in (True, False))
        reasons: dict[Kind, str] = {
            "older": older_error(len(older), path).message,
            "differs": f"{counted(len(others), 'record')} differed when it was compared",
        }
        for (kind, reason), differing in zip(reasons.items(), (older, others), strict=True):
            if differing:
                lost = slices_of(path, self._cells(differing)) if self._collection.is_dated else [whole_list(path)]
                enter_wrong(connection, self._pipeline.tenant, Wrong(kind, reason), lost)

    def _cells(self, differences: Iterable[Difference]) -> list[tuple[int | None, dt.date]]:
        """Whose days are in question; None is all people."""
        by_people = self._collection.by_people
        return [
            (person, day)
            for one in differences
            for day in one.dates
            for person in ((one.people if by_people else ()) or (None,))
        ]

    def _over_pauses(self, read: Callable[[], Result]) -> Result:
        """Read, and after each pause go on behind the last page."""
        return self._pipeline.sitting_out(partial(restarting, read))

    def _is_to_blame(self, one: Slice, error: ProtimeError) -> bool:
        if isinstance(error, PagingConflictError):
            return True  # a smaller slice is read before its paging token dies
        waits = requested_wait(error)
        if waits is not None:  # again and again, with nothing read: the question is too broad
            return waits <= self._pipeline.settings.max_wait_in_task and self._answers_others(one, error)
        return is_about_the_question(error) and self._answers_others(one, error)

    def _answers_others(self, one: Slice, error: ProtimeError) -> bool:
        """Whether the API answers other questions, asked after the pause that there may be."""
        with suppress(RateLimited):
            wait_out(self._pipeline.pause, self._pipeline.settings.max_wait_in_task, slot=False)
        return answers_others(self._client, self._collection, one.first, one.last, error)

    def _parts(self, one: Slice, known: Sequence[int], found: Verification, error: ProtimeError) -> list[Slice]:
        """What to compare in the place of a slice that cannot be read; nothing if it cannot be cut any further."""
        # Of a day of all people it is looked for by people, unless whose records they are may be unknown.
        if one.first == one.last and EVERYONE in one.person_ids and self._collection.by_people and known:
            one = one._replace(person_ids=known)
        parts = parts_of_failed(one, error, days_first=True)
        if not parts:
            found.unreadable.append(in_words(one))
            with self._pipeline.transaction() as connection:
                enter_wrong(connection, self._pipeline.tenant, Wrong("unreadable", error.message), [one])
        return parts

    def _compare(self, reading: Reading) -> Compared:
        with self._pipeline.reading() as connection:
            began = reading.begin(database_clock(connection))
            staged = Comparison(self._pipeline.stored(connection, self._collection), read=reading.wanted)
            staged.stage(reading.pages())
            differences, equal = staged.compare()
            people = staged.people() if self._collection.is_dated else set()
            return Compared(began, differences, equal, people, staged.counts.rejected, staged.rejected_days)

    def _look_again(self, reading: Reading, compared: Compared, found: Verification, newest: str) -> None:
        """Look at each difference once more, and take up those that stay."""
        if not compared.differences:
            return
        stay = look_again(self._pipeline, self._collection, reading, compared.differences)
        found.equal.update(stay.equal)
        found.moving += stay.moving
        found.differences += stay.differences
        found.pending |= {one.id for one in stay.differences if one.version is not None and "" < newest < one.version}
