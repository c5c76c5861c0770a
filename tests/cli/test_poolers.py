"""Behind a pooler that refuses parameters at the start and hands each transaction to another server connection."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import URL, Engine

from protime_etl.simulator.faults import read_plan
from protime_etl.simulator.server import SimulatedTenant
from tests.cli.shell import COMMAND, Shell, last_json
from tests.support.long_form import in_long_form
from tests.support.pgbouncer import pgbouncer
from tests.support.tenant import TODAY
from tests.support.truth import table_rows, tenant_rows

# As root, the embedded server is out of reach of the user that PgBouncer has to run as.
pytestmark = pytest.mark.parametrize("warehouse", ["system"], indirect=True)
DATES = ("--from", "2026-03-07", "--to", str(TODAY))
STALLED = '[[fault]]\nkind = "slow"\nseconds = 20\nrate = 1.0\non = ["clockings"]'


@pytest.fixture
def pooled(warehouse: URL, request: pytest.FixtureRequest) -> Iterator[URL]:
    with pgbouncer(warehouse, getattr(request, "param", "transaction")) as url:
        yield url


@pytest.fixture
def shell(shell: Shell, pooled: URL) -> Shell:
    shell.settings["PROTIME_DATABASE_URL"] = pooled.render_as_string(hide_password=False)
    return shell


def locks(engine: Engine) -> int:
    with engine.connect() as connection:
        query = (
            "SELECT count(*) FROM pg_locks AS l JOIN pg_database AS d ON d.oid = l.database"
            " WHERE l.locktype = 'advisory' AND d.datname = current_database()"
        )
        return int(connection.scalar(sa.text(query)) or 0)


@pytest.mark.alone(reason="`status` ends with 0 only if all is well with every tenant")
@pytest.mark.parametrize("pooled", ["transaction", *in_long_form(["session"])], indirect=True)
def test_everything_works_behind_a_pooler(shell: Shell, engine: Engine, simulated: SimulatedTenant) -> None:
    for command in (
        ("check",),
        ("sync", *DATES),
        ("changes",),
        ("sync", *DATES, "--workers", "4"),
        ("verify", *DATES),
        ("status",),
        ("sql", "SELECT count(*) FROM protime.clockings"),
    ):
        result = shell(*command)
        assert result.returncode == 0, (command, result.stdout, result.stderr)
        assert locks(engine) == 0, command
    assert table_rows(engine) == tenant_rows(simulated.tenant)


@pytest.mark.long
def test_what_is_killed_behind_a_pooler_is_seen_to_be_dead(
    shell: Shell, engine: Engine, simulated: SimulatedTenant
) -> None:
    simulated.served.misbehaviour.follow(read_plan(STALLED))
    command = [str(COMMAND), "backfill", *DATES]
    process = subprocess.Popen(command, env={**os.environ, **shell.settings}, cwd=shell.folder)
    try:
        while simulated.served.requests["clockings"] < 1:
            assert process.poll() is None
            time.sleep(0.02)
        assert last_json(shell("status", "--json"))["runs"][0]["status"] == "running"
        assert locks(engine) >= 2, "the run's and the unit's"
        process.send_signal(signal.SIGKILL)
    finally:
        process.kill()
        process.wait(30)
    deadline = time.monotonic() + 20
    while locks(engine) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert locks(engine) == 0
    assert last_json(shell("status", "--json"))["runs"][0]["status"] == "died"
    simulated.served.misbehaviour.follow(read_plan(""))
    again = shell("backfill", *DATES)
    assert again.returncode == 0, again.stderr
    assert table_rows(engine) == tenant_rows(simulated.tenant)


def test_psql_does_not_open_where_a_pooler_takes_away_its_guard(shell: Shell) -> None:
    refused = shell("sql", stdin="CREATE TABLE public.mine (n int);\n")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "ignores session settings" in refused.stderr
    made = shell("sql", "--write", stdin="CREATE TABLE public.mine (n int);\n")
    assert (made.returncode, made.stdout) == (0, "CREATE TABLE\n"), made.stderr
