"""A proof that the table and the tenant agree: both are read and compared id by id, and nothing is written.

While the tenant is read it may change. So what differs is looked at once more before it counts (`look_again`), and a
record that changed between the two readings is `moving` and no difference. A difference is `pending` if its
changeVersion is newer than anything that the table had when the comparison began: it is not a miss, the
next poll or nightly run brings it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from protime_etl.collections.collection import Collection
from protime_etl.collections.registry import COLLECTIONS
from protime_etl.config import PEOPLE_SCOPE
from protime_etl.errors import IncompleteError, ProtimeError, SettingsError
from protime_etl.postgres.ledger.history import keep_verification
from protime_etl.sync.pipeline import Pipeline
from protime_etl.sync.plan.days import local_day
from protime_etl.sync.plan.request import YEAR, check_range, of_people, refuse_unknown, unknown_among
from protime_etl.sync.pull.lists import read_list
from protime_etl.sync.pull.runs import run_alone
from protime_etl.sync.pull.unit import OnPage
from protime_etl.sync.read.recheck import older_error
from protime_etl.sync.verify.comparison import Comparing
from protime_etl.sync.verify.unlisted import listed_people
from protime_etl.sync.verify.verification import Verification
from protime_etl.work import EVERYONE, Counts, Request, RunKind, Slice

__all__ = ["repair", "repair_slice", "verify", "verify_all"]


def verify_all(
    pipeline: Pipeline,
    first: dt.date,
    last: dt.date,
    person_ids: Sequence[int] | None = None,
    *,
    on_page: OnPage = lambda _: None,
) -> list[Verification]:
    """Compare each chosen collection; those without days as a whole, and not where people are named.

    A collection that fails is reported by the pipeline (`to_look_at`) and stops no other.

    Raises:
        ProtimeError: as `verify`, where no collection can be compared; or it is about all of them.
    """
    found: list[Verification] = []
    paths = pipeline.settings.collections
    if person_ids is not None:
        paths = of_people(paths)
    for path in paths:
        collection = COLLECTIONS[path]
        try:
            found.append(verify(pipeline, collection, first, last, person_ids, on_page=on_page))
        except ProtimeError as error:
            if len(paths) == 1:
                raise
            pipeline.report_failed(path, error)
    pipeline.raise_if_all_failed(paths)
    return found


def verify(
    pipeline: Pipeline,
    collection: Collection,
    first: dt.date,
    last: dt.date,
    person_ids: Sequence[int] | None = None,
    *,
    kind: RunKind = RunKind.VERIFY,
    on_page: OnPage = lambda _: None,
) -> Verification:
    """Compare the days, both included, of those people, or of all: then by date alone, whosever the records are.

    A collection without days is compared as a whole. What is equal is proven by it; what differs is counted and kept.

    Raises:
        SettingsError: the dates are reversed or far away, or a person who is named does not exist.
        ProtimeError: a subclass says what went wrong; nothing is known then.
    """
    check_range(first, last)
    if last > (end := local_day(pipeline.settings, dt.datetime.now(dt.UTC)) + YEAR):
        raise SettingsError(f"The range ends ({last}) later than a year from now ({end}).", guidance="End earlier.")
    if person_ids is not None and PEOPLE_SCOPE in pipeline.settings.scopes:
        unknown = unknown_among(pipeline, person_ids)
        refuse_unknown(pipeline, sorted({*unknown} - listed_people(pipeline)) if unknown else [])
    comparing = Comparing(pipeline, collection, on_page, is_repaired=kind is RunKind.PROOF)
    found = comparing.days(first, last, person_ids) if collection.is_dated else comparing.lists()
    if found.older and not pipeline.accepts_older:
        what = f"{collection.path} of {first}..{last}" if collection.is_dated else collection.path
        error = older_error(len(found.older), what)
        if str(error) not in map(str, pipeline.to_look_at):  # a repair compares twice
            pipeline.to_look_at.append(error)
    with pipeline.transaction() as connection:
        days = (first, last) if collection.is_dated else None
        keep_verification(
            pipeline.stored(connection, collection),
            kind=kind,
            dag_run=pipeline.dag_run,
            days=days,
            totals=found.totals(),
        )
    return found


def repair(pipeline: Pipeline, found: Verification) -> Counts:
    """Pull what differs: the list of a collection without days, or these people and days by ordinary units.

    What the tenant has in an older version only if that is accepted.

    Raises:
        ProtimeError: it cannot be read.
    """
    differences = [one for one in found.differences if pipeline.accepts_older or not one.is_older]
    if not differences:
        return Counts()
    if not COLLECTIONS[found.collection].is_dated:
        return read_list(pipeline, COLLECTIONS[found.collection])
    days = [day for one in differences for day in one.dates]
    people = sorted({person for one in differences for person in one.people})
    if not COLLECTIONS[found.collection].by_people:
        people = [EVERYONE]
    if not days or not people:
        return Counts()
    # Not cut at today as `select` does: what differs may lie in the future.
    return repair_slice(pipeline, Slice(people, min(days), max(days), found.collection))


def repair_slice(pipeline: Pipeline, wrong: Slice) -> Counts:
    """Pull these people and days by ordinary units; what is left to look at is reported by the pipeline.

    Raises:
        ProtimeError: it cannot be read.
    """
    people = None if EVERYONE in wrong.person_ids else tuple(wrong.person_ids)
    request = Request(wrong.first, wrong.last, (wrong.collection,), people)
    try:
        return run_alone(pipeline, RunKind.REPAIR, request)
    except IncompleteError as error:
        pipeline.to_look_at.append(error)
        return Counts(**error.done)
