"""That somebody is told when a night takes too long, also while nothing has failed yet."""

from __future__ import annotations

from airflow.sdk.definitions.callback import SyncCallback
from airflow.sdk.definitions.deadline import DeadlineAlert, DeadlineReference

from protime_etl.airflow.factory.plan import DagPlan
from protime_etl.airflow.notifier import ProtimeNotifier

__all__ = ["deadline_of"]

NOTIFIER = "protime_etl.airflow.notifier.ProtimeNotifier"


def deadline_of(plan: DagPlan) -> DeadlineAlert | None:
    """The alert of a DAG; None where no deadline is given, or nobody of ours is to be told.

    Counted from when the run was queued: a run by hand has no other moment.
    """
    ours = next((one for one in plan.callbacks if isinstance(one, ProtimeNotifier)), None)
    if plan.deadline is None or ours is None:
        return None
    given = {
        "to": ours.to,
        "protime_conn_id": plan.protime_conn_id,
        "postgres_conn_id": plan.postgres_conn_id,
        "late": f"{plan.deadline}",
        "dag_id": plan.dag_id("nightly"),
    }
    return DeadlineAlert(
        reference=DeadlineReference.DAGRUN_QUEUED_AT,
        interval=plan.deadline,
        callback=SyncCallback(NOTIFIER, kwargs=given),
    )
