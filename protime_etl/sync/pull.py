"""One pull: pages become rows, rows become the table, in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlalchemy.engine import Connection, Engine

from protime_etl.config import Settings
from protime_etl.errors import PagingConflictError, ProtimeError, UriTooLongError
from protime_etl.postgres.connection import database_errors
from protime_etl.postgres.ledger import Unit, cover, finish_unit
from protime_etl.postgres.load import Counts, Load, Scope
from protime_etl.protime.client import ProtimeClient
from protime_etl.protime.resources import COLLECTIONS
from protime_etl.sync.plan import clockings_filter

__all__ = ["pull_people", "pull_unit"]

RESTARTS = 3

OnPage = Callable[[int], None]
"""Called with the number of records of each page."""


def pull_people(settings: Settings, client: ProtimeClient, engine: Engine) -> Counts:
    """Read the people collection into `protime.people`; who is no longer there becomes deleted.

    Raises:
        ProtimeError: a subclass says what went wrong; the table is as it was.
    """
    before = client.requests
    with database_errors(engine.url), engine.begin() as connection:
        load = Load(connection, settings.tenant, COLLECTIONS["people"])
        for page in client.pages(COLLECTIONS["people"]):
            load.copy(page.rows)
            load.reject(page.rejected)
        counts = load.merge(Scope())
    counts.requests = client.requests - before
    return counts


def pull_unit(
    settings: Settings, client: ProtimeClient, engine: Engine, unit: Unit, *, on_page: OnPage = lambda _: None
) -> Counts:
    """Pull one unit: its rows, its coverage and its entry in the ledger are committed together.

    A paging token that dies restarts the unit from its first page; a URI that is too long splits its batch in two.

    Raises:
        ProtimeError: a subclass says what went wrong; table and coverage are as they were, and the ledger says why.
    """
    before = client.requests
    try:
        for restarts_left in reversed(range(RESTARTS)):
            try:
                with database_errors(engine.url), engine.begin() as connection:
                    counts = _pull_batch(settings, client, connection, unit, unit.person_ids, on_page=on_page)
                    counts.requests = client.requests - before
                    cover(connection, settings.tenant, unit, unit.first, unit.last)
                    finish_unit(connection, unit.unit_id, counts)
                    return counts
            except PagingConflictError:
                if not restarts_left:
                    raise
        raise AssertionError("unreachable")
    except ProtimeError as error:
        _enter_failure(engine, unit, Counts(requests=client.requests - before), error)
        raise


def _pull_batch(
    settings: Settings,
    client: ProtimeClient,
    connection: Connection,
    unit: Unit,
    person_ids: Sequence[int],
    *,
    on_page: OnPage,
) -> Counts:
    load = Load(connection, settings.tenant, COLLECTIONS["clockings"])
    try:
        for page in client.pages(COLLECTIONS["clockings"], clockings_filter(person_ids, unit.first, unit.last)):
            load.copy(page.rows)
            load.reject(page.rejected)
            on_page(len(page.rows) + len(page.rejected))
    except UriTooLongError:
        if len(person_ids) == 1:
            raise
        middle = len(person_ids) // 2
        halves = (person_ids[:middle], person_ids[middle:])
        first, second = (_pull_batch(settings, client, connection, unit, half, on_page=on_page) for half in halves)
        return first + second
    return load.merge(Scope(person_ids, unit.first, unit.last))


def _enter_failure(engine: Engine, unit: Unit, counts: Counts, error: ProtimeError) -> None:
    try:
        with engine.begin() as connection:
            finish_unit(connection, unit.unit_id, counts, str(error))
    except Exception:  # noqa: BLE001, S110 - the database may be what failed; the first error is the one to report
        pass
