"""How the command line starts: soon, with its versions, and as loud and as colourful as it is asked to be."""

from __future__ import annotations

import os
import pty
import re
import resource
import subprocess
import sys
from pathlib import Path

from tests.cli.shell import COMMAND, Shell
from tests.support.commands import every_command
from tests.support.tenant import TODAY

DATES = ("--from", str(TODAY), "--to", str(TODAY))
SECONDS = 0.35
"""Of processor time, where `python -c pass` takes 20 ms or less."""


def processor_time(*command: str | Path) -> float:
    """The shortest of several starts: the others were disturbed."""
    taken = []
    for _ in range(5):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        taken.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return min(taken)


def test_a_help_text_is_there_soon() -> None:
    nothing = processor_time(sys.executable, "-c", "pass")
    help_text = processor_time(COMMAND, "--help")
    print(f"python -c pass {nothing:.3f} s, protime-etl --help {help_text:.3f} s")  # noqa: T201 - the measure
    assert help_text <= SECONDS * max(1.0, nothing / 0.02)


def test_a_help_text_imports_no_engine() -> None:
    script = "import sys; from protime_etl.cli import main\ntry: main()\nfinally: print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script, "--help"], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.splitlines()[-1].split())
    assert "typer" in loaded
    assert not loaded & {"sqlalchemy", "psycopg", "requests", "pydantic", "msgspec", "alembic", "asyncio", "airflow"}


def test_the_list_of_commands_says_what_each_says_of_itself() -> None:
    listed = {name: one for name, one in every_command() if name}
    shown = subprocess.run([COMMAND, "--help"], capture_output=True, text=True, check=True).stdout
    for name, one in listed.items():
        if " " not in name and name != "db":
            (line,) = re.findall(rf"^  {name} +(.+)$", shown, re.MULTILINE)
            assert " ".join(one.help.split()).startswith(line.rstrip(".")), name


def test_the_versions_that_a_report_needs_are_printed() -> None:
    done = subprocess.run([COMMAND, "--version"], capture_output=True, text=True, check=True)
    named = dict(line.rsplit("  ", 1) if "  " in line else line.split(" ", 1) for line in done.stdout.splitlines())
    assert {"protime-etl", "Python", "psycopg", "Airflow", "schema"} <= named.keys()
    assert f"Python {sys.version_info.major}.{sys.version_info.minor}." in done.stdout
    assert re.search(r"psycopg \d.*libpq \d+\.\d+", done.stdout)


def test_quiet_leaves_results_and_errors_and_verbose_adds_each_request(shell: Shell) -> None:
    usual = shell("sync", *DATES, nonsense="1")
    assert "PROTIME_NONSENSE is not a setting" in usual.stderr
    assert "unit 1/1" in usual.stderr
    for arguments in (("--quiet", "sync", *DATES), ("sync", *DATES, "--quiet")):
        quiet = shell(*arguments, nonsense="1")
        assert (quiet.returncode, quiet.stderr) == (0, "")
        assert "read in 1 unit" in quiet.stdout
    failed = shell("--quiet", "check", tenant="no name")
    assert (failed.returncode, failed.stderr.count("\n")) == (2, 1)

    loud = shell("sync", *DATES, "--verbose")
    assert re.search(r"GET 127\.0\.0\.1:\d+/\S+/clockings: status 200, \d+ bytes, \d+ ms", loud.stderr)
    assert "unit 1/1" in loud.stderr
    assert shell.settings["PROTIME_CLIENT_SECRET"] not in loud.stderr
    assert "100001" not in loud.stderr.replace("people 100001", ""), "what was asked for is left out"
    both = shell("status", "--quiet", "--verbose")
    assert (both.returncode, both.stderr) == (2, "error: Both --quiet and --verbose were given. Use one of them.\n")
    as_query = shell("sql", "--", "--quiet")
    assert (as_query.returncode, "The query is empty" in as_query.stderr) == (2, True)


def colours(shell: Shell, **environment: str) -> bool:
    """Whether anything that a terminal shows of a sync is in colour."""
    mine, its = pty.openpty()
    with subprocess.Popen(
        [COMMAND, "sync", *DATES],
        env={**os.environ, **shell.settings, "TERM": "xterm-256color", **environment},
        cwd=shell.folder,
        stdin=its,
        stdout=its,
        stderr=its,
    ) as process:
        os.close(its)
        shown = b""
        try:
            while piece := os.read(mine, 65536):
                shown += piece
        except OSError:
            pass
        finally:
            os.close(mine)
    assert process.returncode == 0
    return any(
        30 <= int(code) <= 107 for codes in re.findall(rb"\x1b\[([\d;]+)m", shown) for code in codes.split(b";") if code
    )


def test_no_color_is_obeyed(shell: Shell) -> None:
    assert colours(shell)
    assert not colours(shell, NO_COLOR="1")


def test_who_lists_the_commands_freezes_nothing_of_its_own() -> None:
    listed = "from tests.support.commands import every_command; list(every_command())"
    script = f"import gc; {listed}; print(gc.get_freeze_count())"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "0"
