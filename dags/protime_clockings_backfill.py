"""By hand: a range of days, of all people, of some, or of circles. The form asks which.

```text
sync_people > plan_batches > pull_clockings [a task a batch] > close_run
```

Every unit (people x days) is committed on its own. One that fails does not stop the others; clear its task and it is
read again, alone. Clear `plan_batches` and what follows to read the whole range again.

When it is red: the last lines of the first red task's log say why and what to do. `protime-etl status` says what is
missing. More: docs/backfill.md of protime-etl.
"""

import datetime as dt

from airflow.sdk import DAG, Asset, Param

from protime_etl.airflow import (
    ProtimeBackfillPlanOperator,
    ProtimeClockingsToPostgresOperator,
    ProtimeFinishOperator,
    ProtimePeopleToPostgresOperator,
)

AT_ONCE = 8

with DAG(
    dag_id="protime_clockings_backfill",
    description="Protime clockings of a range of days, into PostgreSQL",
    schedule=None,
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
        "concurrency": Param(
            None,
            type=["null", "integer"],
            minimum=1,
            maximum=AT_ONCE,
            title="Concurrency",
            description=f"Units that are read at the same time; empty: {AT_ONCE}, and one task a unit.",
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
        named="{{ params.people or params.circles or '' }}",
        accept_deletions="{{ params.accept_deletions }}",
        doc_md="Reads all people; skipped when people or circles are named.",
    )
    plan = ProtimeBackfillPlanOperator(
        task_id="plan_batches",
        trigger_rule="none_failed",
        doc_md="Cuts the range into batches (people x days). Red: the form makes no sense; its log says what of it.",
        **{name: f"{{{{ params.{name} }}}}" for name in ProtimeBackfillPlanOperator.template_fields},
    )
    pull = ProtimeClockingsToPostgresOperator.partial(
        task_id="pull_clockings",
        accept_deletions="{{ params.accept_deletions }}",
        map_index_template="{{ unit if unit is defined else task.map_label() }}",
        max_active_tis_per_dagrun=AT_ONCE,
        doc_md="Reads one batch, or one after the other of a list. Red: clear it, and what is not done is read again.",
    ).expand(unit_id=plan.output)
    # Also when a pull failed: the ledger then says so. Also when there is nothing to pull.
    close_run = ProtimeFinishOperator(
        task_id="close_run",
        run_id="{{ ti.xcom_pull(task_ids='plan_batches', key='run_id') }}",
        trigger_rule="all_done",
        outlets=[Asset(name="protime_clockings", uri="protime://warehouse/protime/clockings", group="protime")],
        doc_md="Adds up the batches and tells the asset `protime_clockings`. Red: clear the red `pull_clockings`.",
    )

    people >> plan >> pull >> close_run
