"""Hold the Dockerfiles to what the wheel needs and the constraints pin, without a Docker engine."""

from __future__ import annotations

import fnmatch
import re
import shlex
import subprocess
import tomllib
import venv
from pathlib import Path

import pytest

from tests.dependencies import PASSED_ON, gpl_libraries, installed

ROOT = Path(__file__).parents[1]
AIRFLOW = ROOT / "Dockerfile"
CLI = ROOT / "Dockerfile.cli"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
BOTH = pytest.mark.parametrize("dockerfile", [AIRFLOW, CLI], ids=lambda one: one.name)
MOST_MB = 120
"""What the small image may add to that of Python, which is said to have about 130."""


def instructions(dockerfile: Path) -> list[list[str]]:
    text = re.sub(r"^#.*\n", "", dockerfile.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return [shlex.split(line) for line in text.replace("\\\n", " ").splitlines() if line.strip()]


def copied(dockerfile: Path) -> list[str]:
    found = [line for line in instructions(dockerfile) if line[0] == "COPY" and not line[1].startswith("--from")]
    return [part for line in found for part in line[1:-1] if not part.startswith("--")]


@BOTH
def test_dockerfile_copies_what_exists_and_what_the_wheel_needs(dockerfile: Path) -> None:
    sources = copied(dockerfile)
    assert all((ROOT / source).exists() for source in sources)
    wheel, project = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"], PROJECT["project"]
    needed = {"pyproject.toml", project["readme"], *project["license-files"]}
    needed |= {*wheel["packages"], *wheel["force-include"], "constraints.txt"}
    assert needed <= set(sources)


def test_build_context_is_what_the_dockerfiles_copy() -> None:
    rules = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    rules = [rule for rule in rules if rule and not rule.startswith("#")]
    assert rules[0] == "*"
    assert {rule[1:] for rule in rules if rule.startswith("!")} == {*copied(AIRFLOW), *copied(CLI)}
    assert any(fnmatch.fnmatch(".env", rule.removeprefix("**/")) for rule in rules[-2:])


def test_image_is_the_airflow_that_the_constraints_pin() -> None:
    lines = instructions(AIRFLOW)
    image = next(line[1] for line in lines if line[0] == "ARG").removeprefix("AIRFLOW_IMAGE=")
    pinned = re.search(r"^apache-airflow==(.+)$", (ROOT / "constraints.txt").read_text(), re.MULTILINE)
    assert pinned is not None
    assert image == f"apache/airflow:slim-{pinned[1]}-python3.12"
    assert ["FROM", "${AIRFLOW_IMAGE}"] in lines
    assert ["COPY", "--chown=airflow:0", "dags", "/opt/airflow/dags"] in lines


def test_image_installs_pinned_and_runs_as_airflow() -> None:
    lines = instructions(AIRFLOW)
    assert ["RUN", *shlex.split('pip install --no-cache-dir -c constraints.txt ".[airflow,celery,simulator]"')] in lines
    assert [line[1:] for line in lines if line[0] == "USER"] == [["airflow"]]


@BOTH
def test_images_name_no_index(dockerfile: Path) -> None:
    text = dockerfile.read_text() + (ROOT / "constraints.txt").read_text()
    assert not re.search(r"index-url|https?://", text)


@BOTH
def test_images_pass_no_library_on_that_is_under_the_gpl(dockerfile: Path) -> None:
    (extras,) = re.findall(r'pip install .* "?\.(?:\[([\w,]+)\])?"?$', dockerfile.read_text(), re.MULTILINE)
    chosen = tuple(one for one in extras.split(",") if one)
    assert set(chosen) <= set(PASSED_ON)
    assert {name: found for name in installed(chosen) if (found := gpl_libraries(name))} == {}


def test_the_small_image_has_python_that_is_tried_and_says_what_it_is() -> None:
    lines = instructions(CLI)
    version = next(line[1] for line in lines if line[0] == "ARG").removeprefix("PYTHON_IMAGE=python:").split("-")[0]
    assert f"Programming Language :: Python :: {version}" in PROJECT["project"]["classifiers"]
    (labels,) = (line[1:] for line in lines if line[0] == "LABEL")
    labelled = {name.rpartition(".")[2]: value for name, _, value in (one.partition("=") for one in labels)}
    project = PROJECT["project"]
    assert [labelled[one] for one in ("title", "version", "licenses")] == [
        project["name"],
        project["version"],
        project["license"],
    ]
    (user,) = (line[1] for line in lines if line[0] == "USER")
    assert re.fullmatch(r"[1-9]\d+:[1-9]\d+", user), "a cluster that forbids root has to see a number"


@pytest.mark.long
def test_what_the_small_image_installs_is_small_and_works(tmp_path: Path) -> None:
    venv.create(tmp_path / "python", with_pip=True)  # as empty as the image of Python
    python = tmp_path / "python" / "bin" / "python"
    (command,) = (line[1:] for line in instructions(CLI) if line[0] == "RUN")
    assert command[:2] == ["pip", "install"]
    target = tmp_path / "installed"
    given = [one.replace("/installed", str(target)) for one in command[2:]]
    subprocess.run([python, "-m", "pip", "install", "--quiet", "--quiet", *given], cwd=ROOT, check=True, timeout=280)
    assert sum(one.stat().st_size for one in target.rglob("*") if one.is_file()) < MOST_MB * 10**6

    (packages,) = target.glob("lib/python*/site-packages")
    (licences,) = packages.glob("protime_etl-*.dist-info/licenses")
    assert {one.name for one in licences.iterdir()} == set(PROJECT["project"]["license-files"])
    answer = subprocess.run(
        [python, target / "bin" / "protime-etl", "status"],
        env={"PYTHONPATH": str(packages)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (answer.returncode, answer.stdout) == (2, "")
    assert "PROTIME_DATABASE_URL is not set" in answer.stderr
