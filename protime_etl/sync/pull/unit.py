"""One pull: the pages of a unit become rows, the rows become the table, in one transaction."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Container, Iterator, Sequence
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from typing import Literal

from protime_etl.collections.page import Page
from protime_etl.collections.registry import COLLECTIONS
from protime_etl.errors import BusyError, DeletionsWithheldError, IncompleteError, ProtimeError, RateLimited
from protime_etl.postgres.book.coverage import enter_read, forget_rejected, lock_coverage, try_lock_coverage
from protime_etl.postgres.book.wrong import Wrong, enter_right, enter_wrong, enter_wrong_rows, held_back, slices_of
from protime_etl.postgres.ledger import runs as ledger
from protime_etl.postgres.ledger.collection_state import learn_page_size
from protime_etl.postgres.ledger.deltas import load_started_since
from protime_etl.postgres.ledger.people import known_people
from protime_etl.postgres.load.direct_copy import CollisionError, DirectLoad, may_copy
from protime_etl.postgres.load.drift import note_drift
from protime_etl.postgres.load.merge import Load
from protime_etl.postgres.server.clock import database_clock
from protime_etl.postgres.server.plans import refresh_statistics
from protime_etl.postgres.server.stored import Stored
from protime_etl.postgres.shared.locks import lock_merges_shared, mark_under_way
from protime_etl.protime.client import ProtimeClient
from protime_etl.sync.pipeline import Pipeline
from protime_etl.sync.plan.days import last_finished_day
from protime_etl.sync.pull.failing import Effort, fail_unit
from protime_etl.sync.read.pages import restarting
from protime_etl.sync.read.reading import Reading
from protime_etl.sync.read.recheck import ask, older_error, portions
from protime_etl.work import EVERYONE, Counts, Unit

__all__ = ["OnPage", "OnStage", "Stage", "pull_unit"]

TRIES_OF_PART = 3
RESTARTED_TOO_OFTEN = "Initial loads of the delta kept starting while the unit was read. It can be read again."
MOST_IN_CIRCLES = 10_000

OnPage = Callable[[int], None]
"""Called with the number of records of each page."""
Stage = Literal["reading", "comparing", "storing"]
OnStage = Callable[[Stage], None]
"""Called when a pull goes on to the next stage of its unit."""


def pull_unit(
    pipeline: Pipeline,
    unit: Unit,
    client: ProtimeClient | None = None,
    *,
    on_page: OnPage = lambda _: None,
    on_stage: OnStage = lambda _: None,
    cut_days: bool = False,
    after_wait: int = 0,
) -> Counts:
    """Pull one unit whole or not at all; see `UnitPull`. A table that grew eightfold is analysed."""
    pull = UnitPull(
        pipeline,
        client or pipeline.client,
        unit,
        on_page=on_page,
        on_stage=on_stage,
        cut_days=cut_days,
        after_wait=after_wait,
    )
    counts = pull.run()
    # Often enough while a long run goes on; at its end it is done for good.
    refresh_statistics(pipeline.engine, counts.written, growth=8)
    return counts


@dataclass
class _Found:
    """What an attempt found: what it has merged, and what is still to be asked for or to be entered."""

    counts: Counts
    reading: Reading
    missing: int
    """How many records the table had of the unit that its pages lacked."""
    gone: list[int]
    """Those of them that the tenant does not have."""
    undecided: list[int]
    """Those of which that is not known yet."""
    read_at: dt.datetime
    changed: list[tuple[int | None, dt.date]] | None = None
    """Whose days differed; all others it has proven. None: not known."""
    vanished: int = 0
    """Records that were marked as deleted."""
    withheld: DeletionsWithheldError | None = None
    held_back: list[int] = field(default_factory=list)
    """Records that are gone and stay, as it is too many at once."""
    older: set[int] = field(default_factory=set)
    """Records that the tenant has in an older version than is stored."""
    older_days: set[tuple[int | None, dt.date]] = field(default_factory=set)
    """Whose days they are on; None is all people."""
    incomplete: IncompleteError | None = None
    """What to report of a unit that is finished."""


class UnitPull:
    """The pull of one unit: its rows, its coverage and its entry in the ledger are committed together."""

    def __init__(
        self,
        pipeline: Pipeline,
        client: ProtimeClient,
        unit: Unit,
        *,
        on_page: OnPage = lambda _: None,
        on_stage: OnStage = lambda _: None,
        cut_days: bool = False,
        after_wait: int = 0,
    ) -> None:
        ledger.require_tenant(pipeline.tenant, unit.tenant, f"Unit {unit.unit_id}")
        self._pipeline = pipeline
        self._client = client
        self._unit = unit
        self._collection = COLLECTIONS[unit.collection]
        self._by_people = self._collection.by_people
        self._on_page = on_page
        self._on_stage = on_stage
        self._cut_days = cut_days
        self._after_wait = after_wait
        self._reading: Reading | None = None
        """That of the last attempt."""
        self._is_first_attempt = True
        self._requests_before = client.requests
        self._began = time.monotonic()

    def run(self) -> Counts:
        """Pull it.

        A paging token that dies restarts the unit from its first page; a URI that is too long splits its batch in two.

        Raises:
            SettingsError: it is a unit of another tenant.
            UnitCutError: it could not be read whole; its parts are in the ledger.
            DeletionsWithheldError, OlderVersionsError: it is committed, but for what vanished, or went back.
            ProtimeError: a subclass says what went wrong; the table is as it was, the ledger says why, and the unit is
                not covered any more if it was, so that what is missing can be read again.
        """
        tries = TRIES_OF_PART if self._unit.part_of is not None else None
        # One that has to wait is cut instead.
        with self._client.trying(tries, with_wait=1 if self._after_wait else None):
            try:
                found = restarting(self._attempt)
                if found.undecided:
                    self._settle(found)
            except (ProtimeError, CollisionError) as raised:
                error = raised if isinstance(raised, ProtimeError) else BusyError(RESTARTED_TOO_OFTEN)
                reading = self._reading
                effort = Effort(
                    reading.number_of_pages if reading else 0,
                    reading.largest_page if reading else 1,
                    self._client.requests - self._requests_before,
                    self._began,
                )
                fail_unit(
                    self._pipeline,
                    self._client,
                    self._unit,
                    error,
                    effort,
                    cut_days=self._cut_days,
                    after_wait=self._after_wait,
                )
        if found.incomplete is not None:
            found.incomplete.done = found.counts.as_dict()
            raise found.incomplete
        return found.counts

    @contextmanager
    def _transaction(self) -> Iterator[Stored]:
        with self._pipeline.transaction() as connection:
            mark_under_way(connection, self._unit.unit_id)
            yield self._pipeline.stored(connection, self._collection)

    def _attempt(self) -> _Found:
        with self._transaction() as stored:
            reading = self._reading = self._new_reading(stored)
            load = self._new_load(stored)
            self._on_stage("reading")
            self._stage(reading, load)
            self._on_stage("comparing")
            lock_merges_shared(stored.connection, stored.tenant)
            if load_started_since(stored, load.began):
                raise CollisionError
            # Of circles, and of an answer that holds more than was asked for, only now it is known whose records came.
            locked = load.people().union(self._unit.person_ids)
            lock_coverage(stored, locked)
            found = self._recheck(stored, reading, load, locked)
            # Of those that are undecided it is not known yet whether they are too many.
            vanished = self._may_vanish(stored, found, found.gone, len(found.undecided))
            self._on_stage("storing")
            load.merge(vanished)
            self._take_older(found, load, reading.confirm_older(load.older), self._own | locked)
            found.vanished = len(vanished)
            found.changed = load.in_question
            # What is not finished yet is entered below, or not at all.
            load.note_written((self._unit.first, self._unit.last), () if found.undecided else self._own)
            found.counts = load.counts
            if found.counts.written:
                note_drift(stored, vanished)
            if not found.undecided:
                self._finish(stored, found)
            return found

    def _new_reading(self, stored: Stored) -> Reading:
        unit, people = self._unit, 0
        if not (self._by_people and unit.person_ids):
            people = max(MOST_IN_CIRCLES, len(known_people(stored.connection, stored.tenant)))
        return Reading(
            self._client,
            self._collection,
            unit.slice,
            f"{unit.collection} of {unit.place}",
            circles=unit.circles,
            at_most_people=people,
            on_page=self._on_page,
        )

    def _new_load(self, stored: Stored) -> Load:
        # A second attempt goes the ordinary way: what was copied in vain stays as dead rows.
        is_first, self._is_first_attempt = self._is_first_attempt, False
        if not is_first or not may_copy(stored, self._unit):
            return Load(stored, read=self._unit.slice)
        load = DirectLoad(stored)
        load.locked_people = frozenset(self._unit.person_ids)
        return load

    def _stage(self, reading: Reading, load: Load) -> None:
        direct = isinstance(load, DirectLoad)
        try:
            with (
                self._client.holding_locks() if direct else nullcontext(),
                closing(reading.pages()) as pages,
            ):
                load.stage(pages)
        except RateLimited as error:
            if not (direct and error.retry_after and error.retry_after <= self._client.max_wait):
                raise
            # Coverage is locked: the pause is sat out without, and the unit read in the ordinary way.
            raise CollisionError from None

    def _recheck(self, stored: Stored, reading: Reading, load: Load, locked: set[int]) -> _Found:
        """Judge what was staged in doubt, and what was not and is in the table."""
        missing = load.missing_from_pull()
        in_doubt = load.unconfirmed()
        reading.put_in_question({*missing, *in_doubt})
        load.drop(reading.gone_among(in_doubt))
        gone, there, undecided = reading.judge(missing)
        at_hand, later = self._lock_owners(stored, there, locked)
        load.stage(at_hand)
        return _Found(
            load.counts,
            reading,
            len(missing),
            gone,
            sorted(later.union(undecided)),
            load.began,
        )

    def _take_older(self, found: _Found, load: Load, confirmed: Sequence[int], locked: Container[int | None]) -> None:
        """Take over the records that the tenant has in an older version than is stored, or note their days.

        Days of people whose coverage is not locked are noted when these are read.
        """
        if self._pipeline.accepts_older:
            load.accept(confirmed)
        elif confirmed:
            found.older.update(confirmed)
            found.older_days.update(cell for cell in load.cells_of(confirmed) if cell[0] in locked)

    def _lock_owners(self, stored: Stored, there: Sequence[Page], locked: set[int]) -> tuple[Sequence[Page], set[int]]:
        """Lock whose the records are that have moved elsewhere; those that another process is at come in later.

        The order of the ids is broken here, so nothing is waited for.
        """
        elsewhere = self._owners(there) - locked
        if not elsewhere or try_lock_coverage(stored, elsewhere):
            return there, set()
        identity, person = map(self._collection.position, ("id", "person_id"))
        later = {row[identity] for page in there for row in page.rows if row[person] in elsewhere}
        return [replace(page, rows=[row for row in page.rows if row[person] not in elsewhere]) for page in there], later

    def _owners(self, there: Sequence[Page]) -> set[int]:
        """Whose records these are; all people as one where the collection is not read by people."""
        if not self._by_people:
            return {EVERYONE} if there else set()
        person = self._collection.position("person_id")
        return {row[person] for page in there for row in page.rows}

    @property
    def _own(self) -> frozenset[int | None]:
        """Whose days the unit enters itself; None is all people."""
        return frozenset(self._unit.person_ids) if self._by_people else frozenset({None, EVERYONE})

    def _may_vanish(self, stored: Stored, found: _Found, gone: Sequence[int], undecided: int = 0) -> list[int]:
        """Which of the records that are gone are marked: all, or those that are not too many.

        Counted in the whole run. What was held back before stays so, however few it is, until it is accepted.
        """
        limit = self._pipeline.deletion_limit
        found.withheld, found.held_back = None, []  # while some were undecided, they may have been too many
        if limit.accepted or not (gone or undecided):
            return list(gone)
        before = set(held_back(stored, gone))
        marked, read = ledger.vanished_in_run(stored.connection, self._unit)
        vanished, scope = marked + len(gone) - len(before) + undecided, read + found.reading.records + found.missing
        found.held_back = list(gone) if limit.is_exceeded(vanished, scope) else [one for one in gone if one in before]
        if found.held_back or limit.is_exceeded(vanished, scope):
            what = f"{self._unit.collection} of {self._unit.place}"
            found.withheld = limit.error(max(vanished, len(found.held_back)), scope, what)
        return [one for one in gone if one not in before] if len(found.held_back) < len(gone) else []

    def _not_held_back(self, stored: Stored, found: _Found, gone: Sequence[int]) -> list[int]:
        """Those that were not held back before, or all of them once that is accepted."""
        limit = self._pipeline.deletion_limit
        before = [] if limit.accepted else held_back(stored, gone)
        if before:
            found.held_back += before
            what = f"{self._unit.collection} of {self._unit.place}"
            found.withheld = limit.error(len(found.held_back), found.reading.records + found.missing, what)
        return [one for one in gone if one not in {*before}]

    def _finish(self, stored: Stored, found: _Found) -> None:
        unit, counts = self._unit, found.counts
        if found.reading.number_of_pages > 1:  # a single one need not be full
            learn_page_size(stored, found.reading.largest_page)
        counts.requests = self._client.requests - self._requests_before
        over = last_finished_day(self._pipeline.settings, found.read_at)
        enter_read(stored, unit.slice, over, found.changed, written=counts.written > 0)
        enter_right(stored, unit.slice)
        forget_rejected(stored, unit.slice, found.read_at)
        older = older_error(len(found.older), f"{unit.collection} of {unit.place}") if found.older else None
        if older is not None:
            lost = slices_of(unit.collection, [*found.older_days])
            enter_wrong(stored.connection, stored.tenant, Wrong("older", older.message, unit.run_id), lost)
        if found.withheld is not None:
            reason = Wrong("withheld", found.withheld.message, unit.run_id)
            enter_wrong_rows(stored, found.held_back, reason)
        found.incomplete = found.withheld or older
        ledger.finish_unit(
            stored.connection,
            unit.unit_id,
            counts,
            time.monotonic() - self._began,
            str(found.incomplete) if found.incomplete else None,
            incomplete=found.incomplete is not None,
            vanished=found.vanished,
        )

    def _settle(self, found: _Found) -> None:
        """Ask for those that are undecided by their ids, in portions each of which is committed, and finish."""
        number_is_known = found.withheld is None
        gone = list(found.gone) if not number_is_known else []
        with self._transaction() as stored:
            began = database_clock(stored.connection)
        left = [*portions(found.undecided)]
        while left:
            with self._transaction() as stored:
                asked = database_clock(stored.connection)
            there = ask(self._client, self._collection, left[0])
            with self._transaction() as stored:
                lock_merges_shared(stored.connection, stored.tenant)
                if load_started_since(stored, asked):
                    continue
                del left[0]
                gone += there.gone
                marked = self._not_held_back(stored, found, there.gone) if number_is_known else []
                self._merge(stored, found, there.found, marked, asked)
        with self._transaction() as stored:
            lock_merges_shared(stored.connection, stored.tenant)
            if not number_is_known:
                marked = self._may_vanish(stored, found, gone)
                self._merge(stored, found, [], marked, began)
            # Others may have written the same days between these transactions: nothing is proven.
            found.changed = None
            people = {person for person, _ in found.older_days if person is not None}
            lock_coverage(stored, people.union(self._unit.person_ids))
            self._finish(stored, found)

    def _merge(
        self, stored: Stored, found: _Found, there: Sequence[Page], marked: Sequence[int], asked: dt.datetime
    ) -> None:
        """Merge what was asked for by id, and mark what is gone; the caller holds the lock of merges."""
        owners = self._owners(there).union(self._unit.person_ids)
        lock_coverage(stored, owners)
        load = Load(stored, asked)
        load.stage(there)
        load.merge(marked)
        self._take_older(found, load, [*load.older], owners | {None})  # each was asked for by its id
        load.note_written((self._unit.first, self._unit.last))
        if load.counts.written:
            note_drift(stored, marked)
        found.vanished += len(marked)
        found.counts += load.counts
