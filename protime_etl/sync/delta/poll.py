"""One poll of a delta: what changed since the last one, or the initial load that comes before.

https://documentation.myprotime.eu/protimeapi/reference/delta/

The states and what leads from one to the other are drawn in docs/delta.md. What an answer brings and the link that it
ends with are committed together; a poll that dies is taken up by the next one where it stood.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from protime_etl.collections.collection import API_PATH, Collection
from protime_etl.collections.page import Page
from protime_etl.counted import counted
from protime_etl.errors import (
    BusyError,
    DeltaBrokenError,
    DeltaExpiredError,
    PagingConflictError,
    ProtimeError,
    ProtocolError,
    SettingsError,
)
from protime_etl.postgres.ledger import deltas
from protime_etl.postgres.ledger.delta_unconfirmed import keep_unconfirmed
from protime_etl.postgres.ledger.deltas import DeltaState
from protime_etl.postgres.ledger.history import forget_old, keep_poll
from protime_etl.postgres.load.delta_load import DeltaLoad, unresolved_deletions
from protime_etl.postgres.load.drift import clear_drift
from protime_etl.postgres.server.clock import database_clock
from protime_etl.postgres.server.plans import refresh_statistics
from protime_etl.postgres.server.stored import Stored
from protime_etl.postgres.shared.locks import DeltaLock, lock_merges_shared
from protime_etl.sync.delta.confirmation import Confirmation
from protime_etl.sync.delta.failures import MAX_DISPLACED, MAX_FAILURES, REST, failure_kind
from protime_etl.sync.delta.initial_load import InitialLoad
from protime_etl.sync.delta.session import MAX_PAGES, DeltaSession, PollResult, earliest_start
from protime_etl.sync.pipeline import Pipeline
from protime_etl.work import Counts

__all__ = ["PollResult", "poll"]

CONFLICT_ATTEMPTS = 4
_conflict_wait = wait_random_exponential(multiplier=1, max=20)


def poll(
    pipeline: Pipeline,
    collection: Collection,
    first: dt.date | None = None,
    *,
    restart: bool = False,
    asked_at: dt.datetime | None = None,
    on_page: Callable[[int], None] = lambda _: None,
) -> PollResult:
    """Read what changed; without a delta that is alive, load all from `first` or the earliest day on.

    `restart` gives the delta up first, unless its load began after `asked_at`: then an earlier try has done so. Pauses
    are sat out as long as the settings allow.

    Raises:
        BusyError: another process works on this delta.
        SettingsError: `first` is in the future, or a delta that is alive has another first day.
        DeltaBrokenError: too many initial loads have failed; the next one begins a day after the last.
        ProtimeError: a subclass says what went wrong; what was committed before stays, and the next poll goes on.
    """
    session = DeltaSession(pipeline, collection, on_page)
    polling = _Poll(session)
    asked = [restart]  # a poll that resumes after a pause does not start over
    began = time.monotonic()
    try:
        result = pipeline.sitting_out(
            lambda: polling.run(first, restart=bool(asked and asked.pop()), asked_at=asked_at)
        )
    except (BusyError, SettingsError):
        raise  # no poll took place
    except ProtimeError as error:
        with suppress(ProtimeError):  # the first error is to be reported
            _keep(session, began, str(error))
        raise
    with suppress(ProtimeError):  # what it brought is committed
        _keep(session, began, None)
    refresh_statistics(pipeline.engine, result.counts.written)
    return result


def _keep(session: DeltaSession, began: float, error: str | None) -> None:
    """Keep how the poll went."""
    result, counts = session.result, session.result.counts
    with session.transaction() as stored:
        forget_old(stored.connection, stored.tenant)
        keep_poll(
            stored,
            time.monotonic() - began,
            initial=result.initial,
            error=error,
            requests=counts.requests,
            rows_read=counts.rows_read,
            inserted=counts.inserted,
            updated=counts.updated,
            deleted=counts.deleted,
            withheld=result.withheld is not None,
        )


class _Poll:
    """One poll, begun again after each pause."""

    def __init__(self, session: DeltaSession) -> None:
        self._session = session
        self._confirmation = Confirmation(session)
        self._identity, self._version = map(session.collection.position, ("id", "change_version"))

    def run(self, first: dt.date | None, *, restart: bool, asked_at: dt.datetime | None) -> PollResult:
        """See `poll`."""
        self._refuse_future(first)
        load = InitialLoad(self._session, first)
        before = self._session.client.requests
        with DeltaLock(self._session.pipeline.engine, self._session.tenant, self._session.path):
            try:
                state = self._session.read()
                if restart and (state is None or asked_at is None or state.started_at < asked_at):
                    self._session.give_up("expired", "asked", "A new initial load was requested.")
                elif first is not None:
                    self._refuse_another_first(first, state)
                while not self._advance_once(load):
                    pass
                self._confirmation.run()
            except ProtimeError as error:
                self._session.record_error(error)
                raise
            finally:
                self._session.result.counts.requests = self._session.client.requests - before
        return self._session.result

    def _refuse_future(self, first: dt.date | None) -> None:
        today = dt.datetime.now(ZoneInfo(self._session.settings.timezone)).date()
        if first is not None and first > today:
            raise SettingsError(
                f"The delta would begin ({first}) after today ({today}) and cover nothing.",
                guidance="Choose an earlier day: the delta brings what changes on that day and later.",
            )

    def _refuse_another_first(self, first: dt.date, state: DeltaState | None) -> None:
        if state is None or state.link is None:
            return
        earliest = earliest_start(self._session.settings, dt.datetime.now(dt.UTC))
        if state.date_from not in {first, max(first, earliest)}:
            raise SettingsError(
                f"The delta ({state.status}) covers {state.date_from} onwards; --from does not change that.",
                guidance=f"Leave it out, or start over: protime-etl changes --from {first} --restart",
            )

    def _advance_once(self, load: InitialLoad) -> bool:
        """Ask once and store what comes; returns whether the poll is over."""
        state = self._session.read()
        self._session.result.date_from = None if state is None else state.date_from
        if state is None or state.link is None:
            load.start(state)
            return False
        try:
            return self._go_on(state, state.link, load)
        except ProtimeError as error:
            if not self._session.is_over(state, error):
                error.guidance = f"{error.guidance} {_outlook(state, error)}".strip()
                raise
            self._session.give_up("broken", "broken", _why_broken(state, error))
            return False

    def _go_on(self, state: DeltaState, link: str, load: InitialLoad) -> bool:
        if state.status == "active":
            return self._take_changes(state, link)
        if _leads_to_changes(link):
            load.compare(state)
            return True
        load.read_page(state, link)
        return False

    def _take_changes(self, state: DeltaState, followed: str) -> bool:
        with self._session.transaction() as stored:
            began = database_clock(stored.connection)
        try:
            page = self._patiently(followed)
        except DeltaExpiredError as error:
            ago = began - (state.requested_at or state.started_at)
            if ago >= deltas.LIFETIME:
                self._session.give_up(
                    "expired", "expired", f"The delta link was not used for 72 hours. {error.message}"
                )
            else:
                self._displaced("expired", f"Its link is refused {_in_words(ago)} after the last good request", error)
            return False
        except PagingConflictError as error:
            self._displaced("conflicted", "Its link is refused", error)
            return False
        link = page.delta_link or page.next_link
        if not link:
            raise ProtocolError("An answer of the delta has no deltaLink.", guidance="The old one is kept.")
        self._session.guard(page, link, of_changes=True)
        if not page.delta_link and self._session.result.pages >= MAX_PAGES:
            raise ProtocolError(f"The changes have no end: {MAX_PAGES} pages in one poll.")
        if page.rows or page.rejected or page.deletions:
            self._store_changes(state, page, link, began)
        else:
            with self._session.transaction() as stored:
                self._advance(stored, state, link, began, changed=False)
            self._session.count(Counts(), 0)
        return bool(page.delta_link)

    def _displaced(self, how: Literal["expired", "conflicted"], seen: str, error: ProtimeError) -> None:
        """Give up a delta that ended before its time: once that means a new load, the second time in a row a rest.

        Raises:
            DeltaBrokenError: its first link was refused twice in a row; each new load would end the delta elsewhere.
        """
        why = (
            f"{seen}: did another program start a delta with the same client, such as another warehouse?"
            " Only one can be active at a time."
        )
        with self._session.transaction() as stored:
            loads = deltas.loads_in_a_row(stored)
        if loads < MAX_DISPLACED:
            self._session.give_up(how, how, f"{why} {error.message}")
            return
        message = f"The delta of {self._session.path} was ended {MAX_DISPLACED} times in a row. {why}"
        self._session.rest(f"{message} {error.message}")
        raise DeltaBrokenError(
            message,
            guidance="Give each warehouse a client of its own, then: protime-etl changes --restart. Until then the"
            f" nightly run brings the changes, and no new load starts before {REST.days} day has passed.",
        )

    def _patiently(self, link: str) -> Page:
        """Ask for changes; a 409 is documented and not explained, so it gets a few tries."""
        retrying = Retrying(
            retry=retry_if_exception_type(PagingConflictError),
            wait=_conflict_wait,
            stop=stop_after_attempt(CONFLICT_ATTEMPTS),
            reraise=True,
        )
        return retrying(lambda: self._session.client.delta_changes(self._session.collection, link))

    def _store_changes(self, state: DeltaState, page: Page, link: str, began: dt.datetime) -> None:
        with self._session.transaction() as stored:
            lock_merges_shared(stored.connection, stored.tenant)
            load = DeltaLoad(stored, began)
            load.stage([page])
            self._session.drop_deleted(stored, load, page.deletions)
            load.merge()
            self._session.keep_older(stored, load)
            load.note_written()
            reported = unresolved_deletions(stored, page.deletions) if page.deletions else {}
            keep_unconfirmed(stored, "delta", reported)
            load.counts.rows_read += len(page.deletions)
            load.counts.unchanged += len(page.deletions) - len(reported)
            reported_versions = dict(page.deletions)
            for row in page.rows:
                reported_versions[row[self._identity]] = max(
                    row[self._version], reported_versions.get(row[self._identity], "")
                )
            clear_drift(stored, reported_versions)
            self._advance(stored, state, link, began, changed=True)
        self._session.count(load.counts, load.counts.rows_read)

    def _advance(self, stored: Stored, state: DeltaState, link: str, began: dt.datetime, *, changed: bool) -> None:
        deltas.advance(stored, state, link, status="active", requested_at=began, changed=changed)


def _in_words(time: dt.timedelta) -> str:
    minutes = round(time.total_seconds() / 60)
    return counted(minutes, "minute") if minutes < 120 else counted(round(minutes / 60), "hour")


def _why_broken(state: DeltaState, error: ProtimeError) -> str:
    kind = failure_kind(error)
    if kind == "too large":
        return f"No poll can read what has changed: it is loaded page by page. {error.message}"
    failed = state.outages if kind == "outage" else state.failures
    others = ", while the API answers other requests" if kind == "outage" else ""
    return f"{failed + 1} polls in a row have failed{others}. {error.message}"


def _outlook(state: DeltaState, error: ProtimeError) -> str:
    """What becomes of a delta whose poll has failed so."""
    if failure_kind(error) != "answer":
        return ""
    return (
        f"Failed poll {state.failures + 1} in a row; after {MAX_FAILURES} a new initial load starts by itself."
        " To start it now: protime-etl changes --restart"
    )


def _leads_to_changes(link: str) -> bool:
    return urlsplit(link).path.startswith(f"{API_PATH}/delta/")
