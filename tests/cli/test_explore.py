"""`check --explore`: what only a tenant can answer, in counts and without personal data."""

from __future__ import annotations

import pytest
from sqlalchemy.engine import Engine

from protime_etl.simulator.server import SimulatedTenant
from tests.cli.shell import Shell, last_json
from tests.tenant import TODAY
from tests.truth import table_rows


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
    told = " ".join(found.values())
    for person in simulated.tenant.people_truth():
        assert str(person.id) not in told
        assert str(person.last_name) not in told
    assert table_rows(engine) == {}


def test_a_delta_that_is_followed_is_not_ended(explored: Shell) -> None:
    assert explored("changes", "--from", str(TODAY)).returncode == 0
    assert answers(explored)["Do deltas have isOpen?"].startswith("not asked")
    assert explored("changes").returncode == 0


def test_what_may_not_be_read_is_not_known(shell: Shell) -> None:
    assert answers(shell)["Can single totals be asked for by their ids?"].startswith("not known: ")
