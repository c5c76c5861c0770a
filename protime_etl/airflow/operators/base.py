"""What all operators have in common: connections, waits, errors, and the words of a run and its form."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowFailException

from protime_etl.airflow.hook import ProtimeHook
from protime_etl.airflow.operators.lineage import lineage_of
from protime_etl.airflow.operators.waiting import PATIENCE, RescheduledError, long_wait, wait_outside
from protime_etl.airflow.wording import speak_of_connections
from protime_etl.errors import ProtimeError
from protime_etl.sync.arguments import parse_whole_number
from protime_etl.sync.plan.days import local_day
from protime_etl.work import Counts, DagRun

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from airflow.sdk import Context
    from sqlalchemy.engine import URL

    from protime_etl.sync.pipeline import Pipeline

__all__ = [
    "MOST_AT_ONCE",
    "ProtimeOperator",
    "dag_run_of",
    "form_text",
    "is_backfill",
    "is_true",
    "log_incomplete",
    "run_day",
    "run_window",
]

LONGEST_LOOKBACK = 3660
MOST_AT_ONCE = 1024


def is_true(given: bool | str) -> bool:
    """What a parameter says; a template makes text of it."""
    return str(given).strip().lower() == "true"


def form_text(given: object) -> str:
    """The text in a field of a form; a template renders an empty field as `None`."""
    text = "" if given is None else str(given).strip()
    return "" if text == "None" else text


def log_incomplete(log: Any, pipeline: Pipeline) -> None:
    """Log what could not be read whole: it stops no other collection."""
    for error in pipeline.to_look_at:
        log.error("%s", error)


def dag_run_of(context: Context) -> DagRun:
    """The run of Airflow that a task belongs to."""
    run: Any = context["dag_run"]
    return DagRun(run.dag_id, run.run_id)


def is_backfill(context: Context) -> bool:
    """Whether the run was made by `airflow backfill create`."""
    run: Any = context["dag_run"]
    return str(getattr(run.run_type, "value", run.run_type)) == "backfill"


def run_day(context: Context, pipeline: Pipeline) -> dt.date:
    """The run's own day: the date, in the tenant's time zone, of the moment that the run stands for."""
    run: Any = context["dag_run"]
    return local_day(pipeline.settings, run.logical_date or run.run_after)


def run_window(context: Context, pipeline: Pipeline, lookback_days: int | str) -> tuple[dt.date, dt.date]:
    """First and last day of the run: its own day and those before it; of `airflow backfill create` its own day only.

    Raises:
        SettingsError: the days to look back are no whole number of days.
    """
    days = parse_whole_number("lookback_days", lookback_days, 0, LONGEST_LOOKBACK)
    last = run_day(context, pipeline)
    return last - dt.timedelta(days=0 if is_backfill(context) else days), last


class ProtimeOperator(BaseOperator):
    """What all have in common: the two connections, waits that hold no slot, and errors that Airflow need not retry.

    :param collections: what is read instead of the connection's collections, such as `clockings people`; or `all`.
    :param accept_older: take over records whose changeVersion went back, as the tenant was restored or moved.
    :param deadline: how long a try waits in all when the API asks to wait; then it fails.
    """

    ui_color = "#d7e8f7"
    template_fields: Sequence[str] = ("collections", "accept_older")

    def __init__(
        self,
        *,
        protime_conn_id: str = ProtimeHook.default_conn_name,
        postgres_conn_id: str = "protime_warehouse",
        collections: str | None = "",
        accept_older: bool | str = False,
        deadline: dt.timedelta = PATIENCE,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.collections = collections
        self.accept_older = accept_older
        self.deadline = deadline
        self._loaded: tuple[str, URL, dict[str, Counts]] | None = None
        self._unchecked: list[Any] = []
        self.protime_conn_id = protime_conn_id
        self.postgres_conn_id = postgres_conn_id

    def pipeline(self) -> AbstractContextManager[Pipeline]:
        """The pipeline between the two connections."""
        # A label is asked for before templates are rendered; it needs no collections.
        chosen = form_text(self.collections)
        chosen = "" if "{{" in chosen else chosen
        return ProtimeHook(self.protime_conn_id).get_conn(self.postgres_conn_id, chosen)

    def render_template_fields(self, context: Context, jinja_env: Any = None) -> None:
        """Render, and keep the outlets from the check that Airflow makes next.

        It fails a task whose asset is inactive because another DAG declares one of its name. What the task does is
        worth more than its event: `active_outlets` logs it instead.
        """
        super().render_template_fields(context, jinja_env)
        self._unchecked, self.outlets = self.outlets, []

    def execute(self, context: Context) -> Any:
        """Carry out; a long wait gives the slot back, and an error that no retry cures fails the task at once."""
        longest_inside = math.inf
        self.outlets = self.outlets or self._unchecked
        try:
            with self.pipeline() as pipeline:
                longest_inside = pipeline.settings.max_wait_in_task
                pipeline.dag_run = dag_run_of(context)
                pipeline.accepts_older = is_true(self.accept_older)
                result = self.carry_out(pipeline, context)
                self._loaded = (pipeline.settings.api_host, pipeline.engine.url, dict(pipeline.counts_of))
                return result
        except ProtimeError as error:
            speak_of_connections(error, self.protime_conn_id, self.postgres_conn_id)
            seconds = long_wait(error, longest_inside)
            if seconds is not None:
                raise self._logged(wait_outside(context, seconds, error, self.deadline)) from None
            raise self._logged(error if error.retry else AirflowFailException(str(error))) from None
        except AirflowFailException as error:
            raise self._logged(error) from None

    def get_openlineage_facets_on_complete(self, task_instance: Any) -> Any:
        """What OpenLineage's listener asks after the task: the collections that were read, and their tables."""
        del task_instance
        return lineage_of(*self._loaded) if self._loaded is not None and self._loaded[2] else None

    def _logged(self, error: Exception) -> Exception:
        """Log the error and return it without its traceback: the frames behind a known error add nothing."""
        if isinstance(error, RescheduledError):
            self.log.warning("%s", error)
        else:
            self.log.error("%s", error)
        return error.with_traceback(None)

    def carry_out(self, pipeline: Pipeline, context: Context) -> Any:
        """The operator's own work."""
        raise NotImplementedError
