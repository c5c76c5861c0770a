"""`protime_dags` and the bundle, as Airflow reads them: ids, assets, connections, and what is refused in one line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.airflow.bare import run_forked

pytestmark = pytest.mark.airflow

READ = """
import json, os
from airflow.dag_processing.dagbag import DagBag
bag = DagBag(FOLDER)
def described(dag):
    tasks = {}
    for task in dag.tasks:
        kwargs = vars(task.unmap({"unit_id": 1}) if hasattr(task, "partial_kwargs") else task)
        outlets = [outlet.name for outlet in (kwargs.get("outlets") or [])]
        place = kwargs.get("postgres_conn_id") or kwargs.get("conn_id")
        tasks[task.task_id] = [kwargs.get("protime_conn_id"), place, outlets, str(kwargs.get("deadline")),
            kwargs.get("retries")]
    timetable = dag.timetable
    return {
        "tasks": tasks,
        "cron": getattr(timetable, "expression", None),
        "timezone": str(getattr(timetable, "timezone", "")),
        "params": dag.params.dump() if "first_day" not in dag.params else {},
        "tags": sorted(dag.tags),
        "wiring": {
            task.task_id: [getattr(task.trigger_rule, "value", task.trigger_rule), sorted(task.downstream_task_ids)]
            for task in dag.tasks
        },
        "at_once": dag.max_active_runs,
        "deadline": bool(dag.deadline),
        "dagrun_timeout": dag.dagrun_timeout and dag.dagrun_timeout.total_seconds(),
        "assets": {outlet.name: getattr(outlet, "uri", None) for task in dag.tasks for outlet in (task.outlets or [])},
    }
print(json.dumps({
    "dags": {dag_id: described(dag) for dag_id, dag in bag.dags.items()},
    "errors": {os.path.basename(file): error for file, error in bag.import_errors.items()},
}))
"""
LINE = "from protime_etl.airflow import protime_dags\n"


def read(tmp_path: Path, files: dict[str, str], **environment: str) -> Any:
    folder = tmp_path / "dags"
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text)
    return run_forked(READ.replace("FOLDER", repr(str(folder))), **environment)


def test_a_second_tenant_is_a_file_of_two_lines(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        {"beta.py": LINE + 'protime_dags("beta", protime_conn_id="protime_beta")\n', "a.py": LINE + "protime_dags()\n"},
    )
    assert found["errors"] == {}
    kinds = ("nightly", "changes", "backfill")
    assert sorted(found["dags"]) == sorted(f"{name}_clockings_{kind}" for name in ("beta", "protime") for kind in kinds)
    beta, first = found["dags"]["beta_clockings_nightly"], found["dags"]["protime_clockings_nightly"]
    assert first["assets"]["protime_clockings"] == "protime://warehouse/protime/clockings"
    assert beta["assets"]["beta_clockings"] == "protime://beta/clockings"
    assert set(first["assets"]) == {"protime_clockings", "protime_clockings_repaired"}
    assert set(found["dags"]["beta_clockings_changes"]["assets"]) == {"beta_clockings_changes"}
    for name, conn_id in (("beta", "protime_beta"), ("protime", "protime_default")):
        for kind in kinds:
            tasks = found["dags"][f"{name}_clockings_{kind}"]["tasks"]
            assert {task[0] for task in tasks.values()} == {conn_id}, (name, kind)
            assert {task[1] for task in tasks.values()} == {"protime_warehouse"}
    assert list(first["tasks"]) == ["plan_batches", "pull_clockings", "publish", "prove", "report"]
    assert {task[4] for task in first["tasks"].values()} == {3}


def test_what_runs_after_what_and_after_which_failures(tmp_path: Path) -> None:
    """What is whole is published whatever failed, and it is reported; nothing else follows a failure."""
    dags = read(tmp_path, {"a.py": LINE + "protime_dags()\n"})["dags"]
    assert dags["protime_clockings_nightly"]["wiring"] == {
        "plan_batches": ["all_success", ["pull_clockings"]],
        "pull_clockings": ["all_success", ["publish", "report"]],
        "publish": ["all_done", ["prove"]],
        "prove": ["none_failed", ["report"]],
        "report": ["all_done", []],
    }
    assert dags["protime_clockings_backfill"]["wiring"] == {
        "sync_people": ["all_success", ["plan_batches"]],
        "plan_batches": ["all_done", ["pull_clockings"]],
        "pull_clockings": ["all_success", ["publish", "report"]],
        "publish": ["all_done", ["report"]],
        "report": ["all_done", []],
    }
    assert dags["protime_clockings_changes"]["wiring"] == {"take_changes": ["all_success", []]}
    assert dags["protime_clockings_changes"]["at_once"] == 1, "a poll begins after the one before it"


def test_what_is_given_reaches_the_dags(tmp_path: Path) -> None:
    given = (
        LINE
        + "import datetime as dt\n"
        + "protime_dags('gamma', postgres_conn_id='w', timezone='Europe/Paris', nightly='0 5 * * *',"
        " changes='0 * * * *',"
        " lookback_days=3, at_once=2, collections='clockings people', deadline=dt.timedelta(hours=2), tags=['hr'],"
        " alert='ops@example.com', default_args={'retries': 1, 'owner': 'me'})\n"
    )
    found = read(tmp_path, {"gamma.py": given}, PROTIME_TIMEZONE="Europe/Rome")
    assert found["errors"] == {}
    nightly = found["dags"]["gamma_clockings_nightly"]
    assert (nightly["cron"], nightly["timezone"]) == ("0 5 * * *", "Europe/Paris")
    assert nightly["params"]["lookback_days"] == 3
    assert nightly["params"]["collections"] == "clockings people"
    assert nightly["tags"] == ["hr", "protime"]
    assert nightly["deadline"]
    assert nightly["dagrun_timeout"] > 0
    assert {task[3] for task in nightly["tasks"].values()} == {"2:00:00"}
    assert {task[1] for task in nightly["tasks"].values()} == {"w"}
    assert {task[4] for task in nightly["tasks"].values()} == {1}
    assert found["dags"]["gamma_clockings_changes"]["cron"] == "0 * * * *"


SENSELESS = {
    "protime_dags('Beta 2')": "protime_dags('Beta 2'): a name consists of lower-case letters, digits and _",
    "protime_dags('2')": "and begins with a letter",
    "protime_dags('c', collections='clockings absense')": "protime_dags('c'): ",
    "protime_dags('d', timezone='Europe/Brussel')": "protime_dags('d'): ",
    "protime_dags('e', only=['weekly'])": "there is no DAG 'weekly', only nightly, changes, backfill",
    "protime_dags('f', lookback_days=1)": "lookback_days 1 is not from 2 to 364; with fewer, no night reads a",
}


def test_what_makes_no_sense_is_one_line_when_the_file_is_read(tmp_path: Path) -> None:
    found = read(tmp_path, {f"file_{number}.py": f"{LINE}{call}\n" for number, call in enumerate(SENSELESS)})
    assert found["dags"] == {}
    assert len(found["errors"]) == len(SENSELESS)
    for number, message in enumerate(SENSELESS.values()):
        error = found["errors"][f"file_{number}.py"]
        assert message in error.strip().splitlines()[-1], error
        assert "During handling" not in error


def test_a_copy_beside_the_dag_files_counts_as_airflow_reads_it(tmp_path: Path) -> None:
    files = {
        "a_backup_of_2025.py": LINE + "protime_dags('beta', protime_conn_id='old')\n",
        "b.py": LINE + "protime_dags('beta')\n",
        "c.py.bak": LINE + "protime_dags('beta')\n",
    }
    ignored = read(tmp_path, {**files, ".airflowignore": "a_backup_*\n"})
    assert ignored["errors"] == {}
    assert ignored["dags"]["beta_clockings_nightly"]["tasks"]["plan_batches"][0] == "protime_default"
    # One that is read is what Airflow itself calls a duplicate.
    (tmp_path / "dags" / ".airflowignore").unlink()
    assert "AirflowDagDuplicatedIdException" in read(tmp_path, files)["errors"]["b.py"]


def test_the_bundle_is_the_folder_of_the_package() -> None:
    listed = json.dumps(
        [{"name": "protime", "classpath": "protime_etl.airflow.ProtimeDagBundle", "kwargs": {"refresh_interval": 30}}]
    )
    script = """
import json
from airflow.dag_processing.bundles.manager import DagBundlesManager
from airflow.dag_processing.dagbag import DagBag
(bundle,) = DagBundlesManager().get_all_dag_bundles()
bag = DagBag(bundle.path)
print(json.dumps([bundle.name, sorted(bag.dags), bag.import_errors]))
"""
    name, dags, errors = run_forked(script, AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST=listed)
    assert (name, errors) == ("protime", {})
    assert dags == [f"protime_clockings_{kind}" for kind in ("backfill", "changes", "nightly")]
