"""One unit, as workers pull it: its rows, and statistics of a table that has grown."""

from __future__ import annotations

from protime_etl.postgres.planning import refresh_statistics
from protime_etl.protime.client import ProtimeClient
from protime_etl.sync.pipeline import Pipeline
from protime_etl.sync.pull import OnPage, OnStage, UnitPull
from protime_etl.work import Counts, Unit

__all__ = ["pull_unit"]


def pull_unit(
    pipeline: Pipeline,
    unit: Unit,
    client: ProtimeClient | None = None,
    *,
    on_page: OnPage = lambda _: None,
    on_stage: OnStage = lambda _: None,
    cut_days: bool = False,
    after_wait: int = 0,
) -> Counts:
    """Pull one unit whole or not at all; see `UnitPull`. A table that grew eightfold is analysed."""
    pull = UnitPull(
        pipeline,
        client or pipeline.client,
        unit,
        on_page=on_page,
        on_stage=on_stage,
        cut_days=cut_days,
        after_wait=after_wait,
    )
    counts = pull.run()
    # Often enough while a long run goes on; at its end it is done for good.
    refresh_statistics(pipeline.engine, counts.written, growth=8)
    return counts
