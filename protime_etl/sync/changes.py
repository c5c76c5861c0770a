"""One turn of a delta: what changed since the last one, or the initial load that comes before.

https://documentation.myprotime.eu/protimeapi/reference/delta/
https://documentation.myprotime.eu/protimeapi/how-to/track-changes-with-delta/

The states and what leads from one to the other are drawn in docs/delta.md. What an answer brings and the link that it
ends with are committed together; a turn that dies is taken up by the next one where it stood.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from sqlalchemy.engine import Connection, Engine
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from protime_etl.config import Settings
from protime_etl.errors import DeltaExpiredError, PagingConflictError, ProtimeError, ProtocolError
from protime_etl.postgres import deltas, ledger
from protime_etl.postgres.connection import database_errors
from protime_etl.postgres.delta_load import DeltaLoad, exclude_merges, share_merges, unresolved_deletions
from protime_etl.postgres.delta_seen import forget_seen, keep_seen, unseen
from protime_etl.postgres.deltas import DeltaLock, DeltaState
from protime_etl.postgres.drift import clear_drift
from protime_etl.postgres.load import Counts, database_clock
from protime_etl.protime.client import ProtimeClient
from protime_etl.protime.decoding import Page
from protime_etl.protime.filters import dates
from protime_etl.protime.resources import API_PATH, COLLECTIONS

__all__ = ["DeltaReader", "Turn", "earliest_start"]

log = logging.getLogger(__name__)
CLOCKINGS = COLLECTIONS["clockings"]
CONFLICT_ATTEMPTS = 4
_conflict_wait = wait_random_exponential(multiplier=1, max=20)
MAX_EMPTY_PAGES_IN_A_ROW = 1000

IDENTITY, VERSION = (list(CLOCKINGS.columns).index(name) for name in ("id", "change_version"))


@dataclass
class Turn:
    """What one turn did."""

    counts: Counts = field(default_factory=Counts)
    pages: int = 0
    initial: bool = False
    """Whether it ended, or went on with, an initial load."""
    restarted: Literal["expired", "conflicted", "loading", "asked"] | None = None
    """Why a new initial load was begun, if the delta had one before."""
    date_from: dt.date | None = None

    @property
    def changed(self) -> bool:
        """Whether the table is another one now."""
        return bool(self.counts.inserted or self.counts.updated or self.counts.deleted)


def earliest_start(settings: Settings, now: dt.datetime) -> dt.date:
    """The first day that a delta may begin with: January 1st of the previous year, by the tenant's calendar."""
    return dt.date(now.astimezone(ZoneInfo(settings.timezone)).year - 1, 1, 1)


class DeltaReader:
    """Reads the delta of clockings of one tenant into the warehouse."""

    def __init__(
        self, settings: Settings, client: ProtimeClient, engine: Engine, on_page: Callable[[int], None] = lambda _: None
    ) -> None:
        self._settings = settings
        self._client = client
        self._engine = engine
        self._on_page = on_page
        self._turn = Turn()
        self._first: dt.date | None = None
        self._followed: set[str] = set()
        self._empty_pages = 0

    def turn(self, first: dt.date | None = None, *, restart: bool = False) -> Turn:
        """Read what changed; without a delta that is alive, load all from `first` or the earliest day on.

        Raises:
            BusyError: another process works on this delta.
            DeltaExpiredError, PagingConflictError: a new initial load failed, too; its state is there to look at.
            ProtimeError: a subclass says what went wrong; what was committed before stays, and the next turn goes on.
        """
        self._first = first
        before = self._client.requests
        with DeltaLock(self._engine, self._settings.tenant, CLOCKINGS.name):
            try:
                if restart:
                    self._over("expired", "asked", "A new initial load was asked for.")
                while not self._step():
                    pass
            except ProtimeError as error:
                self._note(error)
                raise
            finally:
                self._turn.counts.requests = self._client.requests - before
        return self._turn

    def _step(self) -> bool:
        """Ask once and store what comes; tells whether the turn is over."""
        state = self._read()
        self._turn.date_from = None if state is None else state.date_from
        if state is None or state.link is None:
            self._start()
            return False
        if state.status == "active":
            return self._take_changes(state)
        if _leads_to_changes(state.link):
            self._compare(state)
            return True
        self._take_page(state)
        return False

    # -- the initial load ----------------------------------------------------------------------------------------

    def _start(self) -> None:
        """Begin an initial load; the old state stays until the first page is here."""
        self._turn.initial = True
        self._followed.clear()
        with self._transaction() as connection:
            # Not with the page, whose transaction may have to wait for a pull: nobody else need wait for that.
            ledger.register_tenant(connection, self._settings.tenant, self._settings.timezone)
            began = database_clock(connection)
        earliest = earliest_start(self._settings, began)
        first = max(self._first or earliest, earliest)
        page = self._client.start_delta(CLOCKINGS, dates.ge(first))
        with self._transaction() as connection:
            deltas.begin(connection, self._settings.tenant, CLOCKINGS.name, first, began)
            self._store_page(connection, page, None, began, began)

    def _take_page(self, state: DeltaState) -> None:
        self._turn.initial = True
        with self._transaction() as connection:
            began = database_clock(connection)
        try:
            page = self._client.continue_delta(CLOCKINGS, state.link or "")
        except (PagingConflictError, DeltaExpiredError) as error:
            if self._turn.restarted:
                raise
            self._turn.restarted = "loading"
            log.warning("The initial load of the delta cannot go on and starts over. %s", error.message)
            self._note(error)
            self._start()
            return
        with self._transaction() as connection:
            self._store_page(connection, page, state, began, state.started_at)

    def _store_page(
        self, connection: Connection, page: Page, followed: DeltaState | None, began: dt.datetime, started: dt.datetime
    ) -> None:
        link = page.next_link or page.delta_link
        if link is None:
            raise ProtocolError("A page of an initial load has neither nextLink nor deltaLink.")
        self._guard_against_loops(link, page)
        tenant = self._settings.tenant
        share_merges(connection, tenant)
        load = DeltaLoad(connection, tenant, CLOCKINGS, began, listed=True)
        load.copy(page.rows)
        load.reject(page.rejected)
        self._sift(connection, load, ())
        load.merge()
        rejected = [one.record_id for one in page.rejected if one.record_id is not None]
        keep_seen(connection, tenant, CLOCKINGS.name, started, rejected)
        deltas.advance(
            connection,
            tenant,
            CLOCKINGS.name,
            followed,
            link,
            status="loading",
            requested_at=began,
            changed=True,
            loaded=len(page.rows) + len(page.rejected),
            unreadable=len(page.rejected) - len(rejected),
        )
        self._count(load.counts, len(page.rows) + len(page.rejected))

    def _guard_against_loops(self, link: str, page: Page) -> None:
        if link in self._followed:
            raise ProtocolError("The pages of the initial load loop: a link came twice.")
        self._followed.add(link)
        self._empty_pages = 0 if page.rows or page.rejected else self._empty_pages + 1
        if self._empty_pages > MAX_EMPTY_PAGES_IN_A_ROW:
            raise ProtocolError(f"The initial load has no end: {self._empty_pages} empty pages in a row.")

    def _compare(self, state: DeltaState) -> None:
        """End the load: what it never met is asked for by its id, as it may have been deleted while nobody watched."""
        self._turn.initial = True
        tenant = self._settings.tenant
        with self._transaction() as connection:
            asked = database_clock(connection)
            missing = (
                []
                if state.unreadable
                else unseen(connection, tenant, CLOCKINGS.name, state.started_at, state.date_from)
            )
        vanished, found = self._ask(missing)
        with self._transaction() as connection:
            if missing:
                share_merges(connection, tenant)
                load = DeltaLoad(connection, tenant, CLOCKINGS, asked, listed=True)
                _stage(load, found)
                self._sift(connection, load, vanished)
                load.merge(vanished)
                self._count(load.counts, len(missing))
            forget_seen(connection, tenant, CLOCKINGS.name)
            requested = state.requested_at or asked
            deltas.advance(
                connection, tenant, CLOCKINGS.name, state, state.link or "", status="active", requested_at=requested
            )

    # -- changes -------------------------------------------------------------------------------------------------

    def _take_changes(self, state: DeltaState) -> bool:
        with self._transaction() as connection:
            began = database_clock(connection)
        try:
            page = self._patiently(state.link or "")
        except DeltaExpiredError as error:
            self._over("expired", "expired", f"Nobody has asked for 72 hours. {error.message}")
            return False
        except PagingConflictError as error:
            self._over(
                "conflicted",
                "conflicted",
                f"Did somebody else start a delta with the same client? Only one lives at a time. {error.message}",
            )
            return False
        link = page.delta_link or page.next_link
        if link is None:
            raise ProtocolError("An answer of the delta has no deltaLink.", guidance="The old one is kept.")
        if page.rows or page.rejected or page.deletions:
            self._store_changes(state, page, link, began)
        else:
            with self._transaction() as connection:
                self._advance(connection, state, link, began, changed=False)
            self._count(Counts(), 0)
        return page.delta_link is not None

    def _patiently(self, link: str) -> Page:
        """Ask for changes; a 409 is documented and not explained, so it gets a few tries."""
        retrying = Retrying(
            retry=retry_if_exception_type(PagingConflictError),
            wait=_conflict_wait,
            stop=stop_after_attempt(CONFLICT_ATTEMPTS),
            reraise=True,
        )
        return retrying(lambda: self._client.delta_changes(CLOCKINGS, link))

    def _store_changes(self, state: DeltaState, page: Page, link: str, began: dt.datetime) -> None:
        tenant = self._settings.tenant
        with self._transaction() as connection:
            told = unresolved_deletions(connection, tenant, CLOCKINGS.name, page.deletions) if page.deletions else {}
        # A `Delete` may stand for a record that left the days of the delta, so none is believed unseen.
        gone, found = self._ask(told)
        deletions = {one: told[one] for one in gone}
        with self._transaction() as connection:
            (exclude_merges if deletions else share_merges)(connection, tenant)
            load = DeltaLoad(connection, tenant, CLOCKINGS, began)
            load.copy(page.rows)
            load.complete()
            _stage(load, found)
            load.reject(page.rejected)
            self._sift(connection, load, deletions)
            load.merge()
            load.delete(deletions)
            load.counts.rows_read += len(page.deletions) - len(found)
            load.counts.unchanged += len(page.deletions) - len(told)
            told_versions = dict(page.deletions)
            for row in page.rows:
                told_versions[row[IDENTITY]] = max(row[VERSION], told_versions.get(row[IDENTITY], ""))
            clear_drift(connection, tenant, CLOCKINGS.name, told_versions)
            self._advance(connection, state, link, began, changed=True)
        self._count(load.counts, load.counts.rows_read)

    def _advance(
        self, connection: Connection, state: DeltaState, link: str, began: dt.datetime, *, changed: bool
    ) -> None:
        deltas.advance(
            connection,
            self._settings.tenant,
            CLOCKINGS.name,
            state,
            link,
            status="active",
            requested_at=began,
            changed=changed,
        )

    # -- both ----------------------------------------------------------------------------------------------------

    def _ask(self, ids: Iterable[int]) -> tuple[list[int], list[Page]]:
        """Ask for records by their ids: those that do not exist, and pages of those that do."""
        gone, found = [], []
        for one in ids:
            page = self._client.record(CLOCKINGS, one)
            if page is None:
                gone.append(one)
            else:
                found.append(page)
        return gone, found

    def _sift(self, connection: Connection, load: DeltaLoad, deleted: Iterable[int]) -> None:
        """Drop what somebody else may have found gone since this was read; see `Load.doubtful`."""
        load.lock_people(connection, dict.fromkeys(deleted, ""))
        load.drop(self._ask(load.doubtful())[0])

    def _over(self, status: deltas.Status, why: Literal["expired", "conflicted", "asked"], message: str) -> None:
        log.warning("The delta is %s: a new initial load begins. %s", status, message)
        self._turn.restarted = why
        with self._transaction() as connection:
            deltas.note(connection, self._settings.tenant, CLOCKINGS.name, message, status)

    def _read(self) -> DeltaState | None:
        with self._transaction() as connection:
            return deltas.read_delta(connection, self._settings.tenant, CLOCKINGS.name)

    def _note(self, error: ProtimeError) -> None:
        with contextlib.suppress(ProtimeError), self._transaction() as connection:
            tenant, now = self._settings.tenant, database_clock(connection)
            if deltas.read_delta(connection, tenant, CLOCKINGS.name) is None:
                deltas.begin(connection, tenant, CLOCKINGS.name, earliest_start(self._settings, now), now)
            deltas.note(connection, tenant, CLOCKINGS.name, str(error))

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[Connection]:
        with database_errors(self._engine.url), self._engine.begin() as connection:
            yield connection

    def _count(self, counts: Counts, records: int) -> None:
        self._turn.counts += counts
        self._turn.pages += 1
        self._on_page(records)


def _stage(load: DeltaLoad, pages: Iterable[Page]) -> None:
    for page in pages:
        load.copy(page.rows)
        load.reject(page.rejected)


def _leads_to_changes(link: str) -> bool:
    return urlsplit(link).path.startswith(f"{API_PATH}/delta/")
