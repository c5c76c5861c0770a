"""The command line as a user meets it: a process of its own, in a pipe or on a terminal."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.support.preloaded import run_preloaded
from tests.support.shadow import SHADOW

__all__ = ["COMMAND", "Shell", "crowd", "hear_ctrl_c", "last_json"]

OF_ALL_TENANTS = {"status", "sql", "forget"}
"""Commands that show every tenant of the warehouse."""
READ_AT_THE_START = ("PYTHON", "LC_", "PATH", "_PROTIME_ETL_")
"""How the names of variables begin that a process reads as it starts: what is forked has started already."""
COMMAND = Path(sys.executable).parent / "protime-etl"


def hear_ctrl_c() -> None:
    """A background job of a shell is started deaf to Ctrl-C, and so would be what it starts."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def _at_terminal(terminal: int) -> None:
    hear_ctrl_c()
    os.login_tty(terminal)


def crowd() -> float:
    """How much longer than alone things may take on this machine now: processes that want a core, by core."""
    return max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


class Shell:
    """Runs `protime-etl` in an empty folder with settings in its environment."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.folder = folder
        self.settings = {f"PROTIME_{name.upper()}": value for name, value in settings.items()}
        self.environment: dict[str, str] = {}
        """What is in the environment beside the settings."""

    def __call__(
        self, *arguments: str, stdin: str | None = None, **changes: str | None
    ) -> subprocess.CompletedProcess[str]:
        environment = self._environment(changes)
        if not any(name.startswith(READ_AT_THE_START) for name in self.environment):
            done = run_preloaded(arguments, environment=environment, folder=self.folder, stdin=stdin, seconds=120)
        else:
            done = subprocess.run(
                [COMMAND, *arguments],
                env=environment,
                cwd=self.folder,
                capture_output=True,
                input=stdin,
                text=True,
                timeout=120,
                check=False,
            )
        if not OF_ALL_TENANTS.intersection(arguments):
            assert SHADOW not in done.stdout + done.stderr, "it shows another tenant"
        return done

    def terminal(self, columns: int, *arguments: str, **changes: str | None) -> tuple[int, str]:
        """Exit status and all that a terminal of that width shows, stderr included."""
        mine, its = pty.openpty()
        fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        environment = self._environment(changes) | {"TERM": "xterm", "NO_COLOR": "1"}
        with subprocess.Popen(
            [COMMAND, *arguments], env=environment, cwd=self.folder, stdin=its, stdout=its, stderr=its
        ) as process:
            os.close(its)
            shown = b""
            try:
                while piece := os.read(mine, 65536):
                    shown += piece
            except OSError:  # how a terminal says that no process has it open any more
                pass
            finally:
                os.close(mine)
        return process.returncode, shown.decode().replace("\r\n", "\n")

    def dialogue(self, answers: Sequence[tuple[str, str]], *arguments: str, **changes: str | None) -> tuple[int, str]:
        """Exit status and all that is shown to a user who types each answer when its question is shown."""
        mine, its = pty.openpty()
        with subprocess.Popen(
            [COMMAND, *arguments],
            env=self._environment(changes) | {"TERM": "xterm"},
            cwd=self.folder,
            preexec_fn=lambda: _at_terminal(its),  # a password is asked for at the terminal itself
        ) as process:
            os.close(its)
            shown, seen = "", 0
            waiting = list(answers)
            try:
                while piece := os.read(mine, 65536):
                    shown += piece.decode()
                    while waiting and waiting[0][0] in shown[seen:]:
                        seen = len(shown)
                        time.sleep(0.1)  # echoing is off a moment after a password was asked for
                        os.write(mine, f"{waiting.pop(0)[1]}\n".encode())
            except OSError:
                pass
            finally:
                os.close(mine)
        assert not waiting, (waiting, shown)
        return process.returncode, shown.replace("\r\n", "\n")

    def _environment(self, changes: dict[str, str | None]) -> dict[str, str]:
        environment = {**os.environ, **self.settings, **self.environment}
        for name, value in changes.items():
            environment.pop(f"PROTIME_{name.upper()}", None)
            if value is not None:
                environment[f"PROTIME_{name.upper()}"] = value
        return environment


def last_json(result: subprocess.CompletedProcess[str]) -> Any:
    """The object that `--json` printed; `status` shows all tenants, of which the shadow is left out."""
    found = json.loads(result.stdout.splitlines()[-1])
    lists = {name: rows for name, rows in found.items() if isinstance(rows, list)} if isinstance(found, dict) else {}
    for name, rows in lists.items():
        found[name] = [row for row in rows if not (isinstance(row, dict) and row.get("tenant") == SHADOW)]
    return found
