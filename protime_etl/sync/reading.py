"""One reading of a list: its pages, bounded, and how to begin it again."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from typing import TypeVar

from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential

from protime_etl.collections.collection import Collection
from protime_etl.collections.page import Page
from protime_etl.errors import ConnectionLostError, PagingConflictError, ProtimeError
from protime_etl.postgres.direct_copy import CollisionError
from protime_etl.protime.decoding import decode_page
from protime_etl.sync.bounds import bounded
from protime_etl.sync.prefetch import prefetch

__all__ = ["Reading", "restarting"]

ATTEMPTS = 3
CONNECTION_ATTEMPTS = 6
CONNECTION_WAIT_SECONDS = 1.0
log = logging.getLogger(__name__)

Result = TypeVar("Result")


class Reading:
    """Pages as they come, each decoded while the next one is on its way; at most `most` records."""

    def __init__(self, collection: Collection, answers: Iterable[bytes], most: int, what: str) -> None:
        self._collection = collection
        self._answers = answers
        self._most = most
        self._what = what
        self.pages = 0
        """Pages that have come."""
        self.records = 0

    def __iter__(self) -> Iterator[Page]:
        with closing(prefetch(self._answers)) as bodies:
            pages = (decode_page(self._collection, body) for body in bodies)
            for page in bounded(pages, self._most, self._what):
                self.pages += 1
                self.records += len(page.rows) + len(page.rejected)
                yield page


def restarting(attempt: Callable[[], Result]) -> Result:
    """Start again from the first page: twice when a paging token has died, half a minute long without PostgreSQL."""
    conflicts = Retrying(
        retry=retry_if_exception_type((PagingConflictError, CollisionError)),
        stop=stop_after_attempt(ATTEMPTS),
        reraise=True,
    )
    lost_connections = Retrying(
        retry=retry_if_exception_type(ConnectionLostError),
        stop=stop_after_attempt(CONNECTION_ATTEMPTS),
        wait=wait_exponential(CONNECTION_WAIT_SECONDS),
        before_sleep=_tell,
        reraise=True,
    )
    return lost_connections(lambda: conflicts(attempt))


def _tell(state: RetryCallState) -> None:
    error = state.outcome.exception() if state.outcome else None
    message = error.message if isinstance(error, ProtimeError) else ""
    log.warning("%s The unit is tried again in %.0f s.", message, state.upcoming_sleep)
