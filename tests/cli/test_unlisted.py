"""People whom the list of people does not name, as a user of the command line meets them."""

from __future__ import annotations

import datetime as dt

import pytest
from sqlalchemy.engine import Engine

from protime_etl.simulator.options import CLOCKINGS_SCOPE
from protime_etl.simulator.server import SimulatedTenant
from tests.cli.shell import Shell, last_json
from tests.support.tenant import TODAY
from tests.support.truth import table_rows, tenant_rows

DATES = ("--from", str(TODAY - dt.timedelta(days=13)), "--to", str(TODAY))
UNLISTED = 100_005


def test_who_clocks_and_is_in_no_list_is_named_then_read_then_known(
    shell: Shell, engine: Engine, simulated: SimulatedTenant
) -> None:
    clockings = simulated.tenant.clockings_of(UNLISTED)
    simulated.tenant.remove_record("people", UNLISTED)
    assert shell("backfill", *DATES).returncode == 0
    before = simulated.served.requests["clockings"]

    verified = shell("verify", *DATES, "--json")

    assert verified.returncode == 3
    found = last_json(verified)
    assert (found["missing"], found["unlisted"], found["unlisted_people"]) == (len(clockings), 1, [UNLISTED])
    assert f"never read: {UNLISTED}" in verified.stdout
    pages = -(-len(simulated.tenant.truth()) // 100)
    by_id = len(clockings)
    assert simulated.served.requests["clockings"] - before <= 1.2 * pages + by_id

    assert shell("verify", *DATES, "--repair").returncode == 0
    assert table_rows(engine) == tenant_rows(simulated.tenant)
    simulated.tenant.edit(clockings[0].id, time_of_day_in_minutes=7)
    assert last_json(shell("sync", *DATES, "--json"))["updated"] == 1
    assert last_json(shell("verify", *DATES, "--json"))["unlisted"] == 0


def test_the_last_corrections_of_a_person_who_left_arrive(
    shell: Shell, engine: Engine, simulated: SimulatedTenant
) -> None:
    assert shell("sync", *DATES).returncode == 0
    simulated.tenant.add(UNLISTED, TODAY, 1000)
    simulated.tenant.edit(simulated.tenant.clockings_of(UNLISTED)[0].id, time_of_day_in_minutes=7)
    simulated.tenant.remove_record("people", UNLISTED)

    read = last_json(shell("sync", *DATES, "--json"))

    assert (read["inserted"], read["updated"], read["deleted"]) == (1, 1, 1)
    assert table_rows(engine) == tenant_rows(simulated.tenant)


@pytest.mark.parametrize("command", ["sync", "backfill", "verify"])
def test_a_person_who_does_not_exist_is_refused(shell: Shell, simulated: SimulatedTenant, command: str) -> None:
    result = shell(command, *DATES, "--people", "999,100001")
    assert result.returncode == 2
    assert "No person at simulated has the id 999." in result.stderr
    assert simulated.served.requests["clockings"] == 0


def test_a_verification_needs_no_right_to_see_people(shell: Shell) -> None:
    result = shell("verify", *DATES, "--people", "100001", scopes=CLOCKINGS_SCOPE)
    assert result.returncode == 3
    assert "missing" in result.stdout
