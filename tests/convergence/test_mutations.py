"""Tests of the test: with one safeguard taken out, a history of a few steps shows it; with all in, it does not.

The dice of the long run have to find each by themselves, too.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from sqlalchemy.engine import URL

from protime_etl.errors import ProtimeError
from protime_etl.postgres.load.merge import Load
from protime_etl.postgres.server.statements import statements
from protime_etl.sync.pull.unit import UnitPull
from protime_etl.sync.read.reading import Reading
from protime_etl.sync.read.recheck import Verdict
from tests.convergence.walk import walk
from tests.convergence.world import Pull, World
from tests.support.long_form import in_long_form

ALL_PEOPLE = [0, 1, 2]


def replace_fragment(monkeypatch: pytest.MonkeyPatch, name: str, by: str) -> None:
    """Let this fragment of `sql/engine` be another one, wherever it is part of a statement."""
    assert statements()[name] != by
    monkeypatch.setitem(statements(), name, by)


def without_the_version_guard(monkeypatch: pytest.MonkeyPatch) -> None:
    every_version_is_newer = "NOT (coalesce(t.deleted_by IN ('vanished', 'delta'), false) AND {written_since})"
    replace_fragment(monkeypatch, "merge_guard", every_version_is_newer)


def without_the_written_after_guard(monkeypatch: pytest.MonkeyPatch) -> None:
    replace_fragment(monkeypatch, "written_since", "false")


def with_a_partial_pull_that_infers_deletions(monkeypatch: pytest.MonkeyPatch) -> None:
    original = UnitPull._stage

    def stage(*arguments: Any) -> None:
        with contextlib.suppress(ProtimeError):  # takes what came for all there is
            original(*arguments)

    monkeypatch.setattr(UnitPull, "_stage", stage)
    without_asking_for_what_is_absent(monkeypatch)


def without_asking_for_what_is_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Reading, "judge", lambda _, absent: Verdict(list(absent), [], []))


def without_asking_for_what_others_wrote_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    original = Load.missing_from_pull

    def missing_from_pull(self: Load) -> Sequence[int]:
        missing = original(self)
        self._asked_at = self.began
        return missing

    monkeypatch.setattr(Load, "missing_from_pull", missing_from_pull)


def with_delta_items_in_the_order_of_their_arrival(monkeypatch: pytest.MonkeyPatch) -> None:
    last_arrived = "(SELECT DISTINCT ON (id) * FROM {staging} ORDER BY id, ctid DESC)"
    replace_fragment(monkeypatch, "newest_first", last_arrived)


def without_tombstones(monkeypatch: pytest.MonkeyPatch) -> None:
    replace_fragment(monkeypatch, "is_buried", "false")


def without_confirming_what_another_unit_did_not_see(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Load, "unconfirmed", lambda _: [])


def without_locking_whom_circles_bring(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Load, "people", lambda _: set())


def a_slow_pull_brings_an_old_version(world: World) -> None:
    world.finish(world.begin_pull(ALL_PEOPLE, 0, 2))
    slow = world.begin_pull(ALL_PEOPLE, 0, 2)
    for _ in range(4):
        world.step(slow)
    for index in range(4):
        world.edit(index, 11)
    world.finish(world.begin_pull(ALL_PEOPLE, 0, 2))
    world.finish(slow)


def a_slow_pull_has_seen_what_is_gone(world: World) -> None:
    world.finish(world.begin_pull(ALL_PEOPLE, 0, 2))
    slow = world.begin_pull(ALL_PEOPLE, 0, 2)
    for _ in range(4):
        world.step(slow)
    world.hard_delete(0)
    world.finish(world.begin_pull(ALL_PEOPLE, 0, 2))
    world.finish(slow)


def begin_beside_others(world: World) -> tuple[Pull, int]:
    """A pull with a page in its hand, of people of whom one is in the table; and a clocking of another on that page.

    With no person in the table it would keep all others out (see `DirectLoad`).
    """
    world.finish(world.begin_pull([2], 0, 2))
    slow = world.begin_pull(ALL_PEOPLE, 0, 2)
    for _ in range(4):
        world.step(slow)
    live = [one for one in world.tenant.truth() if one.status != "Deleted"]
    return slow, next(index for index, one in enumerate(live) if one.person.id != world.person(2))


def a_pull_that_never_saw_it_is_overtaken_by_one_that_did(world: World) -> None:
    slow, seen = begin_beside_others(world)
    world.hard_delete(seen)
    world.finish(world.begin_pull(ALL_PEOPLE, 0, 2))
    world.finish(slow)


def a_slow_pull_wrote_what_a_younger_one_did_not_find(world: World) -> None:
    slow, seen = begin_beside_others(world)
    world.hard_delete(seen)
    young = world.begin_pull(ALL_PEOPLE, 0, 2)
    for _ in range(4):
        world.step(young)
    world.finish(slow)
    world.finish(young)


def circles_bring_what_is_deleted_while_they_ask(world: World) -> None:
    """While they ask for the clocking of one person, which is in doubt, that of another is deleted and looked for."""
    world.finish(world.begin_pull(ALL_PEOPLE, 0, 2))
    world.add(0, 0)
    world.add(1, 0)
    newest = world.tenant.truth()[-1].id
    circles = world.begin_pull_of_circles([0, 1], 0, 0)
    while str(newest).encode() not in circles.gate.answer:
        world.step(circles)
    world.hard_delete(-1)
    world.finish(world.begin_pull([1], 0, 2))
    while "/clockings/" not in circles.gate.at:
        world.step(circles)
    world.hard_delete(-1)
    world.finish(world.begin_pull([0], 0, 2))
    if circles in world.pulls:
        world.finish(circles)


def the_delta_reports_two_changes_of_one_record(world: World) -> None:
    world.finish(world.begin_poll())
    for index in range(4):
        world.edit(index, 11)
        world.edit(index, 12)
    world.finish(world.begin_poll())


def a_slow_pull_has_seen_what_the_delta_reports_as_deleted(world: World) -> None:
    world.finish(world.begin_poll())
    world.add(0, 0)
    slow = world.begin_pull([0], 0, 0)
    world.step(slow)  # it has its only page
    world.hard_delete(-1)
    world.finish(world.begin_poll())
    world.finish(slow)


def a_pull_breaks_off(world: World) -> None:
    world.finish(world.begin_pull(ALL_PEOPLE, 0, 2))
    world.fault("status", 2, status=400)
    world.finish(world.begin_pull(ALL_PEOPLE, 0, 2))


MUTATIONS = [
    (without_the_version_guard, a_slow_pull_brings_an_old_version),
    (without_the_written_after_guard, a_slow_pull_has_seen_what_is_gone),
    (with_a_partial_pull_that_infers_deletions, a_pull_breaks_off),
    (with_delta_items_in_the_order_of_their_arrival, the_delta_reports_two_changes_of_one_record),
    (without_tombstones, a_slow_pull_has_seen_what_the_delta_reports_as_deleted),
    (without_asking_for_what_others_wrote_meanwhile, a_slow_pull_wrote_what_a_younger_one_did_not_find),
    (without_locking_whom_circles_bring, circles_bring_what_is_deleted_while_they_ask),
    (without_confirming_what_another_unit_did_not_see, a_pull_that_never_saw_it_is_overtaken_by_one_that_did),
]
HISTORIES = [history for _, history in MUTATIONS]
FOUND_SOON = without_the_written_after_guard
WALKS = 20
"""At most, and short ones: what is rare may come late in one walk, or never, and soon in another."""
TOO_RARE_FOR_DICE = {without_asking_for_what_others_wrote_meanwhile, without_locking_whom_circles_bring}


@pytest.mark.parametrize(("mutate", "history"), [*MUTATIONS[:2], *in_long_form(MUTATIONS[2:])])
def test_a_safeguard_that_is_missing_is_noticed(
    world: World,
    monkeypatch: pytest.MonkeyPatch,
    mutate: Callable[[pytest.MonkeyPatch], None],
    history: Callable[[World], None],
) -> None:
    mutate(monkeypatch)
    with pytest.raises(AssertionError, match=r"clocking \d+ is .* after:\n"):
        history(world)


@pytest.mark.parametrize("history", [*HISTORIES[:4], *in_long_form(HISTORIES[4:])])
def test_with_all_safeguards_the_same_history_is_right(world: World, history: Callable[[World], None]) -> None:
    history(world)
    world.converge()


@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    "mutate",
    [
        FOUND_SOON,
        *in_long_form(mutate for mutate, _ in MUTATIONS if mutate not in {FOUND_SOON, *TOO_RARE_FOR_DICE}),
    ],
)
def test_the_dice_notice_too(
    warehouse: URL,
    monkeypatch: pytest.MonkeyPatch,
    mutate: Callable[[pytest.MonkeyPatch], None],
) -> None:
    def walks() -> None:
        for seed in range(1, WALKS + 1):
            walk(warehouse, seed=seed, steps=1000)

    mutate(monkeypatch)
    with pytest.raises(AssertionError, match=r"(clocking \d+|the table) is .* after:\n"):
        walks()
