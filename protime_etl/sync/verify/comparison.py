"""The comparison of one collection, slice by slice: what differs, and what is proven equal by it."""

from __future__ import annotations

import datetime as dt
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from typing import TypeVar

from sqlalchemy.engine import Connection

from protime_etl.collections.collection import Collection
from protime_etl.collections.page import Page
from protime_etl.collections.people import PEOPLE
from protime_etl.counted import counted
from protime_etl.errors import (
    InvalidRequestError,
    PagingConflictError,
    ProtimeError,
    RateLimited,
    RequestsSpentError,
)
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
from protime_etl.protime.filters import Condition, dates
from protime_etl.protime.pausing import wait_out
from protime_etl.sync.pipeline import Pipeline
from protime_etl.sync.plan.days import last_settled_day
from protime_etl.sync.plan.slices import plan_units, slice_filter
from protime_etl.sync.pull.cutting import answers_others, is_about_the_question, parts_of, requested_wait
from protime_etl.sync.pull.unit import OnPage
from protime_etl.sync.pull.work_list import CUTS_IN_A_ROW
from protime_etl.sync.read.bounds import most_clockings, most_listed
from protime_etl.sync.read.pages import KeptPages, Reading, restarting, split_by_uri
from protime_etl.sync.read.recheck import older_error
from protime_etl.sync.verify.second_look import look_again
from protime_etl.sync.verify.unlisted import listed_people, windows_of_all
from protime_etl.sync.verify.verification import MOST_DIFFERENCES, Verification
from protime_etl.work import EVERYONE, Scope, Slice, whole_list

__all__ = ["Comparing"]

Result = TypeVar("Result")


class Comparing:
    """The comparison of one collection."""

    def __init__(self, pipeline: Pipeline, collection: Collection, on_page: OnPage) -> None:
        self._pipeline = pipeline
        self._client = pipeline.client
        self._collection = collection
        self._on_page = on_page
        self._pages = 0
        self._people_count = 0
        self._most = 0
        self._began = dt.datetime.now(dt.UTC)
        self._rejected_days: set[dt.date] | None = set()
        self._kept: dict[str, KeptPages] = {}
        """The lists of the slice that is read now, by their URI: after a pause they are not read again."""
        self._known: dict[int, Page | None] = {}
        """Records that were asked for by their ids, in the same way."""

    def days(self, first: dt.date, last: dt.date, person_ids: Sequence[int] | None) -> Verification:
        """Compare these days."""
        before = self._client.requests
        found = Verification(self._collection.path)
        tenant = self._pipeline.tenant
        with self._pipeline.reading() as connection:
            newest = newest_version(connection, tenant, self._collection.table)
            first -= longest(connection, tenant, self._collection)
            if person_ids is None:
                windows = windows_of_all(connection, tenant, self._collection, first, last)
                scopes = [Scope(None, *window) for window in windows]
            else:
                planned = plan_units(self._client, self._collection, person_ids, first, last)
                scopes = [Scope(unit.person_ids, unit.first, unit.last) for unit in planned]
            known = people_to_read(connection, tenant, first, last)
        self._people_count = len(known)
        left = deque(scopes)
        failures = 0
        while left:
            scope = left.popleft()
            try:
                differences, people = self._over_pauses(partial(self._compare, scope, found))
            except ProtimeError as error:
                failures += 1
                if failures > CUTS_IN_A_ROW or not self._is_to_blame(scope, error):
                    raise
                left.extendleft(reversed(self._parts(scope, known, found, error)))
                continue
            failures = 0
            if self._collection.by_people:
                found.unlisted |= people.difference(known if person_ids is None else people)
            found.units += 1
            try:
                self._over_pauses(partial(self._judge, scope, found, differences, newest))
            except RequestsSpentError:  # no request is left for a second look: the repair looks again
                looked_at = {one.id for one in found.differences}
                found.differences += [one for one in differences if one.id not in looked_at]
                raise
            finally:  # what was equal at the first look is
                self._enter(scope, differences, found, is_known=self._rejected_days is not None)
            if left and len(found.differences) >= MOST_DIFFERENCES:
                days = [day for one in left for day in (one.first, one.last) if day is not None]
                found.uncompared = min(days), max(days)
                break
        if found.unlisted:
            try:
                found.unlisted -= listed_people(self._pipeline)
            except ProtimeError as error:  # their list is an island, too
                self._pipeline.report_failed(PEOPLE.path, error)
        found.requests = self._client.requests - before
        return found

    def lists(self) -> Verification:
        """Compare the complete list."""
        before = self._client.requests
        found = Verification(self._collection.path, units=1)
        with self._pipeline.reading() as connection:
            newest = newest_version(connection, self._pipeline.tenant, self._collection.table)
            self._most = most_listed(stored_records(connection, self._pipeline.tenant, self._collection))
        differences = self._over_pauses(partial(self._compare, Scope(), found))[0]
        self._over_pauses(partial(self._judge, Scope(), found, differences, newest))
        self._enter_list(found)
        found.requests = self._client.requests - before
        return found

    def _enter(
        self, scope: Scope, differences: Sequence[Difference], found: Verification, *, is_known: bool = True
    ) -> None:
        """Enter what of a slice was equal at the first look, and what is known not to be; of the rest nothing."""
        if scope.first is None or scope.last is None:
            return
        tenant, path = self._pipeline.tenant, self._collection.path
        over = last_settled_day(self._pipeline.settings, self._began)
        people = scope.person_ids if scope.person_ids is not None else [EVERYONE]
        compared = Slice(people, scope.first, scope.last, path)
        in_question = [*self._cells(differences), *((None, day) for day in self._rejected_days or ())]
        with self._pipeline.transaction() as connection:
            enter_compared(connection, tenant, compared, over, in_question if is_known else None, self._began)
            if is_known:
                enter_equal(connection, tenant, compared, in_question)
            if scope.person_ids is None and scope.first <= over:
                enter_proven_days(connection, tenant, path, (scope.first, min(scope.last, over)), self._began)
        ids = {one.id for one in differences}
        stay = [one for one in found.overlooked if one.id in ids and one.date is not None and one.date <= over]
        if stay:
            with self._pipeline.transaction() as connection:
                # What a comparison before has found is counted already.
                new = {*not_known_to_differ(connection, tenant, path, self._cells(stay))}
                counted_now = [one for one in stay if not new.isdisjoint(self._cells([one]))]
                enter_differences(connection, tenant, path, Counter(one.date for one in counted_now if one.date))
                self._enter_differing(connection, stay)

    def _enter_list(self, found: Verification) -> None:
        """Enter whether the complete list is right."""
        with self._pipeline.transaction() as connection:
            if found.overlooked:
                self._enter_differing(connection, found.overlooked)
            elif not found.differences:
                enter_right(connection, self._pipeline.tenant, whole_list(self._collection.path))

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

    def _enter_unreadable(self, scope: Scope, error: ProtimeError) -> None:
        """Enter that the API cannot answer for a slice that cannot be cut any further."""
        assert scope.first is not None  # noqa: S101 - units have dates
        assert scope.last is not None  # noqa: S101
        people = scope.person_ids if scope.person_ids is not None else [EVERYONE]
        with self._pipeline.transaction() as connection:
            lost = [Slice(people, scope.first, scope.last, self._collection.path)]
            enter_wrong(connection, self._pipeline.tenant, Wrong("unreadable", error.message), lost)

    def _over_pauses(self, read: Callable[[], Result]) -> Result:
        """Read lists, and after each pause go on behind the last page."""
        try:
            return self._pipeline.sitting_out(partial(restarting, read))
        finally:
            for kept in self._kept.values():
                kept.close()
            self._kept.clear()
            self._known.clear()

    def _is_to_blame(self, scope: Scope, error: ProtimeError) -> bool:
        if isinstance(error, PagingConflictError):
            return True  # a smaller slice is read before its paging token dies
        waits = requested_wait(error)
        if waits is not None:  # again and again, with nothing read: the question is too broad
            return waits <= self._pipeline.settings.max_wait_in_task and self._answers_others(scope, error)
        return is_about_the_question(error) and self._answers_others(scope, error)

    def _answers_others(self, scope: Scope, error: ProtimeError) -> bool:
        """Whether the API answers other questions, asked after the pause that there may be."""
        with suppress(RateLimited):
            wait_out(self._pipeline.pause, self._pipeline.settings.max_wait_in_task, slot=False)
        assert scope.first is not None  # noqa: S101 - units have dates
        assert scope.last is not None  # noqa: S101
        return answers_others(self._client, self._collection, scope.first, scope.last, error)

    def _parts(self, scope: Scope, known: Sequence[int], found: Verification, error: ProtimeError) -> list[Scope]:
        """What to compare in the place of a slice that cannot be read; nothing if it cannot be cut any further."""
        assert scope.first is not None  # noqa: S101 - units have dates
        assert scope.last is not None  # noqa: S101
        days = (scope.last - scope.first).days + 1
        people = known if scope.person_ids is None else scope.person_ids
        # A wrong question (400) may name a person who is gone: that one is found by people, and fails on each day.
        by_people = isinstance(error, InvalidRequestError) and scope.person_ids is not None
        if by_people and len(people) == 1:
            found.unreadable.append(f"person {people[0]} from {scope.first} to {scope.last}")
            self._enter_unreadable(scope, error)
            return []
        whole = Slice(people, scope.first, scope.last, self._collection.path)
        if days > 1 and not by_people:
            return [Scope(scope.person_ids, one.first, one.last) for one in parts_of(whole, days_first=True)]
        if not self._collection.by_people:  # whose records they are may be unknown
            found.unreadable.append(f"all people on {scope.first}")
            self._enter_unreadable(scope, error)
            return []
        if len(people) > 1:
            return [Scope(one.person_ids, one.first, one.last) for one in parts_of(whole)]
        found.unreadable.append(f"person {people[0] if people else 'unknown'} on {scope.first}")
        self._enter_unreadable(scope, error)
        return []

    def _compare(self, scope: Scope, found: Verification) -> tuple[list[Difference], set[int]]:
        self._pages = 0
        with self._pipeline.reading() as connection:
            if not any(kept.began for kept in self._kept.values()):
                self._began = database_clock(connection)
            staged = Comparison(connection, self._pipeline.tenant, self._collection)
            staged.stage(self._read(scope))
            differences, equal = staged.compare(scope)
            found.equal.update(equal)
            found.rejected += staged.counts.rejected
            self._rejected_days = staged.rejected_days
            return differences, set() if scope.first is None else staged.people()

    def _read(self, scope: Scope) -> Iterator[Page]:
        """All pages of a slice, or of the complete list."""
        if scope.first is None or scope.last is None:
            return self._pages_of(None, self._most)
        first, last = scope.first, scope.last
        days = (last - first).days + 1
        if scope.person_ids is None:
            return self._pages_of(dates.between(first, last), most_clockings(self._people_count, days))

        def batch(people: Sequence[int]) -> Iterator[Page]:
            return self._pages_of(slice_filter(people, first, last), most_clockings(len(people), days))

        return split_by_uri(scope.person_ids, batch)

    def _pages_of(self, condition: Condition | None, most: int) -> Iterator[Page]:
        uri = self._client.list_uri(self._collection, condition)
        if uri not in self._kept:
            self._kept[uri] = KeptPages(self._client, self._collection, condition)
        kept = self._kept[uri]
        kept.began = kept.began or self._began
        for page in Reading(self._collection, kept, most, self._collection.path):
            self._pages += 1
            self._on_page(len(page.rows) + len(page.rejected))
            yield page

    def _judge(self, scope: Scope, found: Verification, differences: list[Difference], newest: str) -> None:
        """Look at each difference once more, and take up those that stay."""
        if not differences:
            return
        stay = look_again(
            self._pipeline,
            self._collection,
            differences,
            pages=self._pages,
            read=lambda: self._read(scope),
            known=self._known,
        )
        found.equal.update(stay.equal)
        found.moving += stay.moving
        found.differences += stay.differences
        found.pending |= {one.id for one in stay.differences if one.version is not None and "" < newest < one.version}
