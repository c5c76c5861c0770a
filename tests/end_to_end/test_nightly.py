"""The nightly DAG, run by Airflow's own processes with LocalExecutor, against the simulated tenant."""

from __future__ import annotations

import datetime as dt
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import URL, Engine

from protime_etl.postgres.connection import create_engine
from protime_etl.simulator.faults import FaultPlan, read_plan
from protime_etl.simulator.options import Options
from protime_etl.simulator.server import SimulatedTenant
from protime_etl.simulator.state import Tenant
from protime_etl.standalone.local_airflow import LocalAirflow, local_airflow
from tests.conftest import execute, settings_for
from tests.truth import table_rows, tenant_rows

pytestmark = [pytest.mark.airflow, pytest.mark.timeout(400)]
DAG = "protime_clockings_nightly"
PEOPLE = 8_600  # enough for 20 batches of 6-digit ids
TODAY = dt.datetime.now(dt.UTC).date()


class Night(NamedTuple):
    airflow: LocalAirflow
    simulated: SimulatedTenant
    engine: Engine
    home: Path


@pytest.fixture(scope="module")
def night(servers: object, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Night]:
    server: URL = servers("embedded")  # type: ignore[operator]
    execute(server, "CREATE DATABASE nightly TEMPLATE template")
    home = tmp_path_factory.mktemp("a home")
    tenant = Tenant(seed=2, people=PEOPLE, first_day=TODAY - dt.timedelta(days=9), last_day=TODAY)
    with ExitStack() as stack:
        simulated = stack.enter_context(SimulatedTenant(tenant, Options(page_size=5000)))
        engine = create_engine(server.set(database="nightly"))
        stack.callback(engine.dispose)
        # No wait is short enough for a task to sit it out, so that each one gives the slot back.
        settings = settings_for(simulated, timezone="UTC", max_wait_in_task=0)
        airflow = stack.enter_context(local_airflow(home, server, engine.url, settings))
        airflow.wait_for_dag(DAG)
        yield Night(airflow, simulated, engine, home)


def run_of(night: Night, run_id: str) -> dict[str, list[dict[str, object]]]:
    tasks: dict[str, list[dict[str, object]]] = {}
    for task in night.airflow.tasks(DAG, run_id):
        tasks.setdefault(task["task_id"], []).append(task)
    return tasks


def test_a_night_with_twenty_mapped_tasks(night: Night) -> None:
    run_id = night.airflow.trigger(DAG, {"lookback_days": 9})
    lines: list[str] = []
    state = night.airflow.wait_for_run(DAG, run_id, lines.append)

    assert state == "success", "\n".join(lines)
    tasks = run_of(night, run_id)
    assert len(tasks["pull_clockings"]) == 20
    assert str(tasks["pull_clockings"][0]["rendered_map_index"]).startswith(f"{TODAY - dt.timedelta(days=9)}..{TODAY}")
    assert table_rows(night.engine) == tenant_rows(night.simulated.tenant)
    assert table_rows(night.engine, "people") == tenant_rows(night.simulated.tenant, "people")
    assert night.simulated.served.requests["token"] == 1
    assert night.simulated.served.requests["refused"] == 0
    assert night.simulated.served.longest_uri <= 4096
    assert {one["state"] for one in tasks["verify"] + tasks["check_deltas"]} == {"success"}

    events = night.airflow.request("GET", "/assets/events?order_by=-timestamp")["asset_events"]
    assert events[0]["extra"]["inserted"] == len(night.simulated.tenant.truth())
    assert events[0]["extra"]["units"] == 20
    for task in ("sync_people", "plan_batches", "close_run"):
        entries = night.airflow.request("GET", f"/dags/{DAG}/dagRuns/{run_id}/taskInstances/{task}/xcomEntries")
        assert entries["total_entries"] >= 1
        assert night.simulated.client_secret not in str(entries)


def test_changes_tell_of_themselves_only_when_something_changed(night: Night) -> None:
    changes = "protime_clockings_changes"

    def turn() -> tuple[str, int]:
        assert night.airflow.wait_for_run(changes, night.airflow.trigger(changes)) == "success"
        task = night.airflow.request("GET", f"/dags/{changes}/dagRuns?order_by=-run_after&limit=1")["dag_runs"][0]
        (state,) = {one["state"] for one in night.airflow.tasks(changes, task["dag_run_id"])}
        events = night.airflow.request("GET", "/assets/events?limit=1000")["asset_events"]
        return state, sum(one["uri"] == "protime://warehouse/protime/clockings/changes" for one in events)

    night.airflow.wait_for_dag(changes)
    turn()  # the initial load, after a night that has read it all
    assert turn()[0] == "skipped"
    _, before = turn()
    added = night.simulated.tenant.add(night.simulated.tenant.person_ids()[0], TODAY, 600)
    assert turn() == ("success", before + 1)
    assert added.id in table_rows(night.engine)


def test_no_secret_and_no_token_is_in_the_logs_or_the_databases(night: Night) -> None:
    written = subprocess.run(
        [
            "grep",
            "-rlE",
            f"{night.simulated.client_secret}|Bearer ey|eyJ[A-Za-z0-9_-]+\\.eyJ",
            night.home / "airflow" / "logs",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert written.stdout == ""
    with night.engine.connect() as connection:
        for table in ("runs", "units", "tokens", "rejected_record"):
            rows = connection.execute(sa.text(f"SELECT t::text FROM protime_etl.{table} AS t")).scalars().all()
            assert not any(night.simulated.client_secret in row for row in rows)


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
            sa.text(
                "SELECT DISTINCT date_from, date_to FROM protime_etl.runs WHERE origin LIKE '%backfill%' ORDER BY 1"
            )
        ).all()
    assert [tuple(one) for one in windows] == [(first, first), (last, last)]
    assert table_rows(night.engine) == tenant_rows(night.simulated.tenant)
    assert night.simulated.served.requests["token"] == 1


def test_a_throttled_night_gives_its_slots_back_and_waits(night: Night) -> None:
    misbehaviour = night.simulated.served.misbehaviour
    # More waits than a task may have failures, and a failure among them.
    misbehaviour.follow(
        read_plan(
            """
            [[fault]]
            kind = "status"
            status = 429
            retry_after = 1
            on = ["people"]
            count = 5
            [[fault]]
            kind = "status"
            status = 503
            retry_after = 2
            on = ["clockings"]
            at = [1]
            """
        )
    )
    try:
        run_id = night.airflow.trigger(DAG, {"lookback_days": 0})
        assert night.airflow.wait_for_run(DAG, run_id) == "success"
    finally:
        misbehaviour.follow(FaultPlan())

    tasks = run_of(night, run_id)
    assert tasks["sync_people"][0]["try_number"] == 6
    assert tasks["sync_people"][0]["max_tries"] == 200
    assert misbehaviour.struck["status"] == 6
    assert misbehaviour.during_pause == 0
    assert table_rows(night.engine) == tenant_rows(night.simulated.tenant)
