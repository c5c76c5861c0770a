"""The nightly DAG."""

from __future__ import annotations

import datetime as dt

from airflow.sdk import DAG, AssetAlias, CronTriggerTimetable, Param

from protime_etl.airflow.factory.deadline import deadline_of
from protime_etl.airflow.factory.plan import (
    INCOMPLETE,
    RUN_ID,
    DagPlan,
    accept_deletions_param,
    accept_older_param,
    collections_param,
    concurrency_param,
)
from protime_etl.airflow.operators.prove import ProtimeProveOperator
from protime_etl.airflow.operators.publish import ProtimeFinishOperator
from protime_etl.airflow.operators.pull import (
    ProtimeClockingsToPostgresOperator,
    ProtimePlanOperator,
)
from protime_etl.airflow.operators.report import ProtimeReportOperator

__all__ = ["MOST_LOOKBACK_DAYS", "nightly_dag"]

DOC = """Every night: the people, then the clockings of today and the days before, then an asset event, then a proof.

```text
plan_batches > pull_clockings [a task a list of batches] > publish > prove > report
```

`prove` compares a part of all that was ever read with the tenant, id by id: what was compared longest ago. `report` is
red if anything needs attention, and names it: what could not be read, a delta that was not polled for a day, a clocking
with an impossible time. No task waits for it: completed units are published, and the proof runs.

Window: the run's own day in the tenant's time zone and the `lookback_days` before it. A run made by
`airflow backfill create` reads its own day only. Of plans (absences, assignments) the days to come are read, too, as
many as the connection says (Planned days).

Do not schedule between 02:00 and 03:00: one day of the year skips that hour, and another has it twice.

A task that is `up_for_reschedule` waits because the API asked for it; it resumes by itself.

When it is red: the log of `report` says what needs attention, why, and the command that repairs it. Clear the red
`pull_clockings` with Downstream: only what is not done is read again, and the rest of the run follows. More:
docs/errors.md and docs/airflow.md of protime-etl.
"""
MOST_LOOKBACK_DAYS = 364
LISTS = 4
"""Tasks that units are dealt into: a start of a task takes as long as a unit of some pages."""
# A night that has not ended when the next one but one begins will not end.
LONGEST_RUN = dt.timedelta(hours=46)
LONGEST_TASK = dt.timedelta(hours=6)


def nightly_dag(plan: DagPlan) -> DAG:
    """Make it."""
    with DAG(
        dag_id=plan.dag_id("nightly"),
        description="Protime clockings of today and the days before, into PostgreSQL",
        schedule=CronTriggerTimetable(plan.nightly, timezone=plan.timezone),
        catchup=False,
        max_active_runs=4,
        dagrun_timeout=LONGEST_RUN,
        default_args=plan.for_tasks(
            collections="{{ params.collections }}",
            accept_older="{{ params.accept_older }}",
            execution_timeout=LONGEST_TASK,
        ),
        on_failure_callback=[*plan.callbacks],
        deadline=deadline_of(plan),
        params={
            "lookback_days": Param(
                plan.lookback_days,
                type="integer",
                minimum=0,
                maximum=MOST_LOOKBACK_DAYS,
                title="Lookback days",
                description="Days before the run's own day to read again. With 0 or 1 no day is read after it is over.",
            ),
            "collections": collections_param(plan.collections),
            "concurrency": concurrency_param(plan.at_once, f"{min(LISTS, plan.at_once)}"),
            "accept_deletions": accept_deletions_param(),
            "accept_older": accept_older_param(),
        },
        tags=list(plan.tags),
        doc_md=DOC,
    ) as dag:
        _tasks(plan)
    return dag


def _tasks(plan: DagPlan) -> None:
    batches = ProtimePlanOperator(
        task_id="plan_batches",
        lookback_days="{{ params.lookback_days }}",
        accept_deletions="{{ params.accept_deletions }}",
        at_once="{{ params.concurrency or " + str(min(LISTS, plan.at_once)) + " }}",
        schedule_timezone=plan.timezone,
        read_people=True,
        doc_md="Reads all people, cuts the window into batches (people x days), distributes them. Red: see its log.",
    )
    pull = ProtimeClockingsToPostgresOperator.partial(
        task_id="pull_clockings",
        accept_deletions="{{ params.accept_deletions }}",
        map_index_template="{{ unit if unit is defined else task.map_label() }}",
        max_active_tis_per_dag=plan.at_once,
        doc_md="Reads batches, one after the other, each whole or not at all. Red: clear it; what is not done is read.",
    ).expand(unit_id=batches.output)
    # Also when a pull failed: what is whole is published, and `report` names the rest.
    publish = ProtimeFinishOperator(
        task_id="publish",
        run_id=RUN_ID,
        allow_partial=True,
        trigger_rule="all_done",
        outlets=[plan.clockings],
        doc_md=f"Adds up the batches and updates the asset `{plan.clockings.name}`: DAGs that wait for it start now.",
    )
    # After the asset event: its consumers need not wait for a result that is almost always the same.
    prove = ProtimeProveOperator(
        task_id="prove",
        trigger_rule="none_failed",  # also of a night that had nothing to publish
        lookback_days="{{ params.lookback_days }}",
        accept_deletions="{{ params.accept_deletions }}",
        repaired=plan.clockings,
        outlets=[AssetAlias(name=f"{plan.clockings.name}_repaired", group=plan.name)],
        doc_md="Compares what was compared longest ago and repairs it. Red: the API returned an error for a part.",
    )
    report = ProtimeReportOperator(
        task_id="report",
        run_id=RUN_ID,
        incomplete=INCOMPLETE,
        trigger_rule="all_done",
        doc_md="Red: something needs attention; its log names it, with the reason and the command that repairs it.",
    )
    batches >> pull >> publish >> prove >> report
    pull >> report  # a red pull that is cleared without what was green meanwhile is waited for
