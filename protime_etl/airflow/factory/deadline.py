"""Alerts when a nightly run misses its deadline, also while nothing has failed yet."""

from __future__ import annotations

from airflow.sdk.definitions.callback import AsyncCallback
from airflow.sdk.definitions.deadline import DeadlineAlert, DeadlineReference

from protime_etl.airflow.factory.plan import DagPlan
from protime_etl.airflow.notifier import ProtimeNotifier
from protime_etl.errors import SettingsError

__all__ = ["deadline_of"]

NOTIFIER = "protime_etl.airflow.notifier.ProtimeNotifier"


def deadline_of(plan: DagPlan) -> DeadlineAlert | None:
    """The alert of a DAG; None where no deadline is given.

    Counted from when the run was queued: a run by hand has no other moment. Called in the triggerer: in an executor
    Airflow 3.3 lets a callback read no connection of its database.
    """
    if plan.deadline is None:
        return None
    ours = next((one for one in plan.callbacks if isinstance(one, ProtimeNotifier)), None)
    if ours is None:
        raise SettingsError(
            f"protime_dags({plan.name!r}): deadline needs a ProtimeNotifier, but alert names only others.",
            guidance="Add one, as docs/airflow.md shows.",
        )
    given = {
        "to": ours.to,
        "protime_conn_id": ours.protime_conn_id,
        "postgres_conn_id": ours.postgres_conn_id,
        "smtp_conn_id": ours.smtp_conn_id,
        "collections": ours.collections,
        "late": f"{plan.deadline}",
        "dag_id": plan.dag_id("nightly"),
    }
    return DeadlineAlert(
        reference=DeadlineReference.DAGRUN_QUEUED_AT,
        interval=plan.deadline,
        callback=AsyncCallback(NOTIFIER, kwargs=given),
    )
