"""What the parts of a turn share: the tenant and the warehouse, and what the turn has done so far."""

from __future__ import annotations

import contextlib
import datetime as dt
import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal
from zoneinfo import ZoneInfo

from sqlalchemy.engine import Connection, Engine

from protime_etl.collections.clockings import CLOCKINGS
from protime_etl.collections.page import Page
from protime_etl.config import Settings
from protime_etl.errors import DeletionsWithheldError, DeltaBrokenError, ProtimeError, ProtocolError, SettingsError
from protime_etl.postgres import deltas
from protime_etl.postgres.clock import database_clock
from protime_etl.postgres.connection import database_errors
from protime_etl.postgres.delta_load import DeltaLoad
from protime_etl.postgres.delta_unconfirmed import keep_unconfirmed
from protime_etl.postgres.deltas import DeltaState
from protime_etl.protime.client import ProtimeClient
from protime_etl.sync.delta_failures import MAX_FAILURES, MAX_OUTAGES, failure_kind
from protime_etl.work import Counts

__all__ = ["DeltaSession", "Turn", "earliest_start"]

log = logging.getLogger(__name__)
MAX_PAGES = 10_000
MAX_EMPTY_PAGES_IN_A_ROW = 1000
Restart = Literal["expired", "conflicted", "broken", "loading", "asked"]


@dataclass
class Turn:
    """What one turn did."""

    counts: Counts = field(default_factory=Counts)
    pages: int = 0
    initial: bool = False
    """Whether it ended, or went on with, an initial load."""
    restarted: Restart | None = None
    """Why a new initial load was begun, if the delta had one before."""
    reason: str = ""
    """The same in a sentence."""
    withheld: DeletionsWithheldError | None = None
    """What vanished and is not marked, as it is too much at once."""
    unconfirmed: int = 0
    """Records that could not be asked for; the next turn asks again."""
    date_from: dt.date | None = None

    @property
    def changed(self) -> bool:
        """Whether the table is another one now."""
        return bool(self.counts.inserted or self.counts.updated or self.counts.deleted)


def earliest_start(settings: Settings, now: dt.datetime) -> dt.date:
    """The first day that a delta may begin with: January 1st of the previous year, by the tenant's calendar."""
    return dt.date(now.astimezone(ZoneInfo(settings.timezone)).year - 1, 1, 1)


class DeltaSession:
    """One turn of the delta of one tenant's clockings."""

    def __init__(
        self, settings: Settings, client: ProtimeClient, engine: Engine, on_page: Callable[[int], None] = lambda _: None
    ) -> None:
        self.settings = settings
        self.client = client
        self.engine = engine
        self.told = Turn()
        self._on_page = on_page
        self._followed: set[str] = set()
        self._empty_pages = 0

    def sift(self, connection: Connection, load: DeltaLoad, deleted: Iterable[int]) -> None:
        """Keep for later what somebody else may have found gone since this was read; see `Load.doubtful`."""
        load.lock_people(connection, dict.fromkeys(deleted, ""))
        if doubtful := load.unconfirmed():
            load.drop(doubtful)
            keep_unconfirmed(connection, self.settings.tenant, CLOCKINGS.path, "doubtful", dict.fromkeys(doubtful, ""))

    def guard(self, page: Page, link: str, *, of_changes: bool) -> None:
        """Make sure that the way on from an answer can be followed and leads on, before anything of it is stored.

        Raises:
            UntrustedLinkError, UriTooLongError: it would not be followed; what is stored keeps the link before it.
            ProtocolError: the answers have no end.
        """
        self.client.check_link(CLOCKINGS, link, of_changes=of_changes)
        if link in self._followed:
            raise ProtocolError("The pages of the delta loop: a link came twice.")
        self._followed.add(link)
        self._empty_pages = 0 if page.rows or page.rejected or page.deletions else self._empty_pages + 1
        if self._empty_pages > MAX_EMPTY_PAGES_IN_A_ROW:
            raise ProtocolError(f"The delta has no end: {self._empty_pages} empty pages in a row.")

    def begin_anew(self) -> None:
        """Links of a load that is over may come again."""
        self._followed.clear()
        self._empty_pages = 0

    def give_up(self, status: deltas.Status, why: Restart, message: str) -> None:
        """The delta is over; its link is kept to be looked at."""
        log.warning("The delta is %s: a new initial load begins. %s", status, message)
        self.told.restarted = why
        self.told.reason = message
        with self.transaction() as connection:
            asked = why == "asked"
            deltas.give_up(connection, self.settings.tenant, CLOCKINGS.path, status, message, asked=asked)

    def is_over(self, state: DeltaState, error: ProtimeError) -> bool:
        """Whether this failure, after those before it, ends the delta; see `delta_failures`."""
        if self.told.restarted not in (None, "asked"):
            return False  # once in a turn: the load that took its place failed, too
        kind = failure_kind(error)
        if kind == "outage":
            return (state.outages + 1) % MAX_OUTAGES == 0 and self._others_get_answers()
        if kind == "too large" and state.status == "active":
            return True  # the initial load comes in pages
        return kind != "wait" and state.failures + 1 >= MAX_FAILURES

    def _others_get_answers(self) -> bool:
        try:
            self.client.probe(CLOCKINGS)
        except ProtimeError:
            return False
        return True

    def read(self) -> DeltaState | None:
        """The state of the delta now."""
        with self.transaction() as connection:
            return deltas.read_delta(connection, self.settings.tenant, CLOCKINGS.path)

    def note(self, error: ProtimeError) -> None:
        """Enter what went wrong; never fails itself, as the database may be what failed."""
        if isinstance(error, (DeltaBrokenError, SettingsError)):
            return  # what is entered already says why; a wrong question says nothing
        counter: Literal["failures", "outages"] | None = None
        if (kind := failure_kind(error)) != "wait":
            counter = "outages" if kind == "outage" else "failures"
        with contextlib.suppress(ProtimeError), self.transaction() as connection:
            tenant, now = self.settings.tenant, database_clock(connection)
            if deltas.read_delta(connection, tenant, CLOCKINGS.path) is None:
                deltas.begin(connection, tenant, CLOCKINGS.path, earliest_start(self.settings, now), now)
            deltas.note(connection, tenant, CLOCKINGS.path, str(error), counter)

    @contextlib.contextmanager
    def transaction(self) -> Iterator[Connection]:
        """A transaction, with PostgreSQL's errors as ours."""
        with database_errors(self.engine.url), self.engine.begin() as connection:
            yield connection

    def count(self, counts: Counts, records: int) -> None:
        """One more answer is stored."""
        self.told.counts += counts
        self.told.pages += 1
        self._on_page(records)
