"""One reading of a list: its pages, bounded, kept over a pause, and how to begin it again."""

from __future__ import annotations

import datetime as dt
import logging
import tempfile
import threading
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing
from itertools import pairwise
from typing import TypeVar

from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential

from protime_etl.collections.collection import Collection
from protime_etl.collections.page import Page
from protime_etl.errors import ConnectionLostError, PagingConflictError, ProtimeError, UriTooLongError
from protime_etl.postgres.load.direct_copy import CollisionError
from protime_etl.protime.client import ProtimeClient
from protime_etl.protime.decoding import decode_page
from protime_etl.protime.filters import Condition
from protime_etl.sync.read.bounds import bounded
from protime_etl.sync.read.prefetch import prefetch

__all__ = ["KeptPages", "Reading", "restarting", "split_by_uri"]

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


def split_by_uri(people: Sequence[int], read: Callable[[Sequence[int]], Iterator[Page]]) -> Generator[Page]:
    """The pages that `read` gives of these people; where the URI that names them is too long, of each half of them.

    Raises:
        UriTooLongError: it is so of one person, too, or of a filter without people.
    """
    try:
        yield from read(people)
    except UriTooLongError:
        if len(people) < 2:
            raise
        middle = len(people) // 2
        yield from split_by_uri(people[:middle], read)
        yield from split_by_uri(people[middle:], read)


class KeptPages:
    """The answers of one list, kept in a file: read once more after a pause, they go on behind the last one.

    So a list makes progress whatever the quota is, and no transaction need be open over a pause. When the paging token
    has died meanwhile, the next reading starts from the first page.
    """

    def __init__(self, client: ProtimeClient, collection: Collection, condition: Condition | None = None) -> None:
        self._client = client
        self._collection = collection
        self._condition = condition
        self.began: dt.datetime | None = None
        """When the first page was asked for, by the clock of the warehouse; for the caller to enter."""
        self.known: dict[int, Page | None] = {}
        """Records of the list that were asked for by their ids since; see `ask`."""
        self._ends: list[int] = []
        self._lock = threading.Lock()
        self._newest = 0
        """Number of the newest reading: one before it, whose answer comes late, keeps nothing more."""
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - closed by `close`

    def close(self) -> None:
        """Remove the file."""
        self._file.close()

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
                self.began = None
                self.known.clear()
                self._ends.clear()
            raise


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
