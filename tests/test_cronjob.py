"""deploy/cronjob.yaml: what it runs is run here, with the settings as a cluster lays them out.

Its keys were held against the API of Kubernetes by hand; no cluster is here.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlalchemy.engine import URL

from protime_etl.errors import IncompleteError, SettingsError
from protime_etl.postgres.server.connection import create_engine
from protime_etl.simulator.server import SimulatedTenant
from tests.support.tenant import present_day, serve
from tests.support.truth import table_rows, tenant_rows
from tests.test_image import CLI

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "deploy" / "cronjob.yaml").read_text(encoding="utf-8")
HEAD = TEXT.partition("\n---\n")[0]
JOBS: dict[str, dict[str, Any]] = {one["metadata"]["name"]: one["spec"] for one in yaml.safe_load(TEXT)["items"]}
PODS: dict[str, dict[str, Any]] = {name: one["jobTemplate"]["spec"]["template"]["spec"] for name, one in JOBS.items()}
IMAGE = dict(re.findall(r"^(USER|WORKDIR|ENTRYPOINT) (.+)$", CLI.read_text(encoding="utf-8"), re.MULTILINE))
"""The last of each, as Docker takes it."""
CONTAINERS: dict[str, dict[str, Any]] = {
    one["name"]: one for pod in PODS.values() for one in [*pod["initContainers"], *pod["containers"]]
}


@pytest.fixture
def today() -> dt.date:
    return present_day()


@pytest.fixture
def simulated(today: dt.date) -> Iterator[SimulatedTenant]:
    with serve(people=5, first_day=today - dt.timedelta(days=7), last_day=today, page_size=1000) as served:
        yield served


class Cluster:
    """Runs a container's command where its files lie, with nothing else in its environment."""

    def __init__(self, folder: Path, settings: dict[str, str]) -> None:
        self.folder = folder
        self.put(settings)

    def put(self, settings: dict[str, str]) -> None:
        """Lay the Secret out as a volume: a link to a file in a folder that is a link, too."""
        (self.folder / "..1").mkdir(exist_ok=True)
        (self.folder / "..1" / ".env").write_text("".join(f"PROTIME_{name}={one}\n" for name, one in settings.items()))
        for link, target in (("..data", "..1"), (".env", "..data/.env")):
            if not (self.folder / link).is_symlink():
                (self.folder / link).symlink_to(target)

    def run(self, name: str) -> subprocess.CompletedProcess[str]:
        container = CONTAINERS[name]
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        environment = {one["name"]: one["value"] for one in container["env"]} | {"PATH": path}
        if "PYTHONPATH" in os.environ:
            environment["PYTHONPATH"] = os.environ["PYTHONPATH"]
        return subprocess.run(
            [*container.get("command", json.loads(IMAGE["ENTRYPOINT"])), *container["args"]],
            env=environment,
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )


@pytest.fixture
def cluster(tmp_path: Path, simulated: SimulatedTenant, empty_database: URL) -> Cluster:
    given = {
        "TENANT": "simulated",
        "CLIENT_ID": simulated.client_id,
        "CLIENT_SECRET": simulated.client_secret,
        "API_URL": simulated.url,
        "AUTH_URL": simulated.url,
        "DATABASE_URL": empty_database.render_as_string(hide_password=False),
    }
    return Cluster(tmp_path, given)


def test_a_night_reads_the_tenant_and_ends_with_its_state(
    cluster: Cluster, simulated: SimulatedTenant, empty_database: URL
) -> None:
    upgraded = cluster.run("upgrade")
    assert upgraded.returncode == 0, upgraded.stderr
    night = cluster.run("nightly")
    assert night.returncode == 0, night.stdout + night.stderr
    assert "OK" in night.stdout
    changes = cluster.run("changes")
    assert changes.returncode == 0, changes.stderr
    engine = create_engine(empty_database)
    assert table_rows(engine) == tenant_rows(simulated.tenant)
    engine.dispose()


def test_a_night_ends_with_the_exit_status_of_what_went_wrong(cluster: Cluster, simulated: SimulatedTenant) -> None:
    # No schema: the first step fails, and nothing else is run.
    night = cluster.run("nightly")
    assert (night.returncode, night.stdout) == (1, "")
    assert night.stderr.count("error:") == 1

    # A clocking that cannot be understood: the night goes on, and what needs a look is not lost on the way.
    assert cluster.run("upgrade").returncode == 0
    simulated.tenant.replace_raw(simulated.tenant.truth()[0].id, {"id": "one"})
    night = cluster.run("nightly")
    assert night.returncode == IncompleteError.exit_status, night.stderr
    assert "1 rejected" in night.stdout
    assert "Latest runs" in night.stdout, "the last step was run, too"


def test_what_no_repetition_cures_is_not_repeated() -> None:
    for job in JOBS.values():
        (rule,) = job["jobTemplate"]["spec"]["podFailurePolicy"]["rules"]
        assert rule["action"] == "FailJob"
        assert rule["onExitCodes"]["values"] == [SettingsError.exit_status, IncompleteError.exit_status]
    assert all(pod["restartPolicy"] == "Never" for pod in PODS.values())


def test_image_user_and_folder_are_those_of_the_dockerfile() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    (image,) = {one["image"] for one in CONTAINERS.values()}
    assert f"docker build --file {CLI.name} --tag {image} ." in HEAD
    assert image.endswith(f":{version}")
    for pod in PODS.values():
        assert pod["securityContext"]["runAsNonRoot"]
        assert IMAGE["USER"] == f"{pod['securityContext']['fsGroup']}:{pod['securityContext']['fsGroup']}"
    for container in CONTAINERS.values():
        assert container["volumeMounts"][0]["mountPath"] == IMAGE["WORKDIR"]
        assert container["securityContext"]["readOnlyRootFilesystem"]


def test_the_secret_is_made_by_the_head_and_none_is_in_the_file() -> None:
    ((made, file),) = re.findall(r"create secret generic (\S+) --from-file=(\S+)", HEAD)
    assert {pod["volumes"][0]["secret"]["secretName"] for pod in PODS.values()} == {made}
    assert file == ".env"
    assert {one["name"] for container in CONTAINERS.values() for one in container["env"]} == {"TZ"}
