"""What follows from the book, day by day: what is complete, what is missing, and what is proven. Pure functions."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

__all__ = ["complete_ranges", "gaps", "proofs", "ranges_where"]

Row = Mapping[str, Any]
ONE_DAY = dt.timedelta(days=1)
LATELY = dt.timedelta(days=7)


def ranges_where(
    book: Sequence[Row], tenant: str, collection: str, holds: Callable[[Row], bool]
) -> Iterator[tuple[dt.date, dt.date, list[Row]]]:
    """The longest ranges of days on which something holds: first and last day, and the parts of the book."""
    parts: list[Row] = []
    for row in book:
        if (row["tenant"], row["collection"]) != (tenant, collection) or row["last"] is None or not holds(row):
            continue
        if parts and parts[-1]["last"] + ONE_DAY != row["first"]:
            yield parts[0]["first"], parts[-1]["last"], parts
            parts = []
        parts.append(row)
    if parts:
        yield parts[0]["first"], parts[-1]["last"], parts


def complete_ranges(book: Sequence[Row], asked: Sequence[Row]) -> list[dict[str, Any]]:
    """Of each collection that was asked for: the days that are over and here of all people; none is a row without days.

    `hours`: how long ago the last of them ended.
    """
    found: list[dict[str, Any]] = []
    for one in asked:
        whose = {"tenant": one["tenant"], "collection": one["collection"]}
        here = ranges_where(book, **whose, holds=lambda row: row["due"] and not row["missing"])
        ranges: list[tuple[dt.date | None, dt.date | None]] = [(first, last) for first, last, _ in here]
        hours = None
        if ranges and (end := ranges[-1][1]):
            hours = round(one["hours_today"] + 24 * (one["today"] - end - ONE_DAY).days, 1)
        found += [{**whose, "first": first, "last": last, "hours": hours} for first, last in ranges or [(None, None)]]
    return found


def gaps(book: Sequence[Row], asked: Sequence[Row]) -> list[dict[str, Any]]:
    """What is due, was not read, and is not known to be wrong either, where it is overdue."""
    found: list[dict[str, Any]] = []
    for one in asked:
        whose = {"tenant": one["tenant"], "collection": one["collection"]}
        for first, last, parts in ranges_where(book, **whose, holds=lambda row: row["unread"] > 0):
            if first < one["overdue_before"]:
                found.append({**whose, "first": first, "last": last, "people": max(row["unread"] for row in parts)})
    return found


def proofs(book: Sequence[Row], proof_days: Sequence[Row], now: dt.datetime) -> list[dict[str, Any]]:
    """Of each collection how many of the days that were read are proven, and since when at most."""
    found: list[dict[str, Any]] = []
    for tenant, collection in sorted({(row["tenant"], row["collection"]) for row in book}):
        compared = [row for row in proof_days if (row["tenant"], row["collection"]) == (tenant, collection)]
        proven_at = {row["date"]: row["proven_at"] for row in compared if row["proven_at"] is not None}
        read = 0
        moments: list[dt.datetime] = []
        for row in book:
            if (row["tenant"], row["collection"]) != (tenant, collection) or row["last"] is None or not row["read"]:
                continue
            days = [row["first"] + n * ONE_DAY for n in range((row["last"] - row["first"]).days + 1)]
            read += len(days)
            if not row["unproven"]:
                moments += [proven_at[day] for day in days if day in proven_at]
        oldest = min(moments, default=None)
        lately = [row for row in compared if row["last_found_at"] and row["last_found_at"] > now - LATELY]
        if read:
            found.append(
                {
                    "tenant": tenant,
                    "collection": collection,
                    "days": read,
                    "proven": len(moments),
                    "oldest": oldest,
                    "oldest_days": None if oldest is None else round((now - oldest) / ONE_DAY, 1),
                    "differences": sum(row["differences"] for row in compared),
                    "last_found_at": max(filter(None, (row["last_found_at"] for row in compared)), default=None),
                    "lately": sum(row["differences"] for row in lately),
                }
            )
    return found
