"""`protime-etl changes`: what it refuses, and what it says of a delta that started over."""

from __future__ import annotations

import datetime as dt

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from protime_etl.simulator.faults import read_plan
from protime_etl.simulator.server import SimulatedTenant
from tests.cli.shell import Shell, last_json
from tests.support.tenant import TODAY
from tests.support.truth import table_rows, tenant_rows

FIRST = TODAY - dt.timedelta(days=13)


@pytest.mark.parametrize("restart", [(), ("--restart",)])
def test_a_delta_that_begins_in_the_future_is_refused(
    shell: Shell, engine: Engine, simulated: SimulatedTenant, restart: tuple[str, ...]
) -> None:
    result = shell("changes", "--from", "2130-01-01", *restart)
    assert result.returncode == 2
    assert "2130-01-01" in result.stderr
    assert "after today" in result.stderr
    assert simulated.served.requests["clockings"] == 0
    with engine.connect() as connection:
        assert (
            connection.scalar(
                sa.text("SELECT count(*) FROM protime_etl.deltas WHERE 'shadow' NOT IN (tenant, collection)")
            )
            == 0
        )


def test_another_first_day_of_a_delta_that_is_alive_is_refused(shell: Shell, simulated: SimulatedTenant) -> None:
    assert shell("changes", "--from", str(FIRST)).returncode == 0
    asked = simulated.served.requests["clockings-delta"]
    refused = shell("changes", "--from", "2026-01-15")
    assert refused.returncode == 2
    assert f"covers {FIRST} onwards" in refused.stderr
    assert "protime-etl changes --from 2026-01-15 --restart" in refused.stderr
    assert simulated.served.requests["clockings-delta"] == asked
    same = shell("changes", "--from", str(FIRST), "--json")
    assert (same.returncode, last_json(same)["initial"]) == (0, False)
    restarted = shell("changes", "--from", "2026-01-15", "--restart", "--json")
    assert restarted.stderr.startswith("A new initial load starts, as requested.\n"), "nothing expired"
    again = last_json(restarted)
    assert (again["restarted"], again["date_from"]) == ("asked", "2026-01-15")


def test_what_keeps_failing_names_the_way_out_and_takes_it(
    shell: Shell, engine: Engine, simulated: SimulatedTenant
) -> None:
    assert shell("changes").returncode == 0
    simulated.tenant.edit(simulated.tenant.truth()[0].id, time_of_day_in_minutes=1)
    plan = '[[fault]]\nkind = "status"\nstatus = 400\non = ["clockings-delta"]\nrate = 1.0'
    simulated.served.misbehaviour.follow(read_plan(plan))
    result = shell("changes")
    assert result.returncode == 1
    assert len(result.stderr.splitlines()) == 1
    assert "protime-etl changes --restart" in result.stderr
    with engine.begin() as connection:
        connection.execute(
            sa.text("UPDATE protime_etl.deltas SET failures = 4 WHERE 'shadow' NOT IN (tenant, collection)")
        )
    result = shell("changes", "--json")
    assert result.returncode == 0, result.stderr
    assert "The delta started over (broken)" in result.stdout
    assert "5 polls in a row have failed. The API answers clockings with status 400" in result.stdout
    printed = last_json(result)
    assert (printed["restarted"], printed["initial"], printed["updated"]) == ("broken", True, 1)
    assert "status 400" in printed["reason"]
    assert table_rows(engine) == tenant_rows(simulated.tenant)


def test_deletions_by_the_hundred_end_with_3_until_they_are_accepted(shell: Shell, simulated: SimulatedTenant) -> None:
    assert shell("changes").returncode == 0
    for one in [one for one in simulated.tenant.truth() if one.status != "Deleted"][:200]:
        simulated.tenant.hard_delete(one.id)
    for _ in range(2):
        withheld = shell("changes", "--json")
        assert (withheld.returncode, last_json(withheld)["deleted"]) == (3, 0)
        assert "--accept-deletions" in withheld.stderr
    status = shell("status", "--json")
    (delta,) = last_json(status)["deltas"]
    assert (delta["status"], delta["unconfirmed"], delta["withheld"]) == ("active", 200, 200)
    assert "the delta of clockings: 200 deletions held back" in status.stdout
    assert status.returncode == 3
    accepted = shell("changes", "--accept-deletions", "--json")
    assert (accepted.returncode, last_json(accepted)["deleted"]) == (0, 200)
    assert shell("changes").returncode == 0
