"""Units of work: windows of dates x batches of people, sized so that the answers fill their pages.

A unit is as large as the API allows (a year, a URI of 4,096 characters), but for three things. What a process that dies
was reading is lost, so a unit is a sixteenth of the whole, of 20 pages at least and of 100 at most; the last page of
each is half empty, 2.5 to 0.5 %. It is cut by people as long as some are left in it, and only then by days: each unit
writes the coverage of its people again. Where no page was ever seen and the plan can be revised on the way, the first
units are small. Several workers end at about the same time: a unit is at most half of what each has left to do, down to
a tenth of what each has to do in all.
And where a batch would fill one page and a bit, a smaller one fills its page and no more.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from protime_etl.collections.collection import Collection
from protime_etl.collections.registry import COLLECTIONS
from protime_etl.protime.client import MAX_URI_CHARACTERS, ProtimeClient
from protime_etl.protime.filters import Condition, dates, person
from protime_etl.sync.plan.volume import VolumeEstimate
from protime_etl.work import EVERYONE, NO_PERSON, Slice

__all__ = ["expected_requests", "plan_gaps", "plan_units", "slice_filter", "smallest_question", "windows"]

# The continuation token of a later page has to fit too, and its length is documented nowhere; the published
# examples are far shorter. A tenant whose tokens are longer answers 414, and the batch is split.
TOKEN_CHARACTERS = 850
MAX_WINDOW_DAYS = 365
SHARES = 16
LEAST_PAGES = 20
MOST_PAGES = 100
LEAST_SHARES = 10
# Of fewer people a unit is cut by days: a batch of one is a page that is half empty and a year that is lost.
FEW_PEOPLE = 10
# Before a page was ever seen: these clockings are no great loss, however small the pages are.
FIRST_ROWS = 2000
FIRST_WINDOWS = 8
LONG_AGO = dt.date(2000, 1, 1)
# Room left in the last page of a batch, in standard deviations of what comes.
SPREAD = 1.5


def slice_filter(person_ids: Sequence[int], first: dt.date, last: dt.date, circles: Sequence[int] = ()) -> Condition:
    """The filter of one unit, by people or by circles, or of all people; always with both ends of the window."""
    days = dates.between(first, last)
    if tuple(person_ids) == (EVERYONE,):
        return days
    return (person.in_circle(*circles) if circles else person.in_(person_ids)) & days


def smallest_question(collection: Collection, day: dt.date) -> Condition:
    """The filter that asks for least: no person on this day, or all people on a day long ago.

    So it is another question than any that a unit asks, and is answered where one of those is not.
    """
    if collection.by_people:
        return slice_filter([NO_PERSON], day, day)
    return slice_filter([EVERYONE], LONG_AGO, LONG_AGO)


def plan_units(  # noqa: PLR0917 - whose records of which days
    client: ProtimeClient,
    collection: Collection,
    person_ids: Sequence[int],
    first: dt.date,
    last: dt.date,
    estimate: VolumeEstimate | None = None,
) -> Iterator[Slice]:
    """All units for these people on these days, the latest days first."""
    asked = Slice(sorted(set(person_ids)), first, last, collection.path)
    return plan_gaps(client, [asked], estimate or VolumeEstimate(collection))


def plan_gaps(
    client: ProtimeClient, gaps: Iterable[Slice], estimate: VolumeEstimate, *, probing: bool = False, workers: int = 1
) -> Iterator[Slice]:
    """All units that fill these gaps, the latest days first, for this number of `workers`.

    `probing`: the first ones are small if it is not known how large a page is; for a caller that plans again then.
    """
    latest_first = sorted(gaps, key=lambda one: one.last, reverse=True)
    whole = sum(len(gap.person_ids) * estimate.rows_per_person(gap.first, gap.last) for gap in latest_first)
    pages = min(MOST_PAGES, max(LEAST_PAGES, whole / estimate.page_size / SHARES))
    if probing and not estimate.knows_page_size:
        latest_first[:1] = [part for gap in latest_first[:1] for part in _probing(client, gap, estimate)]
    rows = pages * estimate.page_size
    least, left = max(FIRST_ROWS, whole / workers / LEAST_SHARES), whole

    def most_rows() -> float:
        return rows if workers == 1 else min(rows, max(least, left / workers / 2))

    for gap in latest_first:
        for first, last in _windows(gap, estimate, rows):
            rows_of_one = estimate.rows_per_person(first, last)
            for batch in _batches(client, gap, rows_of_one, estimate.page_size, most_rows):
                left -= len(batch) * rows_of_one
                yield Slice(batch, first, last, gap.collection)


def expected_requests(units: Iterable[Slice], estimates: Mapping[str, VolumeEstimate]) -> int:
    """Requests that these units need: their pages, at least one each; `estimates` by collection."""

    def pages_of(unit: Slice) -> float:
        estimate = estimates[unit.collection]
        return len(unit.person_ids) * estimate.rows_per_person(unit.first, unit.last) / estimate.page_size

    pages = map(pages_of, units)
    return sum(max(1, math.ceil(one)) for one in pages)


def windows(first: dt.date, last: dt.date, least: int = 1) -> Iterator[tuple[dt.date, dt.date]]:
    """Split days into at least `least` windows of about the same length, none over a year, the latest first."""
    days = (last - first).days + 1
    number = min(days, max(least, math.ceil(days / MAX_WINDOW_DAYS)))
    length = dt.timedelta(days=math.ceil(days / number) - 1)
    while last >= first:
        start = max(first, last - length)
        yield start, last
        last = start - dt.timedelta(days=1)


def _windows(gap: Slice, estimate: VolumeEstimate, most_rows: float) -> Iterator[tuple[dt.date, dt.date]]:
    """Days in which a few people have no more clockings than a unit is to have."""
    rows = min(FEW_PEOPLE, len(gap.person_ids)) * estimate.rows_per_person(gap.first, gap.last)
    return windows(gap.first, gap.last, math.ceil(rows / most_rows))


def _probing(client: ProtimeClient, gap: Slice, estimate: VolumeEstimate) -> Iterator[Slice]:
    """Cut a few short pieces off the end of a gap."""
    days = (gap.last - gap.first).days + 1
    rows = _longest_batch(client, gap.collection, gap.person_ids, 0) * estimate.rows_per_person(gap.first, gap.last)
    length = dt.timedelta(days=max(1, min(MAX_WINDOW_DAYS, int(FIRST_ROWS * days / max(rows, 1)))))
    last = gap.last
    for _ in range(FIRST_WINDOWS):
        start = last - length
        if start < gap.first:
            break
        yield gap._replace(first=start + dt.timedelta(days=1), last=last)
        last = start
    yield gap._replace(last=last)


def _batches(
    client: ProtimeClient, gap: Slice, rows_of_one: float, page_size: int, most_rows: Callable[[], float]
) -> Iterator[Sequence[int]]:
    """Split people into batches whose answers fill whole pages, or into the largest that one URI names."""
    person_ids, start = gap.person_ids, 0
    while start < len(person_ids):
        longest = _longest_batch(client, gap.collection, person_ids, start)
        rows = min(longest * rows_of_one, most_rows())
        if pages := int(rows / page_size):
            rows = pages * page_size - SPREAD * math.sqrt(pages * page_size)
        # The share of a person is no whole number, and five times a fifth may be a little less than one.
        size = max(1, min(longest, int(rows / rows_of_one + 1e-9))) if rows_of_one else longest
        yield person_ids[start : start + size]
        start += size


def _longest_batch(client: ProtimeClient, collection: str, person_ids: Sequence[int], start: int) -> int:
    """How many people from this one on fit into a URI that leaves room for a continuation token."""
    any_day = dt.date(2000, 1, 1)
    room = MAX_URI_CHARACTERS - TOKEN_CHARACTERS
    length = len(client.list_uri(COLLECTIONS[collection], slice_filter([0], any_day, any_day))) - len("0,")
    for position in range(start, len(person_ids)):
        length += len(f"{person_ids[position]},")
        if length > room and position > start:
            return position - start
    return len(person_ids) - start
