"""Collections that are read whole: what is in the list, and what is no longer."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from sqlalchemy.engine import Engine

from protime_etl.collections.collection import Collection
from protime_etl.config import Settings
from protime_etl.errors import DeletionsWithheldError, RateLimited
from protime_etl.postgres.connection import database_errors
from protime_etl.postgres.ledger import note_read, stored_records
from protime_etl.postgres.locks import lock_list
from protime_etl.postgres.merge import Load
from protime_etl.protime.client import ProtimeClient
from protime_etl.sync.bounds import most_listed
from protime_etl.sync.brake import Brake
from protime_etl.sync.reading import Reading, restarting
from protime_etl.sync.recheck import judge
from protime_etl.work import Counts, Scope

__all__ = ["pull_list"]

UNLOCKED_TRIES = 3

Result = TypeVar("Result")


def pull_list(
    settings: Settings, client: ProtimeClient, engine: Engine, brake: Brake, collection: Collection
) -> tuple[Counts, DeletionsWithheldError | None]:
    """Read a collection into its table; what is no longer there becomes deleted, unless that is too much at once.

    Raises:
        ProtimeError: a subclass says what went wrong; the table is as it was.
    """
    before = client.requests

    def attempt() -> tuple[Counts, DeletionsWithheldError | None]:
        with database_errors(engine.url), engine.begin() as connection:
            lock_list(connection, settings.tenant, collection.path)
            most = most_listed(stored_records(connection, settings.tenant, collection))
            load = Load(connection, settings.tenant, collection)
            reading = Reading(collection, client.answers(collection), most, collection.path)
            load.stage(reading)
            read = load.counts.rows_read
            absent = load.missing_from_pull(Scope())
            # Nothing moves out of this list: a record that is undecided exists, and only the list does not tell it.
            gone, found, _ = judge(
                client,
                collection,
                absent,
                reading.pages,
                lambda: Reading(collection, client.answers(collection), most, collection.path),
            )
            load.stage(found)
            if brake.withholds(len(gone), read + len(absent)):
                return load.merge(), brake.error(len(gone), read + len(absent), collection.path)
            note_read(connection, settings.tenant, collection.path)
            return load.merge(gone), None

    counts, withheld = _between_pauses(client, attempt)
    counts.requests = client.requests - before
    return counts, withheld


def _between_pauses(client: ProtimeClient, attempt: Callable[[], Result]) -> Result:
    """Read without holding the lock over a pause; who met pauses three times has it, or the list would never end."""
    for _ in range(UNLOCKED_TRIES):
        try:
            with client.holding_locks():
                return restarting(attempt)
        except RateLimited as error:
            if not error.retry_after or error.retry_after > client.max_wait:
                raise
            client.wait()
    return restarting(attempt)
