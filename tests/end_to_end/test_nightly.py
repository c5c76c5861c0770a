"""The DAGs, run by Airflow's own processes with LocalExecutor, against the simulated tenant."""

from __future__ import annotations

import datetime as dt
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

import pytest
import sqlalchemy as sa
from packaging.version import Version
from sqlalchemy.engine import URL, Engine

from protime_etl.postgres.server.connection import create_engine
from protime_etl.simulator.faults import FaultPlan, read_plan
from protime_etl.simulator.options import Options
from protime_etl.simulator.server import SimulatedTenant
from protime_etl.simulator.state import Tenant
from protime_etl.standalone.local_airflow import LocalAirflow, local_airflow
from protime_etl.sync.pipeline import open_pipeline
from protime_etl.sync.pull.runs import sync
from tests.support.databases import execute
from tests.support.tenant import present_day, settings_for
from tests.support.truth import table_rows, tenant_rows

pytestmark = [pytest.mark.airflow, pytest.mark.timeout(400)]
DAG = "protime_clockings_nightly"
FORM_DAG = "protime_clockings_backfill"
of_airflow = Version(version("apache-airflow"))
PAGE = 5000
BATCH = 430  # people with ids of 6 digits, whom one request can ask for
TODAY = present_day()


class Night(NamedTuple):
    airflow: LocalAirflow
    simulated: SimulatedTenant
    engine: Engine
    home: Path
    batches: int


@pytest.fixture(scope="module")
def night(
    airflow_server: URL, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Night]:
    batches = 20 if request.config.getoption("--long") else 3
    server = airflow_server
    execute(server, "CREATE DATABASE nightly TEMPLATE template_alone")
    home = tmp_path_factory.mktemp("a home")
    tenant = Tenant(seed=2, people=batches * BATCH, first_day=TODAY - dt.timedelta(days=9), last_day=TODAY)
    with ExitStack() as stack:
        simulated = stack.enter_context(SimulatedTenant(tenant, Options(page_size=PAGE)))
        engine = create_engine(server.set(database="nightly"))
        stack.callback(engine.dispose)
        # No wait is short enough for a task to sit it out, so that each one gives the slot back.
        settings = settings_for(simulated, timezone="UTC", max_wait_in_task=0)
        airflow = stack.enter_context(local_airflow(home, server, engine.url, settings))
        airflow.wait_for_dag(DAG)
        airflow.wait_for_dag(FORM_DAG)
        yield Night(airflow, simulated, engine, home, batches)


def run_of(night: Night, run_id: str, dag_id: str = DAG) -> dict[str, list[dict[str, object]]]:
    tasks: dict[str, list[dict[str, object]]] = {}
    for task in night.airflow.tasks(dag_id, run_id):
        tasks.setdefault(task["task_id"], []).append(task)
    return tasks


def test_a_night_with_mapped_tasks(night: Night) -> None:
    run_id = night.airflow.trigger(DAG, {"lookback_days": 9})
    lines: list[str] = []
    state = night.airflow.wait_for_run(DAG, run_id, lines.append)

    assert state == "success", "\n".join(lines)
    tasks = run_of(night, run_id)
    assert 1 < len(tasks["pull_clockings"]) <= 4
    assert str(tasks["pull_clockings"][0]["rendered_map_index"]).startswith(f"{TODAY - dt.timedelta(days=9)}..{TODAY}")
    assert table_rows(night.engine) == tenant_rows(night.simulated.tenant)
    assert table_rows(night.engine, "people") == tenant_rows(night.simulated.tenant, "people")
    assert night.simulated.served.requests["token"] == 1
    assert night.simulated.served.requests["refused"] == 0
    assert night.simulated.served.longest_uri <= 4096
    assert {one["state"] for one in tasks["prove"] + tasks["report"]} == {"success"}

    events = night.airflow.request("GET", "/assets/events?order_by=-timestamp")["asset_events"]
    # A DAG that is unpaused may begin with the run that its schedule is due: what is new is reported by both together.
    assert sum(event["extra"]["inserted"] for event in events) == len(night.simulated.tenant.truth())
    (reported,) = (event["extra"] for event in events if event["source_run_id"] == run_id)
    assert reported["units"] >= night.batches
    days = {day for event in events for day in event["extra"]["days"]}
    assert {str(one.date) for one in night.simulated.tenant.truth()} <= days  # of a first load all of its window
    assert reported["all_days"]
    if of_airflow >= Version("3.3"):  # before it assets had no state
        assets = night.airflow.request("GET", "/assets")["assets"]
        asset = next(one for one in assets if one["name"] == "protime_clockings")
        kept = night.airflow.request("GET", f"/assets/{asset['id']}/state-store/health")["value"]
        assert (kept["tenant"], kept["ok"]) == ("simulated", True)
    for task in ("plan_batches", "publish"):
        entries = night.airflow.request("GET", f"/dags/{DAG}/dagRuns/{run_id}/taskInstances/{task}/xcomEntries")
        assert entries["total_entries"] >= 1
        assert night.simulated.client_secret not in str(entries)


def tables_as_text(engine: Engine) -> dict[str, list[str]]:
    """Every row of every table of a database; what columns of bytes hold is decoded where it can be."""
    with engine.connect() as connection:
        tables = connection.execute(
            sa.text("SELECT schemaname, tablename FROM pg_tables WHERE schemaname !~ '^(pg_|information_schema)'")
        ).all()
        connection.execute(sa.text("SET bytea_output = 'escape'"))
        return {
            table: list(connection.execute(sa.text(f'SELECT t::text FROM "{schema}"."{table}" AS t')).scalars())
            for schema, table in tables
        }


@pytest.mark.long
def test_changes_send_an_event_only_when_something_changed(night: Night) -> None:
    changes = "protime_clockings_changes"

    def poll() -> tuple[str, int]:
        assert night.airflow.wait_for_run(changes, night.airflow.trigger(changes)) == "success"
        task = night.airflow.request("GET", f"/dags/{changes}/dagRuns?order_by=-run_after&limit=1")["dag_runs"][0]
        (state,) = {one["state"] for one in night.airflow.tasks(changes, task["dag_run_id"])}
        events = night.airflow.request("GET", "/assets/events?limit=1000")["asset_events"]
        return state, sum(one["uri"] == "protime://warehouse/protime/clockings/changes" for one in events)

    night.airflow.wait_for_dag(changes)
    poll()  # the initial load, after a night that has read it all
    assert poll()[0] == "skipped"
    _, before = poll()
    added = night.simulated.tenant.add(night.simulated.tenant.person_ids()[0], TODAY, 600)
    assert poll() == ("success", before + 1)
    assert added.id in table_rows(night.engine)


@pytest.mark.long
def test_what_others_wrote_is_reported_by_the_next_night(night: Night) -> None:
    added = night.simulated.tenant.add(night.simulated.tenant.person_ids()[1], TODAY - dt.timedelta(days=1), 601)
    with open_pipeline(settings_for(night.simulated, timezone="UTC"), night.engine.url) as pipeline:
        assert sync(pipeline, added.date, added.date)[0].inserted == 1
    run_id = night.airflow.trigger(DAG)
    assert night.airflow.wait_for_run(DAG, run_id) == "success"
    events = night.airflow.request("GET", "/assets/events?order_by=-timestamp")["asset_events"]
    (reported,) = (event["extra"] for event in events if event["source_run_id"] == run_id)
    # The delta has brought a day of its own, if it was tried before.
    assert [day for day in reported["days"] if day != str(TODAY)] == [str(added.date)]
    assert (reported["inserted"], reported["all_days"]) == (0, True)


def test_no_secret_and_no_token_is_in_the_logs_or_the_databases(night: Night) -> None:
    secret = f"{night.simulated.client_secret}|Bearer ey|eyJ[A-Za-z0-9_-]+\\.eyJ"
    folder = night.home / "airflow"
    written = subprocess.run(
        ["grep", "-rlE", secret, folder / "logs", night.airflow.log], capture_output=True, text=True, check=False
    )
    assert written.stdout == ""
    assert any((folder / "logs").rglob("*.log"))

    metadata = create_engine(night.engine.url.set(database="airflow"))
    stored = tables_as_text(metadata)
    metadata.dispose()
    # Rendered templates and XComs among them. Airflow writes down nothing of a connection that the environment gives.
    assert stored["xcom"]
    assert stored["rendered_task_instance_fields"]
    for database in (stored, tables_as_text(night.engine)):
        found = {name for name, rows in database.items() if any(re.search(secret, row) for row in rows)}
        assert found == set()


@pytest.mark.long
def test_a_backfill_reads_the_own_day_of_each_run_only(night: Night) -> None:
    first, last = TODAY - dt.timedelta(days=5), TODAY - dt.timedelta(days=4)
    body = {
        "dag_id": DAG,
        "from_date": f"{first}T00:00:00Z",
        "to_date": f"{last}T23:59:59Z",
        "max_active_runs": 1,
        "reprocess_behavior": "none",
        "dag_run_conf": {},
    }
    backfill = night.airflow.request("POST", "/backfills", body)
    runs = night.airflow.request("GET", f"/dags/{DAG}/dagRuns?run_type=backfill")["dag_runs"]
    assert len(runs) == 2, backfill
    for run in runs:
        assert night.airflow.wait_for_run(DAG, run["dag_run_id"]) == "success"

    with night.engine.connect() as connection:
        windows = connection.execute(
            sa.text("SELECT DISTINCT date_from, date_to FROM protime_etl.runs WHERE kind = 'backfill' ORDER BY 1")
        ).all()
    assert [tuple(one) for one in windows] == [(first, first), (last, last)]
    assert table_rows(night.engine) == tenant_rows(night.simulated.tenant)
    assert night.simulated.served.requests["token"] == 1


def wait_for_backfills(night: Night) -> None:
    """Wait until the scheduler has seen that all backfills have ended, which it looks at twice a minute."""
    deadline = time.monotonic() + 300
    while any(
        backfill["completed_at"] is None
        for backfill in night.airflow.request("GET", f"/backfills?dag_id={DAG}")["backfills"]
    ):
        assert time.monotonic() < deadline
        time.sleep(1)


@pytest.mark.parametrize(
    ("backwards", "reprocess"), [(True, "none"), (False, "completed")], ids=["backwards", "reprocessing"]
)
@pytest.mark.long
def test_a_backfill_goes_backwards_and_repeats(night: Night, backwards: bool, reprocess: str) -> None:
    with night.engine.begin() as connection:
        before = connection.scalar(sa.text("SELECT coalesce(max(run_id), 0) FROM protime_etl.runs"))
    # New days backwards, and again the days of the test before.
    days = [TODAY - dt.timedelta(days=n) for n in ((8, 7) if backwards else (5, 4))]
    body = {
        "dag_id": DAG,
        "from_date": f"{days[0]}T00:00:00Z",
        "to_date": f"{days[-1]}T23:59:59Z",
        "max_active_runs": 1,
        "run_backwards": backwards,
        "reprocess_behavior": reprocess,
        "dag_run_conf": {},
    }
    wait_for_backfills(night)
    night.airflow.request("POST", "/backfills", body)
    wait_for_backfills(night)

    with night.engine.connect() as connection:
        runs = connection.execute(
            sa.text("SELECT date_from, date_to, status FROM protime_etl.runs WHERE run_id > :before ORDER BY run_id"),
            {"before": before},
        ).all()
    order = days[::-1] if backwards else days
    assert [tuple(run) for run in runs] == [(day, day, "done") for day in order]
    assert table_rows(night.engine) == tenant_rows(night.simulated.tenant)


def fill_in(night: Night, **form: object) -> str:
    """Start the backfill DAG as its form does; returns the run's id."""
    return night.airflow.trigger(FORM_DAG, {"first_day": str(TODAY - dt.timedelta(days=9)), **form})


@pytest.mark.long
def test_a_backfill_by_its_form(night: Night) -> None:
    people = night.simulated.tenant.person_ids()
    text = ",".join(map(str, people[:900]))
    day = str(TODAY - dt.timedelta(days=1))
    with night.engine.begin() as connection:
        connection.execute(sa.text("DELETE FROM protime.clockings WHERE person_id <= :last"), {"last": people[899]})
    # One task a batch; the same batches in two lists; and nothing at all.
    runs = [fill_in(night, people=text, last_day=day), fill_in(night, people=text, concurrency=2)]
    # Of days that are over: of the last two something is always missing.
    nothing = fill_in(night, only_missing=True, last_day=str(TODAY - dt.timedelta(days=3)))
    wrong = {
        "ends .* before it begins": fill_in(night, last_day="2020-01-01"),
        "Circles cannot be combined with people": fill_in(night, people="1", circles="2"),
        "No person at simulated has the id 7": fill_in(night, people="7"),
    }
    assert [night.airflow.wait_for_run(FORM_DAG, run_id) for run_id in (*runs, nothing)] == ["success"] * 3
    tasks = [run_of(night, run_id, FORM_DAG) for run_id in (*runs, nothing)]
    assert [task["state"] for task in tasks[0]["sync_people"]] == ["skipped"]
    assert len(tasks[0]["pull_clockings"]) > 2
    assert [len(one["pull_clockings"]) for one in tasks[1:]] == [2, 1]
    assert [task["state"] for task in tasks[2]["pull_clockings"]] == ["skipped"]
    assert table_rows(night.engine) == tenant_rows(night.simulated.tenant)
    events = night.airflow.request("GET", "/assets/events?order_by=-timestamp")["asset_events"]
    assert {f"{event['source_dag_id']} {event['source_run_id']}" for event in events} >= {
        f"{FORM_DAG} {run_id}" for run_id in (*runs, nothing)
    }

    for message, run_id in wrong.items():
        assert night.airflow.wait_for_run(FORM_DAG, run_id) == "failed"
        plan = run_of(night, run_id, FORM_DAG)["plan_batches"][0]
        assert (plan["state"], plan["try_number"]) == ("failed", 1)
        path = f"/dags/{FORM_DAG}/dagRuns/{run_id}/taskInstances/plan_batches/logs/1"
        assert re.search(message, str(night.airflow.request("GET", path))), message


@pytest.mark.long
def test_a_night_without_anything_to_pull_ends_well(night: Night) -> None:
    run_id = night.airflow.trigger(DAG, {"collections": "people"})
    assert night.airflow.wait_for_run(DAG, run_id) == "success"
    states = {name: {one["state"] for one in tasks} for name, tasks in run_of(night, run_id).items()}
    assert states.pop("pull_clockings") == {"skipped"}
    assert set.union(*states.values()) == {"success"}, states


@pytest.mark.long
def test_a_throttled_night_gives_its_slots_back_and_waits(night: Night) -> None:
    misbehaviour = night.simulated.served.misbehaviour
    # More waits than a task may have failures, of ordinary tasks and of mapped ones.
    misbehaviour.follow(
        read_plan(
            """
            [[fault]]
            kind = "status"
            status = 429
            retry_after = 1
            on = ["people"]
            count = 2
            [[fault]]
            kind = "status"
            status = 503
            retry_after = 2
            on = ["clockings"]
            at = [1, 4, 7, 10, 13]
            """
        )
    )
    try:
        run_id = night.airflow.trigger(DAG, {"lookback_days": 0})
        assert night.airflow.wait_for_run(DAG, run_id) == "success"
    finally:
        misbehaviour.follow(FaultPlan())

    tasks = run_of(night, run_id)
    # Each wait gave the slot back and used no try.
    all_tasks = [one for all_of in tasks.values() for one in all_of]
    failed = [
        night.airflow.request(
            "GET",
            f"/dags/{DAG}/dagRuns/{run_id}/taskInstances/{one['task_id']}/logs/1?map_index={one['map_index']}",
        )
        for one in all_tasks
        if one["try_number"] != 1
    ]
    assert {(one["try_number"], one["max_tries"]) for one in all_tasks} <= {(1, 3), (1, 2)}, failed
    metadata = create_engine(night.engine.url.set(database="airflow"))
    with metadata.connect() as connection:
        # A run that the schedule had due may have met some of the waits.
        waits, failures = (
            connection.execute(sa.text(query), {"dag": DAG, "run": run_id}).scalar_one()
            for query in (
                "SELECT count(*) FROM public.task_reschedule AS r JOIN public.task_instance AS t ON t.id = r.ti_id"
                " WHERE dag_id = :dag",
                "SELECT count(*) FROM public.task_instance_history WHERE run_id = :run",
            )
        )
    metadata.dispose()
    assert (waits >= 6, failures) == (True, 0)
    assert misbehaviour.struck["status"] == 7
    assert misbehaviour.during_pause == 0
    assert table_rows(night.engine) == tenant_rows(night.simulated.tenant)


@pytest.mark.long
def test_a_quiet_night_reads_its_days_once(night: Night) -> None:
    """There is nothing before them here that could be proven, so what it asks for is its pages."""
    before = night.simulated.served.requests.total()
    run_id = night.airflow.trigger(DAG, {"lookback_days": 9})
    assert night.airflow.wait_for_run(DAG, run_id) == "success"
    asked = night.simulated.served.requests.total() - before
    with night.engine.connect() as connection:
        units = connection.execute(
            sa.text(
                "SELECT rows_read FROM protime_etl.units AS u JOIN protime_etl.runs USING (run_id)"
                " WHERE dag_run_id = :run"
            ),
            {"run": run_id},
        ).scalars()
        pages = sum(-(-rows // PAGE) for rows in units)
    people = -(-len(night.simulated.tenant.records("people")) // PAGE)
    assert asked == pages + people
