"""Nights on several machines, with CeleryExecutor: one is cut off or loses its power, the tenant asks for a pause.

The scheduler, the API server, redis and PostgreSQL run here; two workers on machines of their own. They share nothing
but the network: no folder with logs or settings, and PostgreSQL is reached by TCP.
"""

from __future__ import annotations

import datetime as dt
import os
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import sqlalchemy as sa
from cryptography.fernet import Fernet
from sqlalchemy.engine import Engine

from protime_etl.airflow.connections import connections
from protime_etl.postgres.schema.upgrade import upgrade_schema
from protime_etl.postgres.server.connection import create_engine
from protime_etl.simulator.faults import read_plan
from protime_etl.simulator.options import Options
from protime_etl.simulator.server import SimulatedTenant
from protime_etl.simulator.state import Tenant
from protime_etl.standalone.environment import airflow_environment
from protime_etl.standalone.local_airflow import LocalAirflow
from tests.support.databases import execute
from tests.support.machines import (
    Machine,
    NoMachinesError,
    free_port,
    network,
    postgres_on,
    redis_on,
    started,
    wait_until,
)
from tests.support.tenant import present_day, settings_for
from tests.support.truth import table_rows, tenant_rows

pytestmark = [pytest.mark.airflow, pytest.mark.timeout(600), pytest.mark.long]
DAG = "protime_clockings_nightly"
BATCH, BATCHES = 430, 4
TODAY = present_day()
HEARTBEAT_SECONDS, VISIBLE_SECONDS, SLOW_SECONDS, PAUSE_SECONDS = 15, 8, 25, 20
SHORT = {
    # A task whose worker is silent for so long begins again.
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": str(HEARTBEAT_SECONDS),
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "3",
    # A task that is not over by then is delivered again, and here every long one is.
    "AIRFLOW__CELERY_BROKER_TRANSPORT_OPTIONS__VISIBILITY_TIMEOUT": str(VISIBLE_SECONDS),
    "AIRFLOW__CELERY_BROKER_TRANSPORT_OPTIONS__UNACKED_RESTORE_INTERVAL": "2",
    "AIRFLOW__CELERY_BROKER_TRANSPORT_OPTIONS__UNACKED_RESTORE_THROTTLE": "1",
}
SERVER = "airflow db migrate && { airflow scheduler & airflow dag-processor & exec airflow api-server; }"
WORKER = [sys.executable, "-m", "airflow", "celery", "worker", "--concurrency", str(2 * BATCHES)]


class Site(NamedTuple):
    airflow: LocalAirflow
    simulated: SimulatedTenant
    warehouse: Engine
    metadata: Engine
    machines: dict[str, Machine]
    logs: Path


def on_host(environment: dict[str, str], home: Path) -> dict[str, str]:
    """That environment on a machine whose folder of Airflow is this one."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "PROTIME_"))}
    path = f"{environment['PATH']}{os.pathsep}{os.environ.get('PATH', '')}"
    return inherited | environment | {"AIRFLOW_HOME": str(home), "NO_COLOR": "1", "PATH": path}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    tenant = Tenant(seed=2, people=BATCHES * BATCH, first_day=TODAY - dt.timedelta(days=9), last_day=TODAY)
    with ExitStack() as stack:
        try:
            net = stack.enter_context(network("w1", "w2"))
            broker = stack.enter_context(redis_on(net.address, folder))
        except NoMachinesError as error:
            pytest.skip(str(error))
        server = stack.enter_context(postgres_on(net.address))
        simulated = stack.enter_context(SimulatedTenant(tenant, Options(page_size=5000), host=net.address))
        engines = []
        for name in ("airflow", "warehouse"):
            execute(server, f"CREATE DATABASE {name}")
            engines.append(create_engine(server.set(database=name)))
            stack.callback(engines[-1].dispose)
        upgrade_schema(engines[1])

        port = free_port(net.address)
        url = f"http://{net.address}:{port}"
        metadata = server.set(database="airflow").render_as_string()
        common = airflow_environment(folder, metadata, "UTC", port, "") | {
            "AIRFLOW__PROTIME__ALLOWED_HOSTS": "",
            "NO_PROXY": net.address,
            "no_proxy": net.address,
            "AIRFLOW__CORE__EXECUTOR": "CeleryExecutor",
            "AIRFLOW__CORE__FERNET_KEY": Fernet.generate_key().decode(),
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{url}/execution/",
            "AIRFLOW__CORE__PARALLELISM": "32",
            "AIRFLOW__CORE__HOSTNAME_CALLABLE": "socket.gethostname",
            "AIRFLOW__API__HOST": net.address,
            "AIRFLOW__API__BASE_URL": url,
            "AIRFLOW__CELERY__BROKER_URL": broker,
            **SHORT,
        }
        process = stack.enter_context(
            started(["sh", "-euc", SERVER], on_host(common, folder / "server"), folder / "server.log")
        )
        airflow = LocalAirflow(process, url, folder / "server.log")
        airflow.wait_until_ready()
        # No wait is short enough for a task to sit it out, so that each one gives the slot back.
        settings = settings_for(simulated, timezone="UTC", max_wait_in_task=0, allow_http=True)
        for conn_id, fields in connections(settings, engines[1].url).items():
            airflow.request("POST", "/connections", {"connection_id": conn_id, **fields})
        for name, machine in net.machines.items():
            machine.start(WORKER, on_host(common, folder / name), folder / f"{name}.log")
        airflow.wait_for_dag(DAG)
        logs = [folder / f"{name}.log" for name in net.machines]
        wait_until(
            lambda: all(f"celery@{log.stem} ready" in log.read_text() for log in logs), f"no workers: {folder}", 120
        )
        yield Site(airflow, simulated, engines[1], engines[0], dict(net.machines), folder)


FAILED = "SELECT count(*) FROM public.task_instance_history"
FAILED_ON_W1 = f"{FAILED} WHERE hostname = 'w1'"
UNDONE = "SELECT count(*) FROM protime_etl.units WHERE status IN ('planned', 'failed')"
SLOW = f"""
[[fault]]
kind = "slow"
seconds = {SLOW_SECONDS}
on = ["clockings"]
count = {BATCHES}
"""
PAUSE = f"""
[[fault]]
kind = "status"
status = 429
retry_after = {PAUSE_SECONDS}
on = ["clockings"]
at = [{BATCHES + 2}]
"""


def counted(engine: Engine, query: str) -> int:
    with engine.connect() as connection:
        return int(connection.execute(sa.text(query)).scalar_one())


def tasks(site: Site) -> list[dict[str, Any]]:
    """Those of all runs: a DAG that is unpaused may also begin with the run that its schedule is due."""
    runs = site.airflow.request("GET", f"/dags/{DAG}/dagRuns")["dag_runs"]
    return [task for run in runs for task in site.airflow.tasks(DAG, run["dag_run_id"])]


def at_work(site: Site) -> dict[str, list[dict[str, Any]]]:
    """The pulls that run, by machine, as Airflow believes."""
    found: dict[str, list[dict[str, Any]]] = {}
    for task in tasks(site):
        if (task["task_id"], task["state"]) == ("pull_clockings", "running"):
            found.setdefault(task["hostname"], []).append(task)
    return found


def begin_night(site: Site, faults: str) -> None:
    """Start a night and wait until both machines wait for the tenant in the middle of it."""
    misbehaviour = site.simulated.served.misbehaviour
    before = misbehaviour.struck["slow"]
    misbehaviour.follow(read_plan(faults))
    site.airflow.trigger(DAG, {"lookback_days": 9})
    wait_until(
        lambda: misbehaviour.struck["slow"] == before + BATCHES and set(at_work(site)) == {"w1", "w2"},
        "not both machines are at work",
        120,
    )


def end_night(site: Site) -> None:
    """Wait until all runs have ended, and compare."""
    assert {site.airflow.wait_for_run(DAG, run_id) for run_id in {task["dag_run_id"] for task in tasks(site)}} == {
        "success"
    }
    assert table_rows(site.warehouse) == tenant_rows(site.simulated.tenant)
    assert table_rows(site.warehouse, "people") == tenant_rows(site.simulated.tenant, "people")
    assert counted(site.warehouse, UNDONE) == 0
    assert site.simulated.served.requests["token"] == 1
    assert site.simulated.served.misbehaviour.during_pause == 0


HOLD = """
import sys
import sqlalchemy as sa
from protime_etl.postgres.server.connection import create_engine
with create_engine(sa.make_url(sys.argv[1])).begin() as connection:
    connection.execute(sa.text("LOCK TABLE protime_etl.runs"))
    print("locked", flush=True)
    connection.execute(sa.text("SELECT pg_sleep(3)"))
    connection.execute(sa.text("SELECT pg_sleep(600)"))
"""


def test_a_lock_of_a_machine_that_left_before_its_answer_came_is_dropped(tmp_path: Path) -> None:
    with ExitStack() as stack:
        try:
            net = stack.enter_context(network("w1"))
        except NoMachinesError as error:
            pytest.skip(str(error))
        engine = create_engine(stack.enter_context(postgres_on(net.address)))
        stack.callback(engine.dispose)
        upgrade_schema(engine)
        log, machine = tmp_path / "log", net.machines["w1"]
        url = engine.url.render_as_string(hide_password=False)
        machine.start([sys.executable, "-c", HOLD, url], dict(os.environ), log)
        wait_until(lambda: "locked" in log.read_text(), "it does not get the lock")
        machine.lose_power()
        held = "SELECT count(*) FROM pg_locks WHERE relation = 'protime_etl.runs'::regclass"
        # The answer of the sleep is on its way by then, so that keep-alive is of no help.
        wait_until(lambda: counted(engine, held) == 0, "it is still held", 70)


def test_a_machine_that_is_cut_off_and_comes_back_does_no_harm(site: Site) -> None:
    begin_night(site, SLOW)
    site.machines["w1"].cut_off()
    moment = time.monotonic()
    lost = at_work(site)["w1"]
    wait_until(lambda: counted(site.metadata, FAILED_ON_W1) == len(lost), "Airflow does not give its tasks up", 120)
    given_up = time.monotonic() - moment
    # It has lived on meanwhile, knows nothing, and is at the same units as those who begin again.
    site.machines["w1"].reconnect()
    end_night(site)
    # Perhaps others too: what it had been given a second time fails there, and with it the task that runs elsewhere.
    assert counted(site.metadata, FAILED_ON_W1) == len(lost)
    print(  # noqa: T201 - the figures are what this is for
        f"\nseveral machines: {len(lost)} tasks cut off, given up {given_up:.0f} s later, all done after"
        f" {time.monotonic() - moment:.0f} s; {counted(site.metadata, FAILED) - len(lost)} others failed once;"
        f" {site.simulated.served.requests}"
    )


def test_a_night_outlives_a_machine_a_pause_and_second_deliveries(site: Site) -> None:
    failed, refused = counted(site.metadata, FAILED), site.simulated.served.misbehaviour.struck["status"]
    begin_night(site, SLOW + PAUSE)
    site.machines["w1"].lose_power()
    moment = time.monotonic()
    lost = {(task["dag_run_id"], task["map_index"]) for task in at_work(site)["w1"]}
    end_night(site)
    seconds = time.monotonic() - moment
    assert site.simulated.served.misbehaviour.struck["status"] == refused + 1
    assert counted(site.metadata, "SELECT count(*) FROM public.task_reschedule") >= 1

    # What the lost machine was at began again on the other one; nothing else failed.
    repeated = {
        (task["dag_run_id"], task["map_index"]): task["hostname"]
        for task in tasks(site)
        if task["try_number"] > 1 and task["dag_run_id"] in {run_id for run_id, _ in lost}
    }
    assert repeated == dict.fromkeys(lost, "w2")
    assert counted(site.metadata, FAILED) == failed + len(lost)
    # What was delivered a second time while it ran was left alone.
    second = (site.logs / "w2.log").read_text().count("Task already running elsewhere, ignoring redelivered message")
    assert second >= 1
    print(  # noqa: T201 - the figures are what this is for
        f"\nseveral machines: {len(lost)} tasks lost, all done {seconds:.0f} s later; {second} second deliveries;"
        f" {site.simulated.served.requests}"
    )
