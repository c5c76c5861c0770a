"""Units of work: windows of dates x batches of people, as few as the API allows."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence

from protime_etl.protime.client import MAX_URI_CHARACTERS, ProtimeClient
from protime_etl.protime.filters import Condition, dates, person
from protime_etl.protime.resources import COLLECTIONS

__all__ = ["batches", "clockings_filter", "plan_units", "windows"]

# The continuation token of a later page has to fit too, and its length is documented nowhere; the published
# examples are far shorter. A tenant whose tokens are longer answers 414, and the batch is split.
TOKEN_CHARACTERS = 850
MAX_WINDOW_DAYS = 365


def clockings_filter(person_ids: Sequence[int], first: dt.date, last: dt.date) -> Condition:
    """The filter of one unit; always with both ends of the window."""
    return person.in_(person_ids) & dates.between(first, last)


def windows(first: dt.date, last: dt.date) -> Iterator[tuple[dt.date, dt.date]]:
    """Split a range of dates, both included, into windows of at most 365 days."""
    while first <= last:
        end = min(last, first + dt.timedelta(days=MAX_WINDOW_DAYS - 1))
        yield first, end
        first = end + dt.timedelta(days=1)


def batches(client: ProtimeClient, person_ids: Sequence[int]) -> Iterator[list[int]]:
    """Split people into the largest batches whose URI leaves room for a continuation token."""
    any_day = dt.date(2000, 1, 1)
    room = MAX_URI_CHARACTERS - TOKEN_CHARACTERS
    shortest = len(client.list_uri(COLLECTIONS["clockings"], clockings_filter([0], any_day, any_day))) - len("0")
    batch: list[int] = []
    length = shortest
    for person_id in person_ids:
        if batch and length + len(str(person_id)) > room:
            yield batch
            batch, length = [], shortest
        batch.append(person_id)
        length += len(f"{person_id},")
    if batch:
        yield batch


def plan_units(
    client: ProtimeClient, person_ids: Sequence[int], first: dt.date, last: dt.date
) -> Iterator[tuple[list[int], dt.date, dt.date]]:
    """All units of a range, as (person ids, first day, last day)."""
    unique = sorted(set(person_ids))
    for start, end in windows(first, last):
        for batch in batches(client, unique):
            yield batch, start, end
