"""Slices that cannot be read whole are cut: into halves, or into as many parts as fit between two pauses.

One is cut when its request fails again and again although the API answers others: a record that it cannot return,
or an answer too large for it. People are halved first, then the window, down to one person on one day: what still fails
then is named. What the API calls a wrong question (400) is cut by people alone: it may name a person who is gone.

A unit of a run is also cut when a long pause begins after a part of it was read: parts of about half as many pages are
done before the next one, whatever the quota is. And when the API asks it to wait, and does so again after that wait
with nothing read: questions that are too broad are limited, too.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterator, Sequence

from protime_etl.collections.collection import Collection
from protime_etl.errors import (
    ApiError,
    InvalidRequestError,
    ProtimeError,
    ProtocolError,
    ServerError,
    UnreachableError,
    UnreadableError,
    UntrustedLinkError,
)
from protime_etl.protime.client import ProtimeClient
from protime_etl.sync.plan.slices import slice_filter, smallest_question
from protime_etl.work import EVERYONE, Slice, Unit

__all__ = [
    "PARTS_AFTER_WAIT",
    "UnitCutError",
    "answers_others",
    "in_words",
    "is_about_the_question",
    "parts_between_pauses",
    "parts_of",
    "parts_of_failed",
    "requested_wait",
    "unreadable",
]

LEAST_PARTS = 3
MOST_PARTS = 64
PARTS_AFTER_WAIT = 4
"""Parts of a unit that is too broad: each try to find out how broad it may be costs a wait."""


class UnitCutError(Exception):
    """A unit was not read; it is cut, and its parts are to be read in its place."""

    def __init__(self, error: ProtimeError, parts: Sequence[Unit], *, too_broad: bool = False) -> None:
        super().__init__(str(error))
        self.error = error
        self.parts = parts
        self.too_broad = too_broad
        """Whether the API asked it to wait again and again, and nothing was read."""


def requested_wait(error: ProtimeError) -> float | None:
    """Seconds that an answer asked to wait, if it did."""
    return error.retry_after if isinstance(error, ApiError) else None


def is_about_the_question(error: ProtimeError) -> bool:
    """Whether a smaller question may be answered where this one was not."""
    if isinstance(error, UntrustedLinkError) or requested_wait(error) is not None:
        return False
    return isinstance(error, (InvalidRequestError, ServerError, UnreachableError, ProtocolError))


def answers_others(
    client: ProtimeClient, collection: Collection, first: dt.date, last: dt.date, failed: ProtimeError
) -> bool:
    """Whether the API answers the smallest question of this kind: then the fault is in the one that failed.

    After a 400 it is about the same days and names no person, and only a good answer counts: another 400 says that the
    days are wrong, or all questions.
    """
    wrong = isinstance(failed, InvalidRequestError)
    try:
        with client.trying(1):
            if not wrong:
                client.probe(collection)
            smallest = smallest_question(collection, last)
            if wrong and collection.by_people:
                smallest = slice_filter([EVERYONE], first, last)
            next(client.answers(collection, smallest))
    except ApiError as error:
        return not wrong and error.status < 500 and error.retry_after is None
    except ProtimeError:
        return False
    return True


def unreadable(unit: Unit, error: ProtimeError) -> UnreadableError:
    """The error of a unit that cannot be cut any further."""
    return UnreadableError(
        f"The {unit.collection} of {in_words(unit.slice, unit.circles)} cannot be read: {error.message}",
        guidance="Everything else is stored; the next try requests only these. Ask Protime what is wrong with them.",
    )


def in_words(one: Slice, circles: Sequence[int] = ()) -> str:
    """Whose records on which days a slice has that cannot be cut any further."""
    if circles:
        whose = f"circles {', '.join(map(str, circles))}"
    else:
        whose = "all people" if EVERYONE in one.person_ids else f"person {one.person_ids[0]}"
    return f"{whose} {f'on {one.first}' if one.first == one.last else f'from {one.first} to {one.last}'}"


def parts_of_failed(one: Slice, error: ProtimeError, *, days_first: bool) -> list[Slice]:
    """The halves of a slice that is to blame for a failure; nothing if it cannot be cut any further.

    A wrong question is so on each of its days: it is cut by people as long as it names several.
    """
    wrong = isinstance(error, InvalidRequestError)
    if wrong and len(one.person_ids) == 1 and one.person_ids[0] > 0:
        return []
    return parts_of(one, days_first=days_first and not wrong)


def parts_of(one: Slice, parts: int = 2, *, days_first: bool = False) -> list[Slice]:
    """Cut a slice into about `parts` parts of the same size; nothing if it cannot be cut.

    By people, then by days, unless it is the other way round (`days_first`).
    """
    days = (one.last - one.first).days + 1
    pieces = math.ceil(parts / min(days, parts)) if days_first else parts
    batches = list(_pieces(one.person_ids, pieces)) or [()]
    windows = min(days, math.ceil(parts / len(batches)))
    if len(batches) * windows < 2:
        return []
    starts = [one.first + dt.timedelta(days=n * days // windows) for n in range(windows)]
    ends = [start - dt.timedelta(days=1) for start in starts[1:]] + [one.last]
    return [
        Slice(batch, *window, one.collection)
        for window in reversed(list(zip(starts, ends, strict=True)))
        for batch in batches
    ]


def parts_between_pauses(expected_pages: int, pages_read: int) -> int:
    """How many parts to cut a unit into, by the pages that were read before a pause began."""
    return min(MOST_PARTS, max(LEAST_PARTS, math.ceil(2 * expected_pages / max(1, pages_read))))


def _pieces(people: Sequence[int], most: int) -> Iterator[Sequence[int]]:
    number = min(most, len(people))
    for n in range(number):
        yield people[n * len(people) // number : (n + 1) * len(people) // number]
