"""What follows from the book, day by day: what is complete, what is missing, and what is proven. Pure functions."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

__all__ = ["complete_ranges", "days_of", "gaps", "late", "plans", "proofs", "ranges_where"]

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


def late(book: Sequence[Row], asked: Sequence[Row]) -> list[dict[str, Any]]:
    """Days to come that are due, and that no reading within a night's time has brought; the form is that of `gaps`.

    A collection that was first asked for just now has the time that a day has that is over.
    """
    found: list[dict[str, Any]] = []
    for one in asked:
        whose = {"tenant": one["tenant"], "collection": one["collection"]}
        if one["follows_from"] < one["overdue_before"]:
            for first, last, parts in ranges_where(book, **whose, holds=lambda row: row["late"] > 0):
                people = max(row["late"] for row in parts)
                found.append({**whose, "first": first, "last": last, "people": people, "is_ahead": True})
    return found


def plans(book: Sequence[Row], asked: Sequence[Row]) -> list[dict[str, Any]]:
    """Of each collection of plans the last day up to which all days to come were read lately; None: not the first."""
    found: list[dict[str, Any]] = []
    for one in asked:
        whose = {"tenant": one["tenant"], "collection": one["collection"]}
        due = next(ranges_where(book, **whose, holds=lambda row: row["ahead"] > 0), None)
        if due is not None:
            read = next(ranges_where(book, **whose, holds=lambda row: row["ahead"] and not row["unread_ahead"]), None)
            until = read[1] if read is not None and read[0] == due[0] else None
            found.append({**whose, "until": until})
    return found


def days_of(
    facts: Mapping[str, Sequence[Row]], tenant: str, collection: str, first: dt.date, last: dt.date
) -> list[dict[str, Any]]:
    """Each of these days that was asked for or read: of how many people it is here and missing, and its proof."""
    whose = (tenant, collection)
    compared = {row["date"]: row for row in facts["proof_days"] if (row["tenant"], row["collection"]) == whose}
    found: list[dict[str, Any]] = []
    for row in facts["book"]:
        if (row["tenant"], row["collection"]) != whose or row["last"] is None:
            continue
        start, end = max(first, row["first"]), min(last, row["last"])
        for day in (start + n * ONE_DAY for n in range((end - start).days + 1)):
            proof = compared.get(day)
            found.append(
                {
                    "date": day,
                    "people_covered": row["read"],
                    "people_missing": row["missing"],
                    "proven_at": proof["proven_at"] if proof and not row["unproven"] else None,
                    "differences": proof["differences"] if proof else 0,
                }
            )
    return [one for one in found if one["people_covered"] or one["people_missing"] or one["date"] in compared]


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
