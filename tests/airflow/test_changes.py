"""The operator of the delta, in a bare Airflow."""

from __future__ import annotations

import json
from pathlib import Path

from sqlalchemy.engine import URL, Engine

from protime_etl.simulator.server import SimulatedTenant
from tests.airflow.bare import run_forked
from tests.airflow.test_provider import connection
from tests.support.truth import table_rows, tenant_rows

RESTARTS = """
import datetime as dt
import json
import runpy
from types import SimpleNamespace
from airflow.sdk.exceptions import AirflowSkipException
from protime_etl.airflow import ProtimeChangesToPostgresOperator

def poll(restart, run_after):
    operator = ProtimeChangesToPostgresOperator(task_id="changes", restart=restart, skip_unchanged=False)
    run = SimpleNamespace(dag_id="changes", run_id="a_run", run_after=run_after)
    return operator.execute({"dag_run": run, "outlet_events": {}})

long_ago = dt.datetime(2026, 3, 20, 12, tzinfo=dt.UTC)
first = poll("False", long_ago)
asked = dt.datetime.now(dt.UTC)
said = [first, poll("False", asked), poll("True", asked), poll("True", asked), poll(True, long_ago)]
dag = runpy.run_path(DAG)["dag"]
task = dag.get_task("take_changes")
print(json.dumps([said, dag.params.dump(), [task.restart, task.accept_deletions]]))
"""


def test_a_restart_that_is_asked_for_happens_once_a_run(
    simulated: SimulatedTenant, warehouse: URL, engine: Engine
) -> None:
    dag = Path(__file__).parents[2] / "dags" / "protime_clockings_changes.py"
    said, params, templates = run_forked(
        RESTARTS.replace("DAG", repr(str(dag))),
        AIRFLOW_CONN_PROTIME_DEFAULT=connection(simulated),
        AIRFLOW_CONN_PROTIME_WAREHOUSE=json.dumps(
            {
                "conn_type": "postgres",
                "login": warehouse.username,
                "schema": warehouse.database,
                "extra": {"host": warehouse.query["host"]} if not warehouse.host else {},
                "host": warehouse.host or "",
            }
        ),
    )
    load, next_poll, restarted, another_try, of_an_old_run = said
    total = len(simulated.tenant.truth())
    assert load["inserted"] == restarted["rows_read"] == restarted["unchanged"] == total
    assert next_poll["rows_read"] == another_try["rows_read"] == of_an_old_run["rows_read"] == 0
    assert table_rows(engine) == tenant_rows(simulated.tenant)
    assert params == {"restart": False, "accept_deletions": False}
    assert templates == ["{{ params.restart }}", "{{ params.accept_deletions }}"]
