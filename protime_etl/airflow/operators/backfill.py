"""The plan of a backfill that was asked for in a form."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from protime_etl.airflow.operators.base import (
    MOST_AT_ONCE,
    ProtimeOperator,
    form_text,
    log_incomplete,
    run_day,
)
from protime_etl.airflow.operators.mapping import map_over
from protime_etl.counted import counted
from protime_etl.sync.arguments import parse_date, parse_ids, parse_whole_number
from protime_etl.sync.plan.request import select
from protime_etl.sync.pull.lists import read_people_for
from protime_etl.sync.pull.runs import plan
from protime_etl.work import Request, RunKind

if TYPE_CHECKING:
    from airflow.sdk import Context

    from protime_etl.sync.pipeline import Pipeline

__all__ = ["ProtimeBackfillPlanOperator"]

FORM_FIELDS = ("first_day", "last_day", "people", "circles", "only_missing", "concurrency", "collections")


class ProtimeBackfillPlanOperator(ProtimeOperator):
    """Enter a run for a range of days and its units in the ledger. Returns units, or lists of them, to map over.

    :param first_day: first day, YYYY-MM-DD; empty: `lookback_days` before the last.
    :param last_day: last day, included; empty: the run's own day.
    :param people: ids of people, separated by commas; empty: all that are known.
    :param circles: ids of circles instead of people.
    :param only_missing: read only what was never completely read.
    :param concurrency: lists of units to make, which limits how many are read at once; empty: a task a unit.

    Where a template gives text, `true` is true and `None` is empty.
    """

    template_fields: Sequence[str] = FORM_FIELDS

    def __init__(
        self,
        *,
        first_day: str | None = None,
        last_day: str | None = None,
        people: str | None = None,
        circles: str | None = None,
        only_missing: bool | str = False,
        concurrency: int | str | None = None,
        lookback_days: int = 7,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.lookback_days = lookback_days
        self.first_day = first_day
        self.last_day = last_day
        self.people = people
        self.circles = circles
        self.only_missing = only_missing
        self.concurrency = concurrency

    def carry_out(self, pipeline: Pipeline, context: Context) -> list[int] | list[list[int]]:
        """Plan what the form asks for."""
        concurrency = form_text(self.concurrency)
        at_once = parse_whole_number("Concurrency", concurrency, 1, MOST_AT_ONCE) if concurrency else None
        selection = self._selection(pipeline, context)
        if selection.person_ids is not None:
            read_people_for(pipeline, selection)
        run_id, units = plan(pipeline, RunKind.BACKFILL, selection, workers=at_once or 1)
        log_incomplete(self.log, pipeline)
        self.log.info("Run %s: %s to %s in %s", run_id, selection.first, selection.last, counted(len(units), "unit"))
        context["ti"].xcom_push(key="run_id", value=run_id)
        context["ti"].xcom_push(key="incomplete", value=len(pipeline.to_look_at))
        return map_over(units, at_once)

    def _selection(self, pipeline: Pipeline, context: Context) -> Request:
        people, circles = form_text(self.people), form_text(self.circles)
        first_day, last_day = form_text(self.first_day), form_text(self.last_day)
        last = parse_date(last_day) if last_day else run_day(context, pipeline)
        return select(
            pipeline,
            parse_date(first_day) if first_day else last - dt.timedelta(days=self.lookback_days),
            last,
            parse_ids("People", people) if people else None,
            circles=parse_ids("Circles", circles) if circles else (),
            only_missing=form_text(self.only_missing).lower() == "true",
        )
