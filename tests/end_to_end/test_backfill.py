"""Years for five hundred people that are stopped in the middle: by the command line, and by Airflow."""

from __future__ import annotations

import datetime as dt
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import psutil
import pytest
import sqlalchemy as sa
from sqlalchemy.engine import URL, Engine

from protime_etl.collections.clockings import CLOCKINGS
from protime_etl.simulator.faults import FaultPlan, read_plan
from protime_etl.simulator.server import SimulatedTenant
from protime_etl.simulator.state import Tenant
from protime_etl.standalone.local_airflow import LocalAirflow, local_airflow
from tests.support.tenant import present_day, serve, settings_for

DAG = "protime_clockings_backfill"
TODAY = present_day()
YEAR = TODAY - dt.timedelta(days=364)
PAGE_SIZE = 1000
WORKERS = 2


@pytest.fixture
def simulated(amount: Callable[[int, int], int]) -> Iterator[SimulatedTenant]:
    with serve(
        seed=3, people=amount(150, 500), first_day=YEAR, last_day=TODAY, page_size=PAGE_SIZE, empty_page_every=0
    ) as served:
        yield served


def assert_all_is_there(engine: Engine, tenant: Tenant) -> None:
    # Tuples, and no dicts as elsewhere: of half a million rows those take longer to compare than to load.
    truth = {(*row[:-3], str(msgspec.to_builtins(row[-3])), *row[-2:]) for row in map(CLOCKINGS.row, tenant.truth())}
    with engine.connect() as connection:
        rows = connection.execute(
            sa.text(
                f"SELECT {', '.join([*CLOCKINGS.column_names, 'extra'])} FROM protime.clockings"
                f" WHERE tenant <> 'shadow'"
            )
        ).all()
    assert len(rows) == len(truth)
    assert {(*row[:-3], str(row[-3]), *row[-2:]) for row in rows} == truth
    with engine.connect() as connection:
        covered = connection.execute(
            sa.text(
                "SELECT person_id, dates::text FROM protime_etl.coverage WHERE 'shadow' NOT IN (tenant, collection)"
            )
        ).all()
    year = f"{{[{YEAR},{TODAY - dt.timedelta(days=1)})}}"  # today and the day before are not over
    assert {row[0]: row[1] for row in covered} == dict.fromkeys(tenant.person_ids(), year)


def wait_until(condition: Callable[[], object], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def units_done(engine: Engine) -> int:
    with engine.connect() as connection:
        return int(
            connection.scalar(
                sa.text(
                    "SELECT count(*) FROM protime_etl.units WHERE error IS DISTINCT FROM 'shadow' AND status = 'done'"
                )
            )
            or 0
        )


@pytest.mark.timeout(300)
@pytest.mark.long
def test_a_killed_backfill_goes_on_with_the_same_command(
    simulated: SimulatedTenant, warehouse: URL, engine: Engine, tmp_path: Path
) -> None:
    command = [str(Path(sys.executable).with_name("protime-etl")), "backfill", "--workers", str(WORKERS)]
    command += ["--from", str(YEAR), "--to", str(TODAY)]
    given = {
        "TENANT": "simulated",
        "CLIENT_ID": simulated.client_id,
        "CLIENT_SECRET": simulated.client_secret,
        "API_URL": simulated.url,
        "AUTH_URL": simulated.url,
        "TIMEZONE": "UTC",
        "DATABASE_URL": warehouse.set(drivername="postgresql").render_as_string(hide_password=False),
    }
    variables = os.environ | {f"PROTIME_{name}": value for name, value in given.items()}
    first = subprocess.Popen(command, env=variables, cwd=tmp_path, stderr=subprocess.DEVNULL)
    wait_until(lambda: first.poll() is not None or units_done(engine) >= 3)
    first.kill()
    assert first.wait() == -signal.SIGKILL, "it was in the middle"

    again = subprocess.run(command, env=variables, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert again.returncode == 0, again.stderr
    assert_all_is_there(engine, simulated.tenant)
    with engine.connect() as connection:
        runs = (
            connection.execute(sa.text("SELECT status FROM protime_etl.runs WHERE tenant <> 'shadow'")).scalars().all()
        )
        needed, largest = connection.execute(
            sa.text(
                "SELECT sum(requests), max(requests) FROM protime_etl.units"
                " WHERE error IS DISTINCT FROM 'shadow' AND status = 'done'"
            )
        ).one()
    assert runs == ["done"], "the second went on with the run of the first"
    repeated = simulated.served.requests["clockings"] - needed
    assert 0 <= repeated <= WORKERS * largest


def kill_a_running_pull(airflow: LocalAirflow, run_id: str) -> int:
    """Wait for a pull that runs and kill its process, as a machine without memory does; returns its map index."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        for task in airflow.tasks(DAG, run_id):
            if task["task_id"] == "pull_clockings" and task["state"] == "running" and task["map_index"] > 0:
                for process in psutil.process_iter(["cmdline"]):
                    # Airflow writes the id of the task instance into the title of its process.
                    if f"airflow worker -- {task['id']}" in " ".join(process.info["cmdline"] or ()):
                        process.kill()
                        return int(task["map_index"])
        time.sleep(0.05)
    raise AssertionError("no pull was seen running")


@pytest.mark.airflow
@pytest.mark.timeout(600)
@pytest.mark.long
def test_a_backfill_by_airflow_survives_a_killed_and_a_failed_task(
    simulated: SimulatedTenant, airflow_server: URL, warehouse: URL, engine: Engine, tmp_path: Path
) -> None:
    with local_airflow(tmp_path, airflow_server, warehouse, settings_for(simulated, timezone="UTC")) as airflow:
        airflow.wait_for_dag(DAG)
        # The first request of a clocking is refused for good, the others take their time.
        simulated.served.misbehaviour.follow(
            read_plan(
                """
                [[fault]]
                kind = "status"
                status = 403
                on = ["clockings"]
                count = 1
                [[fault]]
                kind = "slow"
                on = ["clockings"]
                rate = 0.1
                """
            )
        )
        run_id = airflow.trigger(DAG, {"first_day": str(YEAR)})
        killed = kill_a_running_pull(airflow, run_id)
        assert airflow.wait_for_run(DAG, run_id) == "failed"
        simulated.served.misbehaviour.follow(FaultPlan())

        pulls = {
            task["map_index"]: (task["state"], task["try_number"])
            for task in airflow.tasks(DAG, run_id)
            if task["task_id"] == "pull_clockings"
        }
        assert pulls[killed] == ("success", 2)
        failed = [index for index, (state, _) in pulls.items() if state == "failed"]
        assert len(failed) == 1, "a failed unit does not stop the others"
        before = units_done(engine)
        asked = simulated.served.requests["clockings"]

        body = {
            "dry_run": False,
            "dag_run_id": run_id,
            "task_ids": [["pull_clockings", failed[0]]],
            "include_downstream": True,
            "only_failed": True,
        }
        airflow.request("POST", f"/dags/{DAG}/clearTaskInstances", body)
        assert airflow.wait_for_run(DAG, run_id) == "success"
    assert units_done(engine) == before + 1
    with engine.connect() as connection:
        largest = connection.scalar(
            sa.text("SELECT max(requests) FROM protime_etl.units WHERE error IS DISTINCT FROM 'shadow'")
        )
    assert simulated.served.requests["clockings"] - asked <= largest, "it is repeated alone"
    assert_all_is_there(engine, simulated.tenant)
