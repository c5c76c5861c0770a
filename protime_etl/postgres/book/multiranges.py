"""Days and people as PostgreSQL's multiranges, in text."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

__all__ = ["ALL", "of_days", "of_people", "of_range", "without"]

ALL = "{(,)}"
"""All days, or all people."""


def of_range(first: dt.date, last: dt.date) -> str:
    """These days, both included; none if they end before they begin."""
    return f"{{[{first},{last}]}}" if first <= last else "{}"


def of_days(days: Iterable[dt.date]) -> str:
    """These days."""
    return f"{{{','.join(f'[{day},{day}]' for day in days)}}}"


def without(first: dt.date, last: dt.date, lost: Iterable[dt.date]) -> str:
    """These days, both included, but for those that are lost."""
    out = {*lost}
    return of_days(day for n in range((last - first).days + 1) if (day := first + dt.timedelta(days=n)) not in out)


def of_people(ids: Iterable[int]) -> str:
    """These people."""
    return f"{{{','.join(f'[{one},{one}]' for one in sorted(ids))}}}"
