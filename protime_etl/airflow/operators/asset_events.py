"""What an asset event carries beside the counts of its run: the days that no earlier event has reported."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk import Asset
from airflow.sdk.definitions.asset import AssetUniqueKey
from airflow.sdk.exceptions import AirflowInactiveAssetInInletOrOutletException

from protime_etl.airflow.operators.base import ProtimeOperator, dag_run_of
from protime_etl.postgres.ledger.written_days import DayReport, report_days

if TYPE_CHECKING:
    from airflow.sdk import Context

    from protime_etl.sync.pipeline import Pipeline

__all__ = ["active_outlets", "unreported_days"]


def unreported_days(
    task: ProtimeOperator, pipeline: Pipeline, context: Context, outlet: object, *, delta_alone: bool = False
) -> DayReport:
    """The days that no event of the outlet has reported; each try of the task gets the same.

    Asked for last in a task: its event is sent when it succeeds.
    """
    run = dag_run_of(context)
    one = f"{run.dag_id} {run.run_id} {task.task_id} {getattr(context['ti'], 'map_index', -1)}"
    asset = str(getattr(outlet, "name", None) or getattr(outlet, "uri", outlet))
    with pipeline.transaction() as connection:
        return report_days(connection, pipeline.tenant, asset, one, delta_alone=delta_alone)


def active_outlets(task: ProtimeOperator, context: Context) -> list[Any]:
    """The outlets of which Airflow sends events; the others are logged, and keep their days for a later event."""
    # Airflow's own check, which it makes before a task begins, and which fails the task; see `ProtimeOperator`.
    from airflow.sdk.execution_time.task_runner import _validate_task_inlets_and_outlets as check  # noqa: PLC0415

    ti: Any = context["ti"]
    try:
        check(ti=ti, log=task.log)
    except AirflowInactiveAssetInInletOrOutletException as error:
        task.log.error(  # noqa: TRY400 - what it means, not where it was raised
            "Airflow sends no asset event: %s. Another DAG declares an asset with the same name or URI;"
            " let it use Asset.ref(name=...), as docs/airflow.md shows.",
            error,
        )
        return [
            one
            for one in task.outlets
            if not (isinstance(one, Asset) and AssetUniqueKey.from_asset(one) in error.inactive_asset_keys)
        ]
    return [*task.outlets]
