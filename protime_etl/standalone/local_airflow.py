"""Airflow on this machine, run and driven from outside.

The processes of Airflow's own `standalone` command with LocalExecutor, its metadata in the embedded PostgreSQL, driven
through Airflow's REST API as any client would.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests
import sqlalchemy as sa
from requests.adapters import HTTPAdapter
from sqlalchemy.engine import URL
from urllib3.util import Retry

from protime_etl.airflow.connections import connections
from protime_etl.config import Settings
from protime_etl.errors import ProtimeError
from protime_etl.postgres.server.connection import create_engine
from protime_etl.standalone.environment import ADMIN, airflow_environment
from protime_etl.standalone.made_connections import MadeConnections
from protime_etl.trial import AIRFLOW_ENV, write_environment

__all__ = ["LocalAirflow", "is_free", "local_airflow"]

# Not `airflow standalone`: its scheduler and triggerer serve their logs on all addresses, and the API server reads the
# files.
START = """
airflow db migrate || exit
for one in "scheduler --skip-serve-logs" dag-processor api-server "triggerer --skip-serve-logs"; do
    airflow $one &
done
wait
"""
START_SECONDS = 300.0
RUN_SECONDS = 900.0
ANSWER_SECONDS = 120.0
# Just after its start, when it calls itself healthy already, Airflow was seen to answer a first request with 500, or
# to close the connection instead.
READ_AGAIN = Retry(
    connect=3,
    read=3,
    status=3,
    status_forcelist=[500, 502, 503],
    allowed_methods={"GET"},
    backoff_factor=0.5,
    raise_on_status=False,
)


class LocalAirflow:
    """A running Airflow and its REST API."""

    def __init__(self, process: subprocess.Popen[bytes], url: str, log: Path, password: str = "") -> None:
        self.url = url
        self.log = log
        self.password = password
        """Of its user `admin`; empty: it asks for no login."""
        self._process = process
        self._session = requests.Session()
        self._session.trust_env = False  # this machine, whatever proxy is set
        self._session.mount(url, HTTPAdapter(max_retries=READ_AGAIN))

    @property
    def is_running(self) -> bool:
        """Whether it has not ended."""
        return self._process.poll() is None

    def wait_until_ready(self) -> None:
        """Wait until scheduler, DAG processor and API answer.

        Raises:
            ProtimeError: they do not.
        """
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                break
            with contextlib.suppress(requests.RequestException):
                health = self._session.get(f"{self.url}/api/v2/monitor/health", timeout=5).json()
                if all(health[part]["status"] == "healthy" for part in ("metadatabase", "scheduler", "dag_processor")):
                    # Airflow makes what its tasks talk to when it is first asked, in seconds: not in the first task.
                    self._session.get(f"{self.url}/execution/health", timeout=ANSWER_SECONDS)
                    return
            time.sleep(0.5)
        raise ProtimeError("Airflow does not start.", guidance=f"See {self.log}.")

    def request(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """One call of the REST API.

        Raises:
            ProtimeError: Airflow refuses it, or does not answer.
        """
        try:
            if "Authorization" not in self._session.headers:
                login = {"username": ADMIN, "password": self.password} if self.password else None
                response = self._session.request(
                    "POST" if login else "GET", f"{self.url}/auth/token", json=login, timeout=ANSWER_SECONDS
                )
                self._session.headers["Authorization"] = f"Bearer {response.json()['access_token']}"
            # A connection that rests for seconds is closed by Airflow, perhaps while the next request is on its way.
            self._session.close()
            answer = self._session.request(method, f"{self.url}/api/v2{path}", json=body, timeout=ANSWER_SECONDS)
        except requests.RequestException as error:
            raise ProtimeError(
                f"Airflow does not answer {method} {path} ({type(error).__name__}).", guidance=f"See {self.log}."
            ) from None
        if not answer.ok:
            raise ProtimeError(f"Airflow answers {method} {path} with status {answer.status_code}: {answer.text[:300]}")
        return answer.json()

    def wait_for_dag(self, dag_id: str) -> None:
        """Wait until the DAG file has been read.

        Raises:
            ProtimeError: it is not read in time, or cannot be imported.
        """
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if dag_id in {dag["dag_id"] for dag in self.request("GET", "/dags?limit=100")["dags"]}:
                return
            for error in self.request("GET", "/importErrors")["import_errors"]:
                raise ProtimeError(f"{error['filename']} cannot be imported: {error['stack_trace'][-500:]}")
            time.sleep(0.5)
        raise ProtimeError(f"Airflow does not find the DAG {dag_id}.", guidance=f"See {self.log}.")

    def trigger(self, dag_id: str, conf: dict[str, Any] | None = None) -> str:
        """Start a run by hand; returns its id."""
        self.request("PATCH", f"/dags/{dag_id}", {"is_paused": False})
        run = self.request("POST", f"/dags/{dag_id}/dagRuns", {"logical_date": None, "conf": conf or {}})
        return str(run["dag_run_id"])

    def wait_for_run(self, dag_id: str, run_id: str, report: Callable[[str], object] = lambda _line: None) -> str:
        """Wait until the run has ended, reporting each change of a task; returns its state."""
        reported: dict[str, str] = {}
        deadline = time.monotonic() + RUN_SECONDS
        while time.monotonic() < deadline:
            state = self.request("GET", f"/dags/{dag_id}/dagRuns/{run_id}")["state"]
            for task in self.tasks(dag_id, run_id):
                label = task["rendered_map_index"]
                key = f"{task['task_id']} {task['map_index']}"
                if task["state"] == "running" and label == str(task["map_index"]):
                    continue  # its name follows a moment later
                if task["state"] in ("running", "success", "failed", "up_for_retry", "upstream_failed", "skipped"):
                    if reported.get(key) != task["state"]:
                        report(f"  {task['state']:<16}{task['task_id']}{f' [{label}]' if label else ''}")
                    reported[key] = task["state"]
            if state in ("success", "failed"):
                return str(state)
            time.sleep(1)
        raise ProtimeError(f"The run {run_id} takes longer than {RUN_SECONDS:.0f} s.", guidance=f"See {self.log}.")

    def complaints(self, dag_id: str, run_id: str) -> list[str]:
        """What the failed tasks of a run say of themselves at the end of their logs."""
        said = []
        for task in self.tasks(dag_id, run_id):
            if task["state"] != "failed":
                continue
            path = f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task['task_id']}/logs/{task['try_number']}"
            log = self.request("GET", f"{path}?full_content=true&map_index={task['map_index']}")["content"]
            errors = [line["event"] for line in log if line.get("level") in ("error", "critical")]
            causes = [event for event in errors if event != "Task failed with exception"] or errors
            said.append(f"{task['task_id']}: {causes[-1] if causes else 'no error in its log'}")
        return said

    def tasks(self, dag_id: str, run_id: str) -> list[dict[str, Any]]:
        """The task instances of a run, as the API gives them."""
        answer = self.request("GET", f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances?limit=1000&order_by=start_date")
        return list(answer["task_instances"])


@contextmanager
def local_airflow(
    home: Path,
    metadata: URL,
    warehouse: URL,
    settings: Settings,
    *,
    port: int = 0,
    password: str = "",
    more: Mapping[str, str] | None = None,
) -> Iterator[LocalAirflow]:
    """Run Airflow until the end of the `with`: metadata in database `airflow` of the server `metadata`.

    `password` is that of the user `admin`; empty: who reaches the port is one. `more` are settings of Airflow besides,
    as variables of the environment.

    Raises:
        ProtimeError: it does not start.
    """
    folder = home.resolve() / "airflow"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    port = port or _free_port()
    log = folder / "standalone.log"
    made = connections(settings, warehouse)
    before = MadeConnections(folder / "connections.made")
    unreadable = [] if before.known else list(made)
    environment = airflow_environment(
        folder, _metadata_database(metadata, unreadable), settings.timezone, port, password
    )
    environment |= more or {}
    write_environment(home / AIRFLOW_ENV, environment)
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "PROTIME_"))}
    path = {"NO_COLOR": "1", "PATH": f"{environment['PATH']}{os.pathsep}{os.environ.get('PATH', '')}"}
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 - of the environment above
            ["/bin/sh", "-c", START],
            env=inherited | environment | path,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        airflow = LocalAirflow(process, f"http://127.0.0.1:{port}", log, password)
        airflow.wait_until_ready()
        before.make(airflow.request, made)
        yield airflow
    finally:
        _stop(process)


def is_free(port: int) -> bool:
    """Whether a server could listen on that port of this machine."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do: a port that is closing is free
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _metadata_database(server: URL, unreadable: list[str]) -> str:
    """Airflow's database, without connections that cannot be read.

    The key that they were encrypted with lies in Airflow's folder. If that was removed meanwhile, they can be neither
    read nor changed nor deleted by Airflow itself, and it lists no connection any more.
    """
    engine = create_engine(server).execution_options(isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        if not connection.scalar(sa.text("SELECT count(*) FROM pg_database WHERE datname = 'airflow'")):
            connection.execute(sa.text("CREATE DATABASE airflow"))
    engine.dispose()
    database = create_engine(server.set(database="airflow"))
    with database.begin() as connection:
        if connection.scalar(sa.text("SELECT to_regclass('public.connection') IS NOT NULL")):
            delete = sa.text("DELETE FROM public.connection WHERE conn_id = ANY(:unreadable)")
            connection.execute(delete, {"unreadable": unreadable})
    database.dispose()
    # Not rendered by SQLAlchemy: it would escape the slashes, and Airflow would take the % for an interpolation.
    return f"postgresql+psycopg://postgres@/airflow?host={server.query['host']}"


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End Airflow and everything that it started, and nothing else."""
    for number, patience in ((signal.SIGTERM, 20), (signal.SIGKILL, 5)):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(patience)
            break
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
