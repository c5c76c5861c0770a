"""What is compared: of each contender its command, its environment and the table that it fills."""

from __future__ import annotations

import json
import os
import shlex
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote

from sqlalchemy.engine import URL

from benchmarks.serving import Served
from benchmarks.warehouse import TEMPLATE, dsn

__all__ = [
    "AT_ONCE",
    "BENCH",
    "CONTENDERS",
    "LIMITS",
    "OURS",
    "PEERS",
    "REPOSITORY",
    "SYNC_OPTIONS",
    "TITLES",
    "Contender",
    "Task",
]

REPOSITORY = Path(__file__).resolve().parents[1]
BENCH = REPOSITORY / ".bench"
PEER_SCRIPTS = Path(__file__).resolve().parent / "peers"
SYNC_OPTIONS: tuple[str, ...] = ()
"""How this project is run, in one place: further options of `protime-etl sync`."""


@dataclass(frozen=True)
class Task:
    """One run: from where and to where."""

    served: Served
    warehouse: URL
    folder: Path
    """Of this round, for what a contender keeps between its runs."""
    inputs: Path
    """What the limits read: rows to copy, targets to download."""

    @property
    def window(self) -> tuple[str, str]:
        """First and last day, as text."""
        return self.served.tenant.first_day.isoformat(), self.served.tenant.last_day.isoformat()


@dataclass(frozen=True)
class Contender:
    """Something that brings clockings into a table, or a limit."""

    name: str
    title: str
    command: Callable[[Task], list[str | Path]]
    environment: Callable[[Task], Mapping[str, str]]
    table: str = "bench.clockings"
    template: str | None = None
    """The database that its own is a copy of; None: an empty one."""
    requirements: str = ""
    """File below peers/ with what its own environment holds; empty: this project's environment."""
    repeats: bool = True
    """Whether it can be run again on what it brought."""
    loads: bool = True
    """Whether it writes into PostgreSQL at all."""


def _clean_environment() -> dict[str, str]:
    dropped = ("PROTIME_", "AIRFLOW", "DLT_", "PEER_", "PYTHON")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
    return kept | {"NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}


def _our_environment(task: Task) -> Mapping[str, str]:
    return _clean_environment() | {
        "PROTIME_TENANT": "simulated",
        "PROTIME_CLIENT_ID": "simulated-client",
        "PROTIME_CLIENT_SECRET": "simulated-secret",
        "PROTIME_API_URL": task.served.url,
        "PROTIME_AUTH_URL": task.served.url,
        "PROTIME_DATABASE_URL": dsn(task.warehouse),
    }


def _sync(task: Task, *options: str) -> list[str | Path]:
    first, last = task.window
    program = Path(sys.executable).parent / "protime-etl"
    return [program, "sync", "--from", first, "--to", last, *SYNC_OPTIONS, *options, "--json"]


def _limit_environment(_task: Task) -> Mapping[str, str]:
    return _clean_environment() | {"PYTHONPATH": str(REPOSITORY)}


def _copy(form: str) -> Callable[[Task], list[str | Path]]:
    return lambda task: [
        *(sys.executable, "-m", "benchmarks.limits.copy_rows"),
        *(dsn(task.warehouse), form, task.inputs / f"rows.{form}"),
    ]


def _download(task: Task) -> list[str | Path]:
    return [sys.executable, "-m", "benchmarks.limits.download", task.served.url, task.inputs / "targets"]


def _program(name: str, program: str) -> Path:
    return BENCH / "environments" / name / "bin" / program


def _peer_environment(task: Task) -> dict[str, str]:
    first, last = task.window
    return _clean_environment() | {
        "PEER_URL": task.served.url,
        "PEER_DSN": dsn(task.warehouse),
        "PEER_FROM": first,
        "PEER_TO": last,
        "PEER_FOLDER": str(task.folder),
    }


def _dlt_environment(form: str, strategy: str, **tuning: str) -> Callable[[Task], Mapping[str, str]]:
    fixed = {
        "PEER_DLT_FORMAT": form,
        "PEER_DLT_STRATEGY": strategy,
        "RUNTIME__DLTHUB_TELEMETRY": "false",
        **tuning,
    }
    return lambda task: _peer_environment(task) | fixed | {"DLT_DATA_DIR": str(task.folder)}


def _dlt(_task: Task) -> list[str | Path]:
    return [_program("dlt", "python"), PEER_SCRIPTS / "dlt_load.py"]


def _singer(task: Task) -> list[str | Path]:
    settings = task.folder / "target.json"
    host = quote(str(task.warehouse.query["host"]), safe="/")
    settings.write_text(
        json.dumps(
            {
                "sqlalchemy_url": f"postgresql+psycopg://postgres@/{task.warehouse.database}?host={host}",
                "default_target_schema": "bench",
                "load_method": "upsert",
                "use_copy": True,
                "batch_size_rows": 50_000,
                "validate_records": False,
                "add_record_metadata": False,
                "activate_version": False,
            }
        )
    )
    tap = shlex.join([str(_program("singer", "python")), str(PEER_SCRIPTS / "singer_tap.py")])
    target = shlex.join([str(_program("singer", "target-postgres")), "--config", str(settings)])
    return ["/bin/bash", "-o", "pipefail", "-c", f"{tap} | {target}"]


def _airflow_environment(task: Task) -> Mapping[str, str]:
    host, port = task.served.url.removeprefix("http://").split(":")
    warehouse = {
        "conn_type": "postgres",
        "host": task.warehouse.query["host"],
        "login": "postgres",
        "schema": task.warehouse.database,
    }
    return _peer_environment(task) | {
        "AIRFLOW_HOME": str(BENCH / "environments" / "airflow" / "home"),  # set up once, by the unmeasured load
        "AIRFLOW_CONN_PROTIME": json.dumps({"conn_type": "http", "host": host, "port": int(port)}),
        "AIRFLOW_CONN_WAREHOUSE": json.dumps(warehouse),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "WARNING",
    }


def _airflow(_task: Task) -> list[str | Path]:
    return [_program("airflow", "python"), PEER_SCRIPTS / "airflow_load.py"]


OURS = Contender("ours", "protime-etl", _sync, _our_environment, "protime.clockings", TEMPLATE)
AT_ONCE = {
    workers: replace(
        OURS,
        name=f"ours-{workers}",
        title=f"protime-etl, --workers {workers}",
        command=lambda task, workers=workers: _sync(task, "--workers", str(workers)),  # type: ignore[misc]
    )
    for workers in (1, 2, 4)
}
"""This project with one, two and four requests under way at the same time, for the latency scenario."""
PEERS = (
    Contender(
        "dlt",
        "dlt, at its best (csv, upsert)",
        _dlt,
        _dlt_environment("csv", "upsert", DATA_WRITER__DISABLE_COMPRESSION="true"),
        requirements="dlt",
    ),
    Contender(
        "dlt-default",
        "dlt, out of the box (merge)",
        _dlt,
        _dlt_environment("insert_values", "delete-insert"),
        requirements="dlt",
    ),
    Contender("singer", "Singer tap, target-postgres", _singer, _peer_environment, requirements="singer"),
    Contender("airflow", "Airflow HttpOperator, insert_rows", _airflow, _airflow_environment, requirements="airflow"),
)
LIMITS = (
    *(
        Contender(
            f"copy-{form}",
            f"limit: COPY of the same rows ({form})",
            _copy(form),
            _limit_environment,
            "protime.clockings",
            TEMPLATE,
            repeats=False,
        )
        for form in ("binary", "text")
    ),
    Contender(
        "download",
        "limit: download of the same bytes",
        _download,
        _limit_environment,
        "protime.clockings",
        TEMPLATE,
        loads=False,
    ),
)
CONTENDERS: Mapping[str, Contender] = {one.name: one for one in (OURS, *PEERS, *LIMITS)}
"""Who is in the rounds."""
TITLES = {one.name: one.title for one in (*CONTENDERS.values(), *AT_ONCE.values())} | {
    "dag": "protime-etl, the nightly DAG by Airflow"
}
