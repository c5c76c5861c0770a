"""The command line in this process, so that it follows the clock that was moved."""

from __future__ import annotations

import contextlib
import gc
import io
import os
import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from protime_etl.cli import main

__all__ = ["CommandLine", "Ended"]


@dataclass(frozen=True)
class Ended:
    """How a command ended, and what it printed."""

    command: str
    status: int
    printed: str

    def __str__(self) -> str:
        return f"{self.command} ends with {self.status}: {' / '.join(self.printed.split(chr(10))[-4:])}"


class CommandLine:
    """Runs what is printed as advice, word for word, in a folder and with settings of its own."""

    def __init__(self, folder: Path, settings: Mapping[str, str]) -> None:
        self._folder = folder
        self._settings = {f"PROTIME_{name.upper()}": value for name, value in settings.items()}

    def __call__(self, command: str) -> Ended:
        """Run it to its end."""
        printed = io.StringIO()
        status = 0
        threshold = gc.get_threshold()
        with (
            pytest.MonkeyPatch.context() as patch,
            contextlib.redirect_stdout(printed),
            contextlib.redirect_stderr(printed),
        ):
            patch.setattr(sys, "argv", shlex.split(command))
            patch.chdir(self._folder)
            for name in [name for name in os.environ if name.startswith("PROTIME_")]:
                patch.delenv(name)
            for name, value in self._settings.items():
                patch.setenv(name, value)
            try:
                main()
            except SystemExit as ended:
                status = ended.code if isinstance(ended.code, int) else 1
            finally:
                # It is made for a process that ends: what it froze would never be given back.
                gc.unfreeze()
                gc.set_threshold(*threshold)
        return Ended(command, status, printed.getvalue().strip())
