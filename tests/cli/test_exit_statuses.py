"""What each command ends with in each situation: one table. 0 done, 1 failed, 2 usage, 3 something to look at."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import pytest

from protime_etl.simulator.faults import read_plan
from protime_etl.simulator.server import SimulatedTenant
from tests.cli.shell import Shell
from tests.support.difficult import refuse_lists
from tests.support.tenant import TODAY

DATES = ("--from", "2026-03-07", "--to", str(TODAY))
NOWHERE = "http://127.0.0.1:1"
NO_DATABASE = "postgresql://u@127.0.0.1:1/d"
COMMANDS: Mapping[str, tuple[str, ...]] = {
    "check": ("check",),
    "verify": ("verify", *DATES),
    "prove": ("prove", "--requests", "100"),
    "verify --repair": ("verify", *DATES, "--repair"),
    "changes": ("changes",),
    "sync": ("sync", *DATES),
    "backfill": ("backfill", *DATES),
    "backfill --dry-run": ("backfill", *DATES, "--dry-run", "--fresh"),
    "status": ("status",),
    "resume": ("resume", "--yes"),
    "sql": ("sql", "SELECT 1"),
    "sql --query": ("sql", "--query", "hours_by_day"),
    "db upgrade": ("db", "upgrade"),
    "db timezone": ("db", "timezone", "Europe/Brussels"),
    "forget": ("forget", "simulated", "--yes"),
    "support-bundle": ("support-bundle", "bundle.json"),
    "init": ("init", "--yes"),
}
"""In the order in which they are run, on one warehouse."""


class World(NamedTuple):
    """What a situation can change."""

    shell: Shell
    simulated: SimulatedTenant


def all_is_well(_world: World) -> None:
    pass


def nothing_was_read(world: World) -> None:
    assert world.shell("forget", "simulated", "--yes").returncode == 0


def the_table_differs(world: World) -> None:
    first = world.simulated.tenant.truth()[0].id
    statement = f"DELETE FROM protime.clockings WHERE tenant = 'simulated' AND id = {first}"
    assert world.shell("sql", "--write", statement).returncode == 0


def a_collection_is_refused(world: World) -> None:
    world.shell.settings["PROTIME_COLLECTIONS"] = "clockings,people,absences"
    refuse(world, 403, "absences")


def all_collections_are_refused(world: World) -> None:
    refuse(world, 403, "clockings", "clockings-delta", "people")


def a_record_is_unreadable(world: World) -> None:
    one = next(one for one in world.simulated.tenant.truth() if one.status != "Deleted")
    world.simulated.tenant.edit(one.id, time_of_day_in_minutes=1)
    world.simulated.tenant.replace_raw(one.id, {"id": one.id, "kind": 3})


def a_day_of_a_person_is_unreadable(world: World) -> None:
    victim = next(one.id for one in world.simulated.tenant.truth() if one.person.id == 100_007)
    refuse_lists(world.simulated.tenant, lambda _, found: any(one.id == victim for one in found))


def many_vanished(world: World) -> None:
    world.shell.settings["PROTIME_MAX_VANISHED"] = "11"
    for one in [one for one in world.simulated.tenant.truth() if one.status != "Deleted"][:60]:
        world.simulated.tenant.hard_delete(one.id)


def the_tenant_is_away(world: World) -> None:
    world.shell.settings["PROTIME_API_URL"] = NOWHERE
    world.shell.settings["PROTIME_AUTH_URL"] = NOWHERE


def the_tenant_asks_to_wait(world: World) -> None:
    plan = '[[fault]]\nkind = "status"\nstatus = 429\nretry_after = 3600\nrate = 1.0\non = ["%s"]'
    world.simulated.served.misbehaviour.follow(read_plan("\n".join(plan % one for one in ("clockings", "people"))))
    assert world.shell("sync", *DATES).returncode == 1


def the_warehouse_is_away(world: World) -> None:
    world.shell.settings["PROTIME_DATABASE_URL"] = NO_DATABASE


def a_setting_is_wrong(world: World) -> None:
    world.shell.settings["PROTIME_TENANT"] = "not a name"


def refuse(world: World, status: int, *names: str) -> None:
    faults = (f'[[fault]]\nkind = "status"\nstatus = {status}\nrate = 1.0\non = ["{name}"]' for name in names)
    world.simulated.served.misbehaviour.follow(read_plan("\n".join(faults)))


ASKING = ("check", "verify", "prove", "verify --repair", "changes", "sync", "backfill", "backfill --dry-run", "init")
"""Commands that ask the tenant."""
DONE = dict.fromkeys((*ASKING, "status"), 0)
INCOMPLETE = DONE | dict.fromkeys(("verify", "prove", "verify --repair", "sync", "backfill"), 3)
FAILED = dict.fromkeys(ASKING, 1)
TABLE: list[tuple[Callable[[World], None], Mapping[str, int]]] = [
    (all_is_well, dict.fromkeys(COMMANDS, 0)),
    (nothing_was_read, DONE | {"verify": 3}),
    (the_table_differs, DONE | {"verify": 3}),  # and `prove` repairs it
    (
        a_collection_is_refused,
        INCOMPLETE | {"check": 1, "init": 1, "prove": 0, "backfill --dry-run": 3, "status": 3},
    ),  # of which no day is here to prove
    (all_collections_are_refused, FAILED | {"backfill --dry-run": 3}),  # for the people who are known
    (a_record_is_unreadable, INCOMPLETE | {"changes": 3}),
    (a_day_of_a_person_is_unreadable, INCOMPLETE | {"status": 3}),
    (many_vanished, INCOMPLETE | {"changes": 3, "status": 3}),
    (the_tenant_is_away, FAILED),
    # What waits in its own process, as a backfill, would wait for an hour.
    (the_tenant_asks_to_wait, {name: 1 for name in ASKING if "backfill" not in name}),
    (the_warehouse_is_away, dict.fromkeys(COMMANDS, 1) | {"support-bundle": 0}),  # which says so
    (a_setting_is_wrong, dict.fromkeys((*ASKING, "db timezone"), 2) | {"support-bundle": 0}),
]


QUICK = (all_is_well, a_collection_is_refused)


@pytest.fixture
def world(shell: Shell, simulated: SimulatedTenant) -> World:
    """A tenant that was read completely, its delta included."""
    for arguments in (("sync", *DATES), ("changes", "--from", "2026-03-07")):
        result = shell(*arguments)
        assert result.returncode == 0, result.stderr
    return World(shell, simulated)


@pytest.mark.alone(reason="`status` ends with 3 as long as any tenant of the warehouse needs a look")
@pytest.mark.parametrize(
    ("situation", "expected"),
    [
        pytest.param(situation, expected, id=situation.__name__, marks=[] if situation in QUICK else [pytest.mark.long])
        for situation, expected in TABLE
    ],
)
def test_each_command_ends_with_its_status(
    world: World, situation: Callable[[World], None], expected: Mapping[str, int]
) -> None:
    situation(world)
    found = {name: world.shell(*arguments) for name, arguments in COMMANDS.items() if name in expected}
    wrong = {
        name: (one.returncode, one.stdout, one.stderr)
        for name, one in found.items()
        if one.returncode != expected[name]
    }
    assert not wrong


def test_each_command_ends_with_2_for_an_option_that_it_does_not_have(shell: Shell) -> None:
    for arguments in COMMANDS.values():
        assert shell(*arguments, "--nonsense").returncode == 2, arguments
