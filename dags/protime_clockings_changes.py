"""Every 15 minutes: what changed since the last turn, by Protime's delta, and an asset event if something did.

A turn with nothing new is one request; its task is shown as skipped. The first run loads everything since January 1st
of the previous year. After a pause of more than 72 hours the delta has expired: the next run says so in its log and
loads everything again, which changes only the rows that differ.

`PROTIME_CHANGES_SCHEDULE` is another cron expression for it; at least one turn a day is needed.

When it is red: the next turn tries again by itself, and what keeps failing ends in loading everything anew; so do 72
hours without a good turn. The last lines of the log say why; `docs/delta.md` of protime-etl has a table of what can
happen. To load everything anew at once: trigger it with `Restart`.
"""

import datetime as dt
import os

from airflow.sdk import DAG, Asset, CronTriggerTimetable, Param

from protime_etl.airflow import ProtimeChangesToPostgresOperator

CHANGES = Asset(name="protime_clockings_changes", uri="protime://warehouse/protime/clockings/changes", group="protime")

with DAG(
    dag_id="protime_clockings_changes",
    description="Protime clockings that changed, into PostgreSQL",
    schedule=CronTriggerTimetable(os.environ.get("PROTIME_CHANGES_SCHEDULE") or "*/15 * * * *", timezone="UTC"),
    catchup=False,
    max_active_runs=1,
    default_args={
        "owner": "protime-etl",
        # A wait that the API asks for is no failure and uses none of these.
        "retries": 3,
        "retry_delay": dt.timedelta(minutes=1),
        "retry_exponential_backoff": 2.0,
        "max_retry_delay": dt.timedelta(minutes=30),
    },
    params={
        "restart": Param(
            False,
            type="boolean",
            title="Restart",
            description="Give the delta up and load everything anew; writes only rows that differ.",
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
    ProtimeChangesToPostgresOperator(
        task_id="take_changes",
        restart="{{ params.restart }}",
        accept_deletions="{{ params.accept_deletions }}",
        outlets=[CHANGES],
        doc_md="One turn of the delta. Skipped: nothing changed. Red: the last lines of the log say why.",
    )
