"""What a comparison of tenant and table found."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from protime_etl.postgres.load.compare import Difference

__all__ = ["HANDFUL", "MOST_DIFFERENCES", "Compared", "Verification"]

HANDFUL = 5
"""Records that may change while they are compared without a need to check them."""
MOST_DIFFERENCES = 100_000
"""Differences that are kept at most, each with its people and days; they take about 80 MB."""


class Compared(NamedTuple):
    """What one reading of a slice differs in from the table."""

    began: dt.datetime
    """A moment before it."""
    differences: list[Difference]
    equal: dict[dt.date | None, int]
    """How many records are equal, by day."""
    people: set[int]
    """Whose records came."""
    rejected: int
    rejected_days: set[dt.date] | None
    """Days of records that could not be understood; None: of one of them not even that is known."""


@dataclass
class Verification:
    """What a comparison found."""

    collection: str
    differences: list[Difference] = field(default_factory=list)
    equal: Counter[dt.date | None] = field(default_factory=Counter)
    moving: int = 0
    """Records that changed while they were compared."""
    pending: set[int] = field(default_factory=set)
    """Ids of those differences that came to be after the table was last brought up to date."""
    rejected: int = 0
    """Records that could not be understood; the table cannot have them."""
    unreadable: list[str] = field(default_factory=list)
    """Persons and days for which the API returned an error."""
    uncompared: tuple[dt.date, dt.date] | None = None
    """Days not compared to the end, as `MOST_DIFFERENCES` had been found, or all requests of a proof were sent."""
    unlisted: set[int] = field(default_factory=set)
    """Ids of people who have records, whom the tenant does not list and who were never read."""
    requests: int = 0
    units: int = 0

    @property
    def is_complete(self) -> bool:
        """Whether every record could be compared.

        More than a handful that changed meanwhile were not: nothing is known of them.
        """
        return not self.rejected and not self.unreadable and not self.uncompared and self.moving <= HANDFUL

    @property
    def agrees(self) -> bool:
        """Whether all was compared, of people who are known, and nothing is missing, extra or stale."""
        return self.is_complete and not self.unlisted and not self.differences

    @property
    def overlooked(self) -> list[Difference]:
        """The differences that are not pending."""
        return [one for one in self.differences if one.id not in self.pending]

    @property
    def older(self) -> list[Difference]:
        """Those that the tenant has in an older version than is stored, by two answers of it."""
        return [one for one in self.differences if one.is_older]

    def take(self, compared: Compared) -> None:
        """Count what one reading found equal, or could not understand; what differs is looked at once more before."""
        self.equal.update(compared.equal)
        self.rejected += compared.rejected

    def totals(self) -> dict[str, int]:
        """The counts, by name."""
        kinds = Counter(one.kind for one in self.differences)
        return {
            "requests": self.requests,
            "units": self.units,
            "missing": kinds["missing"],
            "extra": kinds["extra"],
            "stale": kinds["stale"],
            "equal": self.equal.total(),
            "moving": self.moving,
            "older": len(self.older),
            "pending": len(self.pending),
            "rejected": self.rejected,
            "unlisted": len(self.unlisted),
            "unreadable": len(self.unreadable),
        }

    def by_day(self) -> list[dict[str, Any]]:
        """The counts of each day; none of a collection that knows no days."""
        found = Counter((one.date, one.kind) for one in self.differences)
        days = sorted(day for day in {date for date, _ in found} | self.equal.keys() if day is not None)
        return [
            {
                "date": day,
                "missing": found[day, "missing"],
                "extra": found[day, "extra"],
                "stale": found[day, "stale"],
                "equal": self.equal[day],
            }
            for day in days
        ]
