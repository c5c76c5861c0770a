"""The DAG of backfills, started by a form."""

from __future__ import annotations

from airflow.sdk import DAG, Param

from protime_etl.airflow.backfill import ProtimeBackfillPlanOperator
from protime_etl.airflow.factory.plan import DagPlan, accept_deletions_param, collections_param, concurrency_param
from protime_etl.airflow.finish import ProtimeFinishOperator
from protime_etl.airflow.operators import (
    ProtimeClockingsToPostgresOperator,
    ProtimePeopleToPostgresOperator,
)

__all__ = ["backfill_dag"]

DOC = """By hand: a range of days, of all people, of some, or of circles. The form asks which.

```text
sync_people > plan_batches > pull_clockings [a task a batch] > close_run
```

Every unit (people x days) is committed on its own. One that fails does not stop the others; clear its task and it is
read again, alone. Clear `plan_batches` and what follows to read the whole range again.

When it is red: the last lines of the first red task's log say why and what to do. `protime-etl status` says what is
missing. More: docs/backfill.md of protime-etl.
"""
AT_ONCE = 8


def backfill_dag(plan: DagPlan) -> DAG:
    """Make it."""
    at_once = min(AT_ONCE, plan.at_once)
    with DAG(
        dag_id=plan.dag_id("backfill"),
        description="Protime clockings of a range of days, into PostgreSQL",
        schedule=None,
        default_args=plan.for_tasks(collections="{{ params.collections }}"),
        on_failure_callback=[*plan.callbacks],
        params={
            "first_day": Param(
                type="string", format="date", title="First day", description="Included; 1970-01-01 or later."
            ),
            "last_day": Param(
                None, type=["null", "string"], format="date", title="Last day", description="Included; empty: today."
            ),
            "people": Param(
                None,
                type=["null", "string"],
                title="People",
                description="Protime's ids, such as 1,2,3: column id of protime.people. Empty: all people.",
            ),
            "circles": Param(
                None,
                type=["null", "string"],
                title="Circles",
                description="Protime's ids of circles, such as 2,8, instead of people.",
            ),
            "only_missing": Param(
                False, type="boolean", title="Only missing", description="Leave out what was completely read before."
            ),
            "concurrency": concurrency_param(at_once, f"{at_once}, and one task a unit"),
            "collections": collections_param(plan.collections),
            "accept_deletions": accept_deletions_param(),
        },
        tags=list(plan.tags),
        doc_md=DOC,
    ) as dag:
        _tasks(plan, at_once)
    return dag


def _tasks(plan: DagPlan, at_once: int) -> None:
    people = ProtimePeopleToPostgresOperator(
        task_id="sync_people",
        named="{{ params.people or params.circles or '' }}",
        accept_deletions="{{ params.accept_deletions }}",
        doc_md="Reads all people; skipped when people or circles are named.",
    )
    batches = ProtimeBackfillPlanOperator(
        task_id="plan_batches",
        trigger_rule="none_failed",
        doc_md="Cuts the range into batches (people x days). Red: the form makes no sense; its log says what of it.",
        **{name: f"{{{{ params.{name} }}}}" for name in ProtimeBackfillPlanOperator.template_fields},
    )
    pull = ProtimeClockingsToPostgresOperator.partial(
        task_id="pull_clockings",
        accept_deletions="{{ params.accept_deletions }}",
        map_index_template="{{ unit if unit is defined else task.map_label() }}",
        max_active_tis_per_dagrun=at_once,
        doc_md="Reads one batch, or one after the other of a list. Red: clear it, and what is not done is read again.",
    ).expand(unit_id=batches.output)
    # Also when a pull failed: the ledger then says so. Also when there is nothing to pull.
    close_run = ProtimeFinishOperator(
        task_id="close_run",
        run_id="{{ ti.xcom_pull(task_ids='plan_batches', key='run_id') }}",
        trigger_rule="all_done",
        outlets=[plan.clockings],
        doc_md=f"Adds up the batches and tells the asset `{plan.clockings.name}`. Red: clear the red `pull_clockings`.",
    )
    people >> batches >> pull >> close_run
