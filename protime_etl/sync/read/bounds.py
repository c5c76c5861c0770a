"""How much a list can hold at most, so that pages without end are noticed before they fill the disk."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from protime_etl.collections.page import Page
from protime_etl.errors import ProtocolError

__all__ = ["bounded", "most_clockings", "most_listed"]

# Ten times as many as of a person who books activities all day long; an average over all people and days of a slice.
CLOCKINGS_A_DAY = 25
LEAST_CLOCKINGS = 2_000
LEAST_LISTED = 300_000
GROWTH = 10


def most_clockings(people: int, days: int) -> int:
    """The most clockings that people can have on a number of days."""
    return max(LEAST_CLOCKINGS, people * days * CLOCKINGS_A_DAY)


def most_listed(known: int) -> int:
    """The most records that a list can have of which `known` were known before."""
    return max(LEAST_LISTED, known * GROWTH)


def bounded(pages: Iterable[Page], most: int, what: str) -> Iterator[Page]:
    """The same pages, as long as they hold no more than `most` records; `what` names the list in the error.

    Raises:
        ProtocolError: they hold more: they have no end.
    """
    records = 0
    for page in pages:
        records += len(page.rows) + len(page.rejected)
        if records > most:
            raise ProtocolError(f"The pages of {what} have no end: more than {most} records came.")
        yield page
