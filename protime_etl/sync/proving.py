"""The rolling proof: within a budget of requests, what was proven longest ago is compared with the tenant once more.

So all history is proven again and again, a little each night. What was never proven comes first. What differs is
repaired by ordinary units, and counted.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from protime_etl.collections.registry import COLLECTIONS
from protime_etl.errors import ProtimeError, RateLimited
from protime_etl.postgres.clock import database_clock
from protime_etl.postgres.people import known_people
from protime_etl.postgres.proofs import Unproven, forget_old, longest_unproven, requests_by
from protime_etl.postgres.volumes import longest, requests_of_last_run
from protime_etl.sync.pipeline import REFUSALS, Pipeline, stops_all
from protime_etl.sync.planning import expected_requests, plan_units
from protime_etl.sync.pull import OnPage
from protime_etl.sync.runs import estimates_of
from protime_etl.sync.settled import last_settled_day
from protime_etl.sync.unlisted import read_unlisted
from protime_etl.sync.verification import Verification
from protime_etl.sync.verify import repair, verify
from protime_etl.sync.volume import VolumeEstimate
from protime_etl.work import Counts, Slice

__all__ = ["Proving", "budget_of", "prove"]

CLI = "cli"
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
    """Collection, first and last day, and how many people; None is everybody."""
    found: list[Verification] = field(default_factory=list)
    repaired: Counts = field(default_factory=Counts)
    failures: list[ProtimeError] = field(default_factory=list)
    """Why a collection could not be compared any further."""

    @property
    def differences(self) -> int:
        """Records that no reading was due to bring."""
        return sum(len(one.overlooked) for one in self.found)

    @property
    def unreadable(self) -> list[str]:
        """What the API cannot tell."""
        return [f"{one.collection} of {place}" for one in self.found for place in one.unreadable]


def budget_of(pipeline: Pipeline, requests: int | None = None) -> int:
    """Requests that the proof of a night may take: those given, those of the settings, or a tenth of the last night's.

    Of the last run that read everybody's window of a night; 20 at least.
    """
    given = pipeline.settings.proof_requests if requests is None else requests
    if given is not None:
        return given
    with pipeline.reading() as connection:
        return max(LEAST_REQUESTS, requests_of_last_run(connection, pipeline.tenant) // SHARE)


def prove(
    pipeline: Pipeline,
    origin: str,
    *,
    before: dt.date | None = None,
    requests: int | None = None,
    on_page: OnPage = lambda _: None,
) -> Proving:
    """Compare what was proven longest ago, of the days before `before`; what differs is repaired.

    Left out, of all days that are over. A collection that the tenant refuses is reported by the pipeline
    (`to_look_at`), one that fails otherwise in `failures`; neither stops another.

    Raises:
        ProtimeError: it is about all collections, or nothing was compared as the API asks to wait; what was proven
            before is kept.
    """
    budget = budget_of(pipeline, requests)
    if origin != CLI:  # a try that was ended or waited has taken some already
        with pipeline.reading() as connection:
            budget -= requests_by(connection, pipeline.tenant, origin)
    settled = last_settled_day(pipeline.settings, dt.datetime.now(dt.UTC))
    end = min(before, settled + dt.timedelta(days=1)) if before else settled + dt.timedelta(days=1)
    with pipeline.transaction() as connection:
        began = database_clock(connection)
        forget_old(connection, pipeline.tenant)
        estimates = estimates_of(pipeline, connection)
    done = Proving(budget)
    tried: list[Window] = []
    left = list(pipeline.dated)
    spent_before = pipeline.client.requests
    while left and done.requests < budget:
        window = _next_window(pipeline, left, (end, began), estimates, budget - done.requests)
        if window is None:
            break
        path, first, last, people = window
        if window in tried:  # it was not entered that it was looked at, as of days that are not over
            left.remove(path)
            continue
        tried.append(window)
        try:
            found = verify(pipeline, first, last, people, collection=COLLECTIONS[path], origin=origin, on_page=on_page)
            done.windows.append((path, first, last, None if people is None else len(people)))
            done.found.append(found)
            if found.unlisted:
                done.repaired += read_unlisted(pipeline, f"{origin} unlisted", found.unlisted, first, last)
            if found.differences:
                done.repaired += repair(pipeline, f"{origin} repair", found)
        except ProtimeError as error:
            if stops_all(error, pipeline.settings.max_wait_in_task):
                raise
            if isinstance(error, REFUSALS):
                pipeline.report_failed(path, error)
            else:
                done.failures.append(error)
            left.remove(path)  # the others are not to suffer
            continue
        finally:
            done.requests = pipeline.client.requests - spent_before
    if not done.windows and done.failures and isinstance(done.failures[0], RateLimited):
        raise done.failures[0]  # a scheduler waits, and tries again
    return done


Window = tuple[str, dt.date, dt.date, Sequence[int] | None]


def _next_window(
    pipeline: Pipeline,
    paths: Sequence[str],
    until: tuple[dt.date, dt.datetime],
    estimates: dict[str, VolumeEstimate],
    requests: int,
) -> Window | None:
    """The days, and whose they are, that were proven longest ago, as many as so many requests read."""
    oldest: tuple[str, Unproven] | None = None
    with pipeline.reading() as connection:
        for path in paths:
            by_people = COLLECTIONS[path].shape == "dated by people"
            found = longest_unproven(connection, pipeline.tenant, path, *until, by_people=by_people)
            if found is not None and (oldest is None or (found.due or NEVER) < (oldest[1].due or NEVER)):
                oldest = (path, found)
        if oldest is None:
            return None
        path, unproven = oldest
        known = tuple(known_people(connection, pipeline.tenant))
        before = longest(connection, pipeline.tenant, COLLECTIONS[path])
    by_people = COLLECTIONS[path].shape == "dated by people"
    people = unproven.people
    if people is not None and 2 * len(people) >= len(known) and unproven.days[0] in unproven.of_all:
        people = None  # of many whole days are read, or they fall into ever more parts

    def pages(first: dt.date, last: dt.date, whose: Sequence[int] | None) -> int:
        number = 1 if not by_people else len(known if whose is None else whose)
        rows = number * estimates[path].rows_per_person(first - before, last)
        return max(1, math.ceil(rows / estimates[path].page_size))

    first = last = unproven.days[0]
    for day in unproven.days[1:]:
        reach = (min(first, day), max(last, day))
        beside = day in (first - ONE_DAY, last + ONE_DAY) and (people is not None or day in unproven.of_all)
        if not beside or pages(*reach, people) > requests:
            break
        first, last = reach
    if by_people and pages(first, last, people) > requests:
        # Of a day that takes more, as many people as there are requests for.
        due = known if unproven.people is None else unproven.people
        units = plan_units(pipeline.client, due, first, last, estimates[path], collection=COLLECTIONS[path])
        return path, first, last, _worth(requests, units, estimates[path])
    # What comes with the same requests is proven beside it, a page being one request however full: everybody's records,
    # and then their days before and after. Not days of a few alone, or proofs fall into ever more parts.
    cost = pages(first, last, people)
    days = {first + ONE_DAY * n for n in range((last - first).days + 1)}
    if people is not None and days <= unproven.of_all and pages(first, last, None) <= cost:
        people = None
    if people is None:
        while first - ONE_DAY in unproven.of_all and pages(first - ONE_DAY, last, None) <= cost:
            first -= ONE_DAY
        while last + ONE_DAY in unproven.of_all and pages(first, last + ONE_DAY, None) <= cost:
            last += ONE_DAY
    return path, first, last, people


def _worth(requests: int, units: Iterable[Slice], estimate: VolumeEstimate) -> tuple[int, ...]:
    """The people of as many units as so many requests read, one person at least."""
    people: list[int] = []
    for unit in units:
        rows_of_one = estimate.rows_per_person(unit.first, unit.last)
        people += unit.person_ids[: int(requests * estimate.page_size / rows_of_one)]
        requests -= expected_requests([unit], {unit.collection: estimate})
        if requests <= 0:
            break
    return tuple(people) or tuple(unit.person_ids[:1])
