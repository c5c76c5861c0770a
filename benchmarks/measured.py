"""One command, measured from outside: wall time, CPU time and memory of it and all that it starts."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["CommandError", "Measured", "cpu_seconds", "measure"]

SAMPLE_SECONDS = 0.05
TICKS = os.sysconf("SC_CLK_TCK")
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


class CommandError(Exception):
    """A measured command failed, or took too long."""


@dataclass(frozen=True)
class Measured:
    """What a command took."""

    seconds: float
    """Wall time from its start to its end, interpreter and imports included, as its user waits for it."""
    cpu_seconds: float
    """User and system time of the process and of all descendants that it waited for (`wait4`)."""
    peak_bytes: int
    """The greater of: the sum of resident memory over the process tree, sampled; the high-water mark of one process."""
    output: str


def measure(
    command: Sequence[str | Path], environment: Mapping[str, str], log: Path, *, folder: Path, limit: float
) -> Measured:
    """Run a command to its end, in a session of its own; its stderr goes to `log`.

    Raises:
        CommandError: it failed, or ran longer than `limit` seconds and was ended.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    output = log.with_suffix(".out")
    with log.open("wb") as errors, output.open("wb") as answers:
        started = time.perf_counter()
        process = subprocess.Popen(
            list(map(str, command)),
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=answers,
            stderr=errors,
            cwd=folder,
            start_new_session=True,
        )
        watch = _Watch(process.pid, limit)
        watch.start()
        try:
            _, status, usage = os.wait4(process.pid, 0)
        except BaseException:  # Ctrl-C reaches the bench alone, not the session of the command
            _end(process.pid)
            process.wait()
            raise
        seconds = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        watch.ended.set()
        watch.join()
    if watch.too_long or process.returncode != 0:
        why = f"took longer than {limit:.0f} s" if watch.too_long else f"ended with status {process.returncode}"
        last = log.read_text(errors="replace").strip().splitlines()[-5:]
        raise CommandError("\n  ".join([f"{Path(command[0]).name} {why}; its stderr is in {log}:", *last]))
    return Measured(seconds, usage.ru_utime + usage.ru_stime, watch.peak, output.read_text(errors="replace"))


class _Watch(threading.Thread):
    """Samples the memory of a process tree and ends it when its time is up."""

    def __init__(self, pid: int, limit: float) -> None:
        super().__init__(daemon=True)
        self.peak = 0
        self.too_long = False
        self.ended = threading.Event()
        self._pid = pid
        self._until = time.monotonic() + limit

    def run(self) -> None:
        """Sample until the process has ended."""
        while not self.ended.wait(SAMPLE_SECONDS):
            pids = _tree(self._pid)
            self.peak = max(self.peak, sum(map(_resident, pids)), *map(_high_water, pids))
            if time.monotonic() > self._until:
                self.too_long = True
                _end(self._pid)
                return


def _end(leader: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(leader, signal.SIGKILL)


def _tree(pid: int) -> list[int]:
    found = [pid]
    for one in found:  # grows while it is walked
        with contextlib.suppress(OSError):
            for task in Path(f"/proc/{one}/task").iterdir():
                found += map(int, (task / "children").read_text().split())
    return found


def _resident(pid: int) -> int:
    with contextlib.suppress(OSError):
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE_BYTES
    return 0


def _high_water(pid: int) -> int:
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return 0


def cpu_seconds(pid: int) -> float:
    """User and system time of a process, of all that it has waited for, and of what runs below it now."""
    ticks = 0
    for number, one in enumerate(_tree(pid)):
        with contextlib.suppress(OSError):
            times = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()[11:15]
            ticks += sum(map(int, times if number == 0 else times[:2]))
    return ticks / TICKS
