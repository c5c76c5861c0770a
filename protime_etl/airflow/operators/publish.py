"""The end of a run: its units are added up, and the DAGs that wait for the clockings are notified."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from protime_etl.airflow.health import record_health
from protime_etl.airflow.operators.asset_events import active_outlets, unreported_days
from protime_etl.airflow.operators.base import ProtimeOperator
from protime_etl.airflow.operators.reports import in_words
from protime_etl.counted import counted
from protime_etl.sync.arguments import parse_whole_number
from protime_etl.sync.pull.runs import finish

if TYPE_CHECKING:
    from airflow.sdk import Context

    from protime_etl.sync.pipeline import Pipeline

__all__ = ["ProtimeFinishOperator", "run_number"]


def run_number(given: object) -> int:
    """The number of the run in the ledger.

    Raises:
        AirflowFailException: the plan task has left none.
        SettingsError: it is not a number.
    """
    if str(given) in ("", "None"):
        raise AirflowFailException("No run was planned: the log of the plan task says why.")
    return parse_whole_number("run_id", given, 1, 2**63 - 1)


class ProtimeFinishOperator(ProtimeOperator):
    """Close the run in the ledger and publish to the outlets, if any, what it did. Returns the counts.

    :param run_id: number of the run in the ledger.
    :param allow_partial: publish also while units are not done: `complete` in the event is then false. The task is
        skipped if nothing was read at all. Left out: such a run fails the task.
    """

    template_fields: Sequence[str] = ("run_id", "collections")

    def __init__(self, *, run_id: int | str, allow_partial: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.run_id = run_id
        self.allow_partial = allow_partial

    def carry_out(self, pipeline: Pipeline, context: Context) -> dict[str, int]:
        """Add up the units; the event of each outlet carries the counts and the days that no event of it had yet."""
        run_id = run_number(self.run_id)
        counts, statuses = finish(pipeline, run_id)
        units = sum(statuses.values())
        unfinished = units - statuses.get("done", 0)
        if unfinished and not self.allow_partial:
            raise AirflowFailException(f"{unfinished} of {units} units are not done. Clear the failed pull tasks.")
        summary = {**counts.as_dict(), "units": units}
        self.log.info("Run %s: %s; %s", run_id, in_words(counts), counted(units, "unit"))
        if unfinished:
            self.log.warning("%s of %s units are not done; the red pull tasks say why.", unfinished, units)
        if self.outlets:
            record_health(pipeline, context, self.outlets, self.log)
            events = context["outlet_events"]
            outlets = active_outlets(self, context)
            news = {outlet: unreported_days(self, pipeline, context, outlet) for outlet in outlets}
            if unfinished and unfinished == units and not any(days.anything for days in news.values()):
                raise AirflowSkipException("Nothing was read, so there is nothing to publish.")
            for outlet, days in news.items():
                events[outlet].extra = {"run_id": run_id, "complete": not unfinished, **summary, **days.as_extra()}
        return summary
