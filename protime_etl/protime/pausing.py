"""One pause for everybody: after a 429 nobody asks this tenant before the time that it named.

Where the pause is kept is the caller's choice (`Pause`): in memory for one process, in PostgreSQL for all.
"""

from __future__ import annotations

import logging
import random
import time
from typing import Protocol

from protime_etl.errors import RateLimited

__all__ = ["DEFAULT_PAUSE_SECONDS", "MemoryPause", "Pause", "wait_out"]

DEFAULT_PAUSE_SECONDS = 10.0
STAGGER_SECONDS = 1.0
TELL_SECONDS = 5.0

log = logging.getLogger(__name__)


class Pause(Protocol):
    """Until when nobody asks."""

    def remaining(self) -> float:
        """Seconds until somebody may ask again; 0 when there is no pause."""

    def extend(self, seconds: float) -> None:
        """Nobody asks for that long from now, or for as long as was known before, whichever ends later."""

    def turn(self) -> float:
        """Seconds until the caller's turn within the budget of requests, which it thereby takes; 0 without one."""


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

    def turn(self) -> float:
        """One process alone has no budget to share."""
        return 0.0


def wait_out(pause: Pause, max_wait: float) -> bool:
    """Return when somebody may ask, at once if there is no pause; after one, not all at the same moment.

    Tells whether it had to wait. Then something else may have changed meanwhile, such as the token.

    Raises:
        RateLimited: the pause is longer than `max_wait` seconds; such a wait should not hold a worker.
    """
    waited = had_turn = False
    while True:
        remaining = pause.remaining()
        if remaining > max_wait:
            raise RateLimited(
                f"The API asks everybody to wait for {remaining:.0f} more seconds.", status=429, retry_after=remaining
            )
        if remaining > TELL_SECONDS:
            log.warning("The API asks everybody to wait for %.0f more seconds.", remaining)
        if remaining > 0:
            time.sleep(remaining + random.uniform(0, STAGGER_SECONDS))  # noqa: S311 - no secret depends on it
        elif had_turn or (turn := pause.turn()) <= 0:
            return waited
        else:
            time.sleep(turn)
            had_turn = True  # a pause may have begun meanwhile: it is looked at again, the turn stays
        waited = True
