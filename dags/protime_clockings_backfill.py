"""By hand: a range of days, of all people, of some, or of circles. The form asks which.

Every unit (people x days) is committed on its own. One that fails does not stop the others; clear its task and it is
read again, alone. Clear `plan_batches` and what follows to read the whole range again.
"""

import datetime as dt

from airflow.sdk import DAG, Asset, Param

from protime_etl.airflow import (
    ProtimeBackfillPlanOperator,
    ProtimeClockingsToPostgresOperator,
    ProtimeFinishOperator,
    ProtimePeopleToPostgresOperator,
    ProtimeRetryPolicy,
)

AT_ONCE = 8

with DAG(
    dag_id="protime_clockings_backfill",
    description="Protime clockings of a range of days, into PostgreSQL",
    schedule=None,
    default_args={
        # Each wait that the API asks for takes a try; the policy counts the failures apart.
        "retries": 200,
        "retry_delay": dt.timedelta(minutes=1),
        "retry_policy": ProtimeRetryPolicy(failures=3),
    },
    params={
        "first_day": Param(type="string", format="date", title="First day"),
        "last_day": Param(
            None, type=["null", "string"], format="date", title="Last day", description="Included; empty: today."
        ),
        "people": Param(
            None, type=["null", "string"], title="People", description="Ids such as 1,2,3; empty: all people."
        ),
        "circles": Param(
            None, type=["null", "string"], title="Circles", description="Ids such as 2,8, instead of people."
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
    },
    tags=["protime"],
    doc_md=__doc__,
) as dag:
    people = ProtimePeopleToPostgresOperator(task_id="sync_people", named="{{ params.people or params.circles or '' }}")
    plan = ProtimeBackfillPlanOperator(
        task_id="plan_batches",
        trigger_rule="none_failed",
        **{name: f"{{{{ params.{name} }}}}" for name in ProtimeBackfillPlanOperator.template_fields},
    )
    pull = ProtimeClockingsToPostgresOperator.partial(
        task_id="pull_clockings", map_index_template="{{ unit }}", max_active_tis_per_dagrun=AT_ONCE
    ).expand(unit_id=plan.output)
    # Also when a pull failed: the ledger then says so. Also when there is nothing to pull.
    close_run = ProtimeFinishOperator(
        task_id="close_run",
        run_id="{{ ti.xcom_pull(task_ids='plan_batches', key='run_id') }}",
        trigger_rule="all_done",
        outlets=[Asset(name="protime_clockings", uri="protime://warehouse/protime/clockings")],
    )

    people >> plan >> pull >> close_run
