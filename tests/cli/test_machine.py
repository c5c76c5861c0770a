"""Ordinary faults of a machine: each is named in one line with its exit status, or does no harm."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.engine import URL

from tests.cli.shell import COMMAND, Shell
from tests.support.long_form import in_long_form
from tests.support.servers import older_server
from tests.support.tenant import TODAY

SYNC = ("sync", "--from", "2026-03-19", "--to", str(TODAY))
# The embedded server lets in its own user alone, which root is not without that right.
pytestmark = pytest.mark.parametrize("warehouse", ["system"], indirect=True)
ORDINARY = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search"]
"""Root without the right to pass by what files allow."""


@pytest.fixture
def shell(shell: Shell, warehouse: URL) -> Iterator[Shell]:
    if os.geteuid() == 0 and older_server() is None:
        pytest.skip("there is no server here that lets others in")
    folder = Path(str(warehouse.query["host"]))
    mode = folder.stat().st_mode
    folder.chmod(0o711)
    yield shell
    folder.chmod(mode)


def run(shell: Shell, line: str, *arguments: str, **environment: str | None) -> subprocess.CompletedProcess[str]:
    """One line of a shell, in which `"$@"` is the command with its arguments; None takes a variable away."""
    program = [str(COMMAND), *arguments]
    if os.geteuid() == 0:
        if shutil.which("setpriv") is None:
            pytest.skip("root may do everything, and there is no setpriv here")
        program = [*ORDINARY, *program]
    given = {**os.environ, **shell.settings, **environment}
    done = subprocess.run(
        ["bash", "-c", line, "bash", *program],
        env={name: value for name, value in given.items() if value is not None},
        cwd=shell.folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert "Unexpected" not in done.stderr
    assert "Traceback" not in done.stderr
    return done


@pytest.fixture
def closed(tmp_path: Path) -> Iterator[Path]:
    """A folder that its own user may not enter, with a .env in it."""
    folder = tmp_path / "closed"
    folder.mkdir()
    (folder / ".env").write_text("PROTIME_TENANT=another\n")
    folder.chmod(0)
    yield folder
    folder.chmod(0o700)


@pytest.mark.parametrize(
    "where", ['cd "$FOLDER" && exec "$@"', *in_long_form(['cd "$GONE" && rmdir "$GONE" && exec "$@"'])]
)
@pytest.mark.parametrize(
    "arguments", [SYNC, *in_long_form([(("check",),), (("sql", "SELECT 1"),)])], ids=lambda one: one[0]
)
def test_the_settings_of_the_environment_are_enough(
    where: str, arguments: tuple[str, ...], shell: Shell, closed: Path, tmp_path: Path
) -> None:
    (tmp_path / "gone").mkdir()
    done = run(shell, where, *arguments, FOLDER=str(closed), GONE=str(tmp_path / "gone"))
    assert done.returncode == 0, done.stderr


@pytest.mark.long
def test_a_folder_that_may_not_be_used_is_named(shell: Shell, closed: Path, tmp_path: Path) -> None:
    there = 'cd "$FOLDER" && exec "$@"'
    bare: dict[str, str | None] = dict.fromkeys(("PROTIME_TENANT", "PROTIME_CLIENT_ID"))
    missing = run(shell, there, *SYNC, FOLDER=str(closed), **bare)
    assert missing.returncode == 2
    assert "this user may not enter this folder, so no .env file was read" in missing.stderr
    for arguments in (SYNC, ("status",), ("sql", "SELECT 1")):
        done = run(shell, there, *arguments, FOLDER=str(closed), PROTIME_DATABASE_URL=None)
        assert (done.returncode, done.stderr.count("\n")) == (1, 1), done.stderr
        assert "(Permission denied)" in done.stderr
        assert "PROTIME_HOME" in done.stderr
        elsewhere = run(shell, 'exec "$@"', *arguments, PROTIME_DATABASE_URL=None, PROTIME_HOME=str(closed / "home"))
        assert (elsewhere.returncode, elsewhere.stderr.count("\n")) == (1, 1), elsewhere.stderr
        assert f"{closed}/home" in elsewhere.stderr
    (tmp_path / "gone").mkdir()
    gone = run(
        shell, 'cd "$GONE" && rmdir "$GONE" && exec "$@"', *SYNC, GONE=str(tmp_path / "gone"), PROTIME_DATABASE_URL=None
    )
    assert gone.stderr.splitlines()[-1] == "error: The working directory was removed. Go to another folder."


def test_a_file_of_settings_that_may_not_be_read_is_named(shell: Shell) -> None:
    (shell.folder / ".env").write_text("")
    (shell.folder / ".env").chmod(0)
    done = run(shell, 'exec "$@"', "status")
    assert (done.returncode, "The file .env cannot be read (Permission denied)" in done.stderr) == (2, True)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no full device here")
@pytest.mark.parametrize(
    "arguments",
    [
        (*SYNC, "--json"),
        *in_long_form(
            [(("sql", "--csv", "SELECT generate_series(1, 99999)"),), (("sql", "--json", "SELECT 1"),), (("due",),)]
        ),
    ],
    ids=lambda one: one[0],
)
def test_a_full_disk_under_the_output_is_named(arguments: tuple[str, ...], shell: Shell) -> None:
    done = run(shell, 'exec "$@" > /dev/full', *arguments)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("error: The output cannot be written (No space left on device).")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no full device here")
@pytest.mark.parametrize(
    "line",
    [
        'exec "$@" 2> /dev/full',
        *in_long_form(['"$@" 2>&1 >/dev/null | true; exit ${PIPESTATUS[0]}', 'exec "$@" >&- 2>&-']),
    ],
)
def test_a_night_goes_on_when_its_messages_cannot_be_written(line: str, shell: Shell) -> None:
    assert run(shell, line, *SYNC, "--json").returncode == 0, line
    assert "194 unchanged" in run(shell, 'exec "$@" 2> /dev/full', *SYNC).stdout
    assert run(shell, 'exec "$@" 2> /dev/full', "status", "--nonsense").returncode == 2


@pytest.mark.parametrize("writer", ["--csv", *in_long_form(["--json"])])
def test_a_reader_that_has_seen_enough_ends_it_in_silence(writer: str, shell: Shell) -> None:
    query = "SELECT generate_series(1, 999999)"
    done = run(shell, '"$@" | head -n 2; exit ${PIPESTATUS[0]}', "sql", writer, query)
    assert (done.returncode, len(done.stdout.splitlines()), done.stderr) == (1, 2, "")


@pytest.mark.long
def test_without_an_input_a_question_is_not_answered(shell: Shell) -> None:
    assert run(shell, 'exec "$@"', *SYNC).returncode == 0
    assert run(shell, 'exec "$@" <&-', "forget", "simulated").returncode == 2
    assert (
        "1" in run(shell, 'exec "$@"', "sql", "SELECT count(*) FROM protime.tenants WHERE tenant = 'simulated'").stdout
    )


@pytest.mark.long
def test_too_few_open_files_are_named(shell: Shell) -> None:
    done = run(shell, 'ulimit -n 8; exec "$@"', *SYNC)
    assert done.returncode == 1
    assert "Too many open files" in done.stderr
    assert "ulimit -n" in done.stderr
    assert run(shell, 'ulimit -n 20; exec "$@"', *SYNC, "--workers", "8").returncode == 0


@pytest.mark.long
def test_what_a_user_has_not_set_or_set_oddly_does_no_harm(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login\ndefault login me password mine garbage\n")
    odd: dict[str, str | None] = {
        "HOME": None,
        "NETRC": str(tmp_path / "netrc"),
        "TZ": "Nowhere/Else",
        "LANG": "C",
        "LC_ALL": "xx_YY.nonsense",
        "PYTHONUTF8": "0",
        "PYTHONCOERCECLOCALE": "0",
    }
    assert run(shell, 'exec "$@"', *SYNC, **odd).returncode == 0
    assert run(shell, 'exec "$@"', "status", **odd).returncode in (0, 3)
    shown = run(shell, 'exec "$@"', "sql", "--csv", "SELECT 'Zoë' AS \"prénom\"", **odd | {"PYTHONIOENCODING": "ascii"})
    assert shown.stdout.splitlines() == ["pr\\xe9nom", "Zo\\xeb"]


@pytest.mark.parametrize(
    ("moment", "status", "message"),
    [
        ("1970-01-01T00:00:10", 2, "begins (2026-03-19) after today (1970-01-01)"),
        *in_long_form([("2106-02-07T06:28:15", 0, "194 records")]),
    ],
)
def test_a_clock_that_is_wrong_does_no_harm(moment: str, status: int, message: str, shell: Shell) -> None:
    script = (
        "import datetime, sys, time_machine\n"
        f"with time_machine.travel(datetime.datetime.fromisoformat('{moment}+00:00'), tick=True):\n"
        "    from protime_etl.cli import main\n    main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, *SYNC],
        env={**os.environ, **shell.settings},
        cwd=shell.folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == status, done.stderr
    assert message in done.stdout + done.stderr
