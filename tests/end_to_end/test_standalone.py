"""`make run` and `make up` as processes: what they offer to others, refuse, and leave behind."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
import requests
from sqlalchemy.engine import URL

from protime_etl.simulator.faults import read_plan
from protime_etl.simulator.options import Options
from protime_etl.simulator.server import SimulatedTenant
from protime_etl.standalone.__main__ import main
from protime_etl.standalone.local_airflow import LocalAirflow, local_airflow
from tests.support.tenant import settings_for

pytestmark = [pytest.mark.airflow, pytest.mark.timeout(600)]
BESIDE = Path(sys.executable).parent


def start(home: Path, *arguments: str, **settings: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "protime_etl.standalone", *arguments],
        cwd=home.parent,
        env={**os.environ, "PROTIME_HOME": str(home), "PYTHONUNBUFFERED": "1", **settings},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )


def wait_until_ready(process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None
    while "Airflow: ready" not in (line := process.stdout.readline()):
        assert line, "it ended by itself"


def end(process: subprocess.Popen[str], number: signal.Signals, home: Path) -> None:
    """End it by a signal, and see that nothing of it is left."""
    started = psutil.Process(process.pid).children(recursive=True)
    assert len(started) > 4
    process.send_signal(number)
    process.communicate(timeout=60)
    assert process.returncode in (130, 143)
    _, alive = psutil.wait_procs(started, timeout=5)
    assert alive == []
    assert not (home / "postgres" / "postmaster.pid").exists()
    assert list(home.glob("*.env")) == []


def beside(home: Path, command: str) -> subprocess.CompletedProcess[str]:
    """A command in another terminal, in which nothing is set but the folder."""
    environment = {**os.environ, "PROTIME_HOME": str(home), "PATH": os.environ["PATH"]}
    return subprocess.run(
        ["/bin/sh", "-euc", command], cwd=home.parent, env=environment, capture_output=True, text=True, check=False
    )


@pytest.mark.long
def test_ending_run_ends_all_that_it_started(tmp_path: Path) -> None:
    home = tmp_path / "a home"
    process = start(home, "run")
    wait_until_ready(process)
    end(process, signal.SIGTERM, home)


@pytest.mark.long
def test_up_serves_the_commands_beside_it_and_ends_all_that_it_started(tmp_path: Path) -> None:
    home = tmp_path / "a home"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    process = start(home, "up", port)
    wait_until_ready(process)

    ours = [
        one for child in psutil.Process(process.pid).children(recursive=True) for one in child.net_connections("tcp")
    ]
    listening = {(one.laddr.ip, one.laddr.port) for one in ours if one.status == psutil.CONN_LISTEN}
    assert {address for address, _ in listening} == {"127.0.0.1"}, listening
    assert requests.get(f"http://127.0.0.1:{port}/", headers={"Host": "rebound.example"}, timeout=60).status_code == 400

    checked = beside(home, f"'{BESIDE}/protime-etl' check --json")
    assert checked.returncode == 0, checked.stderr
    assert all(json.loads(checked.stdout.splitlines()[-1]).values())
    assert "the simulated one of the trial" in checked.stderr
    own = beside(home, f"PROTIME_TENANT=acme '{BESIDE}/protime-etl' check")
    assert own.returncode == 2, "the user of a tenant never gets the secret of another"

    listed = beside(home, f". '{home}/airflow.env'; airflow connections list --output json")
    assert listed.returncode == 0, listed.stderr
    rows = json.loads(listed.stdout[listed.stdout.index("[{") :])
    assert {row["conn_id"] for row in rows} >= {"protime_default", "protime_warehouse"}
    assert (home / "airflow.env").stat().st_mode & 0o077 == 0

    another = start(home, "run")
    said, _ = another.communicate(timeout=60)
    assert another.returncode == 1
    assert said.startswith("error: Another demo, make up or make run is using"), said
    assert len(said.splitlines()) == 1
    end(process, signal.SIGINT, home)


def test_a_port_that_is_taken_is_known_before_anything_is_started(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        process = start(home, "up", str(port))
        said, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    assert said == f"error: Port {port} is taken. Choose another: make up PORT={port + 1}\n"
    assert not (home / "postgres").exists()


def settings_of(simulated: SimulatedTenant, **changes: str) -> dict[str, str]:
    given = {
        "PROTIME_TENANT": "simulated",
        "PROTIME_CLIENT_ID": simulated.client_id,
        "PROTIME_CLIENT_SECRET": simulated.client_secret,
        "PROTIME_API_URL": simulated.url,
        "PROTIME_AUTH_URL": simulated.url,
    }
    return given | changes


def test_a_wrong_secret_is_known_before_airflow_starts(tmp_path: Path, simulated: SimulatedTenant) -> None:
    process = start(tmp_path / "home", "run", **settings_of(simulated, PROTIME_CLIENT_SECRET="wrong"))
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "error: credentials: " in said.splitlines()[-1]
    assert "PROTIME_CLIENT_SECRET" in said.splitlines()[-1]
    assert "Airflow" not in said


@pytest.mark.long
def test_a_night_that_fails_says_why_and_where(tmp_path: Path, simulated: SimulatedTenant) -> None:
    # The first request is that of the check.
    fault = '[[fault]]\non = ["clockings"]\nkind = "status"\nstatus = 403\nat = [2, 3, 4, 5, 6, 7, 8]'
    with SimulatedTenant(simulated.tenant, Options(latency=3.0, faults=read_plan(fault))) as slow:
        process = start(tmp_path / "home", "run", **settings_of(slow))
        said, _ = process.communicate(timeout=500)
    assert process.returncode == 1
    assert "  pull_clockings: The API answers clockings with status 403" in said, said
    assert "error: The nightly run failed." in said
    # It has its name while it runs.
    assert re.search(r"  running +pull_clockings \[\d{4}-\d\d-\d\d\.\..*, people 100001-100020 \(20\)\]", said), said


@pytest.mark.parametrize("arguments", [["down"], ["up", "http"], ["up", "0"], ["run", "8080"], []])
def test_wrong_usage_ends_with_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    before = signal.getsignal(signal.SIGTERM)
    try:
        assert main(arguments) == 2
    finally:
        signal.signal(signal.SIGTERM, before)
    assert "run | up" in capsys.readouterr().err


@pytest.mark.long
def test_with_a_tenant_of_its_own_it_asks_for_a_password(tmp_path: Path, simulated: SimulatedTenant) -> None:
    home = tmp_path / "home"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{(port := free.getsockname()[1])}"
    process = start(home, "up", str(port), **settings_of(simulated))
    wait_until_ready(process)
    assert process.stdout is not None
    said = ""
    while "Open " not in said:
        said = process.stdout.readline()
        assert said, "it ended by itself"
    password = re.search(r"user admin, password (\S+)\)", said)
    assert password
    assert requests.get(f"{url}/auth/token", timeout=60).status_code == 403
    assert requests.get(f"{url}/api/v2/connections", timeout=60).status_code == 401
    login = {"username": "admin", "password": password[1]}
    assert requests.post(f"{url}/auth/token", json=login, timeout=60).status_code == 201
    for file in home.rglob("*"):
        assert file.is_dir() or file.stat().st_mode & 0o077 == 0 or not_entered(file, home), file
    end(process, signal.SIGINT, home)


def not_entered(file: Path, home: Path) -> bool:
    """Whether a folder above it lets no other user in."""
    return any(not parent.stat().st_mode & 0o011 for parent in file.parents if parent.is_relative_to(home))


@pytest.mark.long
def test_a_folder_of_airflow_that_was_removed_is_made_again(
    tmp_path: Path, simulated: SimulatedTenant, airflow_server: URL, warehouse: URL
) -> None:
    """The key that its connections are encrypted with is gone, and its database is not."""
    for home in (tmp_path / "before", tmp_path / "after"):
        home.mkdir()
        with local_airflow(home, airflow_server, warehouse, settings_for(simulated)) as airflow:
            listed = airflow.request("GET", "/connections?limit=1000")["connections"]
            assert {"protime_default", "protime_warehouse"} <= {one["connection_id"] for one in listed}


@pytest.mark.long
def test_what_the_form_of_a_connection_has_changed_outlives_a_restart(
    tmp_path: Path, simulated: SimulatedTenant, airflow_server: URL, warehouse: URL
) -> None:
    def extra(airflow: LocalAirflow) -> dict[str, object]:
        found: dict[str, object] = json.loads(airflow.request("GET", "/connections/protime_default")["extra"])
        return found

    with local_airflow(tmp_path, airflow_server, warehouse, settings_for(simulated)) as airflow:
        changed = {**extra(airflow), "alert_email": "ops@example.com", "collections": "clockings people absences"}
        body = {"connection_id": "protime_default", "conn_type": "protime", "extra": json.dumps(changed)}
        airflow.request("PATCH", "/connections/protime_default?update_mask=extra", body)
    # A setting that has changed since is taken over, and nothing else.
    again = settings_for(simulated, user_agent="Tests/1.0 (Acme)")
    with local_airflow(tmp_path, airflow_server, warehouse, again) as airflow:
        assert extra(airflow) == {**changed, "user_agent": "Tests/1.0 (Acme)"}
