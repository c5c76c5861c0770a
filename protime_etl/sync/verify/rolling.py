"""The rolling proof: within a budget of requests, what was compared longest ago is compared with the tenant once more.

What is known to be wrong comes first and is read again. Then come days that were never compared, then those that were
compared longest ago: so all history is proven again and again, a little each night. What differs is repaired by
ordinary units, and counted. A day that takes more requests than there are is compared in parts, by people.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

from protime_etl.collections.collection import Collection
from protime_etl.collections.registry import COLLECTIONS
from protime_etl.errors import ProtimeError, RateLimited, RequestsSpentError
from protime_etl.postgres.book.due import Candidate, people_of_day, to_compare, wrong_slices
from protime_etl.postgres.book.proof_days import enter_part, enter_proven_days
from protime_etl.postgres.book.wrong import Kind
from protime_etl.postgres.ledger.history import forget_old, keep_verification, requests_by
from protime_etl.postgres.ledger.people import known_people
from protime_etl.postgres.ledger.volumes import longest, requests_of_last_run
from protime_etl.postgres.server.clock import database_clock
from protime_etl.sync.pipeline import REFUSALS, Pipeline, stops_all
from protime_etl.sync.plan.days import last_finished_day
from protime_etl.sync.pull.runs import estimates_of
from protime_etl.sync.pull.unit import OnPage
from protime_etl.sync.verify.unlisted import read_unlisted
from protime_etl.sync.verify.verification import HANDFUL, Verification
from protime_etl.sync.verify.verify import repair, repair_slice, verify
from protime_etl.sync.verify.window import Cost, Window, next_window
from protime_etl.work import Counts, RunKind, Slice

__all__ = ["Proving", "budget_of", "prove"]

LEAST_REQUESTS = 20
SHARE = 10
NEVER = dt.datetime.min.replace(tzinfo=dt.UTC)
ONE_DAY = dt.timedelta(days=1)


@dataclass
class Proving:
    """What a night has proven."""

    budget: int
    """Requests that it might take."""
    requests: int = 0
    windows: list[tuple[str, dt.date, dt.date, int | None]] = field(default_factory=list)
    """Collection, first and last day, and how many people; None is all people."""
    found: list[Verification] = field(default_factory=list)
    repaired: Counts = field(default_factory=Counts)
    failures: list[ProtimeError] = field(default_factory=list)
    """Why a collection could not be compared any further."""
    is_spent: bool = False
    """Whether all requests were sent before it was done."""

    @property
    def differences(self) -> int:
        """Records that no reading was due to bring."""
        return sum(len(one.overlooked) for one in self.found)

    @property
    def pending(self) -> int:
        """Records that differed, newer than the last reading."""
        return sum(len(one.differences) for one in self.found) - self.differences

    @property
    def is_settled(self) -> bool:
        """Whether everything could be compared, and what differed was repaired."""
        moving = sum(one.moving for one in self.found) > HANDFUL
        return not (self.failures or self.unreadable or moving or sum(one.rejected for one in self.found))

    @property
    def is_equal(self) -> bool:
        """Whether all that was compared was equal, and nothing was written."""
        written = any(one.differences for one in self.found) or self.repaired.written
        return self.is_settled and bool(self.found) and not written

    @property
    def unreadable(self) -> list[str]:
        """What the API cannot answer."""
        return [f"{one.collection} of {place}" for one in self.found for place in one.unreadable]


def budget_of(pipeline: Pipeline, requests: int | None = None) -> int:
    """Requests that the proof of a night may take: those given, those of the settings, or a tenth of the last night's.

    Of the last run that read all people's window of a night; 20 at least.
    """
    given = pipeline.settings.proof_requests if requests is None else requests
    if given is not None:
        return given
    with pipeline.reading() as connection:
        return max(LEAST_REQUESTS, requests_of_last_run(connection, pipeline.tenant) // SHARE)


def prove(
    pipeline: Pipeline,
    *,
    before: dt.date | None = None,
    requests: int | None = None,
    on_page: OnPage = lambda _: None,
) -> Proving:
    """Repair what is wrong, then compare what was compared longest ago, of the days before `before`; repair it, too.

    Left out, of all days that are over. It sends no more requests than its budget. A collection that the tenant refuses
    is reported by the pipeline (`to_look_at`), one that fails otherwise in `failures`; neither stops another.

    Raises:
        ProtimeError: it is about all collections, or nothing was compared as the API asks to wait; what was proven
            before is kept.
    """
    budget = budget_of(pipeline, requests)
    if pipeline.dag_run is not None:  # a try that was ended or waited has taken some already
        with pipeline.reading() as connection:
            budget -= requests_by(connection, pipeline.tenant, pipeline.dag_run)
    over = last_finished_day(pipeline.settings, dt.datetime.now(dt.UTC)) + ONE_DAY
    proof = _Proof(pipeline, Proving(budget), min(before, over) if before else over, on_page)
    if budget > 0:
        proof.run()
    done = proof.done
    if not done.windows and done.failures and isinstance(done.failures[0], RateLimited):
        raise done.failures[0]  # a scheduler waits, and tries again
    return done


class _Proof:
    """One proof."""

    def __init__(self, pipeline: Pipeline, done: Proving, end: dt.date, on_page: OnPage) -> None:
        self._pipeline, self.done, self._end, self._on_page = pipeline, done, end, on_page
        with pipeline.transaction() as connection:
            self._began = database_clock(connection)
            forget_old(connection, pipeline.tenant)
            self._estimates = estimates_of(pipeline, connection)

    def run(self) -> None:
        client = self._pipeline.client
        before = client.requests
        client.most_requests = before + self.done.budget
        try:
            self._oldest_first(list(self._pipeline.dated))
        except RequestsSpentError:
            self.done.is_spent = True
        finally:
            client.most_requests = None
            self.done.requests = client.requests - before
            self._keep_requests()

    def _keep_requests(self) -> None:
        """Keep what repairs took, and comparisons that came to no end: another try of the same run has less left."""
        rest, pipeline = self.done.requests - sum(one.requests for one in self.done.found), self._pipeline
        if rest and pipeline.dag_run is not None:
            with pipeline.transaction() as connection:
                keep_verification(
                    pipeline.stored(connection, COLLECTIONS[pipeline.dated[0]]),
                    kind=RunKind.PROOF,
                    dag_run=pipeline.dag_run,
                    days=None,
                    totals={"requests": rest},
                )

    def _oldest_first(self, paths: list[str]) -> None:
        """What is wrong of each collection, then whichever has what was compared longest ago."""
        for path in [*paths]:
            self._guarded(paths, path, self._repair_wrong)
        tried: list[tuple[str, Window]] = []
        while paths:
            waiting = {path: found for path in paths if (found := self._candidates(COLLECTIONS[path]))}
            if not waiting:
                return
            path = min(waiting, key=lambda one: waiting[one][0].due or NEVER)
            window = self._next(COLLECTIONS[path], waiting[path])
            if window is None or (path, window) in tried:
                paths.remove(path)  # no request is left for it, or nothing could be entered of it
                continue
            tried.append((path, window))
            self._guarded(paths, path, partial(self._compare, window))

    def _guarded(self, paths: list[str], path: str, work: Callable[[Collection], object]) -> None:
        """Do it; a collection that fails is left out from now on and stops no other."""
        try:
            work(COLLECTIONS[path])
        except ProtimeError as error:
            if stops_all(error, self._pipeline.settings.max_wait_in_task):
                raise  # also when all requests are spent
            if isinstance(error, REFUSALS):
                self._pipeline.report_failed(path, error)
            else:
                self.done.failures.append(error)
            paths.remove(path)

    def _repair_wrong(self, collection: Collection) -> None:
        accepted: dict[Kind, bool] = {
            "withheld": self._pipeline.deletion_limit.accepted,
            "older": self._pipeline.accepts_older,
        }
        waiting = [kind for kind, is_accepted in accepted.items() if not is_accepted]
        with self._pipeline.reading() as connection:
            found = wrong_slices(self._pipeline.stored(connection, collection), self._end, waiting=waiting)
        for one in found:
            if self._left <= self.done.budget // 2:
                return  # what stays wrong holds up nothing else
            self.done.repaired += repair_slice(self._pipeline, one)
            self.done.windows.append((collection.path, one.first, one.last, _number(one)))

    def _candidates(self, collection: Collection) -> list[Candidate]:
        with self._pipeline.reading() as connection:
            return to_compare(self._pipeline.stored(connection, collection), self._end, self._began)

    def _next(self, collection: Collection, candidates: Sequence[Candidate]) -> Window | None:
        """What of a collection is compared next; None if there are not enough requests left for any of it.

        It takes half of what is left, so that there is something for a second look, and for estimates that are wrong.
        """
        estimate = self._estimates[collection.path]
        with self._pipeline.reading() as connection:
            stored = self._pipeline.stored(connection, collection)
            everyone = len(known_people(connection, stored.tenant))
            reach = longest(stored)

            def people_of(one: Candidate, rest: bool) -> Sequence[int]:
                after = one.part_until or 0 if rest == one.is_rest else 0
                return people_of_day(stored, one.date, rest=rest, after=after)

            return next_window(
                candidates,
                Cost(lambda first, last: estimate.rows_per_person(first - reach, last), estimate.page_size),
                math.ceil(self._left / 2),
                everyone=everyone,
                people_of=people_of if collection.by_people else None,
                now=self._began,
            )

    @property
    def _left(self) -> int:
        client = self._pipeline.client
        return 0 if client.most_requests is None else client.most_requests - client.requests

    def _compare(self, window: Window, collection: Collection) -> None:
        """Compare it, and repair what differs."""
        done = self.done
        found = verify(
            self._pipeline,
            collection,
            window.first,
            window.last,
            window.people,
            kind=RunKind.PROOF,
            on_page=self._on_page,
        )
        done.found.append(found)
        if not found.uncompared:
            self._enter(collection, window)
            done.windows.append((collection.path, window.first, window.last, _number_of(window)))
        elif not self._left:
            done.is_spent = True
        if found.unlisted:
            done.repaired += read_unlisted(self._pipeline, found.unlisted, window.first, window.last)
        if found.differences:
            done.repaired += repair(self._pipeline, found)

    def _enter(self, collection: Collection, window: Window) -> None:
        """Enter how far the days of some people have come; those of all are entered by the comparison."""
        if window.people is None:
            return
        days = (window.first, window.last)
        with self._pipeline.transaction() as connection:
            stored = self._pipeline.stored(connection, collection)
            if window.rest_of:
                for day in window.rest_of:
                    enter_proven_days(stored, (day, day), self._began, rest=True)
            elif window.is_last_part:
                enter_proven_days(stored, days, window.part_since or self._began)
            else:
                since = window.part_since or self._began
                enter_part(stored, window.first, since, window.people[-1])


def _number(one: Slice) -> int | None:
    return None if any(person < 0 for person in one.person_ids) else len(one.person_ids)


def _number_of(window: Window) -> int | None:
    return None if window.people is None else len(window.people)
