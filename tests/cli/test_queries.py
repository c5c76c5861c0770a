"""The queries that come along, run as an analyst runs them: by name, with rights on schema protime alone."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import URL, Engine

from protime_etl.postgres.server.statements import sql_folder
from protime_etl.simulator.options import Options
from protime_etl.simulator.server import SimulatedTenant
from protime_etl.simulator.state import Tenant
from protime_etl.sync.pipeline import open_pipeline
from protime_etl.sync.pull.runs import sync
from tests.cli.shell import Shell
from tests.support.databases import execute
from tests.support.shadow import SHADOW
from tests.support.tenant import present_day, settings_for

NAMES = sorted(path.stem for path in (sql_folder() / "queries").glob("*.sql"))


@pytest.fixture
def analyst(warehouse: URL, engine: Engine, shell: Shell) -> Shell:
    """The shell of a user who may read schema protime and nothing else; two tenants of the same people are there."""
    today = present_day()
    tenant = Tenant(seed=1, people=6, first_day=today - dt.timedelta(days=20), last_day=today)
    with SimulatedTenant(tenant, Options(page_size=1000)) as served:
        settings = settings_for(served)
        with open_pipeline(settings, warehouse) as pipeline:
            sync(pipeline, today - dt.timedelta(days=20), today)
    execute(warehouse, "INSERT INTO protime_etl.tenants (tenant, timezone) VALUES ('acme', 'Europe/Brussels')")
    for table in ("clockings", "people"):
        others = "date, person_id, time_of_day_in_minutes, kind" if table == "clockings" else "employee_number"
        execute(
            warehouse,
            f"INSERT INTO protime.{table} (tenant, id, change_version, {others})"
            f" SELECT 'acme', id, change_version, {others} FROM protime.{table} WHERE tenant = 'simulated'",
        )
    with engine.begin() as connection:
        # A night, an absence since ever, and a correction that came ten days late.
        connection.execute(
            sa.text(
                "UPDATE protime.clockings SET time_of_day_in_minutes = time_of_day_in_minutes - 720"
                " WHERE tenant = 'simulated' AND date <= :day AND person_id = 100001"
            ),
            {"day": today - dt.timedelta(days=10)},
        )
        connection.execute(sa.text("DELETE FROM protime.clockings WHERE tenant = 'acme' AND person_id = 100002"))
    role = f"analyst_{warehouse.database}"
    for statement in (
        f"CREATE ROLE {role} LOGIN",
        f"GRANT USAGE ON SCHEMA protime TO {role}",
        f"GRANT SELECT ON ALL TABLES IN SCHEMA protime TO {role}",
    ):
        execute(warehouse, statement)
    shell.settings["PROTIME_DATABASE_URL"] = warehouse.set(username=role).render_as_string(hide_password=False)
    return shell


def test_each_query_runs_with_rights_on_schema_protime_alone_and_keeps_tenants_apart(
    analyst: Shell, engine: Engine
) -> None:
    def rows(name: str) -> list[dict[str, Any]]:
        result = analyst("sql", "--query", name, "--json")
        assert result.returncode == 0, (name, result.stderr)
        found: list[dict[str, Any]] = json.loads(result.stdout)
        assert all(row["tenant"] in {"simulated", "acme", SHADOW} for row in found)
        return found

    found = {name: [row for row in rows(name) if row["tenant"] != SHADOW] for name in NAMES}
    with engine.connect() as connection:
        hours = connection.execute(
            sa.text(
                "SELECT to_char(date, 'IYYY-\"W\"IW'), round(sum(present_minutes) / 60.0, 2)::float8"
                " FROM protime.daily_presence WHERE tenant = 'simulated' AND person_id = 100003 GROUP BY 1"
            )
        ).all()
    weeks = [
        (row["week"], row["hours"])
        for row in found["hours_by_week"]
        if (row["tenant"], row["employee"]) == ("simulated", "E100003")
    ]
    assert sorted(weeks) == sorted(tuple(row) for row in hours)

    by_day = {(row["tenant"], row["date"]): row["people"] for row in found["hours_by_day"]}
    assert len(by_day) == len(found["hours_by_day"]) > 20
    assert max(by_day.values()) <= 6

    absent = {(row["tenant"], row["employee"]) for row in found["absent_yesterday"]}
    assert ("acme", "E100002") in absent
    corrected = [row for row in found["late_corrections"] if row["tenant"] == "simulated"]
    assert corrected
    assert all(row["before"] > row["after"] and not row["is_deleted"] for row in corrected)
    nights = {row["employee"] for row in found["night_shifts"] if row["tenant"] == "simulated"}
    assert "E100001" in nights


def test_the_queries_are_listed_with_a_line_each(shell: Shell) -> None:
    result = shell("sql", "--queries")
    listed = {line.split()[0]: line.split(maxsplit=1)[1] for line in result.stdout.splitlines()}
    assert sorted(listed) == NAMES
    assert {"absent_yesterday", "night_shifts", "late_corrections", "hours_by_day"} <= set(listed)
    assert all(purpose[0].isupper() and purpose.endswith(".") for purpose in listed.values())
    unknown = shell("sql", "--query", "nix")
    assert (unknown.returncode, unknown.stderr) == (
        2,
        "error: There is no query 'nix'. See them: protime-etl sql --queries\n",
    )


def test_columns_that_a_user_added_break_nothing(shell: Shell, engine: Engine) -> None:
    for table in ("clockings", "people", "clocking_versions"):
        execute(engine.url, f"ALTER TABLE protime.{table} ADD COLUMN note text NOT NULL DEFAULT 'mine'")
    dates = ("--from", "2026-03-07", "--to", "2026-03-20")
    assert shell("sync", *dates).returncode == 0
    execute(engine.url, "UPDATE protime.clockings SET change_version = '', kind = 'Reason' WHERE tenant <> 'shadow'")
    assert shell("sync", *dates).returncode == 0
    assert shell("verify", *dates).returncode == 0
    with engine.connect() as connection:
        then = connection.execute(sa.text("SELECT * FROM protime.clockings_as_of(now()) WHERE tenant <> 'shadow'"))
        names = list(then.keys())
        assert len(then.all()) == connection.scalar(
            sa.text("SELECT count(*) FROM protime.clockings WHERE tenant <> 'shadow'")
        )
    assert names[:3] == ["tenant", "id", "person_id"]
    assert "note" not in names
