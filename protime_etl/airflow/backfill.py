"""The plan of a backfill that was asked for in a form."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from protime_etl.airflow.mapping import map_over
from protime_etl.airflow.operators import MOST_AT_ONCE, ProtimeOperator, log_refused, origin_of, run_day
from protime_etl.sync.arguments import parse_date, parse_ids, parse_whole_number
from protime_etl.sync.lists import read_people_for
from protime_etl.sync.requests import select
from protime_etl.sync.runs import plan
from protime_etl.work import Request

if TYPE_CHECKING:
    from airflow.sdk import Context

    from protime_etl.sync.pipeline import Pipeline

__all__ = ["ProtimeBackfillPlanOperator"]

FORM_FIELDS = ("first_day", "last_day", "people", "circles", "only_missing", "concurrency", "collections")


class ProtimeBackfillPlanOperator(ProtimeOperator):
    """Enter a run for a range of days and its units in the ledger. Returns units, or lists of them, to map over.

    :param first_day: first day, YYYY-MM-DD.
    :param last_day: last day, included; empty: the run's own day.
    :param people: ids of people, separated by commas; empty: all that are known.
    :param circles: ids of circles instead of people.
    :param only_missing: read only what was never completely read.
    :param concurrency: lists of units to make, so that no more than that many are read at once; empty: a task a unit.

    Where a template gives text, `true` is true and `None` is empty.
    """

    template_fields: Sequence[str] = FORM_FIELDS

    def __init__(
        self,
        *,
        first_day: str,
        last_day: str | None = None,
        people: str | None = None,
        circles: str | None = None,
        only_missing: bool | str = False,
        concurrency: int | str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.first_day = first_day
        self.last_day = last_day
        self.people = people
        self.circles = circles
        self.only_missing = only_missing
        self.concurrency = concurrency

    def carry_out(self, pipeline: Pipeline, context: Context) -> list[int] | list[list[int]]:
        """Plan what the form asks for."""
        concurrency = _text(self.concurrency)
        at_once = parse_whole_number("Concurrency", concurrency, 1, MOST_AT_ONCE) if concurrency else None
        selection = self._selection(pipeline, context)
        if selection.person_ids is not None:
            read_people_for(pipeline, selection)
        run_id, units = plan(pipeline, origin_of(context), selection)
        log_refused(self.log, pipeline)
        self.log.info("Run %s: %s to %s in %s units", run_id, selection.first, selection.last, len(units))
        context["ti"].xcom_push(key="run_id", value=run_id)
        return map_over(units, at_once)

    def _selection(self, pipeline: Pipeline, context: Context) -> Request:
        people, circles, last = _text(self.people), _text(self.circles), _text(self.last_day)
        return select(
            pipeline,
            parse_date(self.first_day),
            parse_date(last) if last else run_day(context, pipeline),
            parse_ids("People", people) if people else None,
            circles=parse_ids("Circles", circles) if circles else (),
            only_missing=_text(self.only_missing).lower() == "true",
        )


def _text(given: object) -> str:
    """What a field of the form holds; a template makes the text None of an empty one."""
    text = "" if given is None else str(given).strip()
    return "" if text == "None" else text
