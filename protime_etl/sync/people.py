"""The list of people: who is there, and who is no longer."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from sqlalchemy.engine import Engine

from protime_etl.collections.people import PEOPLE
from protime_etl.config import Settings
from protime_etl.errors import DeletionsWithheldError, RateLimited
from protime_etl.postgres.connection import database_errors
from protime_etl.postgres.ledger import known_people
from protime_etl.postgres.locks import lock_people
from protime_etl.postgres.merge import Load
from protime_etl.protime.client import ProtimeClient
from protime_etl.sync.bounds import most_people
from protime_etl.sync.brake import Brake
from protime_etl.sync.reading import Reading, restarting
from protime_etl.sync.recheck import judge
from protime_etl.work import Counts, Scope

__all__ = ["pull_people"]

UNLOCKED_TRIES = 3

Result = TypeVar("Result")


def pull_people(
    settings: Settings, client: ProtimeClient, engine: Engine, brake: Brake
) -> tuple[Counts, DeletionsWithheldError | None]:
    """Read the people collection into `protime.people`; who is no longer there becomes deleted, unless too many are.

    Raises:
        ProtimeError: a subclass says what went wrong; the table is as it was.
    """
    before = client.requests

    def attempt() -> tuple[Counts, DeletionsWithheldError | None]:
        with database_errors(engine.url), engine.begin() as connection:
            lock_people(connection, settings.tenant)
            most = most_people(len(known_people(connection, settings.tenant)))
            load = Load(connection, settings.tenant, PEOPLE)
            reading = Reading(PEOPLE, client.answers(PEOPLE), most, "people")
            load.stage(reading)
            read = load.counts.rows_read
            absent = load.missing_from_pull(Scope())
            # Nobody moves out of this list: whoever is undecided exists, and only the list does not tell.
            gone, found, _ = judge(
                client,
                PEOPLE,
                absent,
                reading.pages,
                lambda: Reading(PEOPLE, client.answers(PEOPLE), most, "people"),
            )
            load.stage(found)
            if brake.withholds(len(gone), read + len(absent)):
                return load.merge(), brake.error(len(gone), read + len(absent), "people")
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
