"""One pause for all processes: after a 429 none asks this tenant before the time that it named.

Where the pause is kept is the caller's choice (`Pause`): in memory for one process, in PostgreSQL for all. Beside it is
the budget of requests a second, from which each request takes a slot.
"""

from __future__ import annotations

import datetime as dt
import logging
import random
import threading
import time
from typing import Protocol

from protime_etl.errors import ApiError, RateLimited

__all__ = ["MemoryPause", "Pause", "pause_all", "wait_out"]

STAGGER_SECONDS = 1.0
LOG_SECONDS = 5.0
LOOK_SECONDS = 5.0
# Its own budget must not stop a process that may not wait at all: it always waits for this number of slots.
PATIENT_SLOTS = 10
NEXT_STEPS = (
    "Airflow and backfill then resume by themselves; run any other command again after that."
    " To lift the pause: protime-etl resume"
)

log = logging.getLogger(__name__)


class Pause(Protocol):
    """Until when no process asks, and which slot is free."""

    @property
    def share(self) -> float:
        """Seconds between one request and the next; 0 without a budget."""

    def remaining(self) -> float:
        """Seconds until a request may be sent again; 0 when there is no pause."""

    def extend(self, seconds: float, asked: float) -> None:
        """Let no process ask for that long from now, or for as long as was known before, whichever ends later.

        `asked` is how many seconds the answer named, to be shown.
        """

    def reserve_slot(self, patience: float) -> float:
        """Seconds until the next free slot within the budget; 0 without one.

        It is reserved for the caller, unless it is more than `patience` seconds away.
        """


class MemoryPause:
    """A pause and a budget for the threads of this process."""

    def __init__(self, requests_per_second: float | None = None) -> None:
        self.share = 1 / requests_per_second if requests_per_second else 0.0
        self._until = 0.0
        self._next_slot = 0.0
        self._lock = threading.Lock()

    def remaining(self) -> float:
        """Seconds until a request may be sent again."""
        return max(0.0, self._until - time.monotonic())

    def extend(self, seconds: float, asked: float) -> None:
        """Let no thread ask for that long from now."""
        del asked
        with self._lock:
            self._until = max(self._until, time.monotonic() + seconds)

    def reserve_slot(self, patience: float) -> float:
        """Seconds until the next free slot."""
        with self._lock:
            now = time.monotonic()
            away = max(0.0, self._next_slot - now)
            if away <= patience:
                self._next_slot = now + away + self.share
            return away


def moment_in(seconds: float) -> str:
    """The time of day `seconds` from now, on this machine's clock and in its zone."""
    return f"{dt.datetime.now().astimezone() + dt.timedelta(seconds=seconds):%Y-%m-%d %H:%M:%S%z}"


def pause_all(pause: Pause, error: ApiError, longest: float) -> None:
    """Begin the pause that an answer asked for, if it did, of at most `longest` seconds; the error then says so."""
    asked = error.retry_after
    if not asked:
        return
    seconds = error.retry_after = min(asked, longest)
    if asked > longest:
        log.warning(
            "The API asked us to wait (Retry-After) %.0f seconds; PROTIME_MAX_PAUSE limits that to %.0f.",
            asked,
            longest,
        )
    pause.extend(seconds, asked)
    paused = f"All requests are paused for {seconds:.0f} seconds, until {moment_in(seconds)}. {NEXT_STEPS}"
    error.guidance = f"{error.guidance} {paused}".lstrip()


def wait_out(pause: Pause, max_wait: float, *, slot: bool = True) -> bool:
    """Return when a request may be sent: after a pause, and in a slot of the budget unless `slot` is false.

    Returns whether it had to wait. Then something else may have changed meanwhile, such as the token.

    Raises:
        RateLimited: it is longer than `max_wait` seconds; such a wait should not hold a worker.
    """
    waited = _sit_out(pause, max_wait)
    if not slot:
        return waited
    patience = max(max_wait, PATIENT_SLOTS * pause.share)
    while (away := pause.reserve_slot(patience)) > 0:
        if away > patience:
            raise RateLimited(
                f"Other processes have used up the request budget for {away:.0f} seconds, until {moment_in(away)}.",
                guidance="Raise PROTIME_REQUESTS_PER_SECOND, or run fewer processes at the same time.",
                status=429,
                retry_after=away,
            )
        time.sleep(away)
        waited = True
        # A pause that began meanwhile makes the slot void: after it, all that had one would ask at once.
        if not _sit_out(pause, max_wait):
            break
    return waited


def _sit_out(pause: Pause, max_wait: float) -> bool:
    """Return when there is no pause; after one, not all at the same moment. Returns whether there was one."""
    logged_until = 0.0
    waited = False
    while (remaining := pause.remaining()) > 0:
        ends = time.monotonic() + remaining
        if remaining > max_wait:
            raise RateLimited(
                f"The API asked us to wait (Retry-After) {remaining:.0f} more seconds, until {moment_in(remaining)}.",
                guidance=NEXT_STEPS,
                status=429,
                retry_after=remaining,
            )
        if remaining > LOG_SECONDS and ends > logged_until + LOG_SECONDS:
            log.warning(
                "The API asked us to wait (Retry-After) %.0f more seconds, until %s.",
                remaining,
                moment_in(remaining),
            )
            logged_until = ends
        # A pause may be lifted: it is looked at again now and then.
        stagger = random.uniform(0, STAGGER_SECONDS)  # noqa: S311 - no secret depends on it
        time.sleep(LOOK_SECONDS if remaining > LOOK_SECONDS else remaining + stagger)
        waited = True
    return waited
