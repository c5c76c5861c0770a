"""The profile `celery` of docker-compose.yml: what it adds, and that nothing of it is there by default."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from airflow.utils.file import list_py_file_paths

from tests.support.machines import answers, free_port, started, wait_until
from tests.test_deployment import HEADER, REQUIRED, ROOT, SERVICES, environment, run

CELERY = {"AIRFLOW_EXECUTOR": "CeleryExecutor", "COMPOSE_PROFILES": "celery", "REDIS_PASSWORD": "redis-example"}
PROFILE = [name for name, service in SERVICES.items() if service.get("profiles") == ["celery"]]


def test_the_header_says_what_makes_it_celery() -> None:
    start = next(index for index, line in enumerate(HEADER) if "AIRFLOW_EXECUTOR=" in line)
    block = "\n".join(line.strip() for line in HEADER[start : HEADER.index("", start)])
    lines = dict(line.split("=") for line in block.splitlines())
    assert lines == {name: value for name, value in CELERY.items() if name != "REDIS_PASSWORD"}
    assert lines["COMPOSE_PROFILES"] in SERVICES["worker"]["profiles"]


def test_without_the_profile_nothing_needs_redis() -> None:
    assert PROFILE == ["worker", "redis"]
    for name, service in SERVICES.items():
        if name not in PROFILE:
            assert not set(service.get("depends_on", {})) & set(PROFILE), name
    # Nothing of it has to be in compose.env either.
    given = environment("scheduler", REQUIRED)
    assert given["AIRFLOW__CORE__EXECUTOR"] == "LocalExecutor"


def test_the_worker_is_a_celery_worker_that_ends_its_tasks() -> None:
    worker = SERVICES["worker"]
    assert worker["command"] == ["airflow", "celery", "worker"]
    given = environment("worker", REQUIRED | CELERY)
    assert given["AIRFLOW__CORE__EXECUTOR"] == "CeleryExecutor"
    assert given["DUMB_INIT_SETSID"] == "0"
    assert set(worker["environment"]) - set(SERVICES["scheduler"]["environment"]) == {"DUMB_INIT_SETSID"}
    assert {name: how["condition"] for name, how in worker["depends_on"].items()} == {
        "init": "service_completed_successfully",
        "api-server": "service_healthy",
        "redis": "service_healthy",
    }
    assert given["AIRFLOW__CELERY__BROKER_URL"] == "redis://:redis-example@redis:6379/0"


LOOK_AT_CELERY = """
from airflow.configuration import conf
from airflow.executors.executor_loader import ExecutorLoader
from airflow.providers.celery.executors.celery_executor import app
print(conf.get("core", "executor"), ExecutorLoader.import_default_executor_cls()[0].__name__)
print(app.conf.broker_url, app.conf.result_backend, app.conf.broker_transport_options, app.conf.worker_concurrency)
"""


@pytest.mark.long
def test_airflow_reads_the_broker_and_keeps_results_with_its_metadata(tmp_path: Path) -> None:
    given = environment("worker", REQUIRED | CELERY)
    given["AIRFLOW_CONFIG"] = str(ROOT / "deploy" / "airflow" / "config" / "airflow.cfg")
    result = run("python", "-c", LOOK_AT_CELERY, home=tmp_path, **given)
    assert result.returncode == 0, result.stderr
    executor, settings = result.stdout.splitlines()[-2:]
    assert executor == "CeleryExecutor CeleryExecutor"
    assert settings == (
        "redis://:redis-example@redis:6379/0 db+postgresql+psycopg://airflow:postgres-example@postgres:5432/airflow"
        " {'visibility_timeout': 86400} 8"
    )


@pytest.mark.long
def test_the_check_of_the_worker_asks_the_app_that_the_worker_is(tmp_path: Path) -> None:
    test = SERVICES["worker"]["healthcheck"]["test"]
    assert test[:3] == ["CMD", "sh", "-c"]
    words = test[3].replace("$$HOSTNAME", "here").split()
    assert words[0] == "exec"
    assert words[4:] == ["inspect", "ping", "--destination", "celery@here"]
    port = closed_port()
    given = environment("worker", REQUIRED | CELERY) | {
        "AIRFLOW_CONFIG": str(ROOT / "deploy" / "airflow" / "config" / "airflow.cfg"),
        "AIRFLOW__CELERY__BROKER_URL": f"redis://127.0.0.1:{port}/0",
    }
    result = run(*words[1:], home=tmp_path, **given)
    # The app was found and asked at its broker, which is not there.
    assert result.returncode != 0
    assert f"127.0.0.1:{port}" in result.stdout + result.stderr


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def redis_script(port: int) -> str:
    """The command of the service, for this machine."""
    shell, option, script = SERVICES["redis"]["command"]
    assert (shell, option) == ("sh", "-euc")
    assert script.count("exec docker-entrypoint.sh redis-server - <<END") == 1
    local = str(script).replace("docker-entrypoint.sh redis-server -", f"redis-server - --bind 127.0.0.1 --port {port}")
    return local.replace("$$", "$")


needs_redis = pytest.mark.skipif(shutil.which("redis-server") is None, reason="redis-server is not installed")


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[int]:
    port = free_port("127.0.0.1")
    own = {"REDISCLI_AUTH": "redis-example", "PATH": os.environ["PATH"]}
    command = ["sh", "-euc", f"cd {tmp_path}\n{redis_script(port)}"]
    with started(command, own, tmp_path / "log"):
        wait_until(lambda: answers("127.0.0.1", port), (tmp_path / "log").read_text())
        yield port


@needs_redis
def test_redis_asks_for_the_password_and_keeps_what_waits(own_redis: int) -> None:
    assert "ports" not in SERVICES["redis"]
    assert SERVICES["redis"]["volumes"] == ["redis:/data"]
    with redis.Redis(port=own_redis) as stranger, pytest.raises(redis.exceptions.AuthenticationError):
        stranger.ping()
    with redis.Redis(port=own_redis, password="redis-example") as known:
        assert known.ping()
        assert known.config_get("appendonly") == {"appendonly": "yes"}


@needs_redis
def test_redis_does_not_start_without_a_password() -> None:
    result = subprocess.run(
        ["sh", "-euc", redis_script(closed_port())],
        env={"REDISCLI_AUTH": "", "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert result.returncode != 0
    assert "write REDIS_PASSWORD into compose.env" in result.stderr
    value: Any = SERVICES["redis"]["environment"]
    assert value == {"REDISCLI_AUTH": "${REDIS_PASSWORD:-}"}


def test_own_dags_lie_beside_ours(tmp_path: Path) -> None:
    mounts = dict(volume.split(":")[:2] for volume in mounted() if volume.startswith("./"))
    assert mounts == {
        "./deploy/airflow/dags": "/opt/airflow/dags/own",
        "./deploy/airflow/plugins": "/opt/airflow/plugins",
        "./deploy/airflow/config": "/opt/airflow/config",
    }
    assert all((ROOT / folder).is_dir() for folder in mounts), "Docker would make it, as root's"
    # The image's folder with that of the mount in it.
    shutil.copytree(ROOT / "dags", tmp_path / "dags", ignore=shutil.ignore_patterns("__pycache__"))
    own = tmp_path / "dags" / "own"
    own.mkdir()
    (own / "mine.py").write_text("from airflow.sdk import DAG\n\nDAG('mine')\n")
    found = {Path(path).name for path in list_py_file_paths(tmp_path / "dags")}
    assert found == {path.name for path in (ROOT / "dags").glob("*.py")} | {"mine.py"}


def mounted() -> list[str]:
    """The folders of the scheduler, with the default of the setting that names another place."""
    volumes = [str(volume) for volume in SERVICES["scheduler"]["volumes"]]
    assert all(SERVICES[name]["volumes"] == volumes for name in ("worker", "dag-processor", "api-server", "triggerer"))
    return [volume.replace("${AIRFLOW_PROJ_DIR:-./deploy/airflow}", "./deploy/airflow") for volume in volumes]
