"""`protime-etl status`: whether all is well, by its first line and its exit status; readable on a narrow terminal."""

from __future__ import annotations

import datetime as dt

import pytest
from sqlalchemy.engine import Engine

from tests.cli.shell import Shell, last_json
from tests.databases import execute
from tests.tenant import TODAY

pytestmark = pytest.mark.alone(
    reason="it shows every tenant of the warehouse, and these tests are about the whole of it"
)
DATES = ("--from", "2026-03-07", "--to", str(TODAY))


@pytest.fixture
def read(shell: Shell) -> Shell:
    """A shell beside a warehouse that was just read."""
    assert shell("sync", *DATES).returncode == 0
    return shell


def test_the_first_line_says_that_all_is_well(read: Shell) -> None:
    result = read("status", "--json")
    assert result.returncode == 0, result.stdout
    first = result.stdout.splitlines()[0]
    assert first.startswith(f"simulated: OK - last complete {dt.datetime.now(dt.UTC):%Y-}")
    assert first.endswith("(0 h ago)")
    found = last_json(result)
    (verdict,) = found["verdict"]
    assert (verdict["tenant"], verdict["ok"], verdict["problems"]) == ("simulated", True, [])
    assert isinstance(found["runs"][0]["rows_read"], int)


@pytest.mark.parametrize("columns", [60, 80])
def test_no_line_is_wrapped_on_a_narrow_terminal(read: Shell, engine: Engine, columns: int) -> None:
    execute(
        engine.url,
        "UPDATE protime_etl.runs SET origin = 'airflow protime_clockings_nightly scheduled__2026-11-25T03:30'",
    )
    status, shown = read.terminal(columns, "status")
    assert status == 0
    assert max(map(len, shown.splitlines())) <= columns
    assert "nightly s" in shown
    assert "2026-03-07" in shown
    assert len(shown.splitlines()) < 24


def test_a_night_that_is_not_complete_is_told_by_who_and_when(read: Shell, engine: Engine) -> None:
    execute(
        engine.url,
        "UPDATE protime_etl.runs SET status = 'failed', error = '1 of 1 units are not done'",
    )
    execute(
        engine.url,
        "UPDATE protime_etl.units SET status = 'failed', error = 'status 500', person_ids = '{100001,100002}'",
    )
    result = read("status")
    assert result.returncode == 3
    lines = result.stdout.splitlines()
    assert lines[0] == "simulated: NOT COMPLETE - never completely read"
    assert lines[1] == (
        "  not read: people 100001,100002, 2026-03-07..2026-03-20;"
        " repeat: protime-etl backfill --from 2026-03-07 --to 2026-03-20 --only-missing"
    )
    assert lines[2].startswith("  run 1 failed: 1 of 1 units are not done; repeat: protime-etl sync --from 2026-03-07")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("finished_at = finished_at - interval '50 hours'", "the last complete reading is 50 h old"),
        ("status = 'running', origin = 'cli'", "run 1 died; repeat: protime-etl sync --from"),
        ("status = 'running', origin = 'cli backfill'", "run 1 died; repeat: protime-etl backfill --from"),
    ],
)
def test_what_is_old_or_died_is_not_well(read: Shell, engine: Engine, change: str, told: str) -> None:
    execute(engine.url, f"UPDATE protime_etl.runs SET {change}")
    result = read("status")
    assert result.returncode == 3
    assert told in result.stdout


def test_a_delta_that_is_silent_is_not_well(read: Shell, engine: Engine) -> None:
    execute(
        engine.url,
        "INSERT INTO protime_etl.deltas (tenant, collection, status, date_from, link, started_at, requested_at)"
        " VALUES ('simulated', 'clockings', 'active', '2026-01-01', 'x', now(), now() - interval '30 hours')",
    )
    result = read("status")
    assert result.returncode == 3
    assert "the delta of clockings had its last turn 30 h ago and ends after 72 h: protime-etl changes" in result.stdout


@pytest.mark.parametrize(
    "options",
    [("--people", "100001,100002"), ("--people", "100001", "--only-missing"), ("--circles", "2,8")],
)
def test_what_is_to_be_repeated_is_what_was_asked_for(shell: Shell, engine: Engine, options: tuple[str, ...]) -> None:
    assert shell("backfill", *DATES, *options).returncode == 0
    execute(engine.url, "UPDATE protime_etl.runs SET status = 'running', finished_at = NULL")
    execute(engine.url, "UPDATE protime_etl.units SET status = 'planned', finished_at = NULL")
    told = next(line for line in shell("status").stdout.splitlines() if "died" in line)
    command = told.partition("repeat: protime-etl ")[2].split()
    assert command == ["backfill", *DATES, *options]
    assert shell(*command).returncode == 0
    assert [row["run_id"] for row in last_json(shell("status", "--json"))["runs"]] == [1], (
        "it goes on with the same run"
    )


def test_what_a_comparison_has_read_besides_hides_no_run_that_came_to_a_bad_end(read: Shell, engine: Engine) -> None:
    execute(engine.url, "UPDATE protime_etl.runs SET status = 'running', finished_at = NULL")
    execute(
        engine.url,
        "INSERT INTO protime_etl.runs (tenant, origin, date_from, date_to, status, finished_at, person_ids)"
        " VALUES ('simulated', 'cli repair', '2026-03-07', '2026-03-07', 'done', now(), '{100001}')",
    )
    result = read("status")
    assert result.returncode == 3
    assert "run 1 died; repeat: protime-etl sync --from" in result.stdout


def test_many_failures_of_one_tenant_hide_none_of_another(read: Shell, engine: Engine) -> None:
    failed = "status = 'failed', error = 'status 500', finished_at = now() - interval '1 h'"
    execute(engine.url, f"UPDATE protime_etl.units SET {failed}")
    execute(engine.url, "UPDATE protime_etl.runs SET status = 'failed', error = 'it failed'")
    execute(engine.url, "INSERT INTO protime_etl.tenants (tenant, timezone) VALUES ('other', 'UTC')")
    execute(
        engine.url,
        "WITH run AS (INSERT INTO protime_etl.runs (tenant, origin, date_from, date_to, status)"
        " SELECT 'other', 'cli', '2026-03-01', '2026-03-01', 'failed' FROM generate_series(1, 60) RETURNING run_id)"
        " INSERT INTO protime_etl.units (run_id, date_from, date_to, person_ids, status, finished_at)"
        " SELECT run_id, '2026-03-01', '2026-03-01', '{7}', 'failed', now() FROM run",
    )
    lines = read("status").stdout.splitlines()
    told = lines[lines.index("simulated: NOT COMPLETE - never completely read") :]
    assert any(line.startswith("  not read: people 100001") for line in told)
    assert any(line.startswith("  run 1 failed: it failed") for line in told)


def test_a_repair_that_died_leaves_something_to_repair(read: Shell, engine: Engine) -> None:
    execute(
        engine.url,
        "INSERT INTO protime_etl.runs (tenant, origin, date_from, date_to, status, person_ids)"
        " VALUES ('simulated', 'cli repair', '2026-03-07', '2026-03-08', 'running', '{100001}')",
    )
    result = read("status")
    assert result.returncode == 3
    told = "run 2 died; repeat: protime-etl sync --from 2026-03-07 --to 2026-03-08 --people 100001"
    assert told in result.stdout


def test_how_many_differed_lately_is_the_sum_of_all_comparisons(read: Shell, engine: Engine) -> None:
    for _ in range(2):
        execute(engine.url, "DELETE FROM protime.clockings WHERE id IN (SELECT min(id) FROM protime.clockings)")
        assert read("verify", *DATES, "--repair").returncode == 0
    assert "note: 2 records of clockings differed in the last 7 days" in read("status").stdout
