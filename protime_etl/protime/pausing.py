"""One pause for everybody: after a 429 nobody asks this tenant before the time that it named.

Where the pause is kept is the caller's choice (`Pause`): in memory for one process, in PostgreSQL for all.
"""

from __future__ import annotations

import random
import time
from typing import Protocol

from protime_etl.errors import RateLimited

__all__ = ["DEFAULT_PAUSE_SECONDS", "MAX_WAIT_IN_TASK_SECONDS", "MemoryPause", "Pause", "wait_out"]

MAX_WAIT_IN_TASK_SECONDS = 60.0
DEFAULT_PAUSE_SECONDS = 10.0
STAGGER_SECONDS = 1.0


class Pause(Protocol):
    """Until when nobody asks."""

    def remaining(self) -> float:
        """Seconds until somebody may ask again; 0 when there is no pause."""

    def extend(self, seconds: float) -> None:
        """Nobody asks for that long from now, or for as long as was known before, whichever ends later."""


class MemoryPause:
    """A pause for the threads of this process."""

    def __init__(self) -> None:
        self._until = 0.0

    def remaining(self) -> float:
        """Seconds until somebody may ask again."""
        return max(0.0, self._until - time.monotonic())

    def extend(self, seconds: float) -> None:
        """Nobody asks for that long from now."""
        self._until = max(self._until, time.monotonic() + seconds)


def wait_out(pause: Pause, max_wait: float = MAX_WAIT_IN_TASK_SECONDS) -> None:
    """Return when somebody may ask, at once if there is no pause; after one, not all at the same moment.

    Raises:
        RateLimited: the pause is longer than `max_wait` seconds; such a wait should not hold a worker.
    """
    while (remaining := pause.remaining()) > 0:
        if remaining > max_wait:
            raise RateLimited(
                f"The API asks everybody to wait for {remaining:.0f} more seconds.", status=429, retry_after=remaining
            )
        time.sleep(remaining + random.uniform(0, STAGGER_SECONDS))  # noqa: S311 - no secret depends on it
