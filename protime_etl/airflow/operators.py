"""Operators: people, the plan, and units of clockings. XCom carries identifiers and counts, never records."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from protime_etl.airflow.hook import ProtimeHook
from protime_etl.airflow.retry_policy import ProtimeRetryPolicy
from protime_etl.errors import ApiError, ProtimeError
from protime_etl.postgres.load import Counts
from protime_etl.sync.crew import FAILURES_IN_A_ROW
from protime_etl.sync.pipeline import local_day

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from airflow.sdk import Context

    from protime_etl.sync.pipeline import Pipeline

__all__ = [
    "ProtimeClockingsToPostgresOperator",
    "ProtimeFinishOperator",
    "ProtimeOperator",
    "ProtimePeopleToPostgresOperator",
    "ProtimePlanOperator",
    "run_day",
    "run_window",
]


def run_day(context: Context, pipeline: Pipeline) -> dt.date:
    """The run's own day: the date, in the tenant's time zone, of the moment that the run stands for."""
    run: Any = context["dag_run"]
    return local_day(pipeline.settings, run.logical_date or run.run_after)


def run_window(context: Context, pipeline: Pipeline, lookback_days: int) -> tuple[dt.date, dt.date]:
    """First and last day of the run: its own day and those before it; of `airflow backfill create` its own day only."""
    run: Any = context["dag_run"]
    last = run_day(context, pipeline)
    own_day_only = str(getattr(run.run_type, "value", run.run_type)) == "backfill"
    return last - dt.timedelta(days=0 if own_day_only else lookback_days), last


class ProtimeOperator(BaseOperator):
    """What all have in common: the two connections, and errors that Airflow need not retry."""

    ui_color = "#d7e8f7"

    def __init__(
        self,
        *,
        protime_conn_id: str = ProtimeHook.default_conn_name,
        postgres_conn_id: str = "protime_warehouse",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.protime_conn_id = protime_conn_id
        self.postgres_conn_id = postgres_conn_id

    def pipeline(self) -> AbstractContextManager[Pipeline]:
        """The pipeline between the two connections."""
        return ProtimeHook(self.protime_conn_id).get_conn(self.postgres_conn_id)

    def execute(self, context: Context) -> Any:
        """Carry out; an error that no retry cures fails the task at once."""
        if isinstance(self.retry_policy, ProtimeRetryPolicy):
            self.retry_policy.begin(context)
        try:
            with self.pipeline() as pipeline:
                return self.carry_out(pipeline, context)
        except ProtimeError as error:
            if not error.retry:
                raise AirflowFailException(str(error)) from None
            raise

    def carry_out(self, pipeline: Pipeline, context: Context) -> Any:
        """The operator's own work."""
        raise NotImplementedError


class ProtimePeopleToPostgresOperator(ProtimeOperator):
    """Read all people of the tenant into `protime.people`. Returns the counts.

    :param named: people or circles that somebody named; nobody else need be known then, and the task is skipped.
    """

    template_fields: Sequence[str] = ("named",)

    def __init__(self, *, named: str = "", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.named = named

    def carry_out(self, pipeline: Pipeline, context: Context) -> dict[str, int]:
        """Read people."""
        del context
        if self.named.strip():
            raise AirflowSkipException("People or circles are named: nobody else need be known.")
        counts = pipeline.sync_people()
        self.log.info("People: %s", counts)
        return counts.as_dict()


class ProtimePlanOperator(ProtimeOperator):
    """Enter a run and its units in the ledger. Returns the numbers of the units, to map over.

    :param lookback_days: days before the run's own day that are read again; a run made by `airflow backfill create`
        reads its own day only.
    """

    template_fields: Sequence[str] = ("lookback_days",)

    def __init__(self, *, lookback_days: int | str = 7, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.lookback_days = lookback_days

    def carry_out(self, pipeline: Pipeline, context: Context) -> list[int]:
        """Plan the window of this run."""
        run: Any = context["dag_run"]
        first, last = run_window(context, pipeline, int(self.lookback_days))
        run_id, units = pipeline.plan(f"airflow {run.dag_id} {run.run_id}", first, last)
        self.log.info("Run %s: %s to %s in %s units", run_id, first, last, len(units))
        context["ti"].xcom_push(key="run_id", value=run_id)
        return [unit.unit_id for unit in units]


class ProtimeClockingsToPostgresOperator(ProtimeOperator):
    """Pull units of clockings into `protime.clockings`, each whole or not at all. Returns the counts.

    :param unit_id: number of the unit in the ledger, or a list of them. Of a list only those are pulled that are not
        done yet, and one that fails does not stop the others.
    """

    template_fields: Sequence[str] = ("unit_id",)

    def __init__(self, *, unit_id: int | list[int], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.unit_id = unit_id

    def carry_out(self, pipeline: Pipeline, context: Context) -> dict[str, int]:
        """Pull the unit or the units."""
        if isinstance(self.unit_id, list):
            return self._pull_all(pipeline, context, [int(one) for one in self.unit_id]).as_dict()
        return self._pull(pipeline, context, int(self.unit_id)).as_dict()

    def _pull(self, pipeline: Pipeline, context: Context, unit_id: int, more: str = "") -> Counts:
        unit = pipeline.read_unit(unit_id)
        context["unit"] = unit.label + more  # type: ignore[typeddict-unknown-key]  # read by map_index_template
        counts = pipeline.pull(unit)
        self.log.info("Unit %s (%s): %s", unit.unit_id, unit.label, counts)
        return counts

    def _pull_all(self, pipeline: Pipeline, context: Context, unit_ids: Sequence[int]) -> Counts:
        counts = Counts()
        failures: list[ProtimeError] = []
        in_a_row = 0
        for unit_id in unit_ids:
            if pipeline.is_done(unit_id):
                continue
            try:
                counts += self._pull(pipeline, context, unit_id, f" and {len(unit_ids) - 1} more units")
                in_a_row = 0
            except ProtimeError as error:
                failures.append(error)
                in_a_row += 1
                self.log.warning("Unit %s: %s", unit_id, error)
                # Who is told to wait gives the slot back; the next try goes on with what is not done.
                told_to_wait = isinstance(error, ApiError) and error.retry_after is not None
                if not error.retry or told_to_wait or in_a_row >= FAILURES_IN_A_ROW:
                    raise
        if failures:
            failures[0].message = f"{len(failures)} of {len(unit_ids)} units failed, one so: {failures[0].message}"
            raise failures[0]
        return counts


class ProtimeFinishOperator(ProtimeOperator):
    """Close the run in the ledger and tell the outlets, if any, what it did. Returns the counts.

    :param run_id: number of the run in the ledger.
    """

    template_fields: Sequence[str] = ("run_id",)

    def __init__(self, *, run_id: int | str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.run_id = run_id

    def carry_out(self, pipeline: Pipeline, context: Context) -> dict[str, int]:
        """Add up the units; the asset event carries the counts."""
        if not str(self.run_id).isdigit():
            raise AirflowFailException("No run was planned: look at the plan task.")
        counts, statuses = pipeline.finish(int(self.run_id))
        unfinished = sum(number for status, number in statuses.items() if status != "done")
        if unfinished:
            raise AirflowFailException(
                f"{unfinished} of {sum(statuses.values())} units are not done. Clear the failed pull tasks."
            )
        summary = {**counts.as_dict(), "units": sum(statuses.values())}
        events = context["outlet_events"]
        for outlet in self.outlets:
            events[outlet].extra = {"run_id": int(self.run_id), **summary}
        self.log.info("Run %s: %s", self.run_id, summary)
        return summary
