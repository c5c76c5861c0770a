"""One pull: the pages of a unit become rows, the rows become the table, in one transaction."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Container, Generator, Iterator, Sequence
from contextlib import closing, contextmanager, nullcontext
from dataclasses import replace
from functools import cache
from typing import Literal

from sqlalchemy.engine import Connection

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
from protime_etl.postgres.shared.locks import lock_merges_shared, mark_under_way
from protime_etl.protime.client import ProtimeClient
from protime_etl.sync.pipeline import Pipeline
from protime_etl.sync.plan.days import last_settled_day
from protime_etl.sync.plan.slices import slice_filter
from protime_etl.sync.pull.failing import Effort, fail_unit
from protime_etl.sync.read.bounds import most_clockings
from protime_etl.sync.read.pages import Reading, restarting, split_by_uri
from protime_etl.sync.read.recheck import absent_from, ask, confirm_older, judge, older_error, portions
from protime_etl.work import EVERYONE, Counts, Scope, Unit

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
        self._tenant = pipeline.tenant
        self._client = client
        self._unit = unit
        self._collection = COLLECTIONS[unit.collection]
        self._identity = self._collection.position("id")
        self._by_people = self._collection.by_people
        self._on_page = on_page
        self._on_stage = on_stage
        self._cut_days = cut_days
        self._after_wait = after_wait
        self._scope = Scope(unit.person_ids if self._by_people else None, unit.first, unit.last)
        # A second attempt goes the ordinary way: what was copied in vain stays as dead rows.
        self._kinds = iter([DirectLoad])
        self._requests_before = client.requests
        self._began = time.monotonic()
        self._pages = self._records = 0
        self._largest_page = 1
        self._locked: set[int] = set()
        """Whose coverage this attempt holds."""
        self._people_count = 0
        """Who may be in the circles of the unit."""
        self._missing = 0
        self._gone: list[int] = []
        self._undecided: list[int] = []
        self._changed: list[tuple[int | None, dt.date]] | None = []
        """Whose days differed; all others it has proven. None: not known."""
        self._withheld: DeletionsWithheldError | None = None
        self._incomplete: IncompleteError | None = None
        self._held_back: list[int] = []
        """Records that are gone and stay, as it is too many at once."""
        self._vanished = 0
        self._older: set[int] = set()
        """Records that the tenant has in an older version than is stored."""
        self._older_days: set[tuple[int | None, dt.date]] = set()
        """Whose days they are on; None is all people."""

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
        tries = self._client.tries
        if self._unit.part_of is not None:
            self._client.tries = TRIES_OF_PART
        self._client.tries_with_wait = 1 if self._after_wait else None  # it is cut instead
        try:
            counts = restarting(self._attempt)
            if self._undecided:
                counts = self._settle(counts)
        except (ProtimeError, CollisionError) as raised:
            error = raised if isinstance(raised, ProtimeError) else BusyError(RESTARTED_TOO_OFTEN)
            effort = Effort(self._pages, self._largest_page, self._client.requests - self._requests_before, self._began)
            fail_unit(
                self._pipeline,
                self._client,
                self._unit,
                error,
                effort,
                cut_days=self._cut_days,
                after_wait=self._after_wait,
            )
        finally:
            self._client.tries = tries
            self._client.tries_with_wait = None
        if self._incomplete is not None:
            self._incomplete.done = counts.as_dict()
            raise self._incomplete
        return counts

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        with self._pipeline.transaction() as connection:
            mark_under_way(connection, self._unit.unit_id)
            yield connection

    def _attempt(self) -> Counts:
        with self._transaction() as connection:
            self._pages = self._records = 0
            if not (self._by_people and self._unit.person_ids):
                self._people_count = max(MOST_IN_CIRCLES, len(known_people(connection, self._tenant)))
            load = self._new_load(connection)
            self._read_at = load.began
            self._on_stage("reading")
            self._stage(load)
            self._on_stage("comparing")
            lock_merges_shared(connection, self._tenant)
            if load_started_since(connection, self._tenant, self._unit.collection, load.began):
                raise CollisionError
            # Of circles, and of an answer that holds more than was asked for, only now it is known whose records came.
            self._locked = load.people().union(self._unit.person_ids)
            lock_coverage(connection, self._tenant, self._unit.collection, self._locked)
            gone = self._recheck(connection, load)
            # Of those that are undecided it is not known yet whether they are too many.
            vanished = self._may_vanish(connection, gone, len(self._undecided))
            self._on_stage("storing")
            load.merge(vanished)
            self._older, self._older_days = set(), set()
            confirmed = confirm_older(self._client, self._collection, load.older, self._again(load.older))
            self._take_older(load, confirmed, self._own | self._locked)
            counts = load.counts
            self._vanished = len(vanished)
            self._changed = load.in_question
            # What is not finished yet is entered below, or not at all.
            load.note_written((self._unit.first, self._unit.last), () if self._undecided else self._own)
            if counts.inserted or counts.updated or counts.deleted:
                note_drift(connection, self._tenant, self._collection, vanished)
            self._gone = gone
            if not self._undecided:
                self._finish(connection, counts)
            return counts

    def _new_load(self, connection: Connection) -> Load:
        kind = next(self._kinds, Load)
        if kind is DirectLoad and not may_copy(connection, self._tenant, self._unit):
            kind = Load
        load = kind(connection, self._tenant, self._collection)
        if isinstance(load, DirectLoad):
            load.locked_people = frozenset(self._unit.person_ids)
        return load

    def _stage(self, load: Load) -> None:
        direct = isinstance(load, DirectLoad)
        try:
            with (
                self._client.holding_locks() if direct else nullcontext(),
                closing(self._read()) as pages,
            ):
                load.stage(pages, self._count)
        except RateLimited as error:
            if not (direct and error.retry_after and error.retry_after <= self._client.max_wait):
                raise
            # Coverage is locked: the pause is sat out without, and the unit read in the ordinary way.
            raise CollisionError from None

    def _count(self, records: int) -> None:
        self._pages += 1
        self._records += records
        self._largest_page = max(self._largest_page, records)
        self._on_page(records)

    def _read(self) -> Generator[Page]:
        """All pages of the unit."""
        return split_by_uri(self._unit.person_ids, self._read_batch)

    def _read_batch(self, people: Sequence[int]) -> Iterator[Page]:
        unit = self._unit
        most = most_clockings(self._people_count or len(people), (unit.last - unit.first).days + 1)
        answers = self._client.answers(self._collection, slice_filter(people, unit.first, unit.last, unit.circles))
        yield from Reading(self._collection, answers, most, f"{unit.collection} of {unit.place}")

    def _recheck(self, connection: Connection, load: Load) -> list[int]:
        """Judge what was staged in doubt, and what was not and is in the table; returns what is gone of the latter."""
        missing = load.missing_from_pull(self._scope)
        in_doubt = load.unconfirmed()
        self._missing = len(missing)
        again = self._again({*missing, *in_doubt})
        load.drop(absent_from(self._client, self._collection, in_doubt, self._pages, again))
        gone, found, self._undecided = judge(self._client, self._collection, missing, self._pages, again)
        load.stage(self._lock_found(connection, found))
        return gone

    def _again(self, wanted: Container[int]) -> Callable[[], list[Page]]:
        """A second reading, once, of what is in question."""

        @cache
        def again() -> list[Page]:
            return [
                Page(rows=[row for row in page.rows if row[self._identity] in wanted], rejected=page.rejected)
                for page in self._read()
            ]

        return again

    def _take_older(self, load: Load, confirmed: Sequence[int], locked: Container[int | None]) -> None:
        """Take over the records that the tenant has in an older version than is stored, or note their days.

        Days of people whose coverage is not locked are noted when these are read.
        """
        if self._pipeline.accepts_older:
            load.accept(confirmed)
        elif confirmed:
            self._older.update(confirmed)
            self._older_days.update(cell for cell in load.cells_of(confirmed) if cell[0] in locked)

    def _lock_found(self, connection: Connection, found: Sequence[Page]) -> Sequence[Page]:
        """Lock whose the records are that have moved elsewhere; those that another process is at come in later.

        The order of the ids is broken here, so nothing is waited for.
        """
        elsewhere = self._owners(found) - self._locked
        if not elsewhere or try_lock_coverage(connection, self._tenant, self._unit.collection, elsewhere):
            return found
        person = self._collection.position("person_id")
        later = {row[self._identity] for page in found for row in page.rows if row[person] in elsewhere}
        self._undecided = sorted(later.union(self._undecided))
        return [replace(page, rows=[row for row in page.rows if row[person] not in elsewhere]) for page in found]

    def _owners(self, found: Sequence[Page]) -> set[int]:
        """Whose records these are; all people as one where the collection is not read by people."""
        if not self._by_people:
            return {EVERYONE} if found else set()
        person = self._collection.position("person_id")
        return {row[person] for page in found for row in page.rows}

    @property
    def _own(self) -> frozenset[int | None]:
        """Whose days the unit enters itself; None is all people."""
        return frozenset(self._unit.person_ids) if self._by_people else frozenset({None, EVERYONE})

    def _may_vanish(self, connection: Connection, gone: Sequence[int], undecided: int = 0) -> list[int]:
        """Which of the records that are gone are marked: all, or those that are not too many.

        Counted in the whole run. What was held back before stays so, however few it is, until it is accepted.
        """
        brake, self._withheld, self._held_back = self._pipeline.brake, None, []
        if brake.accepted or not (gone or undecided):
            return list(gone)
        before = set(held_back(connection, self._tenant, self._unit.collection, gone))
        marked, read = ledger.vanished_in_run(connection, self._unit)
        vanished, scope = marked + len(gone) - len(before) + undecided, read + self._records + self._missing
        self._held_back = list(gone) if brake.withholds(vanished, scope) else [one for one in gone if one in before]
        if self._held_back or brake.withholds(vanished, scope):
            what = f"{self._unit.collection} of {self._unit.place}"
            self._withheld = brake.error(max(vanished, len(self._held_back)), scope, what)
        return [one for one in gone if one not in before] if len(self._held_back) < len(gone) else []

    def _not_held_back(self, connection: Connection, gone: Sequence[int]) -> list[int]:
        """Those that were not held back before, or all of them once that is accepted."""
        accepted = self._pipeline.brake.accepted
        before = [] if accepted else held_back(connection, self._tenant, self._unit.collection, gone)
        if before:
            self._held_back += before
            what = f"{self._unit.collection} of {self._unit.place}"
            self._withheld = self._pipeline.brake.error(len(self._held_back), self._records + self._missing, what)
        return [one for one in gone if one not in {*before}]

    def _finish(self, connection: Connection, counts: Counts) -> None:
        unit = self._unit
        if self._pages > 1:  # a single one need not be full
            learn_page_size(connection, self._tenant, unit.collection, self._largest_page)
        counts.requests = self._client.requests - self._requests_before
        over = last_settled_day(self._pipeline.settings, self._read_at)
        enter_read(connection, self._tenant, unit.slice, over, self._changed, written=counts.written > 0)
        enter_right(connection, self._tenant, unit.slice)
        forget_rejected(connection, self._tenant, unit.slice, self._read_at)
        older = older_error(len(self._older), f"{unit.collection} of {unit.place}") if self._older else None
        if older is not None:
            lost = slices_of(unit.collection, [*self._older_days])
            enter_wrong(connection, self._tenant, Wrong("older", older.message, unit.run_id), lost)
        if self._withheld is not None:
            reason = Wrong("withheld", self._withheld.message, unit.run_id)
            enter_wrong_rows(connection, self._tenant, unit.collection, self._held_back, reason)
        self._incomplete = self._withheld or older
        ledger.finish_unit(
            connection,
            unit.unit_id,
            counts,
            time.monotonic() - self._began,
            str(self._incomplete) if self._incomplete else None,
            incomplete=self._incomplete is not None,
            vanished=self._vanished,
        )

    def _settle(self, counts: Counts) -> Counts:
        """Ask for those that are undecided by their ids, in portions each of which is committed, and finish."""
        number_is_known = self._withheld is None
        gone = list(self._gone) if not number_is_known else []
        with self._transaction() as connection:
            began = database_clock(connection)
        left = [*portions(self._undecided)]
        while left:
            with self._transaction() as connection:
                asked = database_clock(connection)
            there = ask(self._client, self._collection, left[0])
            with self._transaction() as connection:
                lock_merges_shared(connection, self._tenant)
                if load_started_since(connection, self._tenant, self._unit.collection, asked):
                    continue
                del left[0]
                gone += there.gone
                marked = self._not_held_back(connection, there.gone) if number_is_known else []
                counts += self._merge(connection, there.found, marked, asked)
                self._vanished += len(marked)
        with self._transaction() as connection:
            lock_merges_shared(connection, self._tenant)
            if not number_is_known:
                marked = self._may_vanish(connection, gone)
                counts += self._merge(connection, [], marked, began)
                self._vanished += len(marked)
            # Others may have written the same days between these transactions: nothing is proven.
            self._changed = None
            people = {person for person, _ in self._older_days if person is not None}
            lock_coverage(connection, self._tenant, self._unit.collection, people.union(self._unit.person_ids))
            self._finish(connection, counts)
        return counts

    def _merge(self, connection: Connection, found: Sequence[Page], gone: Sequence[int], asked: dt.datetime) -> Counts:
        """Merge what was asked for by id; the caller holds the lock of merges."""
        owners = self._owners(found).union(self._unit.person_ids)
        lock_coverage(connection, self._tenant, self._unit.collection, owners)
        load = Load(connection, self._tenant, self._collection, asked)
        load.stage(found)
        load.merge(gone)
        self._take_older(load, [*load.older], owners | {None})  # each was asked for by its id
        load.note_written((self._unit.first, self._unit.last))
        note_drift(connection, self._tenant, self._collection, gone)
        return load.counts
