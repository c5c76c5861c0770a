"""The DAG of the delta."""

from __future__ import annotations

import datetime as dt

from airflow.sdk import DAG, CronTriggerTimetable, Param

from protime_etl.airflow.factory.plan import DagPlan, accept_deletions_param
from protime_etl.airflow.operators.delta import ProtimeChangesToPostgresOperator

__all__ = ["changes_dag"]

DOC = """Every 15 minutes: what changed since the last poll of Protime's delta, and an asset event if something did.

A poll with nothing new is one request; its task is shown as skipped. The first run loads everything since January 1st
of the previous year. After a pause of more than 72 hours the delta has expired: the next run says so in its log and
loads everything again, which changes only the rows that differ.

`changes=` of `protime_dags`, or `PROTIME_CHANGES_SCHEDULE`, is another cron expression for it; poll at least once a
day.

When it is red: the next poll tries again by itself. Repeated failures, or 72 hours without a good poll, end in a new
initial load. The last lines of the log say why; `docs/delta.md` of protime-etl has a table of what can
happen. To start a new initial load at once: trigger it with `Restart`.
"""
LONGEST_RUN = dt.timedelta(hours=23)


def changes_dag(plan: DagPlan) -> DAG:
    """Make it."""
    with DAG(
        dag_id=plan.dag_id("changes"),
        description="Protime clockings that changed, into PostgreSQL",
        schedule=CronTriggerTimetable(plan.changes, timezone="UTC"),
        catchup=False,
        max_active_runs=1,
        dagrun_timeout=LONGEST_RUN,
        default_args=plan.for_tasks(collections=plan.collections),
        on_failure_callback=[*plan.callbacks],
        params={
            "restart": Param(
                False,
                type="boolean",
                title="Restart",
                description="Discard the delta and start a new initial load; writes only rows that differ.",
            ),
            "accept_deletions": accept_deletions_param(),
        },
        tags=list(plan.tags),
        doc_md=DOC,
    ) as dag:
        ProtimeChangesToPostgresOperator(
            task_id="take_changes",
            restart="{{ params.restart }}",
            accept_deletions="{{ params.accept_deletions }}",
            outlets=[plan.clockings_changes],
            doc_md="Polls the delta. Skipped: nothing changed. Red: the last lines of the log say why.",
        )
    return dag
