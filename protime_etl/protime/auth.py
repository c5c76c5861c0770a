"""Bearer tokens by the OAuth2 client-credentials grant, one for all processes.

https://documentation.myprotime.eu/protimeapi/reference/authentication/

Where the token is kept is the caller's choice (`TokenStore`): in memory for one process, in PostgreSQL for all
processes of all machines. A process that finds it missing or about to expire renews it under the store's lock.
"""

from __future__ import annotations

import logging
import math
import random
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from protime_etl.config import Settings
from protime_etl.errors import ApiError, BusyError
from protime_etl.protime.pausing import MemoryPause, Pause, pause_all, wait_out

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["MemoryTokenStore", "Token", "TokenSource", "TokenStore"]

RENEW_EARLY_SECONDS = 60.0
LOCK_PATIENCE_SECONDS = 330.0  # no token request takes longer, the time to connect included
LOOK_SECONDS = (0.05, 0.15)

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Token:
    """An access token and the seconds it is still good for, counted from `received` on this process's clock."""

    value: str
    lifetime: float
    """Seconds that the token endpoint gave it."""
    received: float
    """`time.monotonic()` at which `remaining` equalled `lifetime`, or would have."""

    @property
    def remaining(self) -> float:
        """Seconds until it expires."""
        return self.received + self.lifetime - time.monotonic()

    @property
    def due(self) -> bool:
        """Whether it should be renewed now: 60 seconds early, or at half of a life shorter than two minutes."""
        return self.remaining <= min(RENEW_EARLY_SECONDS, self.lifetime / 2)

    def __repr__(self) -> str:
        return f"Token(remaining={self.remaining:.0f})"


class LockedTokenStore(Protocol):
    """The store while no other process or thread can write to it."""

    def read(self) -> Token | None:
        """The token that is kept, if any."""

    def write(self, token: Token) -> None:
        """Keep this one instead."""


class TokenStore(Protocol):
    """Where the token of one client is kept."""

    def read(self) -> Token | None:
        """The token that is kept, without waiting for a lock."""

    def locked(self) -> AbstractContextManager[LockedTokenStore]:
        """Keep others out meanwhile.

        Raises:
            BusyError: another process or thread keeps the caller out. It is not waited for: see `TokenSource`.
        """


class MemoryTokenStore:
    """A token for the threads of this process."""

    def __init__(self) -> None:
        self._token: Token | None = None
        self._lock = threading.Lock()

    def read(self) -> Token | None:
        """The token that is kept."""
        return self._token

    def write(self, token: Token) -> None:
        """Keep this one instead."""
        self._token = token

    @contextmanager
    def locked(self) -> Iterator[MemoryTokenStore]:
        """Keep the other threads out."""
        if not self._lock.acquire(blocking=False):
            raise BusyError("Another thread asks for a token.")
        try:
            yield self
        finally:
            self._lock.release()


class TokenSource:
    """Hands out a valid token, renewing it when it is due or was refused. Safe to share between threads.

    The store is locked for the time of one token request and never while something is waited for: a pause, or another
    process that has the lock.
    """

    def __init__(
        self,
        settings: Settings,
        store: TokenStore,
        *,
        fetch: Callable[[Settings], Token],
        pause: Pause | None = None,
    ) -> None:
        self._settings = settings
        self._store = store
        self._fetch = fetch
        self._pause = pause or MemoryPause()
        self._held: Token | None = None
        self.requests = 0
        """Token requests made by this object."""

    @property
    def is_at_hand(self) -> bool:
        """Whether there is a token that is not due, without looking at the store."""
        return self._held is not None and not self._held.due

    def current(self) -> Token:
        """A token that is not due, asking for a new one only if no other process has.

        Raises:
            AuthenticationError: the endpoint refuses the client.
            RateLimited: it asks to wait longer than a process may.
            BusyError: another process has been asking for too long.
            UnreachableError, ServerError, ProtocolError: no usable answer. The caller tries again.
        """
        held = self._held
        if held is None or held.due:
            held = self._store.read()
        if held is None or held.due:
            return self._renew(refused=None)
        self._held = held
        return held

    def replace(self, refused: Token) -> Token:
        """A token other than the refused one, from the process that renewed it first; raises as `current`."""
        return self._renew(refused=refused)

    def _renew(self, refused: Token | None) -> Token:
        patient_until = time.monotonic() + LOCK_PATIENCE_SECONDS
        while True:
            wait_out(self._pause, self._settings.max_wait_in_task, slot=False)
            try:
                with self._store.locked() as store:
                    kept = store.read()  # it may have been renewed since the caller looked
                    if kept is None or kept.due or (refused is not None and kept.value == refused.value):
                        if self._pause.remaining():  # one has begun since: it is sat out without the lock
                            continue
                        kept = self._ask()
                        store.write(kept)
            except BusyError:
                if time.monotonic() > patient_until:
                    raise
                time.sleep(random.uniform(*LOOK_SECONDS))  # noqa: S311 - no secret depends on it
            else:
                self._held = kept
                return kept

    def _ask(self) -> Token:
        self.requests += 1
        self._pause.reserve_slot(math.inf)  # not waited for, as the store is locked: the next to ask waits the longer
        try:
            return self._fetch(self._settings)
        except ApiError as error:
            pause_all(self._pause, error, self._settings.max_pause)
            raise
