"""The wheel, installed outside the checkout: SQL, migrations and DAG files are in it and work."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest
from sqlalchemy.engine import URL

CHECKOUT = Path(__file__).resolve().parents[1]


def run(*command: str | Path, cwd: Path, **environment: str) -> str:
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}  # it may be the checkout
    result = subprocess.run(command, cwd=cwd, env=inherited | environment, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment with the wheel, and the dependencies of the one that runs the tests."""
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, CHECKOUT, cwd=folder)
    (wheel,) = folder.glob("*.whl")
    environment = folder / "environment"
    venv.create(environment, with_pip=False)
    target = Path(sysconfig.get_path("purelib", vars={"base": str(environment), "platbase": str(environment)}))
    run(sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", target, wheel, cwd=folder)
    dependencies = folder / "dependencies"
    dependencies.mkdir()
    for entry in Path(sysconfig.get_path("purelib")).iterdir():
        if "protime_etl" not in entry.name:  # the checkout must not be found
            (dependencies / entry.name).symlink_to(entry)
    (target / "dependencies.pth").write_text(f"{dependencies}\n")
    return environment / "bin" / "python"


def test_type_checkers_read_the_types_of_the_package(installed: Path) -> None:
    target = sysconfig.get_path("purelib", vars={"base": str(installed.parents[1])})
    assert (Path(target) / "protime_etl" / "py.typed").exists()  # https://peps.python.org/pep-0561/


def test_the_command_of_the_wheel_makes_the_schema_and_answers(
    installed: Path, empty_database: URL, tmp_path: Path
) -> None:
    url = empty_database.render_as_string(hide_password=False)
    command = (installed, "-c", "from protime_etl.cli import main; main()")

    where = run(installed, "-c", "import protime_etl; print(protime_etl.__file__)", cwd=tmp_path)
    assert Path(where.strip()).is_relative_to(installed.parents[1])
    assert "schema version" in run(*command, "db", "upgrade", cwd=tmp_path, PROTIME_DATABASE_URL=url)
    count = run(*command, "sql", "SELECT count(*) FROM protime.daily_presence", cwd=tmp_path, PROTIME_DATABASE_URL=url)
    assert count == "count\n0\n"


def test_the_wheel_holds_the_dags_and_the_queries(installed: Path, tmp_path: Path) -> None:
    script = (
        "from protime_etl.standalone.environment import dags_folder\n"
        "from protime_etl.postgres.server.statements import sql_folder\n"
        "for folder in (dags_folder(), sql_folder()):\n"
        "    print(*sorted(path.name for path in folder.rglob('*') if path.is_file() and '__' not in str(path)))\n"
    )
    dags, sql = run(installed, "-c", script, cwd=tmp_path).splitlines()
    assert dags.split() == [f"protime_clockings_{name}.py" for name in ("backfill", "changes", "nightly")]
    assert "10_clockings_local.sql" in sql
    assert "hours_by_week.sql" in sql
    assert "merge.sql" in sql


def test_the_provider_of_the_wheel_is_found(installed: Path, tmp_path: Path) -> None:
    script = (
        "from importlib.metadata import entry_points\n"
        "(one,) = [e for e in entry_points(group='apache_airflow_provider') if e.value.startswith('protime_etl')]\n"
        "print(one.load()()['connection-types'][0]['connection-type'])\n"
    )
    assert run(installed, "-c", script, cwd=tmp_path) == "protime\n"
