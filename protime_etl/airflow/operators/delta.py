"""Operators around the delta: a poll, its age, and the proof that table and tenant agree."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from protime_etl.airflow.health import record_health
from protime_etl.airflow.operators.asset_events import active_outlets, unreported_days
from protime_etl.airflow.operators.base import ProtimeOperator, is_true, run_window
from protime_etl.airflow.operators.reports import in_words
from protime_etl.collections.clockings import CLOCKINGS
from protime_etl.collections.registry import COLLECTIONS
from protime_etl.counted import counted
from protime_etl.postgres.ledger.deltas import stale_deltas
from protime_etl.sync.arguments import parse_number
from protime_etl.sync.delta.poll import poll
from protime_etl.sync.plan.request import REFUSALS
from protime_etl.sync.read.recheck import older_error
from protime_etl.sync.verify.unlisted import read_unlisted
from protime_etl.sync.verify.verify import verify

if TYPE_CHECKING:
    from airflow.sdk import Context

    from protime_etl.collections.collection import Collection
    from protime_etl.sync.pipeline import Pipeline

__all__ = ["ProtimeChangesToPostgresOperator", "ProtimeDeltaAgeOperator", "ProtimeVerifyOperator"]

MOST_HOURS = 8760


class ProtimeChangesToPostgresOperator(ProtimeOperator):
    """Poll the delta of clockings once. Without a change to report the task is skipped.

    :param skip_unchanged: False: succeed also when nothing changed.
    :param restart: discard the delta and start a new initial load; where a template gives text, `true` is true.
        Another try of the same run resumes that load.
    :param accept_deletions: mark as deleted what vanished, however much that is. Otherwise too much at once waits; the
        log says so, and `ProtimeDeltaAgeOperator` fails.
    """

    template_fields: Sequence[str] = ("restart", "accept_deletions", "collections")

    def __init__(
        self,
        *,
        skip_unchanged: bool = True,
        restart: bool | str = False,
        accept_deletions: bool | str = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.skip_unchanged = skip_unchanged
        self.restart = restart
        self.accept_deletions = accept_deletions

    def carry_out(self, pipeline: Pipeline, context: Context) -> dict[str, int]:
        """Poll; the asset event carries the counts."""
        run: Any = context["dag_run"]
        pipeline.accept_deletions(is_true(self.accept_deletions))
        result = poll(pipeline, CLOCKINGS, restart=is_true(self.restart), asked_at=run.run_after)
        counts = result.counts.as_dict()
        pipeline.counts_of[CLOCKINGS.path] += result.counts
        self.log.info("Changes%s: %s", " (initial load)" if result.initial else "", in_words(result.counts))
        if result.restarted:
            self.log.warning("The delta started over (%s); see docs/delta.md. %s", result.restarted, result.reason)
        for error in filter(None, (result.withheld, result.older)):
            self.log.error("%s", error)
        if result.unconfirmed:
            self.log.warning("%s could not be requested by id.", counted(result.unconfirmed, "record"))
        outlets = active_outlets(self, context) if self.outlets else []
        reports = {outlet: unreported_days(self, pipeline, context, outlet, delta_alone=True) for outlet in outlets}
        if self.skip_unchanged and not result.changed and not any(one.anything for one in reports.values()):
            raise AirflowSkipException("Nothing changed.")
        for outlet, days in reports.items():
            context["outlet_events"][outlet].extra = {**counts, **days.as_extra()}
        if self.outlets:
            record_health(pipeline, context, self.outlets, self.log)
        return counts


class ProtimeDeltaAgeOperator(ProtimeOperator):
    """Fail while a delta has not been asked for in too long, or needs a decision.

    A delta that was never started is ignored.

    :param hours: how long; after 72 hours the delta is lost.
    """

    def __init__(self, *, hours: float = 24.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.hours = hours

    def carry_out(self, pipeline: Pipeline, context: Context) -> None:
        """Look at the age of the last good request."""
        del context
        age = dt.timedelta(hours=parse_number("hours", self.hours, 0, MOST_HOURS))
        with pipeline.transaction() as connection:
            too_old = stale_deltas(connection, pipeline.tenant, pipeline.settings.collections, age)
        if too_old:
            raise AirflowFailException(" ".join(too_old))


class ProtimeVerifyOperator(ProtimeOperator):
    """Compare the window of the run with the tenant, id by id. Returns the counts; fails if something was overlooked.

    What is newer than the last reading does not count: the next poll or nightly run brings it.

    :param lookback_days: days before the run's own day; as for the plan.
    """

    template_fields: Sequence[str] = ("lookback_days", "collections")

    def __init__(self, *, lookback_days: int | str = 7, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.lookback_days = lookback_days

    def carry_out(self, pipeline: Pipeline, context: Context) -> dict[str, int]:
        """Compare."""
        first, last = run_window(context, pipeline, self.lookback_days)
        totals: Counter[str] = Counter()
        problems: list[str] = []
        for path in pipeline.dated:
            try:
                counts, problem = self._verify(pipeline, COLLECTIONS[path], first, last)
            except REFUSALS as error:
                if len(pipeline.dated) == 1:
                    raise
                problems.append(f"{path} cannot be read: {error.message}")
                continue
            totals.update(counts)
            problems += [problem] if problem else []
        if problems:
            raise AirflowFailException(" ".join(problems))
        return dict(totals)

    def _verify(
        self, pipeline: Pipeline, collection: Collection, first: dt.date, last: dt.date
    ) -> tuple[dict[str, int], str]:
        """The counts of a collection, and what to say of it if something was overlooked."""
        found = verify(pipeline, collection, first, last)
        totals = found.totals()
        self.log.info("%s, %s to %s: %s", collection.path, first, last, totals)
        overlooked = found.overlooked
        if found.unlisted:
            counts = read_unlisted(pipeline, found.unlisted, first, last)
            overlooked = [one for one in overlooked if not found.unlisted.issuperset(one.people)]
            self.log.warning(
                "The list of people lacks %s, who have records: they are read now and every night from now on"
                " (%s records). For earlier days: protime-etl backfill.",
                ", ".join(map(str, sorted(found.unlisted)[:20])),
                counts.rows_read,
            )
        if overlooked:
            ids = ", ".join(f"{one.id} ({one.kind} on {one.date})" for one in overlooked[:20])
            older = f" {older_error(len(found.older), collection.path)}" if found.older else ""
            return totals, (
                f"{len(overlooked)} {collection.path} of {first} to {last} differ from the tenant: {ids}."
                f" Repair them: protime-etl verify --from {first} --to {last} --collections {collection.path} --repair"
                f"{older}"
            )
        return totals, ""
