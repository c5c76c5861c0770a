"""The answers of lists, kept over a pause, and how to begin a reading again."""

from __future__ import annotations

import datetime as dt
import logging
import tempfile
import threading
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import TypeVar

from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential

from protime_etl.collections.collection import Collection
from protime_etl.collections.page import Page
from protime_etl.errors import ConnectionLostError, PagingConflictError, ProtimeError
from protime_etl.postgres.load.direct_copy import CollisionError
from protime_etl.protime.client import ProtimeClient
from protime_etl.protime.filters import Condition

__all__ = ["KeptAnswers", "KeptPages", "restarting"]

ATTEMPTS = 3
CONNECTION_ATTEMPTS = 6
CONNECTION_WAIT_SECONDS = 1.0
log = logging.getLogger(__name__)

Result = TypeVar("Result")


class KeptPages:
    """The answers of one list, kept in a file: read once more after a pause, they go on behind the last one.

    So a list makes progress whatever the quota is, and no transaction need be open over a pause. When the paging token
    has died meanwhile, the next reading starts from the first page.
    """

    def __init__(self, client: ProtimeClient, collection: Collection, condition: Condition | None = None) -> None:
        self._client = client
        self._collection = collection
        self._condition = condition
        self._ends: list[int] = []
        self._lock = threading.Lock()
        self._newest = 0
        """Number of the newest reading: one before it, whose answer comes late, keeps nothing more."""
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - closed by `close`

    def close(self) -> None:
        """Remove the file."""
        self._file.close()

    @property
    def is_empty(self) -> bool:
        """Whether nothing is kept."""
        return not self._ends

    def __iter__(self) -> Iterator[bytes]:
        with self._lock:
            self._newest += 1
            mine, ends = self._newest, [0, *self._ends]
        last = None
        for start, end in pairwise(ends):
            self._file.seek(start)
            last = self._file.read(end - start)
            yield last
        try:
            for body in self._client.answers(self._collection, self._condition, last):
                with self._lock:
                    if self._newest != mine:
                        return
                    self._file.seek(self._ends[-1] if self._ends else 0)
                    self._file.write(body)
                    self._ends.append(self._file.tell())
                yield body
        except PagingConflictError:
            if self._newest == mine:
                self._ends.clear()
            raise


class KeptAnswers:
    """All answers of one reading, kept until it is done: those of its lists, and of records asked for by their ids."""

    def __init__(self, client: ProtimeClient, collection: Collection) -> None:
        self._client = client
        self._collection = collection
        self._lists: dict[str, KeptPages] = {}
        self._began: dt.datetime | None = None
        self.records: dict[int, Page | None] = {}
        """Records that were asked for by their ids; see `recheck.ask`."""

    def begin(self, now: dt.datetime) -> dt.datetime:
        """Begin, or go on after a pause; returns a moment before the first answer that is kept: now, if none is."""
        if self._began is None or all(pages.is_empty for pages in self._lists.values()):
            self._began = now
            self.records.clear()
        return self._began

    def of(self, condition: Condition | None) -> KeptPages:
        """The answers of a list."""
        uri = self._client.list_uri(self._collection, condition)
        if uri not in self._lists:
            self._lists[uri] = KeptPages(self._client, self._collection, condition)
        return self._lists[uri]

    def close(self) -> None:
        """Keep nothing more."""
        for pages in self._lists.values():
            pages.close()
        self._lists.clear()
        self.records.clear()
        self._began = None


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
        before_sleep=_log_retry,
        reraise=True,
    )
    return lost_connections(lambda: conflicts(attempt))


def _log_retry(state: RetryCallState) -> None:
    error = state.outcome.exception() if state.outcome else None
    message = error.message if isinstance(error, ProtimeError) else ""
    log.warning("%s The unit is tried again in %.0f s.", message, state.upcoming_sleep)
