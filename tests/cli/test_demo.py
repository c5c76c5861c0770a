"""`protime-etl demo` as a process: it shows a day, touches nothing that is not its own, and leaves nothing running."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from pathlib import Path

import psutil
import pytest
from sqlalchemy.engine import Engine

from protime_etl.simulator.server import SimulatedTenant
from tests.cli.shell import COMMAND, Shell, crowd, hear_ctrl_c
from tests.support.tenant import present_day
from tests.support.truth import table_rows

SECONDS = 30.0


def start(folder: Path, *arguments: str, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [COMMAND, "demo", *arguments],
        cwd=folder,
        env={**os.environ, **environment, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=hear_ctrl_c,
    )


def demo_seconds(out: str) -> float:
    (seconds,) = re.findall(r"^Done in (\d+) s", out, re.MULTILINE)
    return float(seconds)


def running_in(folder: Path) -> list[str]:
    """Processes whose command names the folder, such as a PostgreSQL whose data lie there."""
    return [
        " ".join(one.info["cmdline"])
        for one in psutil.process_iter(["cmdline"])
        if str(folder) in " ".join(one.info["cmdline"] or [])
    ]


def test_it_shows_a_day_beside_settings_of_a_real_tenant_and_touches_neither_tenant_nor_database(
    shell: Shell, simulated: SimulatedTenant, engine: Engine
) -> None:
    before = table_rows(engine)
    (shell.folder / ".env").write_text("PROTIME_TENANT=acme\n")
    asked = sum(simulated.served.requests.values())
    done = start(shell.folder, **shell.settings)
    out, err = done.communicate(timeout=120)
    assert done.returncode == 0, err
    assert demo_seconds(out) < SECONDS * crowd()
    assert err == f"Not used by the demo: {', '.join(sorted(shell.settings))}.\n"
    assert "PostgreSQL: embedded, in protime-demo/.protime/postgres" in out
    assert "date\temployee\tlast_name\tin\tout\tminutes\topen" in out
    (day,) = set(re.findall(r"^simulated\t(\S+)\tE100\d+\tPerson 100\d+\t\d\d:\d\d\t", out, re.MULTILINE))
    assert day < f"{present_day()}"
    assert (sum(simulated.served.requests.values()), table_rows(engine)) == (asked, before)
    assert running_in(shell.folder) == []

    typed = [line.strip() for line in out.partition("Next:\n")[2].splitlines()]
    next_commands = [re.split(r"\s{2,}", line)[0] for line in typed]
    assert next_commands[0] == "cd protime-demo"
    script = "\n".join(one for one in next_commands if "init" not in one and not one.startswith("rm "))
    followed = subprocess.run(
        ["/bin/sh", "-euc", script],
        cwd=shell.folder,
        env={**os.environ, **shell.settings},
        capture_output=True,
        text=True,
        check=False,
    )
    assert followed.returncode == 0, followed.stderr
    assert "simulated: OK - complete " in followed.stdout
    assert running_in(shell.folder) == []


def test_a_folder_with_settings_is_not_used_for_a_demo(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / ".env").write_text("PROTIME_TENANT=acme\n")
    process = start(tmp_path, "mine")
    _, err = process.communicate(timeout=60)
    assert process.returncode == 2
    assert err == "error: The folder mine has settings (.env). Name another one: protime-etl demo FOLDER\n"


def test_without_the_extra_one_line_says_how_to_install_it(tmp_path: Path) -> None:
    (tmp_path / "uvicorn.py").write_text("raise ImportError")
    process = start(tmp_path, PYTHONPATH=f"{tmp_path}:{os.environ.get('PYTHONPATH', '')}")
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err.count("\n")) == (2, 1), err
    assert "pip install 'PATH[local]'" in err
    assert {path.name for path in tmp_path.iterdir()} <= {"uvicorn.py", "__pycache__"}


@pytest.mark.long
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_whenever_it_is_ended_nothing_is_left_running_and_the_next_one_works(
    tmp_path: Path, number: signal.Signals
) -> None:
    for after in (0.5, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 5.0, 6.0):
        process = start(tmp_path)
        time.sleep(after)
        process.send_signal(number)
        _, err = process.communicate(timeout=60)
        # Before the command has begun, the signal has its usual meaning; in the end it comes too late.
        assert process.returncode in (130, 143, -number, 0), (process.returncode, err)
        assert "Traceback" not in err or process.returncode == -number
        assert running_in(tmp_path) == []
    for _ in range(2):
        done = start(tmp_path)
        out, err = done.communicate(timeout=120)
        assert (done.returncode, "Next:" in out) == (0, True), err
    assert running_in(tmp_path) == []
