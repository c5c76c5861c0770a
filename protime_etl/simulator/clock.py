"""The time of day at the simulated tenant."""

from __future__ import annotations

import datetime as dt

__all__ = ["Clock"]


class Clock:
    """A clock that runs as any other, starts at a given moment, and can be moved on; never back."""

    def __init__(self, now: dt.datetime | None = None) -> None:
        """Start at `now`, which needs a time zone; without it, at the time that it is."""
        self._ahead = dt.timedelta() if now is None else now - dt.datetime.now(dt.UTC)

    def now(self) -> dt.datetime:
        """The time in UTC."""
        return dt.datetime.now(dt.UTC) + self._ahead

    def today(self) -> dt.date:
        """The day in UTC."""
        return self.now().date()

    def advance(self, by: dt.timedelta) -> None:
        """Move on.

        Raises:
            ValueError: it was to be moved back.
            OverflowError: there is no such time.
        """
        if by < dt.timedelta():
            raise ValueError("the clock is never moved back")
        ahead = self._ahead + by
        # Tried out first: a time after the year 9999 raises, and the clock stays as it was.
        _ = dt.datetime.now(dt.UTC) + ahead
        self._ahead = ahead
