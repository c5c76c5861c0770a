"""What was measured: single runs, kept as JSON, and their medians."""

from __future__ import annotations

import datetime as dt
import os
import platform
import subprocess
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import msgspec

from benchmarks.contenders import REPOSITORY
from benchmarks.environments import pinned
from protime_etl import __version__

__all__ = ["Results", "Run", "Summary", "rounded"]


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """One measured run; 0 is what was not looked at."""

    contender: str
    scenario: str
    rows: int
    """Clockings of the tenant."""
    seconds: float
    cpu_seconds: float = 0.0
    """Of the contender."""
    server_cpu_seconds: float = 0.0
    """Of PostgreSQL."""
    peak_bytes: int = 0
    wal_bytes: int = 0
    written: int = 0
    """Tuples written in the table of clockings."""
    dead: int = 0
    """Dead tuples that the run made, in all tables."""
    floor_seconds: float = 0.0
    """Of the latency scenario."""
    requests: int = 0
    least_requests: int = 0
    """Of a backfill: what page size and URI limit allow, or what an undisturbed one needs."""


@dataclass(frozen=True)
class Summary:
    """The runs of one contender in one scenario at one size."""

    runs: tuple[Run, ...]

    def median(self, value: Callable[[Run], float]) -> float:
        """The median of a figure."""
        return median(map(value, self.runs))

    @property
    def seconds(self) -> float:
        """Median wall time."""
        return self.median(lambda run: run.seconds)

    @property
    def rate(self) -> float:
        """Median rows a second."""
        return self.median(lambda run: run.rows / run.seconds)


@dataclass
class Results:
    """All runs of one bench, and where and when they were made."""

    machine: dict[str, str]
    runs: list[Run] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    @classmethod
    def begin(cls, postgres: str) -> Results:
        """Note the circumstances."""
        load = os.getloadavg()[0]
        return cls(
            {
                "date": dt.datetime.now(dt.UTC).date().isoformat(),
                "machine": f"{_processor()}, {os.cpu_count()} cores, {_memory_gib():.0f} GiB, {platform.system()}",
                "load before": f"{load:.1f}" + (" (not idle: take these figures for rough)" if load > 0.7 else ""),
                "protime-etl": f"{__version__}, commit {_commit()}",
                "Python": platform.python_version(),
                "PostgreSQL": f"{postgres}, as initdb sets it up",
                "peers": ", ".join(pinned()),
            }
        )

    def add(self, earlier: Results, replaced: Callable[[Run], bool]) -> None:
        """Take over the runs of an earlier bench, but those that are `replaced` by runs of this one."""
        self.runs = [run for run in earlier.runs if not replaced(run)] + self.runs
        kept = dict.fromkeys(f"{run.contender} {run.scenario} {rounded(run.rows):,}" for run in self.runs)
        made = f"{earlier.machine['protime-etl']}, {earlier.machine['date']}"
        self.machine["older runs"] = earlier.machine.get("older runs", f"{made}: {', '.join(kept)}")

    def save(self, file: Path) -> None:
        """Write all as JSON."""
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(msgspec.json.format(msgspec.json.encode(self), indent=1))

    @staticmethod
    def load(file: Path) -> Results:
        """Read what `save` wrote."""
        return msgspec.json.decode(file.read_bytes(), type=Results)

    def find(self, contender: str, scenario: str, rows: int) -> Summary | None:
        """The runs of one kind; the size is the one that was asked for, which a tenant meets within a few percent."""
        runs = tuple(run for run in self._of(scenario, rows) if run.contender == contender)
        return Summary(runs) if runs else None

    def contenders(self, scenario: str, rows: int) -> list[str]:
        """Who ran it, in the order in which they did."""
        return list(dict.fromkeys(run.contender for run in self._of(scenario, rows)))

    def sizes(self, scenario: str) -> list[int]:
        """Sizes of a scenario, rounded to what was asked for."""
        return sorted({rounded(run.rows) for run in self.runs if run.scenario == scenario})

    def _of(self, scenario: str, rows: int) -> Iterable[Run]:
        return (run for run in self.runs if run.scenario == scenario and rounded(run.rows) == rounded(rows))


def rounded(rows: int) -> int:
    """The size that was asked for."""
    # A tenant of whole people meets the size asked for within one percent.
    return round(rows, min(0, 2 - len(str(rows))))


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _memory_gib() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1024**3


def _commit() -> str:
    answer = subprocess.run(
        ["git", "describe", "--always", "--dirty"],  # noqa: S607 - the git that is on the path
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    return answer.stdout.strip() or "unknown"
