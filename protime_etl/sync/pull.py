"""One pull: pages become rows, rows become the table, in one transaction."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Sequence

from sqlalchemy.engine import Engine
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential

from protime_etl.config import Settings
from protime_etl.errors import ConnectionLostError, PagingConflictError, ProtimeError, UriTooLongError
from protime_etl.postgres.connection import database_errors
from protime_etl.postgres.coverage import cover, lock_coverage, uncover
from protime_etl.postgres.direct import CollisionError, DirectLoad, may_copy
from protime_etl.postgres.drift import note_drift
from protime_etl.postgres.ledger import Unit, finish_unit, require_tenant
from protime_etl.postgres.load import Counts, Load, Scope
from protime_etl.postgres.locks import lock_people, mark_under_way, share_merges
from protime_etl.protime.client import ProtimeClient
from protime_etl.protime.decoding import decode_page
from protime_etl.protime.resources import COLLECTIONS, Collection
from protime_etl.sync.ahead import ahead
from protime_etl.sync.plan import clockings_filter
from protime_etl.sync.settled import last_settled_day

__all__ = ["pull_people", "pull_unit"]

ATTEMPTS = 3
CONNECTION_ATTEMPTS = 6
CONNECTION_WAIT_SECONDS = 1.0
log = logging.getLogger(__name__)

CLOCKINGS = COLLECTIONS["clockings"]
PEOPLE = COLLECTIONS["people"]

OnPage = Callable[[int], None]
"""Called with the number of records of each page."""


def pull_people(settings: Settings, client: ProtimeClient, engine: Engine) -> Counts:
    """Read the people collection into `protime.people`; who is no longer there becomes deleted.

    Raises:
        ProtimeError: a subclass says what went wrong; the table is as it was.
    """
    before = client.requests

    def attempt() -> Counts:
        with database_errors(engine.url), engine.begin() as connection:
            lock_people(connection, settings.tenant)
            load = Load(connection, settings.tenant, PEOPLE)
            _stage(load, PEOPLE, client.answers(PEOPLE))
            return load.merge(_vanished(client, load, PEOPLE, Scope()))

    counts = _restarting(attempt)
    counts.requests = client.requests - before
    return counts


def pull_unit(
    settings: Settings, client: ProtimeClient, engine: Engine, unit: Unit, *, on_page: OnPage = lambda _: None
) -> Counts:
    """Pull one unit: its rows, its coverage and its entry in the ledger are committed together.

    A paging token that dies restarts the unit from its first page; a URI that is too long splits its batch in two.

    Raises:
        SettingsError: it is a unit of another tenant.
        ProtimeError: a subclass says what went wrong; the table is as it was, the ledger says why, and the unit is not
            covered any more if it was, so that what is missing can be read again.
    """
    require_tenant(settings.tenant, unit.tenant, f"Unit {unit.unit_id}")
    before, began = client.requests, time.monotonic()

    def stage(load: Load, person_ids: Sequence[int]) -> None:
        condition = clockings_filter(person_ids, unit.first, unit.last, unit.circles)
        try:
            _stage(load, CLOCKINGS, client.answers(CLOCKINGS, condition), on_page)
        except UriTooLongError:
            if len(person_ids) < 2:
                raise
            middle = len(person_ids) // 2
            stage(load, person_ids[:middle])
            stage(load, person_ids[middle:])

    scope = Scope(unit.person_ids, unit.first, unit.last)
    kinds = iter([DirectLoad])  # a second attempt goes the ordinary way: what was copied in vain stays as dead rows

    def attempt() -> Counts:
        with database_errors(engine.url), engine.begin() as connection:
            mark_under_way(connection, unit.unit_id)
            kind = next(kinds, Load)
            if kind is DirectLoad and not may_copy(connection, settings.tenant, unit):
                kind = Load
            load = kind(connection, settings.tenant, CLOCKINGS)
            stage(load, unit.person_ids)
            share_merges(connection, settings.tenant)
            lock_coverage(connection, settings.tenant, unit.person_ids)
            load.drop([one for one in load.doubtful() if client.record(CLOCKINGS, one) is None])
            vanished = _vanished(client, load, CLOCKINGS, scope)
            counts = load.merge(vanished)
            if counts.inserted or counts.updated or counts.deleted:
                note_drift(connection, settings.tenant, vanished)
            counts.requests = client.requests - before
            covered = min(unit.last, last_settled_day(settings, load.began))
            cover(connection, settings.tenant, unit.person_ids, unit.first, covered)
            finish_unit(connection, unit.unit_id, counts, time.monotonic() - began)
            return counts

    try:
        return _restarting(attempt)
    except ProtimeError as error:
        counts = Counts(requests=client.requests - before)
        _enter_failure(engine, unit, counts, time.monotonic() - began, error)
        raise


def _stage(load: Load, collection: Collection, answers: Iterable[bytes], on_page: OnPage = lambda _: None) -> None:
    load.take((decode_page(collection, body) for body in ahead(answers)), on_page)


def _vanished(client: ProtimeClient, load: Load, collection: Collection, scope: Scope) -> list[int]:
    """Which of the absent records do not exist any more; those that moved to another day or person are staged."""
    vanished = []
    for record_id in load.absent(scope):
        found = client.record(collection, record_id)
        if found is None:
            vanished.append(record_id)
        else:
            load.take([found])
    return vanished


def _restarting(attempt: Callable[[], Counts]) -> Counts:
    """Start again from the first page: twice when a paging token has died, half a minute long without PostgreSQL."""
    conflicts = Retrying(
        retry=retry_if_exception_type((PagingConflictError, CollisionError)),
        stop=stop_after_attempt(ATTEMPTS),
        reraise=True,
    )
    lost_connections = Retrying(
        retry=retry_if_exception_type(ConnectionLostError),
        stop=stop_after_attempt(CONNECTION_ATTEMPTS),
        wait=wait_exponential(CONNECTION_WAIT_SECONDS),
        before_sleep=_tell,
        reraise=True,
    )
    return lost_connections(lambda: conflicts(attempt))


def _tell(state: RetryCallState) -> None:
    error = state.outcome.exception() if state.outcome else None
    message = error.message if isinstance(error, ProtimeError) else ""
    log.warning("%s The unit is tried again in %.0f s.", message, state.upcoming_sleep)


def _enter_failure(engine: Engine, unit: Unit, counts: Counts, seconds: float, error: ProtimeError) -> None:
    try:
        with engine.begin() as connection:
            if finish_unit(connection, unit.unit_id, counts, seconds, str(error)):
                uncover(connection, unit.tenant, unit.person_ids, unit.first, unit.last)
    except Exception:  # noqa: BLE001, S110 - the database may be what failed; the first error is the one to report
        pass
