"""Collections that are read whole, people among them: what is in the list, and what is no longer."""

from __future__ import annotations

from contextlib import closing, suppress

from protime_etl.collections.collection import Collection
from protime_etl.collections.people import PEOPLE
from protime_etl.collections.registry import COLLECTIONS
from protime_etl.config import PEOPLE_SCOPE
from protime_etl.errors import IncompleteError, ProtimeError
from protime_etl.postgres.book.wrong import Kind, Wrong, enter_right, enter_wrong, held_back
from protime_etl.postgres.ledger.collection_state import note_read
from protime_etl.postgres.ledger.people import known_people
from protime_etl.postgres.ledger.sources import register_source, require_source
from protime_etl.postgres.ledger.volumes import stored_records
from protime_etl.postgres.load.merge import Load
from protime_etl.postgres.server.clock import database_clock
from protime_etl.postgres.server.plans import refresh_statistics
from protime_etl.postgres.shared.locks import lock_list
from protime_etl.protime.retrying import with_retries
from protime_etl.sync.pipeline import Pipeline
from protime_etl.sync.plan.request import refuse_unknown, unknown_among
from protime_etl.sync.read.pages import restarting
from protime_etl.sync.read.reading import Reading
from protime_etl.sync.read.recheck import older_error
from protime_etl.work import Counts, Request, whole_list

__all__ = ["read_list", "read_lists", "read_people", "read_people_for"]


def read_people(pipeline: Pipeline) -> Counts:
    """Read all people; enters the tenant in the warehouse once it has answered.

    If their list fails, that is reported by the pipeline (`to_look_at`), and those who are known are read on.

    Raises:
        ProtimeError: as `read_list`, where no people are known; or as `Pipeline.report_failed`.
    """
    with pipeline.transaction() as connection:
        require_source(connection, pipeline.settings)
    # A tenant is entered when it has answered: a misspelt name is no tenant.
    longest = pipeline.settings_inside.max_wait_in_task
    pipeline.sitting_out(lambda: with_retries(pipeline.tokens.current, longest))
    with pipeline.transaction() as connection:
        register_source(connection, pipeline.settings)
    try:
        return read_list(pipeline, PEOPLE)
    except ProtimeError as error:
        with pipeline.reading() as connection:
            if not known_people(connection, pipeline.tenant):
                raise
        pipeline.report_failed(PEOPLE.path, error)
        return Counts()


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
    if unknown := unknown_among(pipeline, request.person_ids):
        pipeline.raise_if_all_failed([PEOPLE.path])  # then it is not known that they do not exist
        refuse_unknown(pipeline, unknown)
    return counts


def read_lists(pipeline: Pipeline) -> Counts:
    """Read the chosen collections that are read whole, but for people; see `read_people`.

    A collection that fails is reported by the pipeline (`to_look_at`) and stops no other.

    Raises:
        ProtimeError: as `Pipeline.report_failed`.
    """
    total = Counts()
    for path in pipeline.settings.collections:
        if not COLLECTIONS[path].is_dated and path != PEOPLE.path:
            try:
                total += read_list(pipeline, COLLECTIONS[path])
            except ProtimeError as error:
                pipeline.report_failed(path, error)
    return total


def read_list(pipeline: Pipeline, collection: Collection) -> Counts:
    """Read a collection into its table; what is no longer in its list becomes deleted.

    Too many deletions at once, and versions that went back, are reported by the pipeline (`to_look_at`).

    Raises:
        ProtimeError: a subclass says what went wrong; the table is as it was.
    """
    before = pipeline.client.requests
    try:
        counts, incomplete = _read_list(pipeline, collection)
    except ProtimeError as error:
        with suppress(ProtimeError), pipeline.transaction() as connection:
            # The database may be what failed; the first error is the one to report.
            enter_wrong(connection, pipeline.tenant, Wrong("failed", error.message), [whole_list(collection.path)])
        raise
    counts.requests = pipeline.client.requests - before
    pipeline.note_answer(collection.path)
    pipeline.to_look_at += incomplete
    pipeline.counts_of[collection.path] += counts
    refresh_statistics(pipeline.engine, counts.written)
    return counts


def _read_list(pipeline: Pipeline, collection: Collection) -> tuple[Counts, list[IncompleteError]]:
    with pipeline.reading() as connection:
        live = stored_records(pipeline.stored(connection, collection))
    whole = whole_list(collection.path)
    with closing(Reading(pipeline.client, collection, whole, collection.path, stored=live, keeps=True)) as reading:
        return pipeline.sitting_out(lambda: restarting(lambda: _pull_list(pipeline, collection, reading)), shortest=0.0)


def _pull_list(pipeline: Pipeline, collection: Collection, reading: Reading) -> tuple[Counts, list[IncompleteError]]:
    """Read the list and store it; a pause ends the transaction, and the pages so far are kept for the next try.

    What others have stored over a pause is newer: by the moment when the reading began it is not undone.
    """
    client, limit, tenant = pipeline.client, pipeline.deletion_limit, pipeline.tenant
    with pipeline.transaction() as connection, client.holding_locks():
        stored = pipeline.stored(connection, collection)
        lock_list(stored)
        began = reading.begin(database_clock(connection))
        live = stored_records(stored)
        load = Load(stored, began, read=reading.wanted)
        load.stage(reading.pages())
        read = load.counts.rows_read
        missing = load.missing_from_pull(began)
        # Nothing moves out of this list: a record that is undecided exists, and only the list lacks it.
        gone, found, _ = reading.judge(missing)
        load.stage(found)
        # What was held back before stays so until it is accepted, however few are left of it.
        before = [] if limit.accepted else held_back(stored, gone)
        is_withheld = bool(before) or limit.is_exceeded_by_list(len(gone), read, live)
        load.merge([] if is_withheld else gone)
        older = reading.confirm_older(load.older)
        if pipeline.accepts_older:
            load.accept(older)
        wrong: dict[Kind, IncompleteError] = {}
        if older and not pipeline.accepts_older:
            wrong["older"] = older_error(len(older), collection.path)
        if is_withheld:
            wrong["withheld"] = limit.error(len(gone), read + len(missing), collection.path)
        else:
            note_read(stored)
            load.forget_rejected_of_list()
            enter_right(stored, whole_list(collection.path))
        for kind, error in wrong.items():
            enter_wrong(connection, tenant, Wrong(kind, error.message), [whole_list(collection.path)])
        return load.counts, [*wrong.values()]
