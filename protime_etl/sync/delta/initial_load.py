"""The initial load of a delta: page by page, each committed with the link to the next, and a comparison at the end.

https://documentation.myprotime.eu/protimeapi/how-to/track-changes-with-delta/
"""

from __future__ import annotations

import datetime as dt

from protime_etl.collections.page import Page
from protime_etl.errors import DeltaBrokenError, DeltaExpiredError, PagingConflictError, ProtocolError
from protime_etl.postgres.ledger import deltas
from protime_etl.postgres.ledger.delta_seen import forget_seen, keep_seen, unseen
from protime_etl.postgres.ledger.delta_unconfirmed import keep_unconfirmed, settle_met
from protime_etl.postgres.ledger.deltas import DeltaState
from protime_etl.postgres.ledger.people import known_people
from protime_etl.postgres.ledger.sources import register_source
from protime_etl.postgres.load.delta_load import DeltaLoad
from protime_etl.postgres.server.clock import database_clock
from protime_etl.postgres.server.stored import Stored
from protime_etl.postgres.shared.locks import lock_merges_exclusive, lock_merges_shared
from protime_etl.protime.filters import dates
from protime_etl.sync.delta.failures import MAX_LOADS, REST
from protime_etl.sync.delta.session import DeltaSession, earliest_start
from protime_etl.sync.read.bounds import most_clockings

__all__ = ["InitialLoad"]

# Where a delta is all that is read, no people are known; and days to come may have clockings, planned ones.
LEAST_PEOPLE = 1_000
DAYS_AHEAD = 366


class InitialLoad:
    """Loads all records from a first day on; `first` is moved to the earliest day that the API allows."""

    def __init__(self, session: DeltaSession, first: dt.date | None) -> None:
        self._session = session
        self._first = first

    def start(self, before: DeltaState | None) -> None:
        """Begin an initial load; the old state stays until the first page is here.

        Raises:
            DeltaBrokenError: too many in a row came to no end, the last one less than a day ago.
        """
        self._session.result.initial = True
        self._session.start_over()
        with self._session.transaction() as stored:
            # Not with the page, whose transaction may have to wait for a pull: no other process need wait for that.
            register_source(stored.connection, self._session.settings)
            began = database_clock(stored.connection)
        _refuse_too_many(self._session.path, before, began)
        earliest = earliest_start(self._session.settings, began)
        # One that begins by itself keeps the first day that was chosen for the delta before it.
        chosen = None if before is None or self._session.result.restarted == "asked" else before.date_from
        first = max(self._first or chosen or earliest, earliest)
        page = self._session.client.start_delta(self._session.collection, dates.ge(first))
        with self._session.transaction() as stored:
            # A pull that read before the delta began to watch has merged by now, and the load asks for what it does not
            # meet of it; or it merges later, sees this load, and reads again.
            lock_merges_exclusive(stored.connection, self._session.tenant)
            started = database_clock(stored.connection)
            deltas.begin(stored, first, started)
            self._store_page(stored, page, None, began, started)

    def read_page(self, state: DeltaState, followed: str) -> None:
        """Read and store the next page; one that has become stale starts the load over, once in a poll."""
        self._session.result.initial = True
        with self._session.transaction() as stored:
            began = database_clock(stored.connection)
        try:
            page = self._session.client.continue_delta(self._session.collection, followed)
        except (PagingConflictError, DeltaExpiredError) as error:
            if self._session.result.restarted:
                raise
            self._session.give_up("broken", "loading", f"The load cannot continue and starts over. {error.message}")
            return
        with self._session.transaction() as stored:
            self._store_page(stored, page, state, began, state.started_at)

    def _store_page(
        self, stored: Stored, page: Page, followed: DeltaState | None, began: dt.datetime, started: dt.datetime
    ) -> None:
        link = page.next_link or page.delta_link
        if not link:
            raise ProtocolError("A page of an initial load has neither nextLink nor deltaLink.")
        self._session.guard(page, link, of_changes=not page.next_link)
        if followed is not None:
            self._refuse_more_than_there_can_be(stored, followed, began)
        lock_merges_shared(stored.connection, stored.tenant)
        load = DeltaLoad(stored, began)
        load.stage([page])
        self._session.drop_deleted(stored, load, ())
        load.merge()
        self._session.keep_older(stored, load)
        load.note_written()
        rejected = [one.record_id for one in page.rejected if one.record_id is not None]
        keep_seen(stored, started, rejected)
        deltas.advance(
            stored,
            followed,
            link,
            status="loading",
            requested_at=began,
            changed=True,
            loaded=len(page.rows) + len(page.rejected),
            unreadable=len(page.rejected) - len(rejected),
        )
        self._session.count(load.counts, len(page.rows) + len(page.rejected))

    def _refuse_more_than_there_can_be(self, stored: Stored, followed: DeltaState, began: dt.datetime) -> None:
        days = (began.date() - followed.date_from).days + DAYS_AHEAD
        if followed.initial_rows <= most_clockings(LEAST_PEOPLE, days):
            return
        most = most_clockings(len(known_people(stored.connection, stored.tenant)), days)
        if followed.initial_rows > most:
            raise ProtocolError(f"The pages of the initial load have no end: more than {most} records came.")

    def compare(self, state: DeltaState) -> None:
        """End the load; what it never met is to be asked for, as it may have been deleted while no delta watched."""
        self._session.result.initial = True
        with self._session.transaction() as stored:
            requested = state.requested_at or database_clock(stored.connection)
            if not state.unreadable:
                missing = unseen(stored, state.started_at, state.date_from)
                settle_met(stored, state.date_from, missing)
                keep_unconfirmed(stored, "vanished", dict.fromkeys(missing, ""))
            forget_seen(stored)
            deltas.advance(stored, state, state.link or "", status="active", requested_at=requested)


def _refuse_too_many(collection: str, before: DeltaState | None, now: dt.datetime) -> None:
    if before is None or before.loads < MAX_LOADS or now >= before.started_at + REST:
        return
    raise DeltaBrokenError(
        f"No new initial load of the delta of {collection} starts yet, after several in a row. {before.error or ''}",
        guidance=f"The next starts after {before.started_at + REST:%Y-%m-%d %H:%M} UTC, or at once with:"
        " protime-etl changes --restart. Until then the nightly run brings the changes.",
    )
