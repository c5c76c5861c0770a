"""What stops a night and what does not: runs of the DAGs by Airflow's own code, with a tenant that misbehaves."""

from __future__ import annotations

import datetime as dt
import json
import os
import re
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from protime_etl.simulator.faults import read_plan
from protime_etl.simulator.server import SimulatedTenant
from protime_etl.sync.pipeline import Pipeline
from protime_etl.sync.pull.lists import read_people
from tests.airflow.dag_runs import OURS, DagRun, run_dag
from tests.support.difficult import refuse_lists
from tests.support.long_form import in_long_form
from tests.support.tenant import present_day
from tests.support.truth import table_rows, tenant_rows

NIGHTLY, BACKFILL = "protime_clockings_nightly", "protime_clockings_backfill"
LOOKBACK = {"lookback_days": 3}
TODAY = present_day()
FIRST = TODAY - dt.timedelta(days=3)
pytestmark = [
    pytest.mark.airflow,
    pytest.mark.usefixtures("connections"),
    pytest.mark.timeout(500),
    pytest.mark.tenant(people=100, first_day=FIRST, last_day=TODAY, page_size=500),
]
VANISHED = 60
HOUSE = """
from airflow.sdk import DAG, Asset
from airflow.providers.standard.operators.empty import EmptyOperator
with DAG("house", schedule=[{asset}]):
    EmptyOperator(task_id="reads_clockings")
"""


def report_of(run: DagRun) -> str:
    """What the task `report` says at its end."""
    return run.log[run.log.rindex("starting task_id=report") :]


def choose(monkeypatch: pytest.MonkeyPatch, collections: str) -> None:
    connection = json.loads(os.environ["AIRFLOW_CONN_PROTIME_DEFAULT"])
    connection["extra"]["collections"] = collections
    monkeypatch.setenv("AIRFLOW_CONN_PROTIME_DEFAULT", json.dumps(connection))


@pytest.mark.parametrize(
    "asset", ['Asset("protime_clockings")', *in_long_form(['Asset.ref(name="protime_clockings")'])]
)
def test_a_dag_of_the_house_with_an_asset_of_our_name_stops_no_night(
    tmp_path: Path, simulated: SimulatedTenant, engine: Engine, asset: str
) -> None:
    files = {"a_house.py": HOUSE.format(asset=asset), "b_ours.py": OURS}
    run = run_dag(tmp_path, NIGHTLY, LOOKBACK, files)
    assert run.state == "success", run.log[-3000:]
    assert set(run.tasks.values()) == {"success"}
    assert table_rows(engine) == tenant_rows(simulated.tenant)
    ours = ["protime_clockings", "protime://warehouse/protime/clockings"]
    if "ref" in asset:
        assert ours in run.active
        (event,) = run.events
        assert (event["complete"], event["inserted"]) == (True, len(simulated.tenant.truth()))
        assert "Airflow sends no asset event" not in run.log
    else:
        assert ours not in run.active, "this test is about an asset that Airflow has made inactive"
        assert [event for event in run.events if "complete" in event] == []
        assert "Airflow sends no asset event" in run.log
        assert "Asset.ref(name=...)" in run.log


def test_what_cannot_be_read_is_named_at_the_end_and_stops_nothing(
    tmp_path: Path,
    pipeline: Pipeline,
    simulated: SimulatedTenant,
    engine: Engine,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An impossible time, a day of a person that fails, most people gone from their list, a list that fails."""
    choose(monkeypatch, "clockings people departments")
    read_people(pipeline)
    tenant = simulated.tenant
    people = tenant.person_ids()
    late = tenant.add(people[0], FIRST, 2881)
    hidden = next(one for one in tenant.truth() if one.person.id == people[-1])
    expected = {
        key: row
        for key, row in tenant_rows(tenant).items()
        if (row["person_id"], row["date"]) != (hidden.person.id, str(hidden.date))
    }
    refuse_lists(tenant, lambda _, found: any(one.id == hidden.id for one in found))
    refuse_lists(tenant, lambda *_: True, of="departments")
    for person_id in people[1 : VANISHED + 1]:
        tenant.remove_record("people", person_id)
    run = run_dag(tmp_path, NIGHTLY, LOOKBACK)
    assert table_rows(engine) == expected
    with engine.connect() as connection:
        assert connection.scalar(
            sa.text("SELECT count(*) FROM protime.people WHERE tenant = 'simulated' AND deleted_at IS NULL")
        ) == len(people)
    assert run.state == "failed"
    assert {name for name, state in run.tasks.items() if state == "success"} == {"plan_batches", "publish", "prove"}
    assert {name for name, state in run.tasks.items() if state == "failed"} == {"pull_clockings", "report"}
    (event,) = run.events
    assert (event["complete"], event["inserted"]) == (False, len(expected))
    report = report_of(run)
    assert f"clocking {late.id} of person {people[0]} on {FIRST} has the impossible minute 2881" in report
    assert f"person {hidden.person.id} on {hidden.date} cannot be read" in report
    assert "2 lists could not be read completely: the log of plan_batches says which and why" in report
    assert "red tasks, whose logs say more: pull_clockings" in report
    assert f"{VANISHED} of {len(people)} people vanished at once" in run.log
    assert "departments cannot be read: " in run.log


NO_PEOPLE = '[[fault]]\nkind = "status"\nstatus = 500\nrate = 1.0\non = ["people"]'


@pytest.mark.parametrize(
    ("dag_id", "conf", "red"),
    [
        (NIGHTLY, LOOKBACK, {"report"}),
        *in_long_form([(BACKFILL, {"first_day": str(FIRST)}, {"sync_people", "report"})]),
    ],
)
def test_a_list_of_people_that_fails_keeps_no_clocking_back(
    tmp_path: Path,
    pipeline: Pipeline,
    simulated: SimulatedTenant,
    engine: Engine,
    dag_id: str,
    conf: dict[str, object],
    red: set[str],
) -> None:
    read_people(pipeline)
    simulated.served.misbehaviour.follow(read_plan(NO_PEOPLE))
    run = run_dag(tmp_path, dag_id, conf)
    assert {name for name, state in run.tasks.items() if state != "success"} == red
    assert table_rows(engine) == tenant_rows(simulated.tenant)
    assert run.state == "failed"
    assert "people cannot be read" in run.log


@pytest.mark.long
def test_without_any_known_person_the_log_says_why_there_is_no_plan(tmp_path: Path, simulated: SimulatedTenant) -> None:
    simulated.served.misbehaviour.follow(read_plan(NO_PEOPLE))
    run = run_dag(tmp_path, NIGHTLY, LOOKBACK)
    assert (run.state, run.tasks["plan_batches"], run.tasks["report"]) == ("failed", "failed", "failed")
    assert "The API answers people with status 500" in run.log


@pytest.mark.long
def test_a_night_that_may_read_nothing_publishes_nothing_and_is_red_once(
    tmp_path: Path, simulated: SimulatedTenant
) -> None:
    simulated.served.misbehaviour.follow(
        read_plan('[[fault]]\nkind = "status"\nstatus = 403\nrate = 1.0\non = ["clockings"]')
    )
    run = run_dag(tmp_path, NIGHTLY, LOOKBACK)
    assert (run.state, run.events) == ("failed", [])
    assert run.tasks["publish"] == "skipped"
    assert run.tasks["report"] == "failed"
    assert "status 403" in report_of(run)
    filled = run_dag(tmp_path, BACKFILL, {"first_day": str(FIRST)})
    assert (filled.state, filled.tasks["publish"]) == ("failed", "skipped")
    assert "1 unit not done: The API answers clockings with status 403" in report_of(filled)


TIMEOUT_SECONDS = 3
HASTY = f"""
import datetime
from protime_etl.airflow import protime_dags
from tests.support.tenant import present_day
protime_dags(default_args={{"retries": 0, "execution_timeout": datetime.timedelta(seconds={TIMEOUT_SECONDS})}})
"""


@pytest.mark.parametrize("fault", ['kind = "stall"\nseconds = 30', *in_long_form(['kind = "trickle"\nseconds = 0.5'])])
@pytest.mark.parametrize(("on", "red"), [("clockings", "pull_clockings"), *in_long_form([("people", "plan_batches")])])
def test_a_task_ends_within_seconds_of_its_timeout_whatever_the_tenant_does(
    tmp_path: Path, simulated: SimulatedTenant, fault: str, on: str, red: str
) -> None:
    simulated.served.misbehaviour.follow(read_plan(f'[[fault]]\n{fault}\nrate = 1.0\non = ["{on}"]'))
    run = run_dag(tmp_path, NIGHTLY, LOOKBACK, {"hasty.py": HASTY})
    assert run.tasks[red] == "failed"
    timed_out, failed = re.findall(r"^(\S+)Z \[error +\] (?:Process timed out|Task failed) ", run.log, re.MULTILINE)[:2]
    assert dt.datetime.fromisoformat(failed) - dt.datetime.fromisoformat(timed_out) < dt.timedelta(seconds=5)
    assert "AirflowTaskTimeout" in run.log
