"""The commands that README.md and its fellows show exist as they are written, with every option."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import typer

from protime_etl.cli.commands import app

ROOT = Path(__file__).parents[1]
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)


def shown() -> list[str]:
    """Every line that is shown to be typed."""
    lines = [
        line.strip()
        for document in DOCUMENTS
        for block in BLOCK.findall(document.read_text(encoding="utf-8"))
        for line in block.replace("\\\n", " ").splitlines()
    ]
    return list(dict.fromkeys(line for line in lines if line))


def words(command: str) -> list[str]:
    """What a shell makes of it, the command itself left out."""
    script = f"set -- {command}; shift; printf '%s\\0' \"$@\""
    result = subprocess.run(["/bin/sh", "-euc", script], capture_output=True, text=True, check=True)
    return result.stdout.split("\0")[:-1]


def of(*names: str) -> list[str]:
    found = [line for line in shown() if line.split()[0] in names]
    assert found, f"nothing shown begins with {names}"
    return found


def test_the_blocks_are_found() -> None:
    assert len(shown()) > 30


@pytest.mark.parametrize("line", of(".venv/bin/protime-etl"))
def test_a_command_of_ours_is_understood(line: str) -> None:
    command, arguments = typer.main.get_command(app), words(line)
    context = command.make_context("protime-etl", arguments)
    while isinstance(command, typer.core.TyperGroup):
        arguments = [*context._protected_args, *context.args]
        _, found, arguments = command.resolve_command(context, arguments)
        assert found is not None
        command, context = found, found.make_context(found.name, arguments, parent=context)


@pytest.mark.airflow
def test_a_command_of_airflow_is_understood(tmp_path: Path) -> None:
    given = [words(line) for line in of("airflow")]
    script = (
        "import json, sys; from airflow.cli.cli_parser import get_parser\n"
        "for arguments in json.loads(sys.argv[1]): get_parser().parse_args(arguments)\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", script, json.dumps(given)],
        env={**os.environ, "AIRFLOW_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr[-2000:]


@pytest.mark.parametrize("line", of("make"))
def test_a_target_of_make_is_there(line: str) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert re.search(rf"^{line.split()[1]}:", makefile, re.MULTILINE)


def test_what_is_installed_comes_from_a_clone_and_exists() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for line in of("pip"):
        (extras,) = re.findall(r"'\.\[([\w,]+)\]' -c constraints\.txt", line)
        assert set(extras.split(",")) <= set(project["optional-dependencies"])
    # The name is not ours on the index: whoever takes it there would be installed.
    texts = [*DOCUMENTS, *(ROOT / "protime_etl").rglob("*.py"), ROOT / "docker-compose.yml", ROOT / "Dockerfile"]
    assert [text.name for text in texts if re.search(r"install '?protime-etl", text.read_text(encoding="utf-8"))] == []
