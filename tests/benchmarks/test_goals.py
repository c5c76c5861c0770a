"""What is met and what is not, from runs made up here."""

import sys
from collections import Counter
from pathlib import Path

import pytest

from benchmarks.goals import goals
from benchmarks.latency import floor_seconds
from benchmarks.measured import CommandError, measure
from benchmarks.report import BEGIN, END, write_document
from benchmarks.results import Results, Run


def run(contender: str, scenario: str, seconds: float, *, rows: int = 299_985, wal: int = 0, written: int = 0) -> Run:
    return Run(
        contender=contender,
        scenario=scenario,
        rows=rows,
        seconds=seconds,
        cpu_seconds=1,
        server_cpu_seconds=1,
        peak_bytes=100_000_000,
        wal_bytes=wal,
        written=written,
        dead=0,
    )


def test_each_goal_is_compared_with_the_medians() -> None:
    results = Results({})
    results.runs += [run("ours", "first", seconds) for seconds in (1, 2, 9)]
    results.runs += [run("dlt", "first", 20), run("airflow", "first", 20)]
    results.runs += [run("copy-binary", "first", 1.5), run("copy-text", "first", 1.3)]
    results.runs += [run("ours", "unchanged", 1.9, wal=1_200_000)]
    found = {(goal.measured, goal.met) for goal in goals(results)}
    assert found == {
        ("10.00", False),  # dlt: 15 is wanted
        ("10.00", True),
        ("0.65", True),  # of the faster COPY
        ("0", True),
        ("1.20", False),
        ("1.05", True),
        ("100", True),
    }


def test_the_floor_is_set_by_the_longest_list_or_by_all_pages() -> None:
    lists = Counter({"": 1, "a": 10, "b": 4, "c": 4})
    assert floor_seconds(lists, 0.5, 1) == 0.5 * (2 + 18)
    assert floor_seconds(lists, 0.5, 2) == 0.5 * (2 + 10)
    assert floor_seconds(Counter({"": 2, "a": 3}), 0.5, 4) == 0.5 * (3 + 3)


def test_the_results_stand_between_the_markers(tmp_path: Path) -> None:
    document = tmp_path / "performance.md"
    document.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    results = Results({"date": "2026-03-20"}, [run("ours", "first", 2)], ["a peer failed"])
    results.save(tmp_path / "results.json")
    write_document(Results.load(tmp_path / "results.json"), document)
    text = document.read_text()
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert "old" not in text
    assert "### First load, 300,000 rows" in text
    assert "- a peer failed" in text


def test_a_command_is_measured_with_what_it_starts(tmp_path: Path) -> None:
    work = "x = bytearray(b'x') * 200_000_000; sum(range(20_000_000)); print('done')"
    command = ["/bin/sh", "-c", f'"{sys.executable}" -c "{work}"; true']
    measured = measure(command, {}, tmp_path / "log", folder=tmp_path, limit=60)
    assert measured.output == "done\n"
    assert measured.cpu_seconds > 0.1
    assert 200_000_000 < measured.peak_bytes < 300_000_000


def test_a_command_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="took longer"):
        measure(["/bin/sleep", "60"], {}, tmp_path / "log", folder=tmp_path, limit=0.2)
