"""deploy/helm-values.yaml: what it names exists in Airflow, in the image and in the Secrets that its head makes.

Its keys were held against the schema of the chart, 1.22, by hand; the chart is not here.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import yaml

from protime_etl.airflow.connections import connections
from protime_etl.config import Settings, load_settings
from protime_etl.postgres.server.address import parse_url
from tests.test_deployment import ROOT, run, strings

TEXT = (ROOT / "deploy" / "helm-values.yaml").read_text(encoding="utf-8")
HEAD = TEXT.partition("\n---\n")[0]
VALUES: dict[str, Any] = yaml.safe_load(TEXT)
PAGE = (ROOT / "docs" / "several-machines.md").read_text(encoding="utf-8")
# What the chart looks for in a Secret of its own: https://airflow.apache.org/docs/helm-chart/stable/parameters-ref.html
CHART_SECRETS = {
    "data.metadataSecretName": "connection",
    "fernetKeySecretName": "fernet-key",
    "apiSecretKeySecretName": "api-secret-key",
    "jwtSecretName": "jwt-secret",
}
LOOK_AT_AIRFLOW = """
import json
from airflow.configuration import conf
from airflow.providers_manager import ProvidersManager
from protime_etl.airflow import ProtimeHook
from protime_etl.airflow.hook import warehouse_url
options = {section: list(described["options"]) for section, described in conf.configuration_description.items()}
print(json.dumps({
    "options": options,
    "executor": conf.get("core", "executor"),
    "auth_manager": conf.getimport("core", "auth_manager").__name__,
    "tenant": ProtimeHook().get_settings().tenant,
    "warehouse": warehouse_url("protime_warehouse").render_as_string(hide_password=False),
}))
"""


def value(path: str) -> Any:
    found: Any = VALUES
    for key in path.split("."):
        found = found[key]
    return found


def used() -> set[tuple[str, str]]:
    """Names of Secrets with the keys that are read of them."""
    found = {(value(path), key) for path, key in CHART_SECRETS.items()}
    found |= {(one["secretName"], one["secretKey"]) for one in VALUES["secret"]}
    for part in ("apiServer", "migrateDatabaseJob"):
        references = [one["valueFrom"]["secretKeyRef"] for one in VALUES[part]["env"]]
        found |= {(one["name"], one["key"]) for one in references}
    return found


def made() -> set[tuple[str, str]]:
    """The Secrets that the commands of the head make, with their keys."""
    lines = re.sub(r"\\\n#", "", HEAD).splitlines()
    commands = [line for line in lines if "create secret generic" in line]
    return {
        (command.split("generic ")[1].split()[0], key)
        for command in commands
        for key in re.findall(r"--from-file=secrets/(\S+)", command)
    }


def test_every_secret_that_is_used_is_made_and_none_is_in_the_file() -> None:
    assert used() == made()
    assert {key for _, key in made()} <= set(re.findall(r"> secrets/([\w$-]+)", HEAD)) | {
        "protime_default",
        "protime_warehouse",
    }
    assert not [text for text in strings(VALUES) if re.search(r"://[^/]*:[^/]*@", text)]


def test_image_executor_and_version_are_ours() -> None:
    pinned = re.search(r"^apache-airflow==(.+)$", (ROOT / "constraints.txt").read_text(), re.MULTILINE)
    assert pinned is not None
    assert VALUES["airflowVersion"] == pinned[1]
    image = VALUES["images"]["airflow"]
    assert f"docker build --tag {image['repository']}:{image['tag']} ." in HEAD
    assert VALUES["executor"] == "CeleryExecutor"
    assert "dags" not in VALUES, "they are in the image"
    assert not VALUES["createUserJob"]["enabled"]
    assert not VALUES["statsd"]["enabled"]
    assert not VALUES["postgresql"]["enabled"]


def test_airflow_reads_the_options_and_the_connections(tmp_path: Path) -> None:
    settings = load_settings(from_environment=False, tenant="acme", client_id="client", client_secret="a'b\"c")
    fields = connections(settings, parse_url("postgresql://protime:pass@db.example:5432/warehouse"))
    given = {
        f"AIRFLOW__{section}__{name}".upper(): str(setting)
        for section, options in VALUES["config"].items()
        for name, setting in options.items()
    }
    given["AIRFLOW__CORE__EXECUTOR"] = VALUES["executor"]
    for one in VALUES["secret"]:
        given[one["envName"]] = json.dumps(fields[one["secretKey"]]) + "\n"
    result = run("python", "-c", LOOK_AT_AIRFLOW, home=tmp_path, **given)
    assert result.returncode == 0, result.stderr
    seen = json.loads(result.stdout.splitlines()[-1])
    assert (seen["executor"], seen["auth_manager"], seen["tenant"]) == ("CeleryExecutor", "SimpleAuthManager", "acme")
    assert seen["warehouse"] == "postgresql+psycopg://protime:pass@db.example:5432/warehouse"
    for section, options in VALUES["config"].items():
        assert set(options) <= set(seen["options"][section]), section


def test_its_commands_and_settings_are_those_of_docker_compose() -> None:
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))["services"]
    assert VALUES["apiServer"]["args"][-1] == compose["api-server"]["command"][-1]
    assert compose["init"]["command"][-1].startswith(VALUES["migrateDatabaseJob"]["args"][-1])
    settings = {f"PROTIME_{name.upper()}" for name in Settings.model_fields}
    assert {one["name"] for one in VALUES["env"]} <= settings | {"PROTIME_CHANGES_SCHEDULE"}


def test_the_page_names_keys_that_are_there() -> None:
    documented = re.findall(r"^\| `([\w.]+)`", PAGE.partition("## Kubernetes")[2], re.MULTILINE)
    assert len(documented) >= 5
    for path in documented:
        value(path)
