"""A run of a DAG by Airflow's own code in one process, without a scheduler: DAG files read, tasks run, states kept."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from tests.airflow.bare import bare_environment, ready_process

__all__ = ["OURS", "DagRun", "run_dag"]

OURS = 'from protime_etl.airflow import protime_dags\nprotime_dags(default_args={"retries": 0})\n'
READY = "ready to run"
# One process for all runs: what Airflow makes before its first task takes longer than a run.
RUNS = """
import functools, json, os, shutil, sys, traceback
from pathlib import Path
from airflow import settings
from airflow.utils.db import initdb
initdb()
from airflow.dag_processing.dagbag import DagBag, sync_bag_to_db
from airflow.models.asset import AssetActive, AssetEvent
from airflow.models.dagbundle import DagBundleModel
from airflow.sdk.execution_time import supervisor
from airflow.utils.session import create_session
from tenacity import wait_none
from protime_etl.protime import retrying
retrying._jitter = wait_none()
supervisor.in_process_api_server = functools.cache(supervisor.in_process_api_server)
home = Path(os.environ["AIRFLOW_HOME"])

def run_once(folder, dag_id, conf):
    with create_session() as session:
        session.merge(DagBundleModel(name="here"))
    dags = {}
    # One file after the other, as the DAG processor may meet them.
    for file in sorted(folder.iterdir()):
        bag = DagBag(str(file), bundle_path=folder, bundle_name="here")
        assert not bag.import_errors, bag.import_errors
        sync_bag_to_db(bag, "here", None)
        dags.update(bag.dags)
    run = dags[dag_id].test(run_conf=conf)
    tasks = {}
    for task in run.get_task_instances():
        tasks.setdefault(task.task_id, set()).add(str(getattr(task.state, "value", task.state)))
    with create_session() as session:
        events = [event.extra for event in session.query(AssetEvent)]
        active = sorted((asset.name, asset.uri) for asset in session.query(AssetActive))
    return {
        "state": str(getattr(run.state, "value", run.state)), "events": events, "active": active,
        "tasks": {name: " ".join(sorted(states)) for name, states in tasks.items()},
    }

settings.engine.dispose()
shutil.copy(home / "airflow.db", home / "empty.db")
answers = os.fdopen(os.dup(1), "w")
print("READY", file=answers, flush=True)
for line in sys.stdin:
    asked = json.loads(line)
    os.environ.clear()
    os.environ.update(asked["environment"])
    log = os.open(asked["log"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for stream in (1, 2):
        os.dup2(log, stream)
    os.close(log)
    settings.engine.dispose()
    shutil.copy(home / "empty.db", home / "airflow.db")
    try:
        found = run_once(Path(asked["folder"]), asked["dag_id"], asked["conf"])
    except BaseException:
        found = {"failed": traceback.format_exc()}
    sys.stdout.flush()
    print(json.dumps(found), file=answers, flush=True)
shutil.rmtree(home)
"""


class DagRun(NamedTuple):
    """How a run ended."""

    state: str
    tasks: dict[str, str]
    """The states of each task."""
    events: list[dict[str, Any]]
    """What the asset events carry."""
    active: list[list[str]]
    """Name and URI of each asset that is active."""
    log: str


@cache
def _runs() -> subprocess.Popen[str]:
    """The process that runs them."""
    return ready_process(RUNS.replace("READY", READY), READY)


def run_dag(
    home: Path, dag_id: str, conf: Mapping[str, object] | None = None, files: Mapping[str, str] | None = None
) -> DagRun:
    """Run a DAG of these files, or else of ours, once; the connections are those of the environment."""
    folder = home / "dags"
    folder.mkdir(exist_ok=True)
    for name, text in (files or {"ours.py": OURS}).items():
        (folder / name).write_text(text)
    process = _runs()
    assert process.stdin is not None
    assert process.stdout is not None
    environment = bare_environment(home) | {"AIRFLOW__CORE__DAGS_FOLDER": str(folder)}
    asked = {"folder": str(folder), "dag_id": dag_id, "conf": dict(conf or {}), "environment": environment}
    log = home / "run.log"
    process.stdin.write(json.dumps(asked | {"log": str(log)}) + "\n")
    process.stdin.flush()
    found = json.loads(process.stdout.readline())
    assert "failed" not in found, found["failed"]
    return DagRun(**found, log=log.read_text())
