"""A run of a DAG by Airflow's own code in one process, without a scheduler: DAG files read, tasks run, states kept."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

__all__ = ["OURS", "DagRun", "run_dag"]

OURS = 'from protime_etl.airflow import protime_dags\nprotime_dags(default_args={"retries": 0})\n'
RUN = """
import functools, json, sys
from pathlib import Path
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
# One for all tasks: it takes longer to make than a task.
supervisor.in_process_api_server = functools.cache(supervisor.in_process_api_server)
folder, dag_id, conf = Path(sys.argv[1]), sys.argv[2], json.loads(sys.argv[3])
with create_session() as session:
    session.merge(DagBundleModel(name="here"))
dags = {}
# Each file in turn, as the DAG processor may meet them.
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
print(json.dumps({
    "state": str(getattr(run.state, "value", run.state)), "events": events, "active": active,
    "tasks": {name: " ".join(sorted(states)) for name, states in tasks.items()},
}))
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


def run_dag(
    home: Path, dag_id: str, conf: Mapping[str, object] | None = None, files: Mapping[str, str] | None = None
) -> DagRun:
    """Run a DAG of these files, or else of ours, once; the connections are those of the environment."""
    folder = home / "dags"
    folder.mkdir(exist_ok=True)
    for name, text in (files or {"ours.py": OURS}).items():
        (folder / name).write_text(text)
    result = subprocess.run(
        [sys.executable, "-c", RUN, str(folder), dag_id, json.dumps(conf or {})],
        env={
            **os.environ,
            "AIRFLOW_HOME": str(home),
            "AIRFLOW__CORE__DAGS_FOLDER": str(folder),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__UNIT_TEST_MODE": "False",
            "NO_COLOR": "1",
        },
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert result.returncode == 0, result.stdout[-2000:] + result.stderr[-3000:]
    found = json.loads(next(line for line in reversed(result.stdout.splitlines()) if line.startswith('{"state"')))
    return DagRun(**found, log=result.stdout + result.stderr)
