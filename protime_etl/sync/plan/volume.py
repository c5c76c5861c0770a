"""Estimates how many records a slice returns, learnt from what was read before."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from protime_etl.collections.collection import Collection, PerDay

__all__ = ["VolumeEstimate"]

ASSUMED_PAGE_SIZE = 1000
SATURDAY = 5
# Going back in time, a tenant changes: fewer people, other terminals, nothing at all before it began.
FORGETTING = 0.5


class VolumeEstimate:
    """Records of a collection per person and weekday, and records per page.

    What is known is `known`: weekday (0 is Monday) to (records, person-days); and the largest page that ever came.
    """

    def __init__(
        self,
        collection: Collection,
        known: Mapping[int, tuple[float, float]] | None = None,
        page_size: int | None = None,
    ) -> None:
        usual = collection.usual or PerDay(0.0, 0.0)
        self._per_weekday = [usual.weekend if day >= SATURDAY else usual.working for day in range(7)]
        for weekday, (rows, person_days) in (known or {}).items():
            self._per_weekday[weekday] = rows / person_days
        self._learnt = bool(known)
        self._page_size = page_size
        self._seen = 0.0
        self._expected = 0.0

    @property
    def page_size(self) -> int:
        """Records that a full page holds: the most that ever came in one, 1,000 where none has come yet."""
        return self._page_size or ASSUMED_PAGE_SIZE

    @property
    def is_learnt(self) -> bool:
        """Whether it comes from what was read, on one weekday at least."""
        return self._learnt

    @property
    def knows_page_size(self) -> bool:
        """Whether a page has ever come."""
        return self._page_size is not None

    @property
    def correction(self) -> float:
        """How many times more came so far than what was expected beforehand."""
        return self._seen / self._expected if self._expected else 1.0

    def rows_per_person(self, first: dt.date, last: dt.date) -> float:
        """Records of one person on these days."""
        return self._beforehand(first, last) * self.correction

    def observe(self, people: int, first: dt.date, last: dt.date, rows: int) -> None:
        """Learn from the records that came for these people and days; the latest count most."""
        self._expected = FORGETTING * self._expected + people * self._beforehand(first, last)
        self._seen = FORGETTING * self._seen + rows

    def observe_page(self, records: int) -> None:
        """A full page of that size has come."""
        self._page_size = max(self._page_size or 0, records)

    def _beforehand(self, first: dt.date, last: dt.date) -> float:
        weeks, rest = divmod((last - first).days + 1, 7)
        days = [self._per_weekday[(first.weekday() + n) % 7] for n in range(rest)]
        return weeks * sum(self._per_weekday) + sum(days)
