"""`check --explore`: what only a tenant can answer, in counts and without personal data."""

from __future__ import annotations

import pytest
from sqlalchemy.engine import URL, Engine

from protime_etl.simulator.server import SimulatedTenant
from tests.cli.shell import Shell, last_json
from tests.support.tenant import TODAY
from tests.support.truth import table_rows


@pytest.fixture
def explored(shell: Shell) -> Shell:
    """A shell that reads everything."""
    shell.settings["PROTIME_COLLECTIONS"] = "all"
    return shell


def answers(shell: Shell) -> dict[str, str]:
    result = shell("check", "--explore", "--json")
    assert result.returncode == 0, result.stdout + result.stderr
    found: dict[str, str] = last_json(result)["explore"]
    assert all(question in result.stdout for question in found)
    return found


def test_open_questions_are_answered_without_personal_data(
    explored: Shell, simulated: SimulatedTenant, engine: Engine
) -> None:
    found = answers(explored)
    assert len(found) == 7
    assert found["Does one unknown scope fail the token?"].startswith("yes")
    assert found["Is the last day of a history (until) included?"].startswith("yes")
    assert found["Do people have a closing date?"].startswith("0 of 20 people")
    printed = " ".join(found.values())
    for person in simulated.tenant.people_truth():
        assert str(person.id) not in printed
        assert str(person.last_name) not in printed
    assert table_rows(engine) == {}


def test_a_delta_that_is_followed_is_not_ended_from_another_warehouse_either(
    explored: Shell, empty_database: URL
) -> None:
    """A client has one delta of a collection, whatever warehouse follows it."""
    assert explored("changes", "--from", str(TODAY)).returncode == 0
    elsewhere = {"database_url": empty_database.render_as_string(hide_password=False)}
    assert explored("db", "upgrade", **elsewhere).returncode == 0
    result = explored("check", "--explore", "--json", **elsewhere)
    assert result.returncode == 0, result.stdout
    assert last_json(result)["explore"]["Do deltas have isOpen?"].startswith("not requested")
    polled = last_json(explored("changes", "--json"))
    assert (polled["restarted"], polled["initial"]) == (None, False)


def test_what_may_not_be_read_is_not_known(shell: Shell) -> None:
    assert answers(shell)["Can single totals be requested by id?"].startswith("not known: ")


def test_strange_records_end_no_question(explored: Shell, simulated: SimulatedTenant) -> None:
    for path in ("clockings", "people", "department-histories", "calculated-totals"):
        for place, record in enumerate(simulated.tenant.records(path)[:3]):
            strange = [{"id": "x", "person": 7}, {"id": record.id, "person": None, "from": 5}, {"from": "soon"}][place]
            simulated.tenant.replace_raw(record.id, strange, path)
    assert len(answers(explored)) == 7
