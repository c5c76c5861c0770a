"""`protime-etl status`: whether all is well, by its first line and its exit status; readable on a narrow terminal."""

from __future__ import annotations

import json

import pytest
from sqlalchemy.engine import Engine

from protime_etl.simulator.server import SimulatedTenant
from tests.cli.shell import Shell, last_json
from tests.support.databases import execute
from tests.support.long_form import in_long_form
from tests.support.tenant import TODAY

pytestmark = pytest.mark.alone(
    reason="it shows every tenant of the warehouse, and these tests are about the whole of it"
)
DATES = ("--from", "2026-03-07", "--to", str(TODAY))


@pytest.fixture
def read(shell: Shell) -> Shell:
    """A shell beside a warehouse that was just read."""
    assert shell("sync", *DATES).returncode == 0
    return shell


def promise_was_made(engine: Engine, days: int) -> None:
    """As if the first run had been this number of days ago."""
    execute(engine.url, f"UPDATE protime_etl.promises SET follows_from = follows_from - {days}")


def test_the_first_line_says_that_all_is_well_and_of_which_days(read: Shell) -> None:
    result = read("status", "--json")
    assert result.returncode == 0, result.stdout
    assert result.stdout.splitlines()[0] == "simulated: OK - complete 2026-03-07..2026-03-20"
    found = last_json(result)
    (verdict,) = found["verdict"]
    assert (verdict["tenant"], verdict["ok"], verdict["problems"]) == ("simulated", True, [])
    assert (verdict["complete"], verdict["last_complete"]) == ("complete 2026-03-07..2026-03-20", str(TODAY))
    assert isinstance(found["runs"][0]["rows_read"], int)


@pytest.mark.parametrize("columns", [60, *in_long_form([80])])
def test_no_line_is_wrapped_on_a_narrow_terminal(read: Shell, engine: Engine, columns: int) -> None:
    execute(
        engine.url,
        "UPDATE protime_etl.runs SET kind = 'nightly', started_by = 'airflow', dag_id = 'protime_clockings_nightly',"
        " dag_run_id = 'scheduled__2026-11-25T03:30'",
    )
    status, shown = read.terminal(columns, "status")
    assert status == 0
    assert max(map(len, shown.splitlines())) <= columns
    assert "nightly s" in shown
    assert "2026-03-07" in shown
    assert len(shown.splitlines()) < 25


def test_what_is_wrong_is_named_by_who_and_when_with_its_reason_and_one_command(read: Shell, engine: Engine) -> None:
    execute(
        engine.url,
        "INSERT INTO protime_etl.wrong (tenant, collection, people, dates, since, kind, why) VALUES ('simulated',"
        " 'clockings', '{[100001,100003)}', '{[2026-03-07,2026-03-10)}', now(), 'failed', 'status 403: no scope.')",
    )
    result = read("status")
    assert result.returncode == 3
    lines = result.stdout.splitlines()
    assert lines[0] == "simulated: NOT COMPLETE - complete 2026-03-07..2026-03-20"
    assert lines[1] == (
        "  clockings not read: 2 people, 2026-03-07..2026-03-09: status 403: no scope;"
        " run: protime-etl backfill --from 2026-03-07 --to 2026-03-09 --only-missing"
    )


def test_days_that_no_night_has_read_since_are_not_well(read: Shell, engine: Engine) -> None:
    promise_was_made(engine, 6)
    result = read("status")
    assert result.returncode == 3
    assert "clockings not read: 20 people, " in result.stdout
    assert "no run has read it completely since it was over; run: protime-etl backfill --from" in result.stdout


def test_the_last_days_may_wait_for_the_next_night(read: Shell, engine: Engine) -> None:
    promise_was_made(engine, 2)
    assert read("status").returncode == 0


def test_old_days_that_are_read_make_later_ones_no_fresher(read: Shell, engine: Engine) -> None:
    promise_was_made(engine, 6)
    assert read("sync", "--from", "2026-03-01", "--to", "2026-03-02").returncode == 0
    assert read("status").returncode == 3


def test_a_run_that_died_is_named_where_its_days_are_missing(read: Shell, engine: Engine) -> None:
    execute(engine.url, "UPDATE protime_etl.runs SET status = 'running', finished_at = NULL")
    execute(engine.url, "UPDATE protime_etl.coverage SET dates = '{}'")
    result = read("status")
    assert result.returncode == 3
    assert (
        "clockings not read: 20 people, 2026-03-07..2026-03-20: run 1 died; run: protime-etl backfill" in result.stdout
    )


def test_a_run_that_is_at_it_is_named_and_no_run_of_another_collection(read: Shell, engine: Engine) -> None:
    execute(engine.url, "UPDATE protime_etl.runs SET status = 'running', finished_at = NULL")
    execute(engine.url, "UPDATE protime_etl.runs SET started_by = 'airflow', dag_id = 'x', dag_run_id = 'y'")
    execute(engine.url, "UPDATE protime_etl.coverage SET dates = '{}'")
    result = read("status")
    assert result.returncode == 3
    assert "clockings not read: 20 people, 2026-03-07..2026-03-20: run 1 is reading it, " in result.stdout
    execute(engine.url, "UPDATE protime_etl.runs SET collections = '{people}'")
    assert "no run has read it completely since it was over; run: protime-etl backfill" in read("status").stdout


def test_a_run_that_died_after_its_days_were_read_is_a_note(read: Shell, engine: Engine) -> None:
    execute(engine.url, "UPDATE protime_etl.runs SET status = 'running', finished_at = NULL")
    result = read("status")
    assert result.returncode == 0
    assert "note: run 1 died; run: protime-etl sync --from 2026-03-07" in result.stdout


@pytest.mark.parametrize(
    ("delta", "what"),
    [
        ("active", "the delta of clockings was last polled 30 hours ago and expires after 72"),
        ("loading", "the initial load of the delta of clockings was last continued 30 hours ago"),
    ],
)
@pytest.mark.parametrize("requested_at", ["now() - interval '30 hours'", *in_long_form(["NULL"])])
def test_a_delta_that_is_silent_is_not_well(
    read: Shell, engine: Engine, delta: str, what: str, requested_at: str
) -> None:
    execute(
        engine.url,
        "INSERT INTO protime_etl.deltas (tenant, collection, status, date_from, link, started_at, requested_at)"
        f" VALUES ('simulated', 'clockings', '{delta}', '2026-01-01', 'x', now() - interval '30 hours',"
        f" {requested_at})",
    )
    result = read("status")
    assert result.returncode == 3
    assert f"{what}; run: protime-etl changes" in result.stdout


@pytest.mark.parametrize(
    "options",
    [
        ("--people", "100001", "--only-missing"),
        *in_long_form([(("--people", "100001,100002"),), (("--circles", "2,8"),)]),
    ],
)
def test_what_is_to_be_repeated_is_what_was_asked_for(shell: Shell, engine: Engine, options: tuple[str, ...]) -> None:
    assert shell("backfill", *DATES, *options).returncode == 0
    execute(engine.url, "UPDATE protime_etl.runs SET status = 'running', finished_at = NULL")
    execute(engine.url, "UPDATE protime_etl.units SET status = 'planned', finished_at = NULL")
    line = next(line for line in shell("status").stdout.splitlines() if "died" in line)
    command = line.partition("run: protime-etl ")[2].split()
    assert command == ["backfill", *DATES, *options]
    assert shell(*command).returncode == 0
    assert [row["run_id"] for row in last_json(shell("status", "--json"))["runs"]] == [1], (
        "it goes on with the same run"
    )


def test_what_a_comparison_has_read_besides_hides_no_run_that_came_to_a_bad_end(read: Shell, engine: Engine) -> None:
    execute(engine.url, "UPDATE protime_etl.runs SET status = 'running', finished_at = NULL")
    execute(
        engine.url,
        "INSERT INTO protime_etl.runs (tenant, kind, started_by, date_from, date_to, status, finished_at, person_ids)"
        " VALUES ('simulated', 'repair', 'cli', '2026-03-07', '2026-03-07', 'done', now(), '{100001}')",
    )
    assert "run 1 died; run: protime-etl sync --from" in read("status").stdout


def test_many_failures_of_one_tenant_hide_none_of_another(read: Shell, engine: Engine) -> None:
    execute(engine.url, "INSERT INTO protime_etl.tenants (tenant, timezone) VALUES ('other', 'UTC')")
    for tenant, number in (("simulated", 1), ("other", 60)):
        execute(
            engine.url,
            "INSERT INTO protime_etl.wrong (tenant, collection, people, dates, since, kind, why)"
            f" SELECT '{tenant}', 'clockings', int8multirange(int8range(7, n + 7)), '{{[2026-03-07,2026-03-10)}}',"
            f" now(), 'failed', 'it failed' FROM generate_series(1, {number}) AS n",
        )
    execute(
        engine.url,
        "INSERT INTO protime_etl.runs (tenant, kind, started_by, date_from, date_to, status, started_at,"
        " collections) SELECT 'other', 'sync', 'cli', '2026-03-07', '2026-03-09', 'done', now(),"
        " '{clockings}' FROM generate_series(1, 20)",
    )
    result = read("status", "--json")
    assert {run["tenant"] for run in last_json(result)["runs"]} == {"simulated", "other"}
    lines = result.stdout.splitlines()
    mine = lines[next(at for at, line in enumerate(lines) if line.startswith("simulated: NOT COMPLETE")) + 1]
    assert mine.startswith("  clockings not read: person 7, 2026-03-07..2026-03-09: it failed; run: ")


def test_a_difference_counts_once_however_often_it_is_found(read: Shell, engine: Engine) -> None:
    for _ in range(2):
        execute(engine.url, "DELETE FROM protime.clockings WHERE id IN (SELECT min(id) FROM protime.clockings)")
        assert read("verify", *DATES).returncode == 3
        assert read("verify", *DATES, "--repair").returncode == 0
    assert "note: 2 records of clockings differed in the last 7 days" in read("status").stdout
    execute(engine.url, "UPDATE protime_etl.proof_days SET last_found_at = last_found_at - interval '8 days'")
    assert "differed in the last" not in read("status").stdout


def test_rows_of_a_very_large_table_are_estimated_and_marked(read: Shell, engine: Engine) -> None:
    counted = {row["collection"]: row for row in last_json(read("status", "--json"))["collections"]}
    execute(engine.url, "UPDATE pg_class SET reltuples = 2000000 WHERE oid = CAST('protime.clockings' AS regclass)")
    result = read("status", "--json")
    estimated = {row["collection"]: row for row in last_json(result)["collections"]}
    assert (counted["clockings"]["is_exact"], estimated["clockings"]["is_exact"]) == (True, False)
    assert f"~{estimated['clockings']['rows']} " in result.stdout
    assert estimated["people"] == counted["people"]


def test_fields_of_another_form_are_named_by_what_they_look_like_alone(
    shell: Shell, simulated: SimulatedTenant
) -> None:
    """Counted until they are right; a value may be about a person and is shown nowhere."""
    forms: list[dict[str, object]] = [
        {"outOfServiceDate": "", "badgeNumber": 1234567},
        {"outOfServiceDate": "", "lastName": {"secret": "Anna"}},
        {"inServiceDate": "2015-02-03T04:05:06Z", "payGroup": 3},
        {"inServiceDate": "2015-02-03T00:00:00", "payGroup": 41.0},
        {"wtdStartDate": "the 3rd of May", "firstName": ["Anna"]},
    ]
    people = simulated.tenant.people_truth()
    served = [
        {"id": one.id, "changeVersion": one.change_version, **form} for one, form in zip(people, forms, strict=False)
    ]
    for raw in served:
        simulated.tenant.replace_raw(int(str(raw["id"])), raw, "people")
    assert shell("sync", *DATES).returncode == 0
    result = shell("status", "--json")
    assert result.returncode == 0, result.stdout
    (verdict,) = last_json(result)["verdict"]
    notes = {one["what"]: one["why"] for one in verdict["found"] if one["kind"] == "other form"}
    assert notes == {
        "people: badgeNumber of 1 record is not as documented and is null": "it is a number of 7 characters",
        "people: firstName of 1 record is not as documented and is null": "it is a list",
        "people: inServiceDate of 1 record is not as documented and is null": "it is text like 0000-00-00T00:00:00Z",
        "people: lastName of 1 record is not as documented and is null": "it is an object",
        "people: outOfServiceDate of 2 records is not as documented and is null": "it is an empty text",
        "people: payGroup of 2 records is not as documented and is null": "it is a number of 1 character",
        "people: wtdStartDate of 1 record is not as documented and is null": "it is text of 14 characters",
    }
    for personal in ("1234567", "Anna", "2015", "May"):
        assert personal not in result.stdout
    _, *shown = next(one["do"] for one in verdict["found"] if one["kind"] == "other form").split(" ", 2)
    listed = shell("sql", shown[1].strip('"'), "--json")
    assert listed.returncode == 0, listed.stderr
    kept = {row["id"]: row["fields"] for row in json.loads(listed.stdout)}
    assert kept[people[0].id] == forms[0]
    assert kept[people[1].id] == {"outOfServiceDate": "", "lastName": {}}, "what is in it may be anything"
    assert kept[people[3].id] == {"payGroup": 41.0}
