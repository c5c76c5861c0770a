"""The nightly DAG."""

from __future__ import annotations

import datetime as dt
from typing import Any

from airflow.providers.common.sql.operators.sql import SQLTableCheckOperator
from airflow.sdk import DAG, AssetAlias, CronTriggerTimetable, Param

from protime_etl.airflow.delta_operators import ProtimeDeltaAgeOperator
from protime_etl.airflow.factory.deadline import deadline_of
from protime_etl.airflow.factory.plan import DagPlan, accept_deletions_param, collections_param, concurrency_param
from protime_etl.airflow.finish import ProtimeFinishOperator
from protime_etl.airflow.operators import (
    ProtimeClockingsToPostgresOperator,
    ProtimePlanOperator,
)
from protime_etl.airflow.prove import ProtimeProveOperator

__all__ = ["nightly_dag"]

DOC = """Every night: the people, then the clockings of today and the days before, then checks, then an asset event.

```text
plan_batches > pull_clockings [a task a list of batches] > close_run, check_rows > publish > prove
check_deltas
```

At last a part of all that was ever read is compared with the tenant, id by id: what was compared longest ago. And the
age of the delta is looked at: here, so that it is noticed also while the DAG of the changes is paused or fails.

Window: the run's own day in the tenant's time zone and the `lookback_days` before it. A run made by
`airflow backfill create` reads its own day only.

Between 02:00 and 03:00 an hour is missing on one day of the year and comes twice on another: schedule nothing there.

A task that is `up_for_reschedule` waits because the API asked for it; it begins again by itself.

When it is red: the last lines of the first red task's log say why and what to do. Clear the red `pull_clockings` with
Downstream: only what is not done is read again, and the rest of the night follows. `protime-etl status` says what is
missing. More: docs/errors.md and docs/airflow.md of protime-etl.
"""
RUN_ID = "{{ ti.xcom_pull(task_ids='plan_batches', key='run_id') }}"
READ_ROWS = (
    "(tenant, date) IN (SELECT r.tenant, day::date FROM protime_etl.runs AS r,"
    f" generate_series(r.date_from, r.date_to, interval '1 day') AS day WHERE r.run_id = {RUN_ID})"
)
CHECKS = {
    "deleted_rows_are_marked": "count(*) FILTER (WHERE status = 'Deleted' AND deleted_at IS NULL) = 0",
    "every_tenant_has_a_time_zone": (
        "count(*) FILTER (WHERE tenant NOT IN (SELECT tenant FROM protime_etl.tenants)) = 0"
    ),
    "each_clocking_has_a_person": "count(*) FILTER (WHERE person_id IS NULL) = 0",
    "times_are_of_the_day_or_its_neighbours": (
        "count(*) FILTER (WHERE time_of_day_in_minutes NOT BETWEEN -1440 AND 2880) = 0"
    ),
}
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
        default_args=plan.for_tasks(collections="{{ params.collections }}", execution_timeout=LONGEST_TASK),
        on_failure_callback=[*plan.callbacks],
        deadline=deadline_of(plan),
        params={
            "lookback_days": Param(
                plan.lookback_days,
                type="integer",
                minimum=0,
                maximum=364,
                title="Lookback days",
                description="Days before the run's own day to read again.",
            ),
            "collections": collections_param(plan.collections),
            "concurrency": concurrency_param(plan.at_once, f"{min(LISTS, plan.at_once)}"),
            "accept_deletions": accept_deletions_param(),
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
        doc_md="Reads all people, cuts the window into batches (people x days) and deals them. Red: its log says why.",
    )
    pull = ProtimeClockingsToPostgresOperator.partial(
        task_id="pull_clockings",
        accept_deletions="{{ params.accept_deletions }}",
        map_index_template="{{ unit if unit is defined else task.map_label() }}",
        max_active_tis_per_dag=plan.at_once,
        doc_md="Reads batches, one after the other, each whole or not at all. Red: clear it; what is not done is read.",
    ).expand(unit_id=batches.output)
    # Also when a pull failed: the ledger then says so, and nothing after it runs.
    close_run = ProtimeFinishOperator(
        task_id="close_run",
        run_id=RUN_ID,
        trigger_rule="all_done",
        doc_md="Adds up the batches. Red: some are not done; clear the red `pull_clockings` with Downstream.",
    )
    checks: Any = {name: {"check_statement": statement} for name, statement in CHECKS.items()}
    check_rows = SQLTableCheckOperator(
        task_id="check_rows",
        conn_id=plan.postgres_conn_id,
        table="protime.clockings",
        trigger_rule="none_failed",  # also of a night that had nothing to pull
        # A check that fails will fail again; only a lost connection is worth another try.
        retries=2,
        partition_clause=READ_ROWS,
        checks=checks,
        doc_md="Of the days that were read: what is deleted says when, each clocking has a person and a possible time.",
    )
    publish = ProtimeFinishOperator(
        task_id="publish",
        run_id=RUN_ID,
        outlets=[plan.clockings],
        doc_md=f"Tells the asset `{plan.clockings.name}`, with the counts; DAGs that wait for it start now.",
    )
    # After the asset event: nobody waits for what almost always says the same.
    prove = ProtimeProveOperator(
        task_id="prove",
        lookback_days="{{ params.lookback_days }}",
        accept_deletions="{{ params.accept_deletions }}",
        repaired=plan.clockings,
        outlets=[AssetAlias(name=f"{plan.clockings.name}_repaired", group=plan.name)],
        doc_md="Compares what was compared longest ago and repairs it. Red: the API cannot tell something.",
    )
    ProtimeDeltaAgeOperator(
        task_id="check_deltas",
        doc_md=f"Red: `{plan.dag_id('changes')}` was not asked for too long; unpause it and look at its last runs.",
    )
    # Side by side, as the start of a task takes longer than either.
    batches >> pull >> [close_run, check_rows] >> publish >> prove
