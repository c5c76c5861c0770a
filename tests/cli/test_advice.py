"""Every advice works: each kind of problem is made, its cause taken away, and the printed command run word for word.

Then the problem is gone and the verdict is OK. A kind of problem without such a test fails.
"""

from __future__ import annotations

import ast
import datetime as dt
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.engine import URL, Engine

from protime_etl.postgres.book import wrong
from protime_etl.postgres.health import problems
from protime_etl.simulator.faults import FaultPlan, read_plan
from protime_etl.simulator.server import SimulatedTenant
from tests.cli.shell import Shell, last_json
from tests.cli.test_coverage import DATES, FIRST, NOON, TENANT, TODAY
from tests.support.databases import execute
from tests.support.difficult import answer_again, refuse_lists
from tests.support.truth import Rows, table_rows, tenant_rows
from tests.sync.delta.test_poll import live

pytestmark = [
    TENANT,
    pytest.mark.alone(reason="`status` gives advice about every tenant, and all of it is followed here"),
]
WITHOUT_COMMAND = {"under way", "not asked for", "proof", "impossible value"}
"""They end by themselves, by a setting, or when a value is changed that no command of ours wrote."""
NOTES = {"run", "drift", "differed", "pause", "rejected", "other form", "slow"}
"""Their commands show or resume something; what they name does no harm."""
MADE: dict[str, Callable[[World], None]] = {}
QUICK = {"failed", "withheld", "differs", "never", "delta"}
"""Of each of these kinds the first is made in the short form, too."""


class World:
    """A tenant, a warehouse, and what a user types."""

    def __init__(self, shell: Shell, simulated: SimulatedTenant, url: URL) -> None:
        self.shell, self.served, self.tenant, self.url = shell, simulated, simulated.tenant, url
        self.cure: Callable[[], None] = lambda: None
        """Takes the cause away."""

    def fail(self, status: int, on: str, exit_status: int, *command: str) -> None:
        """Run a command while the API answers so."""
        plan = f'fault = [{{kind = "status", status = {status}, on = ["{on}"], rate = 1.0}}]'
        self.served.served.misbehaviour.follow(read_plan(plan))
        result = self.shell(*command)
        assert result.returncode == exit_status, result.stderr
        self.cure = lambda: self.served.served.misbehaviour.follow(FaultPlan())

    def run(self, *command: str, status: int = 0) -> None:
        result = self.shell(*command)
        assert result.returncode == status, result.stderr + result.stdout

    def choose(self, *collections: str) -> None:
        self.shell.settings["PROTIME_COLLECTIONS"] = " ".join(("clockings", "people", *collections))

    def change(self, statement: str) -> None:
        execute(self.url, statement)


def makes(kind: str) -> Callable[[Callable[[World], None]], Callable[[World], None]]:
    def remember(make: Callable[[World], None]) -> Callable[[World], None]:
        MADE[f"{kind}: {make.__name__}"] = make
        return make

    return remember


@makes("failed")
def a_reading_is_refused(world: World) -> None:
    world.fail(403, "clockings", 1, "sync", *DATES)


@makes("failed")
def a_reading_again_fails(world: World) -> None:
    world.run("sync", *DATES)
    world.tenant.add(100_001, FIRST, 600)
    world.fail(403, "clockings", 1, "sync", *DATES)


@makes("unreadable")
def one_record_cannot_be_answered(world: World) -> None:
    victim = next(one for one in world.tenant.truth() if one.person.id == 100_003)
    refuse_lists(world.tenant, lambda _, records: any(one.id == victim.id for one in records))
    world.run("sync", *DATES, status=3)
    world.cure = lambda: answer_again(world.tenant)


@makes("withheld")
def too_many_vanish(world: World) -> None:
    world.shell.settings["PROTIME_MAX_VANISHED"] = "3"
    world.run("sync", *DATES)
    for one in [one for one in world.tenant.truth() if one.status != "Deleted"][:8]:
        world.tenant.hard_delete(one.id)
    world.run("sync", *DATES, status=3)


@makes("withheld")
def too_many_vanish_in_a_proof(world: World) -> None:
    world.shell.settings["PROTIME_MAX_VANISHED"] = "3"
    world.run("sync", *DATES)
    for one in [one for one in world.tenant.truth() if one.status != "Deleted"][:8]:
        world.tenant.hard_delete(one.id)
    world.run("prove", status=3)


@makes("differs")
def a_comparison_differs(world: World) -> None:
    world.run("sync", *DATES)
    world.change("DELETE FROM protime.clockings WHERE id = (SELECT min(id) FROM protime.clockings)")
    world.run("verify", *DATES, status=3)


@makes("older")
def the_tenant_is_restored(world: World) -> None:
    backup = world.tenant.backup()
    for one in live(world.tenant)[:3]:
        world.tenant.edit(one, time_of_day_in_minutes=601)
    world.run("sync", *DATES)
    world.tenant.restore(backup)
    world.run("sync", *DATES, status=3)


@makes("older")
def the_tenant_moved_and_a_comparison_finds_it(world: World) -> None:
    world.run("sync", *DATES)
    world.tenant.restore(world.tenant.backup(), 1_000_000)
    world.run("verify", *DATES, "--repair", "--collections", "clockings", status=3)


@makes("older")
def a_list_is_restored(world: World) -> None:
    world.choose("departments")
    one = world.tenant.records("departments")[0].id
    backup = world.tenant.backup()
    world.tenant.edit_record("departments", one, external_code="other")
    world.run("sync", *DATES)
    world.tenant.restore(backup)
    world.run("sync", *DATES, status=3)


@makes("unread")
def a_backfill_is_killed(world: World) -> None:
    world.run("backfill", *DATES)
    world.change("UPDATE protime_etl.runs SET status = 'running', finished_at = NULL")
    world.change("UPDATE protime_etl.units SET status = 'planned', finished_at = NULL")
    world.change("UPDATE protime_etl.coverage SET dates = '{}', proven = '{}'")
    world.change("DELETE FROM protime.clockings")


@makes("unread")
def days_to_come_were_not_read_for_two_nights(world: World) -> None:
    world.choose("absences")
    world.run("sync", *DATES)
    world.change(f"UPDATE protime_etl.promises SET follows_from = '{FIRST}'")
    world.change("UPDATE protime_etl.coverage SET ahead_at = ahead_at - interval '2 days'")


@makes("never")
def a_collection_is_chosen_later(world: World) -> None:
    world.run("sync", *DATES)
    world.choose("absences")


@makes("list")
def a_list_is_chosen_later(world: World) -> None:
    world.run("sync", *DATES)
    world.choose("departments")


@makes("list")
def a_list_is_old(world: World) -> None:
    world.choose("departments")
    world.run("sync", *DATES)
    world.change("UPDATE protime_etl.collection_state SET read_at = read_at - interval '70 hours'")


@makes("delta")
def a_delta_is_silent(world: World) -> None:
    world.run("sync", *DATES)
    world.run("changes")
    world.change("UPDATE protime_etl.deltas SET requested_at = requested_at - interval '30 hours'")


@makes("delta")
def the_load_of_a_delta_is_left(world: World) -> None:
    world.run("sync", *DATES)
    world.run("changes")
    world.change(
        "UPDATE protime_etl.deltas SET status = 'loading', link = NULL,"
        " requested_at = requested_at - interval '30 hours'"
    )


@makes("delta")
def a_delta_has_expired(world: World) -> None:
    world.run("sync", *DATES)
    world.run("changes")
    world.change("UPDATE protime_etl.deltas SET status = 'expired', link = NULL, error = 'It is older than 72 hours.'")


@makes("delta deletions")
def a_delta_brings_too_many_deletions(world: World) -> None:
    world.shell.settings["PROTIME_MAX_VANISHED"] = "3"
    world.run("sync", *DATES)
    world.run("changes")
    for one in [one for one in world.tenant.truth() if one.status != "Deleted"][:8]:
        world.tenant.hard_delete(one.id)
    world.run("changes", status=3)


@pytest.fixture
def world(tmp_path: Path, simulated: SimulatedTenant, warehouse: URL) -> World:
    shell = Shell(
        tmp_path,
        tenant="simulated",
        client_id=simulated.client_id,
        client_secret=simulated.client_secret,
        api_url=simulated.url,
        auth_url=simulated.url,
        timezone=NOON,
        database_url=warehouse.render_as_string(hide_password=False),
    )
    return World(shell, simulated, warehouse)


def found_by(shell: Shell) -> tuple[int, list[dict[str, Any]]]:
    result = shell("status", "--json")
    (verdict,) = last_json(result)["verdict"]
    return result.returncode, verdict["found"]


def cases() -> Iterator[Any]:
    left = set(QUICK)
    for name in MADE:
        kind = name.partition(":")[0]
        yield pytest.param(name, marks=[] if kind in left else [pytest.mark.long])
        left.discard(kind)


@pytest.mark.parametrize("made", list(cases()))
def test_the_command_ends_the_problem(world: World, engine: Engine, made: str) -> None:
    kind = made.partition(":")[0]
    MADE[made](world)

    status, found = found_by(world.shell)
    assert status == 3
    problem = next(one for one in found if one["kind"] == kind)
    world.cure()
    program, *arguments = shlex.split(problem["do"])
    assert program == "protime-etl"
    result = world.shell(*arguments)
    assert result.returncode == 0, result.stderr + result.stdout

    status, found = found_by(world.shell)
    assert [one for one in found if one["level"] != "note"] == []
    assert status == 0
    assert over(table_rows(engine)) == over(tenant_rows(world.tenant))


def over(rows: Rows) -> Rows:
    """What is live of days that are over: later ones are not due."""
    last = str(TODAY - dt.timedelta(days=2))
    return {key: row for key, row in rows.items() if row["date"] <= last and not row["is_deleted"]}


def test_every_kind_of_problem_has_such_a_test() -> None:
    tree = ast.parse(Path(problems.__file__).read_text(encoding="utf-8"))
    made = [
        node.args[1]
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Problem"
    ]
    named = {str(kind.value) for kind in made if isinstance(kind, ast.Constant)}
    kinds = named | {*wrong.ALL_KINDS}
    assert kinds - WITHOUT_COMMAND - NOTES == {name.partition(":")[0] for name in MADE}


def test_the_verdict_names_its_ranges_and_what_was_not_asked_for(world: World) -> None:
    later = ("--from", str(TODAY), "--to", str(TODAY))
    world.run("sync", "--from", str(FIRST), "--to", str(FIRST))
    world.run("sync", *later)
    result = world.shell("status")
    assert result.returncode == 0, result.stdout
    lines = result.stdout.splitlines()
    assert lines[0] == f"simulated: OK - complete {FIRST}"
    assert any(line.startswith("  note: clockings not requested: ") for line in lines)
