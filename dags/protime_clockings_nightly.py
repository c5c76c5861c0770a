"""Every night: the people, then the clockings of today and the days before, then checks, then an asset event.

```text
sync_people > plan_batches > pull_clockings [a task a batch] > close_run > checks > publish > verify
check_deltas
```

At last the window is compared with the tenant, id by id, and the age of the delta is looked at: here, so that it is
noticed also while the DAG of the changes is paused or fails.

Window: the run's own day in the tenant's time zone and the `lookback_days` before it. A run made by
`airflow backfill create --dag-id protime_clockings_nightly` reads its own day only.

The schedule is 04:30 in the tenant's time zone. Between 02:00 and 03:00 an hour is missing on one day of the year and
comes twice on another, so nothing is scheduled there.

When it is red: the last lines of the first red task's log say why and what to do. Clear the red `pull_clockings` with
Downstream: only their batches are read again, and the rest of the night follows. `protime-etl status` says what is
missing. More: docs/errors.md of protime-etl.
"""

import datetime as dt
import os
from typing import Any

from airflow.providers.common.sql.operators.sql import SQLColumnCheckOperator, SQLTableCheckOperator
from airflow.sdk import DAG, Asset, CronTriggerTimetable, Param

from protime_etl.airflow import (
    ProtimeClockingsToPostgresOperator,
    ProtimeDeltaAgeOperator,
    ProtimeFinishOperator,
    ProtimePeopleToPostgresOperator,
    ProtimePlanOperator,
    ProtimeVerifyOperator,
)

# A check that fails will fail again; only a lost connection is worth another try.
CHECK: Any = {"conn_id": "protime_warehouse", "table": "protime.clockings", "retries": 2}
RUN_ID = "{{ ti.xcom_pull(task_ids='plan_batches', key='run_id') }}"
READ_ROWS = (
    "(tenant, date) IN (SELECT r.tenant, day::date FROM protime_etl.runs AS r,"
    f" generate_series(r.date_from, r.date_to, interval '1 day') AS day WHERE r.run_id = {RUN_ID})"
)

with DAG(
    dag_id="protime_clockings_nightly",
    description="Protime clockings of today and the days before, into PostgreSQL",
    schedule=CronTriggerTimetable("30 4 * * *", timezone=os.environ.get("PROTIME_TIMEZONE") or "Europe/Brussels"),
    catchup=False,
    max_active_runs=4,
    default_args={
        "owner": "protime-etl",
        "collections": "{{ params.collections }}",
        # A wait that the API asks for is no failure and uses none of these.
        "retries": 3,
        "retry_delay": dt.timedelta(minutes=1),
        "retry_exponential_backoff": 2.0,
        "max_retry_delay": dt.timedelta(minutes=30),
    },
    params={
        "lookback_days": Param(
            7,
            type="integer",
            minimum=0,
            maximum=364,
            title="Lookback days",
            description="Days before the run's own day to read again.",
        ),
        "collections": Param(
            "",
            type="string",
            title="Collections",
            description="Names such as clockings people absences, or all; empty: those of the connection.",
        ),
        "accept_deletions": Param(
            False,
            type="boolean",
            title="Accept deletions",
            description="Mark as deleted what vanished at the tenant, however much that is.",
        ),
    },
    tags=["protime"],
    doc_md=__doc__,
) as dag:
    people = ProtimePeopleToPostgresOperator(
        task_id="sync_people",
        accept_deletions="{{ params.accept_deletions }}",
        doc_md="Reads all people, so that whoever is new is planned for. Red: its log says who vanished.",
    )
    plan = ProtimePlanOperator(
        task_id="plan_batches",
        lookback_days="{{ params.lookback_days }}",
        doc_md="Cuts the window into batches (people x days) and enters them in the ledger `protime_etl.units`.",
    )
    pull = ProtimeClockingsToPostgresOperator.partial(
        task_id="pull_clockings",
        accept_deletions="{{ params.accept_deletions }}",
        map_index_template="{{ unit if unit is defined else task.map_label() }}",
        max_active_tis_per_dag=16,
        doc_md="Reads one batch and commits it whole or not at all. Red: clear it, and this batch alone is read again.",
    ).expand(unit_id=plan.output)
    # Also when a pull failed: the ledger then says so, and nothing after it runs.
    close_run = ProtimeFinishOperator(
        task_id="close_run",
        run_id=RUN_ID,
        trigger_rule="all_done",
        doc_md="Adds up the batches. Red: some are not done; clear the red `pull_clockings` with Downstream.",
    )
    check_table = SQLTableCheckOperator(
        task_id="check_table",
        doc_md="Of the days that were read: what is deleted says when, and each tenant has a time zone.",
        **CHECK,
        partition_clause=READ_ROWS,
        checks={
            "deleted_rows_are_marked": {
                "check_statement": "count(*) FILTER (WHERE status = 'Deleted' AND deleted_at IS NULL) = 0"
            },
            "every_tenant_has_a_time_zone": {
                "check_statement": "count(*) FILTER (WHERE tenant NOT IN (SELECT tenant FROM protime_etl.tenants)) = 0"
            },
        },
    )
    check_columns = SQLColumnCheckOperator(
        task_id="check_columns",
        doc_md="Of the days that were read: each clocking has a person and a time between -1440 and 2880 minutes.",
        **CHECK,
        partition_clause=READ_ROWS,
        accept_none=True,
        column_mapping={
            "person_id": {"null_check": {"equal_to": 0}},
            "time_of_day_in_minutes": {"min": {"geq_to": -1440}, "max": {"leq_to": 2880}},
        },
    )
    publish = ProtimeFinishOperator(
        task_id="publish",
        run_id=RUN_ID,
        outlets=[Asset(name="protime_clockings", uri="protime://warehouse/protime/clockings", group="protime")],
        doc_md="Tells the asset `protime_clockings`, with the counts; DAGs that wait for it start now.",
    )

    # After the asset event: nobody waits for a second reading that almost always says the same.
    verify = ProtimeVerifyOperator(
        task_id="verify",
        lookback_days="{{ params.lookback_days }}",
        doc_md="Compares tenant and table, id by id. Red: rows differ; the log names them and what repairs them.",
    )
    check_deltas = ProtimeDeltaAgeOperator(
        task_id="check_deltas",
        doc_md="Red: `protime_clockings_changes` was not asked for too long; unpause it and look at its last runs.",
    )

    people >> plan >> pull >> close_run >> [check_table, check_columns] >> publish >> verify
