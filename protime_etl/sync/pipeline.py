"""Settings put to work: one tenant, one warehouse, and the steps that both faces (shell and Airflow) offer."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TypeVar

from sqlalchemy.engine import URL, Connection

from protime_etl.collections.clockings import CLOCKINGS
from protime_etl.collections.collection import Collection
from protime_etl.collections.people import PEOPLE
from protime_etl.collections.registry import COLLECTIONS
from protime_etl.config import PEOPLE_SCOPE, Settings
from protime_etl.errors import (
    ApiError,
    AuthenticationError,
    ForbiddenError,
    IncompleteError,
    ProtimeError,
    SettingsError,
    UnauthorizedError,
)
from protime_etl.postgres import ledger
from protime_etl.postgres.connection import create_engine, database_errors
from protime_etl.postgres.coordination import SharedPause, SharedTokenStore
from protime_etl.postgres.coverage import missing, uncover, usual_amounts
from protime_etl.postgres.deltas import silent_deltas
from protime_etl.postgres.everybody import people_to_read, unknown_people
from protime_etl.postgres.locks import Lifeline
from protime_etl.postgres.planning import refresh_statistics
from protime_etl.postgres.schema import require_schema
from protime_etl.postgres.sources import register_source, require_source
from protime_etl.protime.auth import Token, TokenSource, request_token
from protime_etl.protime.client import ProtimeClient
from protime_etl.protime.pausing import wait_out
from protime_etl.protime.retrying import with_retries
from protime_etl.protime.transport import new_session
from protime_etl.sync.brake import Brake
from protime_etl.sync.changes import DeltaReader, Turn
from protime_etl.sync.crew import Crew, Observer
from protime_etl.sync.expectation import Expectation
from protime_etl.sync.lists import pull_list
from protime_etl.sync.plan import plan_gaps, windows
from protime_etl.sync.pull import OnPage, OnStage, UnitPull
from protime_etl.sync.settled import local_day
from protime_etl.sync.unlisted import listed_people
from protime_etl.sync.verify import Verification, Verifier
from protime_etl.sync.worklist import failure_of
from protime_etl.work import Counts, Request, Slice, Unit

__all__ = ["Pipeline", "open_pipeline"]

EARLIEST = dt.date(1970, 1, 1)
FUTURE = dt.timedelta(days=366)
LONGEST_WAIT_INSIDE = 60.0
"""Seconds that a transaction is kept open when the API asks to wait."""
MOST_WAITS = 200
Result = TypeVar("Result")


class Pipeline:
    """One tenant and one warehouse, opened by `open_pipeline`. For one thread."""

    def __init__(self, settings: Settings, url: URL) -> None:
        self.settings = settings
        self.engine = create_engine(url)
        store = SharedTokenStore(
            self.engine,
            identity=(settings.token_endpoint, settings.client_id, *sorted(settings.scopes)),
            secret=settings.client_secret.get_secret_value(),
            make=Token,
        )
        self.brake = Brake(settings.max_vanished)
        """What may vanish at once; see `accept_deletions`."""
        self.counts_of: defaultdict[str, Counts] = defaultdict(Counts)
        """What was done, by collection."""
        self.refused: list[str] = []
        """Collections that the tenant does not let this client read."""
        self.to_look_at: list[IncompleteError] = []
        """What was done but for something that needs a look, in the order in which it was met."""
        # Requests are made inside transactions: no long pause is sat out there. Whoever asked for the work does it.
        self._settings_inside = settings.model_copy(
            update={"max_wait_in_task": min(settings.max_wait_in_task, LONGEST_WAIT_INSIDE)}
        )
        self._auth_session = new_session()
        self.pause = SharedPause(self.engine, settings.tenant, settings.requests_per_second)
        self.tokens = TokenSource(
            self._settings_inside, store, fetch=lambda asked: request_token(asked, self._auth_session), pause=self.pause
        )
        self.client = self.new_client()

    def close(self) -> None:
        """Let go of all connections."""
        self.client.close()
        self._auth_session.close()
        self.engine.dispose()

    def accept_deletions(self, accepted: bool = True) -> None:
        """Let any number of records vanish at once."""
        self.brake = replace(self.brake, accepted=accepted)

    def sitting_out(self, call: Callable[[], Result]) -> Result:
        """Call again after each pause that the API asks for and the settings allow to be sat out.

        Raises:
            RateLimited: a longer one, or too many in a row.
        """
        for _ in range(MOST_WAITS):
            try:
                return call()
            except ApiError as error:
                if not LONGEST_WAIT_INSIDE < (error.retry_after or 0) <= self.settings.max_wait_in_task:
                    raise
            wait_out(self.pause, self.settings.max_wait_in_task)
        return call()

    def sync_people(self) -> Counts:
        """Read all people.

        Raises:
            ProtimeError: as `pull_list`.
        """
        with database_errors(self.engine.url), self.engine.begin() as connection:
            require_source(connection, self.settings)
        # A tenant is entered when it has answered: a misspelt one is none.
        self.sitting_out(lambda: with_retries(self.tokens.current, self._settings_inside.max_wait_in_task))
        with database_errors(self.engine.url), self.engine.begin() as connection:
            register_source(connection, self.settings)
        return self._read_list(PEOPLE)

    def plan(
        self,
        origin: str,
        first: dt.date,
        last: dt.date,
        person_ids: Sequence[int] | None = None,
        *,
        circles: Sequence[int] = (),
        only_missing: bool = False,
        probing: bool = False,
    ) -> tuple[int, list[Unit]]:
        """Enter a run for these dates, both included, in the ledger: for those people, or for all that are known.

        `probing` as for `plan_gaps`.

        Raises:
            SettingsError: see `select`, or there is nobody to plan for.
        """
        selection = self.allowed(self.select(first, last, person_ids, circles=circles, only_missing=only_missing))
        with database_errors(self.engine.url), self.engine.begin() as connection:
            register_source(connection, self.settings)
            planned = self.planned(connection, selection, self.expectations(connection), probing=probing)
            return ledger.open_run(connection, self.settings.tenant, origin, selection, planned)

    def select(
        self,
        first: dt.date,
        last: dt.date,
        person_ids: Sequence[int] | None = None,
        *,
        circles: Sequence[int] = (),
        only_missing: bool = False,
    ) -> Request:
        """What is to be read, with dates that make sense: the range ends today at the latest.

        Raises:
            SettingsError: the dates are reversed, begin in the future or before 1970, or people are named beside
                circles, or only what is missing of circles is asked for.
        """
        today = local_day(self.settings, dt.datetime.now(dt.UTC))
        if first > last:
            raise SettingsError(f"The range ends ({last}) before it begins ({first}).", guidance="Swap the two dates.")
        if first > today:
            raise SettingsError(
                f"The range begins ({first}) after today ({today}).", guidance="Clockings come with the days."
            )
        if first < EARLIEST:
            raise SettingsError(f"The range begins ({first}) before {EARLIEST}.", guidance="Begin later.")
        if circles and (person_ids is not None or only_missing):
            raise SettingsError(
                "Circles go without people and without only-missing.",
                guidance="The API does not tell who is in a circle, so nothing is known to be missing of one.",
            )
        chosen = None if person_ids is None else tuple(sorted(set(person_ids)))
        named = tuple(sorted(set(circles)))
        return Request(
            first, min(last, today), chosen, named, only_missing, last if last > today else None, tuple(self.dated())
        )

    def dated(self) -> list[str]:
        """The chosen collections that are read by people and days."""
        return [path for path in self.settings.collections if COLLECTIONS[path].shape == "dated by people"]

    def allowed(self, request: Request) -> Request:
        """What of a request the tenant lets this client read, where it is about several collections.

        One that is refused is named in `to_look_at` and stops no other.

        Raises:
            ProtimeError: the tenant gives no answer.
        """
        if len(request.collections) < 2:
            return request
        allowed = [path for path in request.collections if self._may_read(path)]
        return replace(request, collections=tuple(allowed))

    def _may_read(self, path: str) -> bool:
        try:
            self.sitting_out(lambda: self.client.probe(COLLECTIONS[path]))
        except (UnauthorizedError, ForbiddenError, AuthenticationError) as error:
            self._name_refused(path, error)
            return False
        return True

    def _name_refused(self, path: str, error: ProtimeError) -> None:
        if path not in self.refused:
            self.refused.append(path)
            self.to_look_at.append(
                IncompleteError(
                    f"{path} cannot be read: {error.message}",
                    guidance=f"{error.guidance} Or take it out of PROTIME_COLLECTIONS.".strip(),
                )
            )

    def read_lists(self) -> Counts:
        """Read the chosen collections that are read whole, but for people; see `sync_people`.

        Raises:
            ProtimeError: as `pull_list`. A collection that is refused is named in `to_look_at` instead.
        """
        total = Counts()
        for path in self.settings.collections:
            if COLLECTIONS[path].shape == "whole" and path != PEOPLE.path:
                try:
                    total += self._read_list(COLLECTIONS[path])
                except (UnauthorizedError, ForbiddenError, AuthenticationError) as error:
                    self._name_refused(path, error)
        return total

    def _read_list(self, collection: Collection) -> Counts:
        counts, withheld = self.sitting_out(
            lambda: pull_list(self.settings, self.client, self.engine, self.brake, collection)
        )
        if withheld is not None:
            self.to_look_at.append(withheld)
        self.counts_of[collection.path] += counts
        refresh_statistics(self.engine, counts.written)
        return counts

    def expectations(self, connection: Connection) -> dict[str, Expectation]:
        """What to expect of the tenant's people, from what was read lately; by collection."""
        tenant = self.settings.tenant
        return {
            path: Expectation(
                usual_amounts(connection, tenant, COLLECTIONS[path]),
                ledger.page_size(connection, tenant, path),
                COLLECTIONS[path],
            )
            for path in {*self.dated(), CLOCKINGS.path}
        }

    def planned(
        self,
        connection: Connection,
        selection: Request,
        expectations: Mapping[str, Expectation],
        *,
        probing: bool = False,
    ) -> list[Slice]:
        """The units for what was selected; `probing` as for `plan_gaps`.

        Raises:
            SettingsError: there is nobody.
        """
        tenant, first, last = self.settings.tenant, selection.first, selection.last
        if selection.circles:
            days = list(windows(first, last))
            return [Slice((), *window, path) for path in selection.collections for window in days]
        if not selection.collections:
            return []
        if selection.person_ids is not None:
            people: Sequence[int] = selection.person_ids
        else:
            people = people_to_read(connection, tenant, first, last)
        if not people:
            raise SettingsError(
                f"No people are known of {tenant}: there is nobody to read clockings for.",
                guidance="Check in Protime that this client may see people, or name them with --people.",
            )
        planned: list[Slice] = []
        for path in selection.collections:
            asked = Slice(people, first, last, path)
            gaps = missing(connection, tenant, asked) if selection.only_missing else [asked]
            planned += plan_gaps(self.client, gaps, expectations[path], probing=probing)
        return planned

    def read_unit(self, unit_id: int) -> Unit:
        """A unit of the ledger.

        Raises:
            SettingsError: there is none of that number, or it is one of another tenant.
        """
        with database_errors(self.engine.url), self.engine.begin() as connection:
            return ledger.read_unit(connection, self.settings.tenant, unit_id)

    def is_done(self, unit_id: int) -> bool:
        """Whether a unit of the ledger was committed.

        Raises:
            SettingsError: there is none of that number, or it is one of another tenant.
        """
        with database_errors(self.engine.url), self.engine.begin() as connection:
            return ledger.unit_is_done(connection, self.settings.tenant, unit_id)

    def unfinished_parts(self, unit_id: int) -> list[Unit]:
        """What is to be pulled of a unit of the ledger: all of it, or the parts of it that are not done.

        Raises:
            SettingsError: there is none of that number.
        """
        with database_errors(self.engine.url), self.engine.begin() as connection:
            return ledger.unfinished_parts(connection, self.settings.tenant, unit_id)

    def new_client(self) -> ProtimeClient:
        """A client for one more thread, with the same token and the same pause."""
        return ProtimeClient(self._settings_inside, self.tokens, self.pause)

    def pull(self, *units: Unit) -> Counts:
        """Pull units, one after the other; see `pull_all`.

        Raises:
            ProtimeError: the gravest of what failed, or the first. The others are committed all the same, unless it was
                better to stop.
        """
        counts, failures = self.pull_all(units)
        if failures:
            raise failure_of(failures)
        return counts

    def pull_all(self, units: Sequence[Unit], observer: Observer | None = None) -> tuple[Counts, list[ProtimeError]]:
        """Pull units, one after the other; one that cannot be read whole is cut, and its parts are read.

        Returns what was done and what failed; see `WorkList` for what ends it early. The ledger says what is left.
        """
        crew = Crew(self, units, observer)
        crew.work_alone(self.client)
        refresh_statistics(self.engine, crew.work.counts.written)
        return crew.work.counts, crew.work.failures

    def pull_whole(
        self,
        unit: Unit,
        on_page: OnPage = lambda _: None,
        client: ProtimeClient | None = None,
        *,
        on_stage: OnStage = lambda _: None,
        cut_days: bool = False,
    ) -> Counts:
        """Pull one unit whole or not at all; see `UnitPull`."""
        given = client or self.client
        pull = UnitPull(
            self.settings,
            given,
            self.engine,
            unit,
            brake=self.brake,
            on_page=on_page,
            on_stage=on_stage,
            cut_days=cut_days,
        )
        counts = pull.carry_out()
        # Often enough while a long run goes on; at its end it is done for good.
        refresh_statistics(self.engine, counts.written, growth=8)
        return counts

    def changes(
        self,
        first: dt.date | None = None,
        *,
        restart: bool = False,
        asked_at: dt.datetime | None = None,
        on_page: OnPage = lambda _: None,
    ) -> Turn:
        """One turn of the delta of clockings; see `DeltaReader`."""
        reader = DeltaReader(self.settings, self.client, self.engine, on_page, self.brake)
        asked = [restart]  # what goes on after a pause does not begin anew
        turn = self.sitting_out(lambda: reader.turn(first, restart=bool(asked and asked.pop()), asked_at=asked_at))
        refresh_statistics(self.engine, turn.counts.written)
        return turn

    def silent_deltas(self, age: dt.timedelta) -> list[str]:
        """A sentence for each delta of the tenant whose last good request is that long ago."""
        with database_errors(self.engine.url), self.engine.begin() as connection:
            return silent_deltas(connection, self.settings.tenant, age)

    def verify(
        self,
        first: dt.date,
        last: dt.date,
        person_ids: Sequence[int] | None = None,
        *,
        collection: Collection = CLOCKINGS,
        on_page: OnPage = lambda _: None,
    ) -> Verification:
        """Compare tenant and table, id by id; see `Verifier`.

        Raises:
            SettingsError: the dates are reversed or far away, or somebody who is named does not exist.
        """
        if first > last:
            raise SettingsError(f"The range ends ({last}) before it begins ({first}).", guidance="Swap the two dates.")
        if first < EARLIEST:
            raise SettingsError(f"The range begins ({first}) before {EARLIEST}.", guidance="Begin later.")
        if last > (end := local_day(self.settings, dt.datetime.now(dt.UTC)) + FUTURE):
            raise SettingsError(f"The range ends ({last}) later than a year from now ({end}).", guidance="End earlier.")
        if person_ids is not None and PEOPLE_SCOPE in self.settings.scopes and self._unknown(person_ids):
            self._refuse_unknown(sorted({*self._unknown(person_ids)} - listed_people(self.settings, self.client)))
        verifier = Verifier(self.settings, self.client, self.engine, self.sitting_out, on_page, collection)
        return verifier.verify(first, last, person_ids)

    def verify_all(
        self,
        first: dt.date,
        last: dt.date,
        person_ids: Sequence[int] | None = None,
        *,
        on_page: OnPage = lambda _: None,
    ) -> list[Verification]:
        """Compare each chosen collection; those without days as a whole, and not where people are named.

        A collection that the tenant refuses is named in `to_look_at` and stops no other.

        Raises:
            ProtimeError: as `verify`.
        """
        found: list[Verification] = []
        for path in self.settings.collections:
            collection = COLLECTIONS[path]
            if collection.shape == "whole" and person_ids is not None:
                continue
            try:
                found.append(self.verify(first, last, person_ids, collection=collection, on_page=on_page))
            except (UnauthorizedError, ForbiddenError, AuthenticationError) as error:
                if len(self.settings.collections) == 1:
                    raise
                self._name_refused(path, error)
        return found

    def repair(self, origin: str, found: Verification) -> Counts:
        """Pull what differs: the list of a collection without days, or these people and days by ordinary units."""
        counts = Counts()
        if COLLECTIONS[found.collection].shape == "whole":
            return self._read_list(COLLECTIONS[found.collection])
        days = [day for one in found.differences for day in one.dates]
        people = sorted({person for one in found.differences for person in one.people})
        if people:
            # Not cut at today as `select` does: what differs may lie in the future.
            selection = Request(min(days), max(days), tuple(people), collections=(found.collection,))
            with database_errors(self.engine.url), self.engine.begin() as connection:
                register_source(connection, self.settings)
                planned = self.planned(connection, selection, self.expectations(connection))
                run_id, units = ledger.open_run(connection, self.settings.tenant, origin, selection, planned)
            try:
                counts += self.pull(*units)
            except IncompleteError as error:
                self.to_look_at.append(error)
            finally:
                self.finish(run_id)
        return counts

    def finish(
        self, run_id: int, error: str | None = None, *, interrupted: bool = False
    ) -> tuple[Counts, dict[str, int]]:
        """Close a run; returns what its units did together and how many there are of each status.

        What its units were to read and did not counts as missing from now on, unless it was `interrupted` on purpose.

        Raises:
            SettingsError: there is none of that number, or it is one of another tenant.
        """
        with database_errors(self.engine.url), self.engine.begin() as connection:
            ledger.require_run(connection, self.settings.tenant, run_id)
            counts, statuses = ledger.run_counts(connection, run_id)
            unfinished = sum(number for status, number in statuses.items() if status != "done")
            reason = error or (f"{unfinished} of {sum(statuses.values())} units are not done" if unfinished else None)
            ledger.finish_run(connection, run_id, reason)
            if unfinished and not interrupted:
                left = ledger.unfinished_units(connection, run_id)
                uncover(connection, self.settings.tenant, [one.slice for one in left])
            return counts, statuses

    def _finish_badly(self, run_id: int, reason: str, *, interrupted: bool = False) -> None:
        with contextlib.suppress(ProtimeError):  # the database may be what failed; the first error is to be reported
            self.finish(run_id, reason, interrupted=interrupted)

    def sync(
        self,
        origin: str,
        first: dt.date,
        last: dt.date,
        person_ids: Sequence[int] | None = None,
        *,
        circles: Sequence[int] = (),
        workers: int = 1,
        observer: Observer | None = None,
    ) -> tuple[Counts, int]:
        """People, plan, and every unit; returns the counts and the number of units.

        Raises:
            ProtimeError: a unit failed. The others are committed all the same; the ledger says what is missing.
        """
        selection = self.select(first, last, person_ids, circles=circles)
        people_counts = self.people_for(selection) + self.read_lists()
        run_id, units = self.plan(origin, first, last, person_ids, circles=circles, probing=True)
        with Lifeline(self.engine, run_id) as lifeline:
            counts, done = self.carry_out(run_id, units, workers, observer or Observer(), lifeline)
        return people_counts + counts, done

    def people_for(self, selection: Request) -> Counts:
        """Read people if it takes that to know whose clockings to read.

        Raises:
            SettingsError: somebody who is named does not exist.
        """
        if selection.circles:
            return Counts()
        if selection.person_ids is None:
            return self.sync_people() if PEOPLE.path in self.settings.collections else Counts()
        if PEOPLE_SCOPE not in self.settings.scopes or not self._unknown(selection.person_ids):
            return Counts()
        counts = self.sync_people()
        self._refuse_unknown(self._unknown(selection.person_ids))
        return counts

    def _refuse_unknown(self, person_ids: Sequence[int]) -> None:
        if person_ids:
            raise SettingsError(
                f"Nobody at {self.settings.tenant} has the id {', '.join(map(str, person_ids[:10]))}.",
                guidance="Ids and names: protime-etl sql 'SELECT id, first_name, last_name FROM protime.people'",
            )

    def _unknown(self, person_ids: Sequence[int]) -> list[int]:
        with database_errors(self.engine.url), self.engine.begin() as connection:
            return unknown_people(connection, self.settings.tenant, person_ids)

    def carry_out(
        self, run_id: int, units: Sequence[Unit], workers: int, observer: Observer, lifeline: Lifeline
    ) -> tuple[Counts, int]:
        """Pull the units of a run and close it; returns what they did and how many were done now.

        Raises:
            ProtimeError: units failed; the message says how many. What was committed stays. Units that are committed
                but for what needs a look are in `to_look_at` instead, and the ledger holds them as failed.
        """
        with database_errors(self.engine.url), self.engine.connect() as connection:
            expectations = self.expectations(connection)
        crew = Crew(self, units, observer, expectations=expectations)
        work = crew.work
        try:
            crew.work_together(workers, lifeline.hold)
        except BaseException as error:
            interrupted = isinstance(error, KeyboardInterrupt)
            self._finish_badly(run_id, "interrupted" if interrupted else type(error).__name__, interrupted=interrupted)
            raise
        with database_errors(self.engine.url), self.engine.begin() as connection:
            for path in {unit.collection for unit in units}:
                ledger.learn_page_size(connection, self.settings.tenant, expectations[path].page_size, path)
        incomplete = [error for error in work.failures if isinstance(error, IncompleteError)]
        if len(incomplete) < len(work.failures):
            failure = failure_of(work.failures)
            self._finish_badly(run_id, str(failure))
            raise failure
        self.to_look_at += incomplete
        for path, counts in work.counts_of.items():
            self.counts_of[path] += counts
        refresh_statistics(self.engine, work.counts.written)
        self.finish(run_id)
        return work.counts, work.done


@contextmanager
def open_pipeline(settings: Settings, url: URL) -> Iterator[Pipeline]:
    """Open a pipeline and close it again.

    Raises:
        SchemaError: the warehouse needs `protime-etl db upgrade`.
        SettingsError: it holds a tenant of that name from elsewhere; see `require_source`.
        DatabaseError: it cannot be reached.
    """
    pipeline = Pipeline(settings, url)
    try:
        require_schema(pipeline.engine)
        with database_errors(url), pipeline.engine.begin() as connection:
            # A zone that is only a default gives way to the one that what is stored is read in.
            zone = require_source(connection, settings)
        pipeline.settings = settings.model_copy(update={"timezone": zone})
        yield pipeline
    finally:
        pipeline.close()
