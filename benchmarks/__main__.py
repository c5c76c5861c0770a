"""The bench: `python -m benchmarks` for everything, with options for parts of it."""

from __future__ import annotations

import argparse
import datetime as dt
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from zoneinfo import ZoneInfo

import psycopg

from benchmarks.backfills import measure_backfills
from benchmarks.clockings import Tenant, people_for
from benchmarks.contenders import BENCH, CONTENDERS, OURS, PEERS, REPOSITORY, Contender
from benchmarks.environments import install_peers
from benchmarks.latency import measure_latency
from benchmarks.measured import CommandError
from benchmarks.nightly import NIGHTLY_DAYS, NIGHTLY_PEOPLE, measure_nightly
from benchmarks.report import render, write_document
from benchmarks.results import Results, Run, rounded
from benchmarks.rounds import Bench, WrongResultError
from benchmarks.serving import serving
from benchmarks.warehouse import Server, database_server
from protime_etl.errors import ProtimeError

__all__ = ["main"]

LAST_DAY = dt.date(2026, 11, 20)
PEER_ROWS = 300_000
"""Peers take minutes a million rows; what they do at this size is reported, larger ones are left out."""
RESULTS = BENCH / "results.json"
SCENARIOS = ("rounds", "into", "latency", "memory", "nightly", "backfill")


def main(arguments: list[str]) -> int:
    """Run what was asked for; returns the exit status."""
    parser = _options()
    options = parser.parse_args(arguments)
    if options.add and not RESULTS.exists():
        parser.error(f"--add: there is no earlier bench to add to ({RESULTS.relative_to(REPOSITORY)})")
    if options.render:
        results = Results.load(options.render)
    else:
        BENCH.mkdir(exist_ok=True)
        chosen = [CONTENDERS[name] for name in options.contenders]
        install_peers(chosen, _log)
        with database_server(BENCH) as server:
            results = _Plan(options, server, chosen).carry_out()
    if options.write:
        write_document(results)
    sys.stdout.write(render(results) + "\n")
    return 1 if results.failures else 0


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    names = ",".join(CONTENDERS)
    parser.add_argument("--sizes", type=_numbers, default=[300_000, 3_000_000], help="rows, such as 300000,3000000")
    parser.add_argument("--contenders", type=_choice(CONTENDERS), default=list(CONTENDERS), help=f"of {names}")
    parser.add_argument("--scenarios", type=_choice(SCENARIOS), default=list(SCENARIOS), help=f"of {SCENARIOS}")
    parser.add_argument("--repeat", type=int, default=3, help="how often each is measured, one after the other")
    parser.add_argument("--filled", type=int, default=10_000_000, help="rows of the table that is filled already")
    parser.add_argument("--memory-sizes", type=_numbers, default=[1_000_000, 10_000_000], help="rows")
    parser.add_argument("--add", action="store_true", help="keep what the last bench measured and this one does not")
    parser.add_argument("--write", action="store_true", help="put the results into docs/performance.md")
    parser.add_argument("--render", type=Path, help="measure nothing; take the results from this file")
    return parser


def _numbers(text: str) -> list[int]:
    return [int(part) for part in text.split(",")]


def _choice(known: Sequence[str] | Mapping[str, object]) -> Callable[[str], list[str]]:
    def chosen(text: str) -> list[str]:
        names = text.split(",")
        if unknown := [name for name in names if name not in known]:
            raise argparse.ArgumentTypeError(f"{', '.join(unknown)}: choose from {', '.join(known)}")
        return names

    return chosen


def _log(line: str) -> None:
    sys.stderr.write(f"{time.strftime('%H:%M:%S')} {line}\n")
    sys.stderr.flush()


class _Plan:
    """What is measured, in which order. A failure is recorded in the results and stops nothing else."""

    def __init__(self, options: argparse.Namespace, server: Server, chosen: list[Contender]) -> None:
        self._options = options
        self._server = server
        self._chosen = chosen
        self._results = Results.begin(server.version)
        if options.add:
            self._results.add(Results.load(RESULTS), self._measures)

    def _measures(self, run: Run) -> bool:
        """Whether this bench measures what was measured by that run of an earlier one."""
        if run.contender in CONTENDERS and run.contender not in self._options.contenders:
            return False
        if run.scenario in ("first", "unchanged", "edited", "into", "latency"):
            kind = run.scenario if run.scenario in ("into", "latency") else "rounds"
            return kind in self._options.scenarios and rounded(run.rows) in self._options.sizes
        return run.scenario.split()[0] in self._options.scenarios

    def carry_out(self) -> Results:
        """Measure all that the options ask for; after each step the results are saved."""
        scenarios = self._options.scenarios
        if {"rounds", "into", "latency"} & {*scenarios}:
            for size in self._options.sizes:
                self._size(size)
        if "memory" in scenarios:
            for size in self._options.memory_sizes:
                # Answers rendered as they are asked for fit in memory; so this is no measure of speed.
                with self._bench(Tenant(people_for(size), LAST_DAY), keep=False) as bench:
                    self._step(bench.first_load, OURS, None, "memory")
        if "nightly" in scenarios:
            today = dt.datetime.now(ZoneInfo("Europe/Brussels")).date()
            with self._bench(Tenant(NIGHTLY_PEOPLE, today, NIGHTLY_DAYS)) as bench:
                self._step(measure_nightly, bench, self._options.repeat)
        if "backfill" in scenarios:
            with self._bench(Tenant(1, LAST_DAY)) as bench:
                self._step(measure_backfills, bench, LAST_DAY)
        return self._results

    def _size(self, size: int) -> None:
        scenarios, repeat = self._options.scenarios, range(self._options.repeat)
        chosen = [one for one in self._chosen if one not in PEERS or size <= PEER_ROWS]
        with self._bench(Tenant(people_for(size), LAST_DAY)) as bench:
            # This project first: the limits need what it asked for and what it wrote.
            for contender in [OURS, *(one for one in chosen if one is not OURS)]:
                self._step(bench.warm_up, contender)
            if "rounds" in scenarios:
                for _ in repeat:
                    for contender in chosen:
                        self._step(bench.whole_round, contender)
            if size > PEER_ROWS:
                return
            if "latency" in scenarios:
                for _ in repeat:
                    self._step(measure_latency, bench)
            if "into" in scenarios:
                self._step(self._into, bench, repeat)

    def _into(self, bench: Bench, repeat: range) -> None:
        template = bench.filled(self._options.filled)
        for _ in repeat:
            for contender in self._chosen:
                if contender.template and contender.loads:
                    self._step(bench.first_load, contender, template, "into")
        self._server.query("postgres", f"DROP DATABASE {template}")

    @contextmanager
    def _bench(self, tenant: Tenant, *, keep: bool = True) -> Iterator[Bench]:
        _log(f"rendering a tenant of {tenant.people:,} people and {tenant.days} days")
        with serving(tenant, keep=keep) as served:
            self._results.machine["a clocking"] = f"{served.record_bytes:.0f} bytes of JSON, on the average"
            yield Bench(self._server, served, self._results, _log, BENCH / "inputs")

    def _step(self, step: Callable[..., object], *arguments: object) -> None:
        try:
            step(*arguments)
        except (CommandError, WrongResultError, ProtimeError, RuntimeError, OSError, psycopg.Error) as error:
            _log(f"FAILED: {error}")
            self._results.failures.append(str(error))
        self._results.save(RESULTS)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
