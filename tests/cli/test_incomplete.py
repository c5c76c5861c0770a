"""Done, with something to look at: what the command line says of what cannot be read and of what vanished."""

from __future__ import annotations

import pytest
from sqlalchemy.engine import Engine

from protime_etl.simulator.server import SimulatedTenant
from tests.cli.shell import Shell, last_json
from tests.support.difficult import answer_again, refuse_lists
from tests.support.tenant import TODAY
from tests.support.truth import table_rows, tenant_rows

DATES = ("--from", "2026-03-07", "--to", str(TODAY))


@pytest.mark.parametrize("command", ["sync", "backfill"])
def test_who_cannot_be_read_is_named_and_the_others_arrive(
    shell: Shell, engine: Engine, simulated: SimulatedTenant, command: str
) -> None:
    victim = next(one for one in simulated.tenant.truth() if one.person.id == 100_007)
    truth = tenant_rows(simulated.tenant)
    refuse_lists(simulated.tenant, lambda _, found: any(one.id == victim.id for one in found))

    result = shell(command, *DATES, "--json")

    assert result.returncode == 3, result.stderr
    assert f"person 100007 on {victim.date} cannot be read" in result.stderr
    place = (victim.person.id, str(victim.date))
    readable = {key: row for key, row in truth.items() if (row["person_id"], row["date"]) != place}
    assert table_rows(engine) == readable
    assert last_json(result)["inserted"] == len(readable) + 20
    (left,) = last_json(shell("status", "--json"))["wrong"]
    assert (left["kind"], left["people"], left["person_id"]) == ("unreadable", 1, 100_007)
    assert (left["first"], left["last"]) == (str(victim.date), str(victim.date))
    assert "status 500" in left["why"]

    answer_again(simulated.tenant)
    before = simulated.served.requests["clockings"]
    again = shell(command, *DATES, "--json")
    assert again.returncode == 0, again.stderr
    if command == "backfill":
        assert simulated.served.requests["clockings"] == before + 1, "only what is left is asked for"
    assert table_rows(engine) == truth
    assert last_json(shell("status", "--json"))["wrong"] == []


def test_what_vanished_at_once_is_accepted_by_a_switch(
    shell: Shell, engine: Engine, simulated: SimulatedTenant
) -> None:
    assert shell("sync", *DATES).returncode == 0
    before = table_rows(engine)
    gone = [one.id for one in simulated.tenant.truth() if one.status != "Deleted"][:12]
    for one in gone:
        simulated.tenant.hard_delete(one)

    result = shell("sync", *DATES, "--json", max_vanished="11")

    assert result.returncode == 3
    assert "12 of " in result.stderr
    assert "more than 11" in result.stderr
    assert "--accept-deletions" in result.stderr
    assert last_json(result)["deleted"] == 0
    assert table_rows(engine) == before

    result = shell("sync", *DATES, "--json", "--accept-deletions", max_vanished="11")
    assert result.returncode == 0, result.stderr
    assert last_json(result)["deleted"] == 12
    rows = table_rows(engine)
    assert all(rows[one]["is_deleted"] for one in gone)
