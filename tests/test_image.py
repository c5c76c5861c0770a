"""Hold the Dockerfile to what the wheel needs and the constraints pin, without a Docker engine."""

from __future__ import annotations

import fnmatch
import re
import shlex
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]


def instructions() -> list[list[str]]:
    text = re.sub(r"^#.*\n", "", (ROOT / "Dockerfile").read_text(encoding="utf-8"), flags=re.MULTILINE)
    return [shlex.split(line) for line in text.replace("\\\n", " ").splitlines() if line.strip()]


def copied() -> list[str]:
    found = [line for line in instructions() if line[0] == "COPY"]
    return [part for line in found for part in line[1:-1] if not part.startswith("--")]


def test_dockerfile_copies_what_exists_and_what_the_wheel_needs() -> None:
    sources = copied()
    assert all((ROOT / source).exists() for source in sources)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    needed = {"pyproject.toml", project["project"]["readme"], *wheel["packages"], *wheel["force-include"]}
    assert needed | {"constraints.txt"} <= set(sources)
    assert ["COPY", "--chown=airflow:0", "dags", "/opt/airflow/dags"] in instructions()


def test_build_context_is_what_the_dockerfile_copies() -> None:
    rules = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    rules = [rule for rule in rules if rule and not rule.startswith("#")]
    assert rules[0] == "*"
    assert {rule[1:] for rule in rules if rule.startswith("!")} == set(copied())
    assert any(fnmatch.fnmatch(".env", rule.removeprefix("**/")) for rule in rules[-2:])


def test_image_is_the_airflow_that_the_constraints_pin() -> None:
    lines = instructions()
    image = next(line[1] for line in lines if line[0] == "ARG").removeprefix("AIRFLOW_IMAGE=")
    pinned = re.search(r"^apache-airflow==(.+)$", (ROOT / "constraints.txt").read_text(), re.MULTILINE)
    assert pinned is not None
    assert image == f"apache/airflow:slim-{pinned[1]}-python3.12"
    assert ["FROM", "${AIRFLOW_IMAGE}"] in lines


def test_image_installs_pinned_and_runs_as_airflow() -> None:
    lines = instructions()
    assert ["RUN", *shlex.split('pip install --no-cache-dir -c constraints.txt ".[airflow,local,celery]"')] in lines
    assert [line[1:] for line in lines if line[0] == "USER"] == [["airflow"]]
    text = (ROOT / "Dockerfile").read_text() + (ROOT / "constraints.txt").read_text()
    assert not re.search(r"index-url|https?://", text)
