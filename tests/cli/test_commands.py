"""The command line as a user meets it: a process of its own, its output and its exit status."""

from __future__ import annotations

import os
import signal
import subprocess
import time

import pytest
from sqlalchemy.engine import URL, Engine

from protime_etl.postgres.server.statements import sql_folder
from protime_etl.postgres.shared.locks import DeltaLock
from protime_etl.simulator.options import CLOCKINGS_SCOPE, Options
from protime_etl.simulator.server import SimulatedTenant
from protime_etl.simulator.state import Tenant
from tests.cli.shell import COMMAND, Shell, hear_ctrl_c, last_json
from tests.support.tenant import TODAY
from tests.support.truth import table_rows, tenant_rows


def test_check_says_yes_to_everything(shell: Shell) -> None:
    result = shell("check", "--json")
    assert result.returncode == 0, result.stderr
    assert [line.split()[1] for line in result.stdout.splitlines()[:-1]] == ["yes"] * 5
    assert last_json(result) == dict.fromkeys(("credentials", "clockings", "people", "database", "schema"), True)


@pytest.mark.alone(reason="`status` ends with 0 only if all is well with every tenant")
def test_sync_then_status_then_sql(shell: Shell, engine: Engine, simulated: SimulatedTenant) -> None:
    dates = ("--from", "2026-03-07", "--to", str(TODAY))
    result = shell("sync", *dates, "--json")

    assert result.returncode == 0, result.stderr
    assert table_rows(engine) == tenant_rows(simulated.tenant)
    total = len(simulated.tenant.truth())
    found = last_json(result)
    assert set(found) == {
        "requests", "token_requests", "rows_read", "inserted", "updated", "deleted", "unchanged", "rejected", "units",
        "collections",
    }  # fmt: skip
    assert {path: counts["inserted"] for path, counts in found["collections"].items()} == {
        "clockings": total,
        "people": 20,
    }
    assert (found["inserted"], found["units"], found["token_requests"]) == (total + 20, 1, 1)
    assert "unit 1/1: 2026-03-07..2026-03-20" in result.stderr

    again = last_json(shell("sync", *dates, "--json"))
    assert (again["inserted"], again["updated"], again["unchanged"], again["token_requests"]) == (0, 0, total + 20, 0)

    status = shell("status", "--json")
    assert status.returncode == 0, status.stderr
    assert last_json(status)["coverage"] == [
        {"tenant": "simulated", "collection": "clockings", "first": "2026-03-07", "last": "2026-03-20", "people": 20}
    ]
    query = shell("sql", "SELECT count(*) AS n, '12:30'::time AS t FROM protime.clockings WHERE tenant <> 'shadow'")
    assert query.stdout == f"n\tt\n{total}\t12:30:00\n"


def test_some_people_only(shell: Shell, engine: Engine) -> None:
    result = shell("sync", "--from", "2026-03-07", "--to", str(TODAY), "--people", "100001, 100002")
    assert result.returncode == 0, result.stderr
    assert {row["person_id"] for row in table_rows(engine).values()} == {100_001, 100_002}


def test_rejected_records_end_with_3(shell: Shell, simulated: SimulatedTenant) -> None:
    simulated.tenant.replace_raw(simulated.tenant.truth()[0].id, {"id": "one"})
    result = shell("sync", "--from", "2026-03-07", "--to", str(TODAY))
    assert result.returncode == 3
    assert "protime_etl.rejected_record" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "changes", "status", "message"),
    [
        (["sync", "--from", "2026-03-20", "--to", "2026-03-07"], {}, 2, "Swap the two dates"),
        (["sync", "--from", "yesterday", "--to", "2026-03-07"], {}, 2, "'yesterday' is not a date"),
        (["sync", "--from", "2026-02-30", "--to", "2026-03-07"], {}, 2, "'2026-02-30' is not a date"),
        (["sync", "--from", "2026-03-07", "--to", "2026-03-07", "--people", "1,x"], {}, 2, "not a list of ids"),
        (["check"], {"tenant": None}, 2, "PROTIME_TENANT is not set"),
        (["check"], {"scopes": " "}, 2, "PROTIME_SCOPES"),
        (["check"], {"tenant": "not a name"}, 2, "PROTIME_TENANT"),
        (["check"], {"environment": "test"}, 2, "PROTIME_ENVIRONMENT"),
        (["check"], {"timezone": "Brussels"}, 2, "not an IANA time zone"),
        (["check"], {"timezone": "CET"}, 2, "is an abbreviation"),
        (
            ["check"],
            {"api_url": "http://acme.example"},
            2,
            "PROTIME_API_URL must use https, unless it is this machine or PROTIME_ALLOW_HTTP is true",
        ),
        (["check"], {"user_agent": "curl"}, 2, "must look like Service/Version (Company)"),
        (["check"], {"database_url": "mysql://u:hidden@h/d"}, 2, "not an address of PostgreSQL"),
        (
            ["sync", "--from", "2026-03-20", "--to", "2026-03-20"],
            {"client_secret": "hidden"},
            1,
            "PROTIME_CLIENT_SECRET",
        ),
        (
            ["sync", "--from", "2026-03-20", "--to", "2026-03-20"],
            {"api_url": "http://127.0.0.1:1"},
            1,
            "cannot be reached",
        ),
        (["status"], {"database_url": "postgresql://u:hidden@127.0.0.1:1/d"}, 1, "cannot be reached"),
        (["sql", "--file", "nowhere.sql"], {}, 2, "nowhere.sql cannot be read"),
        (["sql", "--file", "a.sql", "SELECT 1"], {}, 2, "Use one of them"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_bad_input_gets_one_line(
    shell: Shell, arguments: list[str], changes: dict[str, str | None], status: int, message: str
) -> None:
    result = shell(*arguments, **changes)

    assert result.returncode == status, result.stderr
    assert message in result.stderr
    assert [line for line in result.stderr.splitlines() if not line.startswith("error: ")] == []
    assert len(result.stderr.splitlines()) == 1
    assert "hidden" not in result.stderr + result.stdout


def test_changes_then_status(shell: Shell, engine: Engine, simulated: SimulatedTenant) -> None:
    result = shell("changes", "--from", "2001-01-01", "--json")
    assert result.returncode == 0, result.stderr
    assert "protime-etl backfill" in result.stdout
    assert "at the earliest" in result.stdout
    assert table_rows(engine) == tenant_rows(simulated.tenant)
    found = last_json(result)
    assert (found["inserted"], found["initial"], found["token_requests"]) == (len(simulated.tenant.truth()), True, 1)
    simulated.tenant.add(100_001, TODAY, 600)
    again = last_json(shell("changes", "--json"))
    assert (again["inserted"], again["initial"], again["requests"]) == (1, False, 1)
    (delta,) = last_json(shell("status", "--json"))["deltas"]
    assert (delta["collection"], delta["status"], delta["hours_left"], delta["drift"]) == ("clockings", "active", 72, 0)
    restarted = last_json(shell("changes", "--restart", "--json"))
    assert (restarted["restarted"], restarted["inserted"]) == ("asked", 0)


def test_a_second_changes_at_once_gets_one_line(shell: Shell, engine: Engine) -> None:
    with DeltaLock(engine, "simulated", "clockings"):
        result = shell("changes")
    assert result.returncode == 1
    assert result.stderr.startswith("error: Another process is working on the delta of clockings.")


def test_verify_finds_repairs_and_says_so_by_its_status(
    shell: Shell, engine: Engine, simulated: SimulatedTenant
) -> None:
    dates = ("--from", "2026-03-07", "--to", str(TODAY))
    assert shell("sync", *dates).returncode == 0
    assert shell("verify", *dates).returncode == 0
    gone = simulated.tenant.truth()[0]
    simulated.tenant.hard_delete(gone.id)
    result = shell("verify", *dates, "--json")
    assert result.returncode == 3
    assert f"{gone.id} (extra)" in result.stdout
    assert (last_json(result)["extra"], last_json(result)["differences"][0]["id"]) == (1, gone.id)
    repaired = shell("verify", *dates, "--repair", "--json")
    assert repaired.returncode == 0, repaired.stdout
    assert (last_json(repaired)["repaired"], last_json(repaired)["extra"]) == (1, 0)
    assert table_rows(engine)[gone.id]["is_deleted"]


@pytest.mark.parametrize("arguments", [["--nonsense"], ["sync"], ["sync", "--from", "2026-03-07"], ["nonsense"]])
def test_wrong_usage_ends_with_2(shell: Shell, arguments: list[str]) -> None:
    result = shell(*arguments)
    assert result.returncode == 2
    assert "Traceback" not in result.stderr


def test_a_scope_that_the_client_may_not_have_is_named(shell: Shell) -> None:
    tenant = Tenant(seed=1, people=1, first_day=TODAY, last_day=TODAY)
    with SimulatedTenant(tenant, Options(scopes=frozenset({CLOCKINGS_SCOPE}))) as served:
        changes: dict[str, str | None] = {"api_url": served.url, "auth_url": served.url}
        refused = shell("sync", "--from", str(TODAY), "--to", str(TODAY), **changes)
        checked = shell("check", scopes=CLOCKINGS_SCOPE, **changes)
    assert refused.returncode == 1
    assert "not granted connector-protimeapi-people.read" in refused.stderr
    assert checked.returncode == 1
    assert "people       NO" in checked.stdout


def test_a_database_without_the_schema_says_what_to_run(shell: Shell, empty_database: URL) -> None:
    url = empty_database.render_as_string(hide_password=False)
    result = shell("status", database_url=url)
    assert result.returncode == 1
    assert "Run: protime-etl db upgrade" in result.stderr
    assert "schema version 0" in shell("db", "upgrade", database_url=url).stdout
    assert "Nothing has been read yet" in shell("status", database_url=url).stdout


def test_a_query_from_a_file_may_begin_with_a_comment(shell: Shell) -> None:
    result = shell("sql", "--file", str(sql_folder() / "queries" / "open_days.sql"))
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("tenant\tdate\temployee\t")


def test_without_a_database_url_the_embedded_server_is_used_and_stopped(shell: Shell) -> None:
    result = shell("sync", "--from", str(TODAY), "--to", str(TODAY), database_url=None)
    assert result.returncode == 0, result.stderr
    again = shell(
        "sql", "SELECT count(*) > 0 AS found FROM protime.clockings WHERE tenant <> 'shadow'", database_url=None
    )
    assert again.stdout == "found\ntrue\n"
    assert not (shell.folder / ".protime" / "postgres" / "postmaster.pid").exists()


def test_settings_are_read_from_a_file(shell: Shell) -> None:
    (shell.folder / ".env").write_text("".join(f"{name}={value}\n" for name, value in shell.settings.items()))
    bare = Shell(shell.folder)
    assert bare("check").returncode == 0


def test_simulate_serves_until_ctrl_c_and_says_how_to_use_it(shell: Shell) -> None:
    process = subprocess.Popen(
        [COMMAND, "simulate", "--port", "0", "--people", "3", "--days", "9"],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        preexec_fn=hear_ctrl_c,
    )
    assert process.stdout is not None
    lines = [process.stdout.readline() for _ in range(6)]
    printed = dict(line.removeprefix("export PROTIME_").strip().split("=") for line in lines[1:])
    result = shell("check", **{name.lower(): value for name, value in printed.items()})
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=10)
    assert "3 people" in lines[0]
    assert result.returncode == 0, result.stdout
    assert process.returncode in (0, 130)


def test_ctrl_c_leaves_what_was_committed(shell: Shell, engine: Engine) -> None:
    tenant = Tenant(seed=1, people=2, first_day=TODAY, last_day=TODAY)
    with SimulatedTenant(tenant, Options(latency=0.5)) as served:
        environment = {**os.environ, **shell.settings, "PROTIME_API_URL": served.url, "PROTIME_AUTH_URL": served.url}
        process = subprocess.Popen(
            [COMMAND, "sync", "--from", "2020-01-01", "--to", str(TODAY)],
            env=environment,
            stderr=subprocess.PIPE,
            preexec_fn=hear_ctrl_c,
            text=True,
        )
        assert process.stderr is not None
        while "unit 1/" not in process.stderr.readline():
            pass
        time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        _, rest = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "run it again to resume" in rest
    assert table_rows(engine, "people")
    status = last_json(shell("status", "--json"))
    assert status["runs"][0]["status"] == "failed"
    assert status["runs"][0]["error"] == "interrupted"


def test_a_killed_sync_is_shown_as_died_and_the_next_one_repairs_it(
    shell: Shell, engine: Engine, simulated: SimulatedTenant
) -> None:
    with SimulatedTenant(simulated.tenant, Options(latency=0.3)) as slow:
        environment = {**os.environ, **shell.settings, "PROTIME_API_URL": slow.url, "PROTIME_AUTH_URL": slow.url}
        process = subprocess.Popen(
            [COMMAND, "sync", "--from", "2000-01-01", "--to", str(TODAY)],
            env=environment,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stderr is not None
        while "unit 1/" not in process.stderr.readline():
            pass
        assert last_json(shell("status", "--json"))["runs"][0]["status"] == "running"
        process.kill()
        process.communicate()
    run = last_json(shell("status", "--json"))["runs"][0]
    assert run["status"] == "died"
    done, planned = map(int, run["units"].split("/"))
    assert 1 <= done < planned

    assert shell("sync", "--from", "2000-01-01", "--to", str(TODAY)).returncode == 0
    assert table_rows(engine) == tenant_rows(simulated.tenant)
    assert [one["status"] for one in last_json(shell("status", "--json"))["runs"]] == ["done", "died"]
