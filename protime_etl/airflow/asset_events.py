"""What an asset's event tells beside the counts of its run: the days that no event of it has told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from protime_etl.airflow.operators import ProtimeOperator, origin_of
from protime_etl.postgres.written_days import Told, tell_days

if TYPE_CHECKING:
    from airflow.sdk import Context

    from protime_etl.sync.pipeline import Pipeline

__all__ = ["untold_days"]


def untold_days(
    task: ProtimeOperator, pipeline: Pipeline, context: Context, outlet: object, *, delta_alone: bool = False
) -> Told:
    """The days that no event of the outlet has told; each try of the task is told the same.

    Asked for last in a task: its event is sent when it succeeds.
    """
    one = f"{origin_of(context)} {task.task_id} {getattr(context['ti'], 'map_index', -1)}"
    asset = str(getattr(outlet, "name", None) or getattr(outlet, "uri", outlet))
    with pipeline.transaction() as connection:
        return tell_days(connection, pipeline.tenant, asset, one, delta_alone=delta_alone)
