"""What a delta calls deleted, or an initial load never met, is asked for by id before it counts as deleted.

A `Delete` may stand for a record that left the days of the delta, and so may a record that a load did not meet. A few
are asked for one by one. Of many, a sample speaks for the rest if all of it is gone; otherwise all are asked for, in
portions each of which is committed. Too many at once wait until they are accepted (see `deletion_limit`).

Of records that came in an older version than is stored a sample is asked for, too. If that confirms it, their days are
wrong until a reading takes them over.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from protime_etl.collections.page import Page
from protime_etl.errors import (
    ApiError,
    DeletionsWithheldError,
    ForbiddenError,
    ProtimeError,
    ProtocolError,
    RateLimited,
    UnauthorizedError,
)
from protime_etl.postgres.book.wrong import Wrong, enter_wrong_rows
from protime_etl.postgres.ledger.delta_unconfirmed import (
    DELETIONS,
    Unconfirmed,
    live_among,
    live_rows,
    settle,
    unconfirmed,
    withheld,
    withhold,
)
from protime_etl.postgres.load.delta_load import DeltaLoad, unresolved_deletions
from protime_etl.postgres.load.drift import clear_drift
from protime_etl.postgres.server.clock import database_clock
from protime_etl.postgres.server.stored import Stored
from protime_etl.postgres.shared.locks import lock_merges_exclusive, lock_merges_shared
from protime_etl.sync.deletion_limit import SHARE
from protime_etl.sync.delta.session import DeltaSession
from protime_etl.sync.read.recheck import PORTION, SAMPLE, older_error, portions, same_version, sample_of
from protime_etl.work import Counts

__all__ = ["Confirmation"]

log = logging.getLogger(__name__)
MAX_UNANSWERED_IN_A_ROW = 3


@dataclass
class _Asked:
    """What asking for records gave."""

    asked_at: dt.datetime
    gone: list[Unconfirmed] = field(default_factory=list)
    found: list[Page] = field(default_factory=list)
    found_ids: list[int] = field(default_factory=list)
    unanswered: int = 0

    @property
    def in_vain(self) -> bool:
        """Whether only a part was asked for, as the API gives no answers."""
        return self.unanswered >= MAX_UNANSWERED_IN_A_ROW


class Confirmation:
    """Settles what is unconfirmed, at the end of a poll."""

    def __init__(self, session: DeltaSession) -> None:
        self._session = session
        self._limit = session.pipeline.deletion_limit

    def run(self) -> None:
        """Ask for what is unconfirmed, and store what that gives.

        Raises:
            ProtimeError: the API cannot be asked; what it returned before is stored.
        """
        waiting = self._waiting()
        self._in_portions([one for one in waiting if one.reason == "doubtful"])
        self._look_at_older({one.id: one for one in waiting if one.reason == "older"})
        deletions = [one for one in waiting if one.reason in DELETIONS]
        if not self._withholds(deletions):
            self._confirm(deletions)

    def _confirm(self, deletions: Sequence[Unconfirmed]) -> None:
        if len(deletions) <= PORTION:
            self._in_portions(deletions)
            return
        chosen = {*sample_of(one.id for one in deletions)}
        sample = [one for one in deletions if one.id in chosen]
        asked = self._ask(sample)
        if len(asked.gone) == SAMPLE:
            asked.gone = list(deletions)
        self._store(asked)
        known = {one.id for one in (*sample, *asked.gone)}
        if not asked.in_vain:
            self._in_portions([one for one in deletions if one.id not in known])

    def _look_at_older(self, older: Mapping[int, Unconfirmed]) -> None:
        """Enter the days of records that the tenant has in an older version than is stored, if a sample confirms it."""
        if not older:
            return
        sample = sample_of(older)
        asked = self._ask([older[one] for one in sample])
        self._store(asked)
        if asked.in_vain:
            return
        versions = {one.id: one.version for one in older.values()}
        same = same_version(self._session.collection, versions, asked.found)
        confirmed = sorted(older) if len(same) == len(sample) else same
        with self._session.transaction() as stored:
            if confirmed:
                error = older_error(len(confirmed), self._session.path)
                enter_wrong_rows(stored, confirmed, Wrong("older", error.message))
                self._session.result.older = error
            settle(stored, list(older))

    def _waiting(self) -> list[Unconfirmed]:
        """What is still to be confirmed; what came to be known meanwhile is taken out."""
        with self._session.transaction() as stored:
            waiting = unconfirmed(stored, accepted=self._limit.accepted)
            versions = {one.id: one.version for one in waiting if one.reason in DELETIONS}
            if not versions:
                return waiting
            left = unresolved_deletions(stored, versions)
            self._settle(stored, [one for one in versions if one not in left])
            return [one for one in waiting if one.reason not in DELETIONS or one.id in left]

    def _settle(self, stored: Stored, ids: Sequence[int]) -> None:
        """Take out what is known now; a pull that wrote it before was only faster: the delta has brought it."""
        settle(stored, ids)
        clear_drift(stored, dict.fromkeys(ids, ""))

    def _withholds(self, deletions: Sequence[Unconfirmed]) -> bool:
        """Whether they are too many at once; these, and those before them, wait until they are accepted."""
        ids = [one.id for one in deletions]
        with self._session.transaction() as stored:
            before = withheld(stored)
            self._session.result.withheld = (
                _waits(before, self._session.path) if before and not self._limit.accepted else None
            )
            vanished = live_among(stored, ids) if ids else 0
            first = self._session.result.date_from
            if first is None or not self._limit.is_exceeded(vanished, 0):
                return False
            # Counted no further than it takes to know that these are few of them.
            if not self._limit.is_exceeded(vanished, live_rows(stored, first, SHARE * (vanished + 1))):
                return False
            scope = live_rows(stored, first)
            withhold(stored, ids)
        self._session.result.withheld = self._limit.error(vanished, scope, f"{self._session.path} since {first}")
        return True

    def _in_portions(self, records: Sequence[Unconfirmed]) -> None:
        by_id = {one.id: one for one in records}
        for portion in portions(list(by_id)):
            asked = self._ask([by_id[one] for one in portion])
            self._store(asked)
            if asked.in_vain:
                return

    def _ask(self, records: Sequence[Unconfirmed]) -> _Asked:
        """Ask for records one by one; what a failure leaves unasked stays for the next poll."""
        with self._session.transaction() as stored:
            asked = _Asked(database_clock(stored.connection))
        for one in records:
            try:
                page = self._session.client.record(self._session.collection, one.id)
            except ProtimeError as error:
                if not _is_about_the_record(error):
                    self._store(asked)
                    raise
                asked.unanswered += 1
                self._session.result.unconfirmed += 1
                log.warning(
                    "Record %s of %s cannot be requested and stays as it is. %s",
                    one.id,
                    self._session.path,
                    error.message,
                )
                if asked.in_vain:
                    break
                continue
            if page is None:
                asked.gone.append(one)
            else:
                asked.found.append(page)
                asked.found_ids.append(one.id)
        return asked

    def _store(self, asked: _Asked) -> None:
        """Mark what is gone, store what is there, and take both out."""
        if not asked.gone and not asked.found:
            return
        versions = {one.id: one.version for one in asked.gone if one.reason == "delta"}
        vanished = [one.id for one in asked.gone if one.reason == "vanished"]
        with self._session.transaction() as stored:
            (lock_merges_exclusive if versions else lock_merges_shared)(stored.connection, stored.tenant)
            load = DeltaLoad(stored, asked.asked_at)
            load.stage(asked.found)
            load.lock_people(dict.fromkeys((*versions, *vanished), ""))
            in_doubt = load.unconfirmed()  # gone after it was asked for: another poll asks again
            load.drop(in_doubt)
            load.merge(vanished)
            load.delete(versions)
            load.note_written()
            settled = [one for one in (*asked.found_ids, *(gone.id for gone in asked.gone)) if one not in in_doubt]
            self._settle(stored, settled)
        counts = load.counts
        self._session.result.counts += Counts(
            inserted=counts.inserted, updated=counts.updated, deleted=counts.deleted, rejected=counts.rejected
        )


def _is_about_the_record(error: ProtimeError) -> bool:
    """Whether the API may say this of one record alone: it is asked for again in the next poll, and stops no other."""
    if isinstance(error, ApiError):
        refused = isinstance(error, (RateLimited, UnauthorizedError, ForbiddenError))
        return not refused and error.retry_after is None
    return isinstance(error, ProtocolError)


def _waits(number: int, collection: str) -> DeletionsWithheldError:
    return DeletionsWithheldError(
        f"{number} deletions of {collection} are held back, as too many vanished at once.",
        guidance="If they really were deleted: protime-etl changes --accept-deletions (in Airflow: accept_deletions)."
        " If not, once the tenant shows them again: protime-etl changes --restart",
    )
