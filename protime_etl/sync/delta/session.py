"""What the parts of a poll share: the pipeline, the collection, and what the poll has done so far."""

from __future__ import annotations

import contextlib
import datetime as dt
import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal
from zoneinfo import ZoneInfo

from protime_etl.collections.collection import Collection
from protime_etl.collections.page import Page
from protime_etl.config import Settings
from protime_etl.errors import (
    DeletionsWithheldError,
    DeltaBrokenError,
    OlderVersionsError,
    ProtimeError,
    ProtocolError,
    SettingsError,
)
from protime_etl.postgres.ledger import deltas
from protime_etl.postgres.ledger.delta_unconfirmed import keep_unconfirmed
from protime_etl.postgres.ledger.deltas import DeltaState
from protime_etl.postgres.load.delta_load import DeltaLoad
from protime_etl.postgres.server.clock import database_clock
from protime_etl.postgres.server.stored import Stored
from protime_etl.sync.delta.failures import MAX_FAILURES, MAX_LOADS, MAX_OUTAGES, failure_kind
from protime_etl.sync.pipeline import Pipeline
from protime_etl.work import Counts

__all__ = ["DeltaSession", "PollResult", "earliest_start"]

log = logging.getLogger(__name__)
MAX_PAGES = 10_000
MAX_EMPTY_PAGES_IN_A_ROW = 1000
Restart = Literal["expired", "conflicted", "broken", "loading", "asked"]


@dataclass
class PollResult:
    """What one poll did."""

    counts: Counts = field(default_factory=Counts)
    pages: int = 0
    initial: bool = False
    """Whether it ended an initial load, or went on with it."""
    restarted: Restart | None = None
    """Why a new initial load was begun, if the delta had one before."""
    reason: str = ""
    """The same in a sentence."""
    withheld: DeletionsWithheldError | None = None
    """What vanished and is not marked, as it is too much at once."""
    older: OlderVersionsError | None = None
    """What the tenant has in an older version than is stored."""
    unconfirmed: int = 0
    """Records that could not be requested; the next poll tries again."""
    date_from: dt.date | None = None

    @property
    def changed(self) -> bool:
        """Whether the table is another one now."""
        return bool(self.counts.inserted or self.counts.updated or self.counts.deleted)


def earliest_start(settings: Settings, now: dt.datetime) -> dt.date:
    """The first day that a delta may begin with: January 1st of the previous year, by the tenant's calendar."""
    return dt.date(now.astimezone(ZoneInfo(settings.timezone)).year - 1, 1, 1)


class DeltaSession:
    """One poll of the delta of a collection."""

    def __init__(
        self, pipeline: Pipeline, collection: Collection, on_page: Callable[[int], None] = lambda _: None
    ) -> None:
        self.pipeline = pipeline
        self.settings = pipeline.settings
        self.tenant = pipeline.tenant
        self.client = pipeline.client
        self.collection = collection
        self.path = collection.path
        self.result = PollResult()
        self._on_page = on_page
        self._followed: set[str] = set()
        self._empty_pages = 0

    def drop_deleted(self, stored: Stored, load: DeltaLoad, deleted: Iterable[int]) -> None:
        """Keep for later what another process may have found gone since this was read; see `Load.unconfirmed`."""
        load.lock_people(dict.fromkeys(deleted, ""))
        if in_doubt := load.unconfirmed():
            load.drop(in_doubt)
            keep_unconfirmed(stored, "doubtful", dict.fromkeys(in_doubt, ""))

    def keep_older(self, stored: Stored, load: DeltaLoad) -> None:
        """Keep for later what came in an older version than is stored, as it is not believed of one answer."""
        if load.older:
            keep_unconfirmed(stored, "older", load.older)

    def guard(self, page: Page, link: str, *, of_changes: bool) -> None:
        """Make sure that the way on from an answer can be followed and leads on, before anything of it is stored.

        Raises:
            UntrustedLinkError, UriTooLongError: it would not be followed; what is stored keeps the link before it.
            ProtocolError: the answers have no end.
        """
        self.client.check_link(self.collection, link, of_changes=of_changes)
        if link in self._followed:
            raise ProtocolError("The pages of the delta loop: a link came twice.")
        self._followed.add(link)
        self._empty_pages = 0 if page.rows or page.rejected or page.deletions else self._empty_pages + 1
        if self._empty_pages > MAX_EMPTY_PAGES_IN_A_ROW:
            raise ProtocolError(f"The delta has no end: {self._empty_pages} empty pages in a row.")

    def start_over(self) -> None:
        """Links of a load that is over may come again."""
        self._followed.clear()
        self._empty_pages = 0

    def give_up(self, status: deltas.Status, why: Restart, message: str) -> None:
        """The delta is over; its link is kept to be looked at."""
        if why == "asked":
            log.warning("A new initial load starts, as requested.")
        else:
            log.warning("The delta is %s: a new initial load starts. %s", status, message)
        self.result.restarted = why
        self.result.reason = message
        with self.transaction() as stored:
            loads = 0 if why == "asked" else None
            deltas.give_up(stored, status, message, loads=loads)

    def rest(self, message: str) -> None:
        """The delta is over, and a new load does not begin at once."""
        with self.transaction() as stored:
            deltas.give_up(stored, "broken", message, loads=MAX_LOADS)

    def is_over(self, state: DeltaState, error: ProtimeError) -> bool:
        """Whether this failure, after those before it, ends the delta; see `delta_failures`."""
        if self.result.restarted not in (None, "asked"):
            return False  # once in a poll: the load that took its place failed, too
        kind = failure_kind(error)
        if kind == "outage":
            return (state.outages + 1) % MAX_OUTAGES == 0 and self._others_get_answers()
        if kind == "too large" and state.status == "active":
            return True  # the initial load comes in pages
        return kind != "wait" and state.failures + 1 >= MAX_FAILURES

    def _others_get_answers(self) -> bool:
        try:
            self.client.probe(self.collection)
        except ProtimeError:
            return False
        return True

    def read(self) -> DeltaState | None:
        """The state of the delta now."""
        with self.transaction() as stored:
            return deltas.read_delta(stored)

    def record_error(self, error: ProtimeError) -> None:
        """Enter what went wrong; never fails itself, as the database may be what failed."""
        if isinstance(error, (DeltaBrokenError, SettingsError)):
            return  # what is entered already says why; a wrong question says nothing
        counter: Literal["failures", "outages"] | None = None
        if (kind := failure_kind(error)) != "wait":
            counter = "outages" if kind == "outage" else "failures"
        with contextlib.suppress(ProtimeError), self.transaction() as stored:
            now = database_clock(stored.connection)
            if deltas.read_delta(stored) is None:
                deltas.begin(stored, earliest_start(self.settings, now), now)
            deltas.note(stored, str(error), counter)

    @contextlib.contextmanager
    def transaction(self) -> Iterator[Stored]:
        """A transaction about the collection, with PostgreSQL's errors as ours."""
        with self.pipeline.transaction() as connection:
            yield self.pipeline.stored(connection, self.collection)

    def count(self, counts: Counts, records: int) -> None:
        """One more answer is stored."""
        self.result.counts += counts
        self.result.pages += 1
        self._on_page(records)
