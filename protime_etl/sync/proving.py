"""The rolling proof: within a budget of requests, what was proven longest ago is compared with the tenant once more.

So all history is proven again and again, a little each night. What was never proven comes first. What differs is
repaired by ordinary units, and counted.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

from protime_etl.collections.collection import Collection
from protime_etl.collections.registry import COLLECTIONS
from protime_etl.postgres.clock import database_clock
from protime_etl.postgres.people import known_people
from protime_etl.postgres.proofs import Unproven, forget_old, longest_unproven
from protime_etl.postgres.volumes import requests_of_last_run
from protime_etl.sync.pipeline import Pipeline
from protime_etl.sync.pull import OnPage
from protime_etl.sync.requests import REFUSALS
from protime_etl.sync.runs import estimates_of
from protime_etl.sync.settled import last_settled_day
from protime_etl.sync.unlisted import read_unlisted
from protime_etl.sync.verification import Verification
from protime_etl.sync.verify import repair, verify
from protime_etl.sync.volume import VolumeEstimate
from protime_etl.work import Counts

__all__ = ["Proving", "budget_of", "prove"]

LEAST_REQUESTS = 20
SHARE = 10
LOOKED_AT = 2000
"""Days of somebody among which the next window is looked for."""
LONGEST_DAYS = 365


@dataclass
class Proving:
    """What a night has proven."""

    requests: int = 0
    windows: list[tuple[str, dt.date, dt.date, int | None]] = field(default_factory=list)
    """Collection, first and last day, and how many people; None is everybody."""
    found: list[Verification] = field(default_factory=list)
    repaired: Counts = field(default_factory=Counts)

    @property
    def differences(self) -> int:
        """Records that no reading was due to bring."""
        return sum(len(one.overlooked) for one in self.found)

    @property
    def agrees(self) -> bool:
        """Whether all of it was equal and could be read."""
        return all(one.agrees or not (one.overlooked or one.unlisted or one.unreadable) for one in self.found)


def budget_of(pipeline: Pipeline, requests: int | None = None) -> int:
    """Requests that the proof of a night may take: those given, those of the settings, or a tenth of the last night's.

    Of the last run that read everybody; 20 at least.
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
    (`to_look_at`) and stops no other.

    Raises:
        ProtimeError: it cannot be read; what was proven before is kept.
    """
    budget = budget_of(pipeline, requests)
    settled = last_settled_day(pipeline.settings, dt.datetime.now(dt.UTC))
    end = min(before, settled + dt.timedelta(days=1)) if before else settled + dt.timedelta(days=1)
    with pipeline.transaction() as connection:
        began = database_clock(connection)
        forget_old(connection, pipeline.tenant)
        estimates = estimates_of(pipeline, connection)
        everybody = len(known_people(connection, pipeline.tenant))
    done = Proving()
    tried: list[Window] = []
    left = list(pipeline.dated)
    spent_before = pipeline.client.requests
    while left and done.requests < budget:
        window = _next_window(pipeline, left, (end, began), estimates, everybody, budget - done.requests)
        if window is None:
            break
        path, first, last, people = window
        if window in tried:  # what was read cannot be proven now, such as records that cannot be understood
            left.remove(path)
            continue
        tried.append(window)
        try:
            found = verify(pipeline, first, last, people, collection=COLLECTIONS[path], origin=origin, on_page=on_page)
        except REFUSALS as error:
            pipeline.report_refused(path, error)
            left.remove(path)
            continue
        finally:
            done.requests = pipeline.client.requests - spent_before
        done.windows.append((path, first, last, None if people is None else len(people)))
        done.found.append(found)
        if found.unlisted:
            done.repaired += read_unlisted(pipeline, f"{origin} unlisted", found.unlisted, first, last)
        if found.differences:
            done.repaired += repair(pipeline, f"{origin} repair", found)
        if not found.equal and not found.differences and found.unreadable:
            left.remove(path)  # it cannot be read now: the others are not to suffer
    done.requests = pipeline.client.requests - spent_before
    return done


Window = tuple[str, dt.date, dt.date, Sequence[int] | None]


def _next_window(  # noqa: PLR0917
    pipeline: Pipeline,
    paths: Sequence[str],
    until: tuple[dt.date, dt.datetime],
    estimates: dict[str, VolumeEstimate],
    everybody: int,
    requests: int,
) -> Window | None:
    """The days, and whose they are, that were proven longest ago, as many as so many requests read."""
    oldest: tuple[dt.datetime, str, list[Unproven]] | None = None
    never = dt.datetime.min.replace(tzinfo=dt.UTC)
    with pipeline.reading() as connection:
        for path in paths:
            by_people = COLLECTIONS[path].shape == "dated by people"
            days = longest_unproven(connection, pipeline.tenant, path, *until, by_people=by_people, limit=LOOKED_AT)
            if days and (oldest is None or (days[0].proven_at or never) < oldest[0]):
                oldest = (days[0].proven_at or never, path, days)
    if oldest is None:
        return None
    _, path, days = oldest
    estimate, collection = estimates[path], COLLECTIONS[path]
    people = days[0].people
    best = days[0]
    # The same people's days beside it, as long as they are next in the order of their age.
    first = last = best.date
    for one in islice(_beside(days), LONGEST_DAYS):
        reach = (min(first, one.date), max(last, one.date))
        number = everybody if people is None else len(people)
        if _pages(estimate, collection, number, *reach) > requests:
            break
        first, last = reach
    if people is None and collection.shape == "dated by people":
        # Of a day that is too large, as many people as there are requests for.
        per_person = estimate.rows_per_person(first, last)
        if _pages(estimate, collection, everybody, first, last) > requests and per_person:
            with pipeline.reading() as connection:
                known = known_people(connection, pipeline.tenant)
            people = tuple(known[: max(1, int(requests * estimate.page_size / per_person))])
    elif people is not None:
        per_person = estimate.rows_per_person(first, last)
        people = people[: max(1, int(requests * estimate.page_size / per_person))] if per_person else people
    return path, first, last, people


def _beside(days: Sequence[Unproven]) -> Iterator[Unproven]:
    """The days that follow in the order of their age and touch those before, of the same people."""
    first = last = days[0].date
    for one in days[1:]:
        if one.people != days[0].people or one.date not in (first - dt.timedelta(1), last + dt.timedelta(1)):
            return
        first, last = min(first, one.date), max(last, one.date)
        yield one


def _pages(estimate: VolumeEstimate, collection: Collection, people: int, first: dt.date, last: dt.date) -> int:
    number = people if collection.shape == "dated by people" else 1
    return max(1, math.ceil(number * estimate.rows_per_person(first, last) / estimate.page_size))
