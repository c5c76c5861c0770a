"""`protime-etl sql` without a query: the real psql, on the warehouse of the settings."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from sqlalchemy.engine import URL, Engine

from tests.cli.shell import Shell
from tests.support.databases import execute

ARGUMENTS = "\\! tr '\\0' '\\n' < /proc/$PPID/cmdline\n"


def written(url: URL) -> str:
    return url.render_as_string(hide_password=False)


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="no list of processes to look into")
def test_no_secret_of_the_url_is_in_the_list_of_processes(shell: Shell, warehouse: URL) -> None:
    url = warehouse.set(password="p@ss word").update_query_dict({"sslpassword": "hush", "application_name": "analyst"})
    result = shell(
        "sql", stdin=ARGUMENTS + "SELECT current_setting('application_name') AS app;\n", database_url=written(url)
    )
    assert result.returncode == 0, result.stderr
    assert "psql" in result.stdout
    for secret in ("p@ss", "p%40ss", "hush"):
        assert secret not in result.stdout
    assert "analyst" in result.stdout.partition("app")[2]


def test_psql_reaches_the_database_of_the_settings_whatever_the_environment_says(shell: Shell, warehouse: URL) -> None:
    shell.environment = {
        "PGSERVICE": "another",
        "PGSERVICEFILE": str(shell.folder / "services"),
        "PGDATABASE": "another",
    }
    (shell.folder / "services").write_text("[another]\nhost=/nowhere\ndbname=another\nuser=unknown\n")
    found = shell("sql", stdin="\\pset tuples_only\nSELECT current_database();\n")
    assert found.returncode == 0, found.stderr
    assert warehouse.database is not None
    assert warehouse.database in found.stdout


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="no list of processes to look into")
def test_what_no_variable_of_the_environment_holds_reaches_psql_too(shell: Shell, warehouse: URL) -> None:
    url = warehouse.update_query_dict({"keepalives_idle": "9"})
    result = shell("sql", stdin=ARGUMENTS, database_url=written(url))
    assert (result.returncode, "keepalives_idle=9" in result.stdout) == (0, True), result.stderr


def test_psql_finds_the_tables_and_changes_nothing_unless_asked(shell: Shell, engine: Engine) -> None:
    execute(engine.url, "INSERT INTO protime_etl.tenants (tenant, timezone) VALUES ('acme', 'Europe/Brussels')")
    refused = shell("sql", stdin="SELECT count(*) FROM clockings;\nDELETE FROM protime_etl.tenants;\n")
    assert "read-only transaction" in refused.stderr
    assert "does not exist" not in refused.stderr
    assert refused.returncode == 0
    changed = shell("sql", "--write", stdin="DELETE FROM tenants WHERE tenant = 'acme';\n")
    assert "DELETE 1" in changed.stdout


def test_what_psql_ends_with_is_the_exit_status(shell: Shell) -> None:
    assert shell("sql", stdin="\\set ON_ERROR_STOP on\nSELEKT 1;\n").returncode == 3
    assert shell("sql", "--csv").stderr == "error: There is no query. Pass one: protime-etl sql --csv 'SELECT ...'\n"


def test_without_psql_there_is_one_line(shell: Shell) -> None:
    folder = shell.folder / "empty"
    folder.mkdir()
    shell.environment = {"PATH": str(folder), "PYTHONPATH": os.environ.get("PYTHONPATH", "")}
    result = shell("sql", stdin="SELECT 1 + 1 AS two;\n")
    # The embedded PostgreSQL brings one of its own.
    assert (result.returncode, " two" in result.stdout) == (0, True), result.stderr


def test_a_superuser_starts_no_program_by_copy_and_none_gets_the_client_secret(shell: Shell) -> None:
    shell.folder.chmod(0o777)
    file = shell.folder / "written"
    copy = f"SET default_transaction_read_only = off;\nCOPY (SELECT 1) TO PROGRAM 'cat > {file}';\n"
    refused = shell("sql", stdin=f"{copy}DELETE FROM protime_etl.tenants;\n")
    assert "permission denied to COPY to or from an external program" in refused.stderr
    assert "permission denied for table tenants" in refused.stderr
    assert not file.exists()
    assert shell.settings["PROTIME_CLIENT_SECRET"]
    environment = shell("sql", "--write", stdin="\\! env\n").stdout
    assert "PGDATABASE=" in environment
    assert "PROTIME_" not in environment
