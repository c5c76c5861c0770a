"""`protime-etl` in a process of its own, forked from one that has imported it already.

A command spends more than a second on its imports alone, and the tests run hundreds of them. Between two tries of a
request it does not wait: how long it does is tested with the client. What differs from a start by the shell (the
encoding of the terminal, its width, colours) is tried with the installed script instead.
"""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from tenacity import wait_none

from protime_etl.cli import main
from protime_etl.protime import client, retrying
from tests.support.commands import every_command

__all__ = ["run_preloaded"]

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload([__name__])
dict(every_command())


def run_preloaded(
    arguments: Sequence[str], *, environment: Mapping[str, str], folder: Path, stdin: str | None, seconds: float
) -> subprocess.CompletedProcess[str]:
    """Run one command to its end, in that folder and with that environment alone.

    Raises:
        subprocess.TimeoutExpired: it takes longer; it is killed.
    """
    with tempfile.TemporaryDirectory(prefix="protime-etl-test-") as name:
        streams = Path(name)
        (streams / "stdin").write_text(stdin or "")
        process = CONTEXT.Process(target=_run, args=(list(arguments), dict(environment), folder, streams))
        process.start()
        process.join(seconds)
        if process.exitcode is None:
            process.kill()
            process.join()
            raise subprocess.TimeoutExpired(list(arguments), seconds)
        stdout, stderr = ((streams / stream).read_text() for stream in ("stdout", "stderr"))
        return subprocess.CompletedProcess(list(arguments), process.exitcode, stdout, stderr)


def _run(arguments: list[str], environment: dict[str, str], folder: Path, streams: Path) -> None:
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    for number, (stream, flags) in enumerate(
        (("stdin", os.O_RDONLY), ("stdout", os.O_WRONLY | os.O_CREAT), ("stderr", os.O_WRONLY | os.O_CREAT))
    ):
        opened = os.open(streams / stream, flags, 0o600)
        os.dup2(opened, number)
        os.close(opened)
    sys.stdin = open(0, closefd=False)  # noqa: SIM115 - multiprocessing has closed the one before
    sys.argv = ["protime-etl", *arguments]
    retrying._jitter = wait_none()  # type: ignore[assignment]
    client.FRESH_TOKEN_SECONDS = 1.0
    main()
