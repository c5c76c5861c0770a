"""`protime-etl init`: each answer is tried, what is wrong can be mended, and `.env` is written whole or not at all."""

from __future__ import annotations

import os
import stat
import subprocess
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import URL, Engine, make_url

from protime_etl.config import CLOCKINGS_SCOPE, PEOPLE_SCOPE
from protime_etl.env_file import read_env_file, write_env_file
from protime_etl.errors import SettingsError
from protime_etl.simulator.options import Options
from protime_etl.simulator.server import SimulatedTenant
from tests.cli.shell import COMMAND, Shell
from tests.support.tenant import TODAY

SECRET = "simulated-secret"
YES = ("init", "--yes")


def addresses(shell: Shell) -> Shell:
    """Nothing is set but where the simulated tenant is: a real one needs no address."""
    shell.settings = {name: value for name, value in shell.settings.items() if name.endswith("_URL")}
    return shell


def files(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_what_is_in_the_environment_is_tried_and_written(shell: Shell) -> None:
    done = shell(*YES, timezone="Europe/Paris")
    assert done.returncode == 0, done.stderr
    assert SECRET not in done.stdout + done.stderr
    file = shell.folder / ".env"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert read_env_file(file) == shell.settings | {"PROTIME_TIMEZONE": "Europe/Paris"}

    bare = Shell(shell.folder)
    upgrade, sync, *_ = [line.strip() for line in done.stdout.partition("Next:\n")[2].splitlines()]
    assert upgrade.startswith(f"{COMMAND} sync --from "), "the schema is there already"
    assert sync == f"{COMMAND} status"
    assert bare("sync", "--from", str(TODAY), "--to", str(TODAY)).returncode == 0

    before = file.read_bytes()
    again = shell(*YES)
    assert (again.returncode, "There is a .env here already." in again.stderr) == (2, True)
    assert file.read_bytes() == before


def test_the_two_commands_that_follow_work_as_they_are_printed(shell: Shell, empty_database: URL) -> None:
    done = shell(*YES, database_url=empty_database.render_as_string(hide_password=False))
    assert done.returncode == 0, done.stderr
    follow = done.stdout.partition("Next:\n")[2].splitlines()
    assert [line.split()[1] for line in follow] == ["db", "sync"]
    for line in follow:
        result = subprocess.run(["/bin/sh", "-c", line], cwd=shell.folder, capture_output=True, text=True, check=False)
        assert result.returncode == 0, result.stderr


@pytest.mark.parametrize(
    ("changes", "said", "status"),
    [
        ({"client_secret": "wrong"}, "(invalid_client). Check PROTIME_CLIENT_ID and PROTIME_CLIENT_SECRET.", 1),
        ({"tenant": "another"}, "status 404 (NotFound", 1),
        ({"tenant": None}, "PROTIME_TENANT is not set", 2),
        ({"timezone": "Brussels"}, "PROTIME_TIMEZONE", 2),
        ({"auth_url": "http://127.0.0.1:1"}, "cannot be reached", 1),
        ({"database_url": "postgresql://u@127.0.0.1:1/d"}, "cannot be reached", 1),
    ],
)
def test_what_does_not_work_is_named_in_one_line_and_nothing_is_written(
    shell: Shell, changes: dict[str, str | None], said: str, status: int
) -> None:
    done = shell(*YES, **changes)
    assert (done.returncode, said in done.stderr, done.stderr.count("\n")) == (status, True, 1), done.stderr
    assert files(shell.folder) == set()


def test_without_a_terminal_it_says_what_to_do(shell: Shell) -> None:
    done = shell("init")
    assert (done.returncode, done.stdout) == (2, "")
    assert (
        done.stderr
        == "error: There is no terminal for the questions. Set PROTIME_* in the environment and pass --yes.\n"
    )


def test_a_scope_that_the_client_lacks_is_named(shell: Shell, simulated: SimulatedTenant) -> None:
    with SimulatedTenant(simulated.tenant, Options(scopes=frozenset({CLOCKINGS_SCOPE}))) as poor:
        done = shell(*YES, api_url=poor.url, auth_url=poor.url)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert "The client lacks the scopes of people. Leave them out" in done.stderr
    assert PEOPLE_SCOPE in done.stderr


def test_a_user_without_rights_is_shown_which_to_ask_for(shell: Shell, empty_database: URL, engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(sa.text("DROP ROLE IF EXISTS poor_of_init"))
        connection.execute(sa.text("CREATE ROLE poor_of_init LOGIN"))
    poor = empty_database.set(username="poor_of_init").render_as_string(hide_password=False)
    done = shell(*YES, database_url=poor)
    grant = f"GRANT CREATE, TEMPORARY ON DATABASE {empty_database.database} TO poor_of_init"
    assert (done.returncode, grant in done.stderr, done.stderr.count("\n")) == (1, True, 1), done.stderr
    assert files(shell.folder) == set()


def test_a_folder_that_cannot_be_written_to_is_known_before_anything_is_asked(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "gone").mkdir()
    done = subprocess.run(
        ["/bin/sh", "-c", f'rmdir "$PWD" && exec "{COMMAND}" init --yes'],
        cwd=tmp_path / "gone",
        env={**os.environ, **shell.settings},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert "No .env can be written in this folder" in done.stderr


def test_answers_are_asked_for_until_they_work(shell: Shell) -> None:
    url = make_url(addresses(shell).settings.pop("PROTIME_DATABASE_URL")).set(drivername="postgresql")
    (shell.folder / ".env").write_text("# of before\nOTHER=kept\n")
    status, shown = shell.dialogue(
        [
            ("Replace the .env", "y"),
            ("Tenant", "https://simulated.myprotime.eu"),
            ("write simulated", "nowhere"),
            ("Environment", "test"),
            ("production or sandbox", ""),
            ("Client id", "simulated-client"),
            ("Client secret", SECRET),
            ("status 404", "simulated"),
            ("Environment", ""),
            ("Client id", ""),
            ("Client secret (not shown) [the one before]", "wrong"),
            ("invalid_client", "simulated-client"),
            ("Client secret", SECRET),
            ("Collections", "absense"),
            ("there is no collection", "clockings"),
            ("Time zone", "Brussels"),
            ("is not an IANA time zone", "Europe/Brussels"),
            ("PostgreSQL", "mysql://here"),
            ("is not an address", "postgresql://u@127.0.0.1:1/d"),
            ("Password of u", "hidden-password"),
            ("cannot be reached", url.render_as_string(hide_password=False)),
        ],
        "init",
    )
    assert status == 0, shown
    assert SECRET not in shown
    assert "hidden-password" not in shown
    assert "This client may read 30 of 30 collections: clockings, people," in shown
    written = read_env_file(shell.folder / ".env")
    assert written["OTHER"] == "kept"
    assert (written["PROTIME_TENANT"], written["PROTIME_CLIENT_SECRET"]) == ("simulated", SECRET)
    assert written["PROTIME_COLLECTIONS"] == "clockings"
    shell.settings = {}
    assert shell("check").returncode == 0


def test_a_file_that_is_here_stays_unless_it_is_to_be_replaced(shell: Shell) -> None:
    (shell.folder / ".env").write_text("PROTIME_TENANT=acme\n")
    status, shown = shell.dialogue([("Replace the .env", "n")], "init")
    assert (status, "Nothing was written." in shown) == (2, True), shown
    status, shown = shell.dialogue([("Replace the .env", "y"), ("Tenant", "\x03")], "init")
    assert (status, "Nothing was written." in shown) == (1, True), shown
    assert (shell.folder / ".env").read_text() == "PROTIME_TENANT=acme\n"
    assert files(shell.folder) == {".env"}


@pytest.mark.parametrize("value", ["a b", "a#b", "a'b", 'a"b', "a\\b", "a\\'b", "a$b", "é€", "=", "a\\nb", " "])
def test_every_value_is_read_back_as_it_was_written(tmp_path: Path, value: str) -> None:
    write_env_file(tmp_path / ".env", {"PROTIME_CLIENT_SECRET": value, "OTHER": "1"})
    assert read_env_file(tmp_path / ".env") == {"PROTIME_CLIENT_SECRET": value, "OTHER": "1"}
    assert files(tmp_path) == {".env"}


def test_a_value_that_would_be_read_back_as_another_is_refused(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("A=1\n")
    with pytest.raises(SettingsError, match=r"cannot hold the value of PROTIME_CLIENT_SECRET"):
        write_env_file(tmp_path / ".env", {"PROTIME_CLIENT_SECRET": "a${B}c"})
    assert (tmp_path / ".env").read_text() == "A=1\n"
    assert files(tmp_path) == {".env"}
