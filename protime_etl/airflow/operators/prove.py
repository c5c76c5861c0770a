"""The nightly proof: what was compared longest ago is compared once more, and repaired."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk import AssetAlias
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from protime_etl.airflow.operators.asset_events import unreported_days
from protime_etl.airflow.operators.base import (
    ProtimeOperator,
    is_backfill,
    is_true,
    run_window,
)
from protime_etl.airflow.operators.reports import in_words
from protime_etl.errors import DeletionsWithheldError, OlderVersionsError
from protime_etl.sync.arguments import parse_whole_number
from protime_etl.sync.verify.rolling import Proving, prove

if TYPE_CHECKING:
    from airflow.sdk import Asset, Context

    from protime_etl.sync.pipeline import Pipeline

__all__ = ["ProtimeProveOperator"]

MOST_REQUESTS = 1_000_000


class ProtimeProveOperator(ProtimeOperator):
    """Compare with the tenant what was compared longest ago, of the days before the window of the run.

    So all history is verified again and again, without a second reading of the night's own days. What differs is
    repaired, counted in `protime.proof` and logged; the task fails only if something cannot be read. Returns
    the counts. A run made by `airflow backfill create` is skipped.

    :param requests: requests to take; left out: `proof_requests` of the connection, or a tenth of the night's.
    :param lookback_days: days before the run's own day that the night has read; as for the plan.
    :param accept_deletions: mark as deleted what vanished, however much that is.
    :param repaired: the asset that gets an event when rows were repaired, through an outlet that is an `AssetAlias`.
    """

    template_fields: Sequence[str] = ("requests", "lookback_days", "accept_deletions", "collections", "accept_older")

    def __init__(
        self,
        *,
        requests: int | str | None = None,
        lookback_days: int | str = 7,
        accept_deletions: bool | str = False,
        repaired: Asset | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.requests = requests
        self.lookback_days = lookback_days
        self.accept_deletions = accept_deletions
        self.repaired = repaired

    def carry_out(self, pipeline: Pipeline, context: Context) -> dict[str, int]:
        """Prove, within the budget."""
        if is_backfill(context):
            raise AirflowSkipException("A backfill reads its own days; the nights prove them.")
        given = str(self.requests).strip()
        requests = None if given in ("None", "") else parse_whole_number("requests", given, 0, MOST_REQUESTS)
        pipeline.accept_deletions(is_true(self.accept_deletions))
        first, _ = run_window(context, pipeline, self.lookback_days)
        done = prove(pipeline, before=first, requests=requests)
        for path, start, end, people in done.windows:
            self.log.info("Verified: %s, %s to %s, %s", path, start, end, "all people" if people is None else people)
        self._report(done)
        problems = []
        for error in pipeline.to_look_at:
            if isinstance(error, (DeletionsWithheldError, OlderVersionsError)):
                problems.append(str(error))
            else:  # a collection that is refused: the plan of the run has counted it
                self.log.error("%s", error)
        problems += [str(one) for one in done.failures]
        if unreadable := done.unreadable:
            failed = (
                f"The API returned an error for {len(unreadable)} of the comparisons: {', '.join(unreadable[:20])}."
            )
            problems.append(f"{failed} They are tried again when they have become the oldest.")
        if problems:
            raise AirflowFailException(" ".join(problems))
        self._send_event(pipeline, done, context)
        return {"requests": done.requests, "windows": len(done.windows), "differences": done.differences}

    def _send_event(self, pipeline: Pipeline, done: Proving, context: Context) -> None:
        for outlet in self.outlets:
            if isinstance(outlet, AssetAlias) and self.repaired is not None:
                # Also what a try before this one repaired.
                report = unreported_days(self, pipeline, context, self.repaired)
                if report.anything:
                    extra = {**done.repaired.as_dict(), **report.as_extra()}
                    context["outlet_events"][outlet].add(self.repaired, extra=extra)

    def _report(self, done: Proving) -> None:
        if done.differences:
            ids = ", ".join(
                f"{each.id} ({one.collection}, {each.kind} on {each.date})"
                for one in done.found
                for each in one.overlooked[:20]
            )
            self.log.warning(
                "%s records differed from the tenant although no reading was due to bring them: %s. Repaired: %s.",
                done.differences,
                ids,
                in_words(done.repaired),
            )
