"""The numbers to reach, each with what was measured: met or not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from benchmarks.contenders import AT_ONCE, CONTENDERS, PEERS
from benchmarks.results import Results, Summary

__all__ = ["Goal", "copy_limit", "goals"]

MB = 1_000_000
COMPARED_ROWS = 300_000
"""The size at which peers are run."""
AIRFLOW_SECONDS = 15.0
UNDER_WAY = 4 * 100 + 20
"""Four workers with units of a hundred pages, and the list of people again."""


class Goal(NamedTuple):
    """One number."""

    text: str
    wanted: str
    measured: str
    met: bool


def goals(results: Results) -> Iterator[Goal]:
    """All goals for which there are runs."""
    yield from _against_peers(results)
    for rows in results.sizes("first"):
        yield from _first_load(results, rows)
        yield from _unchanged(results, rows)
    yield from _into_filled(results)
    for rows in results.sizes("latency"):
        for contender in AT_ONCE.values():
            if ours := results.find(contender.name, "latency", rows):
                ratio = ours.median(lambda run: run.seconds / run.floor_seconds)
                yield _ratio(f"50 ms a request, {contender.title}: time to the floor", ratio, 1.15, at_most=True)
    yield from _backfills(results)
    yield from _memory(results)
    for rows in results.sizes("nightly"):
        ours, dag = results.find("ours", "nightly", rows), results.find("dag", "nightly", rows)
        if ours and dag:
            extra = dag.seconds - ours.seconds
            text = f"nightly DAG, {rows:,} rows, 2 slots: seconds more than the command line"
            yield Goal(text, f"<= {AIRFLOW_SECONDS:.0f}", f"{extra:.1f}", extra <= AIRFLOW_SECONDS)


def copy_limit(results: Results, scenario: str, rows: int) -> Summary | None:
    """The faster of the two raw COPYs."""
    found = [results.find(name, scenario, rows) for name in ("copy-binary", "copy-text")]
    return min(filter(None, found), key=lambda one: one.seconds, default=None)


def _ratio(text: str, value: float, wanted: float, *, at_most: bool = False) -> Goal:
    met = value <= wanted if at_most else value >= wanted
    return Goal(text, f"{'<=' if at_most else '>='} {wanted:g}", f"{value:.2f}", met)


def _against_peers(results: Results) -> Iterator[Goal]:
    ours = results.find("ours", "first", COMPARED_ROWS)
    for peer in PEERS:
        theirs = results.find(peer.name, "first", COMPARED_ROWS)
        if ours and theirs:
            wanted = 15 if peer.requirements == "dlt" else 10
            text = f"first load, {COMPARED_ROWS:,} rows: times as fast as {CONTENDERS[peer.name].title}"
            yield _ratio(text, theirs.seconds / ours.seconds, wanted)


def _first_load(results: Results, rows: int) -> Iterator[Goal]:
    ours, limit = results.find("ours", "first", rows), copy_limit(results, "first", rows)
    if ours and limit:
        yield _ratio(f"first load, {rows:,} rows: speed to that of raw COPY", limit.seconds / ours.seconds, 0.6)


def _unchanged(results: Results, rows: int) -> Iterator[Goal]:
    first, again = results.find("ours", "first", rows), results.find("ours", "unchanged", rows)
    if not first or not again:
        return
    name = f"re-read unchanged, {rows:,} rows"
    written = again.median(lambda run: run.written)
    yield Goal(f"{name}: clockings written", "0", f"{written:.0f}", written == 0)
    if rows <= COMPARED_ROWS:
        wal = again.median(lambda run: run.wal_bytes) / MB
        yield Goal(f"{name}: MB of WAL", "< 1", f"{wal:.2f}", wal < 1)
    ratio = first.seconds / again.seconds
    yield Goal(f"{name}: times as fast as the first load", "> 1", f"{ratio:.2f}", ratio > 1)


def _into_filled(results: Results) -> Iterator[Goal]:
    for rows in results.sizes("into"):
        filled, empty = results.find("ours", "into", rows), results.find("ours", "first", rows)
        if filled and empty:
            text = f"{rows:,} rows into a filled table: speed to that into an empty one"
            yield _ratio(text, empty.seconds / filled.seconds, 0.7)


def _backfills(results: Results) -> Iterator[Goal]:
    for run in results.runs:
        if run.scenario in ("backfill year", "backfill day"):
            text = f"{run.scenario}, {run.rows:,} clockings: requests to the least possible"
            yield _ratio(text, run.requests / run.least_requests, 1.1, at_most=True)
        elif run.scenario == "backfill killed":
            repeated = run.requests - run.least_requests
            text = f"{run.scenario} half-way, {run.rows:,} clockings: requests repeated"
            yield Goal(text, f"<= {UNDER_WAY}", str(repeated), repeated <= UNDER_WAY)


def _memory(results: Results) -> Iterator[Goal]:
    ours = [run for run in results.runs if run.contender == "ours" and run.peak_bytes]
    if ours:
        highest = max(run.peak_bytes for run in ours) / MB
        yield Goal("command line, highest peak memory of any run: MB", "<= 150", f"{highest:.0f}", highest <= 150)
    peaks = [run.peak_bytes for run in ours if run.scenario == "memory"]
    if len(peaks) > 1:
        text = "peak memory at the largest size to that at the smallest"
        ratio = max(peaks) / min(peaks)
        yield _ratio(text, ratio, 1.1, at_most=True)
