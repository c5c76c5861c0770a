"""The end of a run: its units are added up, and those who wait for the clockings are told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowFailException

from protime_etl.airflow.asset_events import untold_days
from protime_etl.airflow.health import tell_health
from protime_etl.airflow.operators import ProtimeOperator
from protime_etl.airflow.reports import in_words
from protime_etl.sync.arguments import parse_whole_number
from protime_etl.sync.runs import finish

if TYPE_CHECKING:
    from airflow.sdk import Context

    from protime_etl.sync.pipeline import Pipeline

__all__ = ["ProtimeFinishOperator"]


class ProtimeFinishOperator(ProtimeOperator):
    """Close the run in the ledger and tell the outlets, if any, what it did. Returns the counts.

    :param run_id: number of the run in the ledger.
    """

    template_fields: Sequence[str] = ("run_id", "collections")

    def __init__(self, *, run_id: int | str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.run_id = run_id

    def carry_out(self, pipeline: Pipeline, context: Context) -> dict[str, int]:
        """Add up the units; the event of each outlet carries the counts and the days it has not told yet."""
        if str(self.run_id) in ("", "None"):
            raise AirflowFailException("No run was planned: look at the plan task.")
        run_id = parse_whole_number("run_id", self.run_id, 1, 2**63 - 1)
        counts, statuses = finish(pipeline, run_id)
        unfinished = sum(number for status, number in statuses.items() if status != "done")
        if unfinished:
            raise AirflowFailException(
                f"{unfinished} of {sum(statuses.values())} units are not done. Clear the failed pull tasks."
            )
        summary = {**counts.as_dict(), "units": sum(statuses.values())}
        if self.outlets:
            tell_health(pipeline, context, self.outlets, self.log)
            events = context["outlet_events"]
            for outlet in self.outlets:
                told = untold_days(self, pipeline, context, outlet)
                events[outlet].extra = {"run_id": run_id, **summary, **told.as_extra()}
        self.log.info("Run %s: %s; %s units", run_id, in_words(counts), summary["units"])
        return summary
