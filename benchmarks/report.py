"""Results as text: the tables of docs/performance.md, between its markers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.contenders import CONTENDERS, REPOSITORY, TITLES
from benchmarks.goals import goals
from benchmarks.results import Results, Summary

__all__ = ["DOCUMENT", "render", "write_document"]

DOCUMENT = REPOSITORY / "docs" / "performance.md"
BEGIN, END = "<!-- results: written by make bench -->", "<!-- end of results -->"
SCENARIOS = {
    "first": "First load, {rows:,} rows",
    "unchanged": "Read again with nothing changed, {rows:,} rows",
    "edited": "Read again with 1 % changed, {rows:,} rows",
    "into": "First load of {rows:,} rows into a table that is filled already",
    "latency": "First load of {rows:,} rows, 50 ms a request",
    "memory": "First load of {rows:,} rows, for the memory only",
    "nightly": "The nightly window, {rows:,} rows",
}
HEADERS = (
    "contender",
    "rows/s",
    "seconds (fastest to slowest)",
    "CPU s",
    "CPU s of PostgreSQL",
    "WAL MB",
    "tuples written",
    "dead tuples",
    "peak MB",
)


def render(results: Results) -> str:
    """All results in Markdown."""
    return "\n".join([*_circumstances(results), "", *_goals(results), *_tables(results), *_failures(results)])


def write_document(results: Results, document: Path = DOCUMENT) -> None:
    """Put the results between the markers of the document.

    Raises:
        ValueError: it has no markers.
    """
    text = document.read_text()
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{document} lacks the markers {BEGIN} and {END}")
    document.write_text(f"{before}{BEGIN}\n\n{render(results)}\n\n{END}{after}")


def _circumstances(results: Results) -> Iterator[str]:
    yield from _table(("what", "value"), list(results.machine.items()))


def _goals(results: Results) -> Iterator[str]:
    yield "### Numbers to reach"
    yield ""
    found = [(goal.text, goal.wanted, goal.measured, "met" if goal.met else "**not met**") for goal in goals(results)]
    yield from _table(("number", "wanted", "measured", ""), found)


def _tables(results: Results) -> Iterator[str]:
    for scenario, title in SCENARIOS.items():
        for rows in results.sizes(scenario):
            yield ""
            yield f"### {title.format(rows=rows)}"
            yield ""
            names = results.contenders(scenario, rows)
            found = [(name, results.find(name, scenario, rows)) for name in names]
            ordered = sorted(((name, one) for name, one in found if one), key=lambda pair: pair[1].seconds)
            yield from _table(HEADERS, [_row(name, one) for name, one in ordered])


def _row(name: str, one: Summary) -> tuple[str, ...]:
    seconds = [run.seconds for run in one.runs]
    floor = one.median(lambda run: run.floor_seconds)
    loads = name not in CONTENDERS or CONTENDERS[name].loads
    measured = one.median(lambda run: run.peak_bytes) > 0
    wall = f"{one.seconds:.2f} ({min(seconds):.2f} to {max(seconds):.2f})" + (f"; floor {floor:.2f}" if floor else "")
    return (
        TITLES[name],
        f"{one.rate:,.0f}",
        wall,
        f"{one.median(lambda run: run.cpu_seconds):.1f}" if measured else "",
        f"{one.median(lambda run: run.server_cpu_seconds):.1f}" if measured and loads else "",
        f"{one.median(lambda run: run.wal_bytes) / 1e6:,.1f}" if measured and loads else "",
        f"{one.median(lambda run: run.written):,.0f}" if measured and loads else "",
        f"{one.median(lambda run: run.dead):,.0f}" if measured and loads else "",
        f"{one.median(lambda run: run.peak_bytes) / 1e6:,.0f}" if measured else "",
    )


def _failures(results: Results) -> Iterator[str]:
    if results.failures:
        yield ""
        yield "### What failed"
        yield ""
        yield from (f"- {' '.join(failure.split())}" for failure in results.failures)


def _table(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(headers)} |"
    yield "|" + "---|" * len(headers)
    yield from (f"| {' | '.join(row)} |" for row in rows)
