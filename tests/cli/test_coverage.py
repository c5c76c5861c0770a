"""What counts as read, as a user of the command line and of SQL sees it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import URL, Engine

from protime_etl.postgres.server.statements import sql_folder
from protime_etl.simulator.faults import FaultPlan, read_plan
from protime_etl.simulator.server import SimulatedTenant
from tests.cli.shell import Shell, last_json
from tests.support.databases import execute
from tests.support.shadow import SHADOW
from tests.support.truth import table_rows, tenant_rows

NOW = dt.datetime.now(dt.UTC)
NOON = f"Etc/GMT{NOW.hour - 12:+d}"
"""Where it is noon now, so that no midnight comes while a test runs."""
TODAY = (NOW + dt.timedelta(hours=12 - NOW.hour)).date()
FIRST = TODAY - dt.timedelta(days=6)
TENANT = pytest.mark.tenant(people=5, first_day=FIRST, last_day=TODAY)
pytestmark = TENANT
DATES = ("--from", str(FIRST), "--to", str(TODAY))


@pytest.fixture
def shell(tmp_path: Path, simulated: SimulatedTenant, warehouse: URL) -> Shell:
    return Shell(
        tmp_path,
        tenant="simulated",
        client_id=simulated.client_id,
        client_secret=simulated.client_secret,
        api_url=simulated.url,
        auth_url=simulated.url,
        timezone=NOON,
        database_url=warehouse.render_as_string(hide_password=False),
    )


@pytest.fixture
def misbehave(simulated: SimulatedTenant) -> Callable[[str], None]:
    def follow(plan: str) -> None:
        simulated.served.misbehaviour.follow(read_plan(plan) if plan else FaultPlan())

    return follow


def missing_people(engine: Engine) -> dict[int, int]:
    """Days before today to people missing, as the view says."""
    with engine.connect() as connection:
        rows = connection.execute(
            sa.text("SELECT date, people_missing, last_read FROM protime.coverage WHERE tenant <> 'shadow'")
        ).all()
    assert all(row.last_read is not None for row in rows)
    return {(TODAY - row.date).days: row.people_missing for row in rows}


def test_a_day_that_is_not_over_is_read_and_not_covered(
    shell: Shell, engine: Engine, simulated: SimulatedTenant
) -> None:
    assert shell("sync", *DATES).returncode == 0
    assert missing_people(engine) == dict.fromkeys(range(7), 0), "what is not over is not due"
    with engine.connect() as connection:
        counted = connection.execute(
            sa.text(
                "SELECT people_covered, people_not_read FROM protime.coverage"
                " WHERE tenant <> 'shadow' ORDER BY date DESC LIMIT 3"
            )
        ).all()
    assert [tuple(row) for row in counted] == [(0, 0), (0, 0), (5, 0)], "yesterday was read since it ended"
    covered = last_json(shell("status", "--json"))["coverage"]
    assert [(one["first"], one["last"], one["people"]) for one in covered] == [
        (str(FIRST), str(TODAY - dt.timedelta(days=2)), 5)
    ]

    holes = shell("sql", "--file", str(sql_folder() / "queries" / "coverage_holes.sql")).stdout.splitlines()
    assert [line.split("\t") for line in holes if not line.startswith(SHADOW)] == [
        ["tenant", "people_missing", "first", "last", "days"],
    ]

    for person in simulated.tenant.person_ids():
        simulated.tenant.add(person, TODAY, 1020)
        simulated.tenant.add(person, TODAY - dt.timedelta(days=1), 2000)
    read = last_json(shell("backfill", *DATES, "--only-missing", "--json"))

    assert (read["units"], read["inserted"]) == (1, 10)
    assert table_rows(engine) == tenant_rows(simulated.tenant)
    assert shell("verify", *DATES).returncode == 0
    assert last_json(shell("status", "--json"))["coverage"] == covered, "nor is it covered by a comparison"
    execute(engine.url, f"DELETE FROM protime.clockings WHERE tenant = 'simulated' AND date = '{TODAY}'")
    assert shell("verify", *DATES).returncode == 3
    assert last_json(shell("status", "--json"))["verdict"][0]["problems"] == [], "nor wrong, before a night reads it"


def test_what_a_failed_reading_was_to_bring_is_missing_until_it_is_read(
    shell: Shell, engine: Engine, simulated: SimulatedTenant, misbehave: Callable[[str], None]
) -> None:
    """The documented way back after a bad night, also for the units that a failure kept from being begun."""
    old = ("--from", str(FIRST - dt.timedelta(days=800)), "--to", str(TODAY))
    assert shell("sync", *old).returncode == 0
    for clocking in simulated.tenant.truth()[::7]:
        simulated.tenant.edit(clocking.id, time_of_day_in_minutes=1)
    misbehave('fault = [{kind = "status", status = 403, on = ["clockings"], rate = 1.0}]')
    assert shell("sync", *old).returncode == 1
    with engine.connect() as connection:
        assert (
            connection.scalar(sa.text("SELECT max(people_covered) FROM protime.coverage WHERE tenant <> 'shadow'")) == 0
        )
    assert {day for day, missing in missing_people(engine).items() if not missing} == {0, 1}
    misbehave("")

    assert shell("backfill", *old, "--only-missing").returncode == 0

    assert table_rows(engine) == tenant_rows(simulated.tenant)
    assert {day for day, missing in missing_people(engine).items() if missing} == set()


def test_a_backfill_that_plans_again_leaves_nothing_undone(
    shell: Shell, engine: Engine, simulated: SimulatedTenant, misbehave: Callable[[str], None]
) -> None:
    old = ("--from", str(FIRST - dt.timedelta(days=1500)), "--to", str(TODAY), "--workers", "1")
    misbehave('fault = [{kind = "status", status = 409, on = ["clockings"], rate = 1.0}]')
    assert shell("backfill", *old).returncode == 1
    misbehave("")

    assert shell("backfill", *old).returncode == 0

    run = last_json(shell("status", "--json"))["runs"][0]
    done, planned = map(int, run["units"].split("/"))
    assert (run["status"], run["error"], done) == ("done", None, planned)
    assert table_rows(engine) == tenant_rows(simulated.tenant)


def test_a_range_that_ends_in_the_future_is_taken_up_the_next_day(
    shell: Shell, engine: Engine, simulated: SimulatedTenant, misbehave: Callable[[str], None]
) -> None:
    later = ("--from", str(FIRST), "--to", str(TODAY + dt.timedelta(days=30)))
    misbehave('fault = [{kind = "status", status = 409, on = ["clockings"], rate = 1.0}]')
    assert shell("backfill", *later).returncode == 1
    misbehave("")
    with engine.begin() as connection:  # as if it had been planned the day before
        connection.execute(
            sa.text(
                "UPDATE protime_etl.units SET date_to = date_to - 1"
                " WHERE error IS DISTINCT FROM 'shadow' AND error IS DISTINCT FROM 'shadow'"
            )
        )

    plan = shell("backfill", *later, "--dry-run")
    assert "resumes run 1" in plan.stdout
    again = shell("--debug", "backfill", *later)
    assert again.returncode == 0, again.stderr

    (run,) = last_json(shell("status", "--json"))["runs"]
    assert (run["status"], run["units"], run["date_to"]) == ("done", "2/2", later[-1])
    assert table_rows(engine) == tenant_rows(simulated.tenant)
