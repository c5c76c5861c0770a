"""The DAG of backfills, started by a form."""

from __future__ import annotations

from airflow.sdk import DAG, Param

from protime_etl.airflow.factory.plan import (
    INCOMPLETE,
    RUN_ID,
    DagPlan,
    accept_deletions_param,
    accept_older_param,
    collections_param,
    concurrency_param,
)
from protime_etl.airflow.operators.backfill import ProtimeBackfillPlanOperator
from protime_etl.airflow.operators.publish import ProtimeFinishOperator
from protime_etl.airflow.operators.pull import (
    ProtimeClockingsToPostgresOperator,
    ProtimePeopleToPostgresOperator,
)
from protime_etl.airflow.operators.report import ProtimeReportOperator
from protime_etl.counted import counted

__all__ = ["backfill_dag"]

DOC = """By hand: a range of days, of all people, of some, or of circles. The form asks which.

```text
sync_people > plan_batches > pull_clockings [a task a batch] > publish > report
```

Every unit (people x days) is committed on its own. One that fails does not stop the others; clear its task and it is
read again, alone. Clear `plan_batches` and what follows to read the whole range again.

When it is red: the log of `report` names what could not be read, and why. Completed units are in the tables, and the
asset is updated. More: docs/backfill.md of protime-etl.
"""
AT_ONCE = 8


def backfill_dag(plan: DagPlan) -> DAG:
    """Make it."""
    at_once = min(AT_ONCE, plan.at_once)
    with DAG(
        dag_id=plan.dag_id("backfill"),
        description="Protime clockings of a range of days, into PostgreSQL",
        schedule=None,
        default_args=plan.for_tasks(collections="{{ params.collections }}", accept_older="{{ params.accept_older }}"),
        on_failure_callback=[*plan.callbacks],
        params={
            "first_day": Param(
                None,
                type=["null", "string"],
                format="date",
                title="First day",
                description=f"Included. Empty: {counted(plan.lookback_days, 'day')} before the last day.",
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
            "accept_older": accept_older_param(),
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
        # The people who are known are read also when a list is not.
        trigger_rule="all_done",
        lookback_days=plan.lookback_days,
        doc_md="Cuts the range into batches (people x days). Red: the form cannot be used; the log says why.",
        **{name: f"{{{{ params.{name} }}}}" for name in ProtimeBackfillPlanOperator.template_fields},
    )
    pull = ProtimeClockingsToPostgresOperator.partial(
        task_id="pull_clockings",
        accept_deletions="{{ params.accept_deletions }}",
        map_index_template="{{ unit if unit is defined else task.map_label() }}",
        max_active_tis_per_dagrun=at_once,
        doc_md="Reads one batch, or one after the other of a list. Red: clear it, and what is not done is read again.",
    ).expand(unit_id=batches.output)
    # Also when a pull failed: what is whole is published. Also when there is nothing to pull.
    publish = ProtimeFinishOperator(
        task_id="publish",
        run_id=RUN_ID,
        allow_partial=True,
        trigger_rule="all_done",
        outlets=[plan.clockings],
        doc_md=f"Adds up the batches and updates the asset `{plan.clockings.name}`.",
    )
    report = ProtimeReportOperator(
        task_id="report",
        run_id=RUN_ID,
        incomplete=INCOMPLETE,
        of_tenant=False,
        trigger_rule="all_done",
        doc_md="Red: its log names what was not read, and why. Clear the red `pull_clockings` with Downstream.",
    )
    people >> batches >> pull >> publish >> report
    pull >> report  # a red pull that is cleared without what was green meanwhile is waited for
