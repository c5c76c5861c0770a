"""docs/airflow.md: each example is read by Airflow as a DAG file, and does what the page says."""

from __future__ import annotations

import configparser
import re
from pathlib import Path
from typing import Any

import pytest

from protime_etl.postgres.health.verdict import judge
from protime_etl.simulator.server import SimulatedTenant
from tests.airflow.bare import run_forked
from tests.airflow.test_factory import READ
from tests.support.tenant import TODAY

pytestmark = pytest.mark.airflow
PAGE = (Path(__file__).parents[2] / "docs" / "airflow.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def the_one_with(word: str) -> str:
    (found,) = [one for one in EXAMPLES if word in one]
    return str(found)


def test_each_example_is_a_dag_file_that_airflow_reads(tmp_path: Path) -> None:
    for number, example in enumerate(one for one in EXAMPLES if "os.environ" not in one):
        (tmp_path / f"example_{number}.py").write_text(example)
    found = run_forked(READ.replace("FOLDER", repr(str(tmp_path))))
    assert found["errors"] == {}
    kinds = ("nightly", "changes", "backfill")
    ours = {f"{name}_clockings_{kind}" for name in ("protime", "beta", "gamma") for kind in kinds}
    assert set(found["dags"]) == ours | {"hours_of_changed_days", "clockings_of_a_month"}
    assert found["dags"]["protime_clockings_nightly"]["deadline"]


def test_the_connections_of_the_environment_are_understood() -> None:
    script = (
        the_one_with("os.environ")
        + """
from protime_etl.airflow import ProtimeHook
from protime_etl.airflow.hook import warehouse_url
settings = ProtimeHook().get_settings()
url = warehouse_url("protime_warehouse")
print(json.dumps([settings.tenant, settings.timezone, url.host, url.database, url.password]))
"""
    )
    assert run_forked(script) == ["acme", "Europe/Brussels", "db.example", "warehouse", "secret"]


def test_the_bundle_stands_beside_ones_own_folder() -> None:
    ((ini),) = re.findall(r"^```ini\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    parser = configparser.ConfigParser()
    parser.read_string(ini)
    listed = parser["dag_processor"]["dag_bundle_config_list"]
    script = """
import json
from airflow.dag_processing.bundles.manager import DagBundlesManager
print(json.dumps([bundle.name for bundle in DagBundlesManager().get_all_dag_bundles()]))
"""
    names = run_forked(script, AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST=listed)
    assert names == ["dags-folder", "protime"]


@pytest.mark.usefixtures("connections")
def test_the_example_of_the_hook_counts(simulated: SimulatedTenant) -> None:
    names: dict[str, Any] = {"__name__": "example"}
    exec(compile(the_one_with("ProtimeHook("), "docs/airflow.md", "exec"), names)
    count = names["dag"].get_task("count").python_callable
    assert count("2026-03-01", str(TODAY)) == len(simulated.tenant.truth())


def test_each_metric_that_is_named_exists() -> None:
    facts: Any = {
        "tenants": [{"tenant": "a", "rejected": 0, "today": None}],
        "deltas": [
            {"tenant": "a", "collection": "clockings", "requested_at": None, "hours_since": 0.5, "hours_left": None}
            | {"status": "loading", "drift": 0, "withheld": 0}
        ],
        "complete": [],
        "proof": [],
        **{
            name: []
            for name in (
                "wrong",
                "gaps",
                "asked",
                "not_asked_for",
                "runs",
                "pauses",
                "proof_days",
                "collections",
                "coverage",
                "plans",
                "other_forms",
            )
        },
    }
    always = set(judge("a", facts, ["clockings"]).figures)
    documented = PAGE[PAGE.index("with the tag `tenant`:") : PAGE.index("**Lineage**")]
    named = set(re.findall(r"`([a-z_]+)`", documented)) - {"tenant"}
    assert named == always | {"ok", "complete_age_seconds", "delta_age_seconds", "proof_age_days"}
