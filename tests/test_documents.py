"""The commands that README.md and its fellows show exist as they are written, with every option."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import Any

import pytest
import typer
from packaging.requirements import Requirement
from packaging.version import Version

from protime_etl.airflow.provider_info import get_provider_info
from protime_etl.cli.commands import command
from protime_etl.collections.registry import COLLECTIONS
from protime_etl.config import NO_SETTINGS, Settings
from protime_etl.postgres.schema.data_page import data_page
from protime_etl.postgres.schema.upgrade import versions
from protime_etl.postgres.tables.records import RECORD_TABLES, VERSION_TABLES
from tests.support.commands import every_command

ROOT = Path(__file__).parents[1]
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md", *sorted((ROOT / "docs").glob("*.md"))]
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
    with tempfile.TemporaryDirectory() as folder:  # a line may redirect into a file
        result = subprocess.run(["/bin/sh", "-euc", script], capture_output=True, text=True, check=True, cwd=folder)
    return result.stdout.split("\0")[:-1]


def of(*names: str) -> list[str]:
    found = [line for line in shown() if line.split()[0] in names]
    assert found, f"nothing shown begins with {names}"
    return found


def test_the_blocks_are_found() -> None:
    assert len(shown()) > 30


@pytest.mark.parametrize("line", of(".venv/bin/protime-etl"))
def test_a_command_of_ours_is_understood(line: str) -> None:
    found: Any = command()
    arguments = words(line)
    context = found.make_context("protime-etl", arguments)
    while isinstance(found, typer.core.TyperGroup):
        arguments = [*context._protected_args, *context.args]
        name, found, arguments = found.resolve_command(context, arguments)
        assert found is not None
        context = found.make_context(name, arguments, parent=context)


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


def test_the_run_that_is_shown_has_the_schema_of_today() -> None:
    shown_versions = re.findall(r"schema version (\d+)", "".join(one.read_text(encoding="utf-8") for one in DOCUMENTS))
    assert shown_versions
    assert set(shown_versions) == {versions()[-1]}


def test_a_target_of_make_runs_each_test_that_has_a_long_form() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line for line in makefile.splitlines() if "$(BIN)" in line and "--long" in line]
    # What `-m long` takes are the cases that are skipped otherwise, and not those that are longer.
    skipped, longer = r"mark\.long\b|in_long_form\(|@both_in_long_form\n", r"\bamount\(|getoption\(\"--long"
    for form, targets in ((skipped, lines), (longer, [line for line in lines if "-m long" not in line])):
        run = {ROOT / word for line in targets for word in line.split() if "tests/" in word}
        of_some = [path for path in (ROOT / "tests").rglob("test_*.py") if re.search(form, path.read_text("utf-8"))]
        assert of_some
        assert [str(path) for path in of_some if not {path, *path.parents} & run] == []


def test_what_is_installed_comes_from_a_clone_and_exists() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for line in of("pip"):
        (extras,) = re.findall(r"'\.\[([\w,]+)\]' -c constraints\.txt", line)
        assert set(extras.split(",")) <= set(project["optional-dependencies"])
    # The name is not ours on the index: a package of another owner would be installed.
    texts = [*DOCUMENTS, *(ROOT / "protime_etl").rglob("*.py"), ROOT / "docker-compose.yml", ROOT / "Dockerfile"]
    assert [text.name for text in texts if re.search(r"install '?protime-etl", text.read_text(encoding="utf-8"))] == []


def test_the_oldest_airflow_that_is_tried_is_the_oldest_that_is_allowed() -> None:
    lines = (ROOT / "oldest-airflow.txt").read_text(encoding="utf-8").splitlines()
    tried = {name: Version(version) for name, _, version in (one.partition("==") for one in lines if one[0] != "#")}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for text in project["optional-dependencies"]["airflow"]:
        needed = Requirement(text)
        (lowest,) = (Version(one.version) for one in needed.specifier if one.operator == ">=")
        assert tried[needed.name] == lowest, needed.name


TEXT = "\n".join(document.read_text(encoding="utf-8") for document in DOCUMENTS)
NAMED_FILE = re.compile(r"`((?:[\w.-]+/)+|(?:[\w.-]+/)*[\w-]+\.(?:md|py|sql|toml|txt|yml))`")
MADE_FILES = {"dist/", "protime-demo/", "compose.env", "connections.json", "open_days.csv"}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda one: one.name)
def test_a_link_leads_to_a_page_and_a_heading_that_is_there(document: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", document.read_text(encoding="utf-8")):
        if "://" in target:
            continue
        name, _, heading = target.partition("#")
        page = document.parent / name if name else document
        assert page.exists(), target
        if page.suffix != ".md":
            continue
        headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
        assert not heading or heading in {re.sub(r"[^\w -]", "", one.lower()).replace(" ", "-") for one in headings}


def test_a_file_that_is_named_is_there() -> None:
    for name in sorted(set(NAMED_FILE.findall(TEXT)) - MADE_FILES):
        if name.startswith((".", "meal")) or "meal_vouchers" in name:
            continue  # made by a command, or by the steps of CONTRIBUTING
        places = [
            ROOT / name,
            ROOT / "docs" / name,
            ROOT / "protime_etl" / name,
            *(ROOT / "tests").rglob(Path(name).name),
        ]
        assert any(place.exists() for place in places), name


def test_settings_are_those_that_there_are() -> None:
    settings = {f"PROTIME_{name.upper()}" for name in Settings.model_fields}
    page = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    assert set(re.findall(r"PROTIME_[A-Z_]+", page)) - {"PROTIME_"} == settings | NO_SETTINGS
    # Those of the Compose file and of the DAG files are no settings.
    assert set(re.findall(r"\bPROTIME_[A-Z_]+[A-Z]\b", TEXT)) <= settings | NO_SETTINGS


def test_every_command_is_listed_and_every_option_that_is_named_exists() -> None:
    commands = {name: one for name, one in every_command() if not isinstance(one, typer.core.TyperGroup)}
    page = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    rows = {name: re.findall(rf"^\| `protime-etl {name}\b.*", page, re.MULTILINE) for name in commands}
    assert [name for name, found in rows.items() if len(found) != 1] == []
    # Those of several commands stand below the table.
    below = {"--json", "--collections", "--accept-deletions", "--accept-older"}
    own = {
        name: {option for parameter in one.params for option in parameter.opts if option.startswith("--")} - below
        for name, one in commands.items()
    }
    assert {
        name: left for name, options in own.items() if (left := {one for one in options if one not in rows[name][0]})
    } == {}
    assert [option for option in below if f"`{option}`" not in page] == []
    known = {option for _, one in every_command() for parameter in one.params for option in parameter.opts}
    prose = BLOCK.sub("", TEXT)  # what is to be typed is tried above
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", prose))
    foreign = {"--help", "--run-backwards", "--reprocess-behavior", "--long", "--goals", "--write", "--add"}
    assert named - known - foreign == set()


@pytest.mark.airflow
def test_the_documents_name_each_field_of_the_connection() -> None:
    (connection,) = get_provider_info()["connection-types"]
    (row,) = re.findall(r"^\| `protime_default` .*", TEXT, re.MULTILINE)
    labels = {str(field["label"]) for field in connection["conn-fields"].values()}
    assert [label for label in {*labels, "Client id", "Client secret", "Port"} if label not in row] == []


def test_every_table_view_and_function_for_users_is_named_and_exists() -> None:
    views = {path.stem.split("_", 1)[1] for path in (ROOT / "sql" / "views").glob("*.sql")}
    views = {one for one in views if "." not in one}  # those of protime_etl are not for users
    tables = {one.name for one in [*RECORD_TABLES.values(), *VERSION_TABLES.values()]}
    as_of = {f"{COLLECTIONS[path].table}_as_of" for path in VERSION_TABLES}
    known = views | tables | as_of | {path.stem.split("_", 1)[1] for path in (ROOT / "sql" / "functions").glob("*.sql")}
    named = set(re.findall(r"\bprotime\.([a-z_]+)\b", TEXT)) - {"meal_vouchers"}
    assert named - known == set()
    assert {name for name in views | set(map(str, tables)) if name not in named} <= {
        one.name for one in VERSION_TABLES.values()
    }


def test_the_page_of_tables_is_what_the_code_says() -> None:
    assert (ROOT / "docs" / "data.md").read_text(encoding="utf-8") == data_page(), "run: make data-page"


def test_the_readme_is_a_first_hour() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) < 150


def test_the_readme_has_the_two_commands_that_do_everything_and_ci_calls_the_second() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "\nmake run\n" in readme
    assert "`make test`" in readme
    ci = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    assert "make test" in ci
