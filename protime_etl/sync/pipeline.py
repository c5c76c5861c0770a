"""Settings put to work: one tenant, one warehouse, and the steps that both faces (shell and Airflow) offer."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from zoneinfo import ZoneInfo

from sqlalchemy.engine import URL

from protime_etl.config import Settings
from protime_etl.errors import ApiError, ProtimeError, SettingsError
from protime_etl.postgres import ledger
from protime_etl.postgres.connection import create_engine, database_errors
from protime_etl.postgres.coordination import SharedPause, SharedTokenStore
from protime_etl.postgres.deltas import silent_deltas
from protime_etl.postgres.ledger import Unit
from protime_etl.postgres.load import Counts
from protime_etl.postgres.schema import require_schema
from protime_etl.protime.auth import Token, TokenSource, request_token
from protime_etl.protime.client import ProtimeClient
from protime_etl.protime.pausing import wait_out
from protime_etl.protime.retrying import with_retries
from protime_etl.protime.transport import new_session
from protime_etl.sync.changes import DeltaReader, Turn
from protime_etl.sync.plan import plan_units
from protime_etl.sync.pull import OnPage, pull_people, pull_unit
from protime_etl.sync.verify import Verification, Verifier

__all__ = ["Pipeline", "local_day", "open_pipeline"]


def local_day(settings: Settings, moment: dt.datetime) -> dt.date:
    """The date at that moment in the tenant's time zone."""
    return moment.astimezone(ZoneInfo(settings.timezone)).date()


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
        self._auth_session = new_session()
        self._pause = SharedPause(self.engine, settings.tenant, settings.requests_per_second)
        self.tokens = TokenSource(
            settings, store, fetch=lambda _: with_retries(self._request_token, settings.max_wait_in_task)
        )
        self.client = ProtimeClient(settings, self.tokens, self._pause)

    def _request_token(self) -> Token:
        wait_out(self._pause, self.settings.max_wait_in_task)
        try:
            return request_token(self.settings, self._auth_session)
        except ApiError as error:
            if error.retry_after is not None:
                self._pause.extend(error.retry_after)
            raise

    def close(self) -> None:
        """Let go of all connections."""
        self.client.close()
        self._auth_session.close()
        self.engine.dispose()

    def sync_people(self) -> Counts:
        """Read all people.

        Raises:
            ProtimeError: as `pull_people`.
        """
        with database_errors(self.engine.url), self.engine.begin() as connection:
            ledger.register_tenant(connection, self.settings.tenant, self.settings.timezone)
        return pull_people(self.settings, self.client, self.engine)

    def plan(
        self, origin: str, first: dt.date, last: dt.date, person_ids: Sequence[int] | None = None
    ) -> tuple[int, list[Unit]]:
        """Enter a run for these dates, both included, in the ledger: for those people, or for all that are known.

        Raises:
            SettingsError: the dates are reversed, or there is nobody to plan for.
        """
        if first > last:
            raise SettingsError(f"The range ends ({last}) before it begins ({first}).", guidance="Swap the two dates.")
        with database_errors(self.engine.url), self.engine.begin() as connection:
            ledger.register_tenant(connection, self.settings.tenant, self.settings.timezone)
            chosen = person_ids if person_ids is not None else ledger.known_people(connection, self.settings.tenant)
            if not chosen:
                raise SettingsError(
                    f"No people are known of {self.settings.tenant}: there is nobody to read clockings for.",
                    guidance="Check in Protime that this client may see people, or name them with --people.",
                )
            units = plan_units(self.client, chosen, first, last)
            return ledger.open_run(connection, self.settings.tenant, origin, (first, last), units)

    def read_unit(self, unit_id: int) -> Unit:
        """A unit of the ledger.

        Raises:
            SettingsError: there is none of that number.
        """
        with database_errors(self.engine.url), self.engine.begin() as connection:
            return ledger.read_unit(connection, unit_id)

    def pull(self, unit: Unit, on_page: OnPage = lambda _: None) -> Counts:
        """Pull one unit; see `pull_unit`."""
        return pull_unit(self.settings, self.client, self.engine, unit, on_page=on_page)

    def changes(self, first: dt.date | None = None, *, restart: bool = False, on_page: OnPage = lambda _: None) -> Turn:
        """One turn of the delta of clockings; see `DeltaReader`."""
        return DeltaReader(self.settings, self.client, self.engine, on_page).turn(first, restart=restart)

    def silent_deltas(self, age: dt.timedelta) -> list[str]:
        """A sentence for each delta of the tenant whose last good request is that long ago."""
        with database_errors(self.engine.url), self.engine.begin() as connection:
            return silent_deltas(connection, self.settings.tenant, age)

    def verify(self, first: dt.date, last: dt.date, person_ids: Sequence[int] | None = None) -> Verification:
        """Compare tenant and table, id by id; see `Verifier`.

        Raises:
            SettingsError: the dates are reversed.
        """
        if first > last:
            raise SettingsError(f"The range ends ({last}) before it begins ({first}).", guidance="Swap the two dates.")
        return Verifier(self.settings, self.client, self.engine).verify(first, last, person_ids)

    def repair(self, origin: str, found: Verification) -> Counts:
        """Pull the people and days that differ, by ordinary units."""
        counts = Counts()
        days = [day for one in found.differences for day in one.dates]
        people = sorted({person for one in found.differences for person in one.people})
        if people:
            run_id, units = self.plan(origin, min(days), max(days), people)
            try:
                for unit in units:
                    counts += self.pull(unit)
            finally:
                self.finish(run_id)
        return counts

    def finish(self, run_id: int, error: str | None = None) -> tuple[Counts, dict[str, int]]:
        """Close a run; returns what its units did together and how many there are of each status."""
        with database_errors(self.engine.url), self.engine.begin() as connection:
            counts, statuses = ledger.run_counts(connection, run_id)
            unfinished = sum(number for status, number in statuses.items() if status != "done")
            reason = error or (f"{unfinished} of {sum(statuses.values())} units are not done" if unfinished else None)
            ledger.finish_run(connection, run_id, reason)
            return counts, statuses

    def _finish_badly(self, run_id: int, reason: str) -> None:
        with contextlib.suppress(ProtimeError):  # the database may be what failed; the first error is to be reported
            self.finish(run_id, reason)

    def sync(
        self,
        origin: str,
        first: dt.date,
        last: dt.date,
        person_ids: Sequence[int] | None = None,
        *,
        on_plan: Callable[[list[Unit]], None] = lambda _: None,
        on_page: OnPage = lambda _: None,
        on_unit: Callable[[Unit, Counts], None] = lambda _unit, _counts: None,
    ) -> tuple[Counts, int]:
        """People (unless some are named), plan, and every unit; returns the counts and the number of units.

        Raises:
            ProtimeError: a unit failed. The units before it are committed; the ledger says what is missing.
        """
        people_counts = self.sync_people() if person_ids is None else Counts()
        run_id, units = self.plan(origin, first, last, person_ids)
        on_plan(units)
        try:
            with ledger.Lifeline(self.engine, run_id) as lifeline:
                for unit in units:
                    lifeline.hold()
                    on_unit(unit, self.pull(unit, on_page))
        except BaseException as error:
            known = isinstance(error, ProtimeError)
            reason = "interrupted" if isinstance(error, KeyboardInterrupt) else type(error).__name__
            self._finish_badly(run_id, str(error) if known else reason)
            raise
        counts, _ = self.finish(run_id)
        return people_counts + counts, len(units)


@contextmanager
def open_pipeline(settings: Settings, url: URL, *, check_schema: bool = True) -> Iterator[Pipeline]:
    """Open a pipeline and close it again.

    Raises:
        SchemaError: the warehouse needs `protime-etl db upgrade`.
        DatabaseError: it cannot be reached.
    """
    pipeline = Pipeline(settings, url)
    try:
        if check_schema:
            require_schema(pipeline.engine)
        yield pipeline
    finally:
        pipeline.close()
