"""Questions that the API limits or refuses for what they ask: they are made smaller, and the rest arrives."""

from __future__ import annotations

import pytest
from sqlalchemy.engine import Engine

from protime_etl.simulator.faults import Fault, FaultPlan
from protime_etl.simulator.server import SimulatedTenant
from tests.cli.shell import Shell, last_json
from tests.support.long_form import in_long_form
from tests.support.tenant import TODAY
from tests.support.truth import table_rows, tenant_rows

DATES = ("--from", "2026-03-07", "--to", str(TODAY))
VICTIM = 100_007
ALL = 10**6


def follow(simulated: SimulatedTenant, **fault: object) -> None:
    plan = FaultPlan(fault=(Fault(kind="status", on=("clockings",), count=ALL, **fault),))  # type: ignore[arg-type]
    simulated.served.misbehaviour.follow(plan)


def rows_of_others(simulated: SimulatedTenant) -> dict[int, dict[str, object]]:
    return {key: row for key, row in tenant_rows(simulated.tenant).items() if row["person_id"] != VICTIM}


@pytest.mark.parametrize(
    ("command", "status"),
    [("sync", 503), *in_long_form([("backfill", 429), ("sync", 429), ("backfill", 503)])],
)
def test_a_question_about_too_many_people_is_asked_smaller_after_a_wait(
    shell: Shell, engine: Engine, simulated: SimulatedTenant, command: str, status: int
) -> None:
    follow(simulated, status=status, retry_after=1, people_over=5)

    result = shell(command, *DATES, "--workers", "1", "--json")

    assert result.returncode == 0, result.stderr
    assert table_rows(engine) == tenant_rows(simulated.tenant)
    assert last_json(result)["requests"] < 60


@pytest.mark.long
def test_a_wait_that_is_asked_for_one_person_stops_no_other(
    shell: Shell, engine: Engine, simulated: SimulatedTenant
) -> None:
    follow(simulated, status=503, retry_after=1, person=VICTIM)

    result = shell("sync", *DATES, "--workers", "1", "--json")

    assert result.returncode == 3, result.stderr
    assert f"person {VICTIM}" in result.stderr
    assert table_rows(engine) == rows_of_others(simulated)
    assert last_json(result)["requests"] < 200


@pytest.mark.parametrize("command", ["sync", "backfill"])
def test_a_person_whom_the_api_does_not_know_any_more_is_named(
    shell: Shell, engine: Engine, simulated: SimulatedTenant, command: str
) -> None:
    follow(simulated, status=400, person=VICTIM)

    result = shell(command, *DATES, "--json")

    assert result.returncode == 3, result.stderr
    assert f"The clockings of person {VICTIM} from 2026-03-07 to {TODAY} cannot be read" in result.stderr
    assert "fault in protime-etl" not in result.stderr
    assert table_rows(engine) == rows_of_others(simulated)
    assert last_json(result)["requests"] < 30


def test_a_400_for_every_question_is_final(shell: Shell, engine: Engine, simulated: SimulatedTenant) -> None:
    follow(simulated, status=400)
    result = shell("sync", *DATES)
    assert result.returncode == 1, result.stderr
    assert len(result.stderr.splitlines()) == 3, "the plan, the unit, and one error"
    assert table_rows(engine) == {}
    assert simulated.served.requests["clockings"] < 10


@pytest.mark.parametrize(
    "fault",
    [{"status": 400}, *in_long_form([{"status": 503, "retry_after": 1}, {"status": 500}])],
)
def test_a_comparison_names_the_person_too(shell: Shell, simulated: SimulatedTenant, fault: dict[str, int]) -> None:
    assert shell("sync", *DATES).returncode == 0
    follow(simulated, **fault, person=VICTIM)
    people = ",".join(str(100_001 + n) for n in range(20))
    result = shell("verify", "--from", str(TODAY), "--to", str(TODAY), "--people", people)
    assert result.returncode == 3, result.stderr
    assert f"person {VICTIM}" in result.stdout + result.stderr
