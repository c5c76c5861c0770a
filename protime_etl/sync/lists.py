"""Collections that are read whole, people among them: what is in the list, and what is no longer."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from protime_etl.collections.collection import Collection
from protime_etl.collections.people import PEOPLE
from protime_etl.collections.registry import COLLECTIONS
from protime_etl.config import PEOPLE_SCOPE
from protime_etl.errors import DeletionsWithheldError, RateLimited
from protime_etl.postgres.collection_state import note_read
from protime_etl.postgres.locks import lock_list
from protime_etl.postgres.merge import Load
from protime_etl.postgres.planning import refresh_statistics
from protime_etl.postgres.sources import register_source, require_source
from protime_etl.postgres.volumes import stored_records
from protime_etl.protime.client import ProtimeClient
from protime_etl.protime.retrying import with_retries
from protime_etl.sync.bounds import most_listed
from protime_etl.sync.pipeline import Pipeline
from protime_etl.sync.reading import Reading, restarting
from protime_etl.sync.recheck import judge
from protime_etl.sync.requests import REFUSALS, refuse_unknown, unknown_among
from protime_etl.work import Counts, Request, Scope

__all__ = ["read_list", "read_lists", "read_people", "read_people_for"]

UNLOCKED_TRIES = 3

Result = TypeVar("Result")


def read_people(pipeline: Pipeline) -> Counts:
    """Read all people; enters the tenant in the warehouse once it has answered.

    Raises:
        ProtimeError: as `read_list`.
    """
    with pipeline.transaction() as connection:
        require_source(connection, pipeline.settings)
    # A tenant is entered when it has answered: a misspelt one is none.
    longest = pipeline.settings_inside.max_wait_in_task
    pipeline.sitting_out(lambda: with_retries(pipeline.tokens.current, longest))
    with pipeline.transaction() as connection:
        register_source(connection, pipeline.settings)
    return read_list(pipeline, PEOPLE)


def read_people_for(pipeline: Pipeline, request: Request) -> Counts:
    """Read people if it takes that to know whose records to read.

    Raises:
        SettingsError: a person who is named does not exist.
        ProtimeError: as `read_list`.
    """
    if request.circles:
        return Counts()
    if request.person_ids is None:
        return read_people(pipeline) if PEOPLE.path in pipeline.settings.collections else Counts()
    if PEOPLE_SCOPE not in pipeline.settings.scopes or not unknown_among(pipeline, request.person_ids):
        return Counts()
    counts = read_people(pipeline)
    refuse_unknown(pipeline, unknown_among(pipeline, request.person_ids))
    return counts


def read_lists(pipeline: Pipeline) -> Counts:
    """Read the chosen collections that are read whole, but for people; see `read_people`.

    A collection that the tenant refuses is reported by the pipeline (`to_look_at`) and stops no other.

    Raises:
        ProtimeError: as `read_list`.
    """
    total = Counts()
    for path in pipeline.settings.collections:
        if not COLLECTIONS[path].is_dated and path != PEOPLE.path:
            try:
                total += read_list(pipeline, COLLECTIONS[path])
            except REFUSALS as error:
                pipeline.report_refused(path, error)
    return total


def read_list(pipeline: Pipeline, collection: Collection) -> Counts:
    """Read a collection into its table; what is no longer in its list becomes deleted.

    Too many deletions at once are withheld and reported by the pipeline (`to_look_at`).

    Raises:
        ProtimeError: a subclass says what went wrong; the table is as it was.
    """
    counts, withheld = pipeline.sitting_out(lambda: _pull_list(pipeline, collection))
    if withheld is not None:
        pipeline.to_look_at.append(withheld)
    pipeline.counts_of[collection.path] += counts
    refresh_statistics(pipeline.engine, counts.written)
    return counts


def _pull_list(pipeline: Pipeline, collection: Collection) -> tuple[Counts, DeletionsWithheldError | None]:
    client, brake, tenant = pipeline.client, pipeline.brake, pipeline.tenant
    before = client.requests

    def attempt() -> tuple[Counts, DeletionsWithheldError | None]:
        with pipeline.transaction() as connection:
            lock_list(connection, tenant, collection.path)
            most = most_listed(stored_records(connection, tenant, collection))
            load = Load(connection, tenant, collection)
            reading = Reading(collection, client.answers(collection), most, collection.path)
            load.stage(reading)
            read = load.counts.rows_read
            missing = load.missing_from_pull(Scope())
            # Nothing moves out of this list: a record that is undecided exists, and only the list does not tell it.
            gone, found, _ = judge(
                client,
                collection,
                missing,
                reading.pages,
                lambda: Reading(collection, client.answers(collection), most, collection.path),
            )
            load.stage(found)
            if brake.withholds(len(gone), read + len(missing)):
                return load.merge(), brake.error(len(gone), read + len(missing), collection.path)
            note_read(connection, tenant, collection.path)
            return load.merge(gone), None

    counts, withheld = _between_pauses(client, attempt)
    counts.requests = client.requests - before
    return counts, withheld


def _between_pauses(client: ProtimeClient, attempt: Callable[[], Result]) -> Result:
    """Read without holding the lock over a pause; after three pauses with it, or the list would never end."""
    for _ in range(UNLOCKED_TRIES):
        try:
            with client.holding_locks():
                return restarting(attempt)
        except RateLimited as error:
            if not error.retry_after or error.retry_after > client.max_wait:
                raise
            client.wait()
    return restarting(attempt)
