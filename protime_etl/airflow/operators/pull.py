"""Operators: people, the plan, and units of clockings. XCom carries identifiers and counts, never records."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from protime_etl.airflow.operators.base import (
    MOST_AT_ONCE,
    ProtimeOperator,
    is_backfill,
    is_true,
    log_incomplete,
    run_window,
)
from protime_etl.airflow.operators.mapping import map_over
from protime_etl.airflow.operators.reports import LogObserver, in_words
from protime_etl.airflow.operators.waiting import long_wait
from protime_etl.collections.people import PEOPLE
from protime_etl.counted import counted
from protime_etl.errors import ApiError, IncompleteError, ProtimeError, ProtocolError, UnreachableError
from protime_etl.postgres.ledger.people import known_people
from protime_etl.sync.arguments import parse_whole_number
from protime_etl.sync.plan.request import select
from protime_etl.sync.pull.lists import read_lists, read_people
from protime_etl.sync.pull.runs import entering_failures, is_done, plan, read_unit, unfinished_parts
from protime_etl.sync.pull.work_list import failure_of
from protime_etl.sync.pull.worker_pool import pull_units
from protime_etl.work import Counts, RunKind, Unit

if TYPE_CHECKING:
    from airflow.sdk import Context

    from protime_etl.sync.pipeline import Pipeline

__all__ = [
    "ProtimeClockingsToPostgresOperator",
    "ProtimeOperator",
    "ProtimePeopleToPostgresOperator",
    "ProtimePlanOperator",
]


class ProtimePeopleToPostgresOperator(ProtimeOperator):
    """Read all people of the tenant into `protime.people`, and the chosen collections that are read whole.

    Returns the counts. A list that cannot be read whole fails the task after all others were read.

    :param named: people or circles that were named; others need not be known then, and the task is skipped.
    :param accept_deletions: mark as deleted the people who vanished from the list, however many they are.
    """

    template_fields: Sequence[str] = ("named", "accept_deletions", "collections", "accept_older")

    def __init__(self, *, named: str = "", accept_deletions: bool | str = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.named = named
        self.accept_deletions = accept_deletions

    def carry_out(self, pipeline: Pipeline, context: Context) -> dict[str, int]:
        """Read people and lists."""
        del context
        if self.named.strip():
            raise AirflowSkipException("People or circles are named: others need not be known.")
        pipeline.accept_deletions(is_true(self.accept_deletions))
        counts = _read_lists(pipeline, self.log)
        if pipeline.to_look_at:
            # The client has repeated what a repetition cures, and everything else is stored.
            raise AirflowFailException(" ".join(map(str, pipeline.to_look_at)))
        return counts.as_dict()


def _read_lists(pipeline: Pipeline, log: Any) -> Counts:
    """Read people and the other collections that are read whole, as far as they are chosen.

    A list that fails is in `pipeline.to_look_at` and stops nothing else.

    Raises:
        ProtimeError: the API asks for a long wait, refuses the credentials, or no person is known yet.
    """
    counts = Counts()
    if PEOPLE.path in pipeline.settings.collections:
        counts += _read_apart(pipeline, lambda: read_people(pipeline), "The list of people")
    counts += _read_apart(pipeline, lambda: read_lists(pipeline), "A list")
    log.info("People: %s", in_words(counts))
    return counts


def _read_apart(pipeline: Pipeline, read: Callable[[], Counts], what: str) -> Counts:
    try:
        return read()
    except (ApiError, ProtocolError, UnreachableError) as error:
        if long_wait(error, pipeline.settings.max_wait_in_task) is not None:
            raise
        with pipeline.reading() as connection:
            if not known_people(connection, pipeline.tenant):
                raise
        failed = IncompleteError(f"{what} could not be read: {error.message}", guidance=error.guidance)
        pipeline.to_look_at.append(failed)
        return Counts()


class ProtimePlanOperator(ProtimeOperator):
    """Enter a run and its units in the ledger. Returns the numbers of the units, to map over, or lists of them.

    Lists when there are more than `[core] max_map_length`, or where `at_once` is given. What could not be read whole on
    the way (a list that fails or is held back, a collection that is refused) is in the log, and its number in XCom
    (`incomplete`): the clockings of all known people are planned all the same.

    :param lookback_days: days before the run's own day that are read again; a run made by `airflow backfill create`
        reads its own day only.
    :param read_people: read all people before, and the collections that are read whole, as
        `ProtimePeopleToPostgresOperator` does: one start of a task less.
    :param accept_deletions: as there.
    :param at_once: lists that the units are dealt into; left out: a task a unit.
    :param schedule_timezone: where the schedule holds; the log says so if that is not where the terminals hang.
    """

    template_fields: Sequence[str] = ("lookback_days", "accept_deletions", "at_once", "collections", "accept_older")

    def __init__(
        self,
        *,
        lookback_days: int | str = 7,
        read_people: bool = False,
        accept_deletions: bool | str = False,
        at_once: int | str | None = None,
        schedule_timezone: str = "",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.lookback_days = lookback_days
        self.read_people = read_people
        self.accept_deletions = accept_deletions
        self.at_once = at_once
        self.schedule_timezone = schedule_timezone

    def carry_out(self, pipeline: Pipeline, context: Context) -> list[int] | list[list[int]]:
        """Plan the window of this run."""
        at_once = None if self.at_once is None else parse_whole_number("concurrency", self.at_once, 1, MOST_AT_ONCE)
        if self.schedule_timezone not in ("", zone := pipeline.settings.timezone):
            self.log.warning(
                "The schedule is in %s, the terminals are in %s: a night may read another day than you expect.",
                self.schedule_timezone,
                zone,
            )
        first, last = run_window(context, pipeline, self.lookback_days)
        request = select(pipeline, first, last)
        with entering_failures(pipeline, request):
            if self.read_people:
                pipeline.accept_deletions(is_true(self.accept_deletions))
                _read_lists(pipeline, self.log)
            kind = RunKind.BACKFILL if is_backfill(context) else RunKind.NIGHTLY
            run_id, units = plan(pipeline, kind, request)
        log_incomplete(self.log, pipeline)
        self.log.info("Run %s: %s to %s in %s", run_id, first, last, counted(len(units), "unit"))
        context["ti"].xcom_push(key="run_id", value=run_id)
        context["ti"].xcom_push(key="incomplete", value=len(pipeline.to_look_at))
        return map_over(units, at_once)


class ProtimeClockingsToPostgresOperator(ProtimeOperator):
    """Pull units of clockings into `protime.clockings`, each whole or not at all. Returns the counts.

    A unit that cannot be read whole is cut; what cannot be read at all fails the task after the rest was committed.
    The next try asks only for what is left.

    :param unit_id: number of the unit in the ledger, or a list of them. Of a list only those are pulled that are not
        done yet, and one that fails does not stop the others.
    :param accept_deletions: mark as deleted what vanished, however much that is.
    """

    template_fields: Sequence[str] = ("unit_id", "accept_deletions", "collections", "accept_older")

    def __init__(self, *, unit_id: int | list[int], accept_deletions: bool | str = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.unit_id = unit_id
        self.accept_deletions = accept_deletions

    def carry_out(self, pipeline: Pipeline, context: Context) -> dict[str, int]:
        """Pull the unit or the units."""
        pipeline.accept_deletions(is_true(self.accept_deletions))
        listed = isinstance(self.unit_id, list)
        ids = [_unit_given(one) for one in _listed(self.unit_id)]
        label = _label(read_unit(pipeline, ids[0]), len(ids))
        context["unit"] = label  # type: ignore[typeddict-unknown-key]  # read by map_index_template
        left = [one for one in ids if not (listed and is_done(pipeline, one))]
        units = [unit for one in left for unit in unfinished_parts(pipeline, one)]
        counts, failures = pull_units(pipeline, units, LogObserver(self.log))
        if failures:
            raise failure_of(failures, of=len(ids) if listed else None)
        return counts.as_dict()

    def map_label(self) -> str:
        """What the task is called while it runs and waits for its next try: `map_index_template` asks for it before.

        Empty where the ledger cannot be asked; the task itself then says why.
        """
        unit_ids = _listed(self.unit_id)
        try:
            with self.pipeline() as pipeline:
                return _label(read_unit(pipeline, _unit_given(unit_ids[0])), len(unit_ids))
        except ProtimeError:
            return ""


def _listed(unit_id: int | list[int]) -> list[int]:
    return unit_id if isinstance(unit_id, list) else [unit_id]


def _unit_given(unit_id: object) -> int:
    return parse_whole_number("unit_id", unit_id, 1, 2**63 - 1)


def _label(unit: Unit, of: int) -> str:
    more = f" and {counted(of - 1, 'more unit')}" if of > 1 else ""
    return unit.label + more
