"""What becomes of a unit that failed: it is cut, if its parts may be read, or entered as failed."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from typing import NamedTuple, NoReturn

from protime_etl.collections.registry import COLLECTIONS
from protime_etl.errors import ProtimeError, RequestsSpentError, UnreadableError
from protime_etl.postgres.book.wrong import Wrong, enter_wrong
from protime_etl.postgres.ledger import runs as ledger
from protime_etl.postgres.ledger.volumes import usual_amounts
from protime_etl.protime.client import ProtimeClient
from protime_etl.sync.pipeline import Pipeline
from protime_etl.sync.plan.slices import expected_requests
from protime_etl.sync.plan.volume import VolumeEstimate
from protime_etl.sync.read import cutting
from protime_etl.work import Counts, Slice, Unit

__all__ = ["Effort", "fail_unit"]


class Effort(NamedTuple):
    """What was spent on a unit before it failed."""

    pages: int
    """Pages of the last attempt."""
    largest_page: int
    requests: int
    began: float
    """On the monotonic clock."""


def fail_unit(
    pipeline: Pipeline,
    client: ProtimeClient,
    unit: Unit,
    error: ProtimeError,
    effort: Effort,
    *,
    cut_days: bool,
    after_wait: int,
) -> NoReturn:
    """Enter what became of the unit: its parts, or that it failed; its days are not covered any more.

    `after_wait`: into how many parts it is cut if it has to wait with nothing read; 0: a first wait is sat out.

    Raises:
        UnitCutError: its parts are in the ledger.
        ProtimeError: the error given; `UnreadableError` if the unit cannot be cut any further.
    """
    collection, seconds = COLLECTIONS[unit.collection], time.monotonic() - effort.began
    parts: Sequence[Slice] = ()
    too_broad = False
    if cutting.requested_wait(error) is not None:
        if effort.pages:
            expected = _expected_pages(pipeline, unit, effort)
            parts = cutting.parts_of(unit.slice, cutting.parts_between_pauses(expected, effort.pages))
        elif after_wait or (cutting.requested_wait(error) or 0) <= client.max_wait:  # then it has waited in its tries
            too_broad = True
            parts = cutting.parts_of(unit.slice, after_wait or cutting.PARTS_AFTER_WAIT, days_first=cut_days)
    elif cutting.is_about_the_question(error) and cutting.answers_others(
        client, collection, unit.first, unit.last, error
    ):
        parts = cutting.parts_of_failed(unit.slice, error, days_first=cut_days)
        if not parts:
            unreadable = cutting.unreadable(unit, error)
            unreadable.__cause__ = error
            error = unreadable
    # What was asked to find out about others counts, too.
    counts = Counts(requests=effort.requests)
    if parts:
        with pipeline.transaction() as connection:
            entered = ledger.cut_unit(connection, unit, parts, counts=counts, seconds=seconds, error=str(error))
            enter_wrong(connection, pipeline.tenant, Wrong("failed", error.message, unit.run_id), [unit.slice])
        raise cutting.UnitCutError(error, entered, too_broad=too_broad)
    with suppress(Exception), pipeline.transaction() as connection:
        # The database may be what failed; the first error is the one to report.
        # Where a repair has no requests left, the comparison has entered what differs; the rest is as it was.
        is_over = ledger.finish_unit(connection, unit.unit_id, counts, seconds, str(error))
        if is_over and not isinstance(error, RequestsSpentError):
            enter_wrong(connection, pipeline.tenant, _reason(unit, error), [unit.slice])
    raise error


def _reason(unit: Unit, error: ProtimeError) -> Wrong:
    """Why its days are wrong now."""
    return Wrong("unreadable" if isinstance(error, UnreadableError) else "failed", error.message, unit.run_id)


def _expected_pages(pipeline: Pipeline, unit: Unit, effort: Effort) -> int:
    """How many pages the unit has, by what is known and by what came of it."""
    collection = COLLECTIONS[unit.collection]
    with pipeline.reading() as connection:
        known = usual_amounts(pipeline.stored(connection, collection))
    estimate = VolumeEstimate(collection, known, effort.largest_page)
    return max(effort.pages + 1, expected_requests([unit.slice], {unit.collection: estimate}))
