"""The heart: a tenant that changes at random while pulls run, fail, die and overlap; the table follows it."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test
from sqlalchemy.engine import URL
from tenacity import wait_none

from protime_etl.protime import retrying
from protime_etl.simulator.faults import FaultKind
from tests.convergence.walk import FAULTS, walk
from tests.convergence.world import World
from tests.support.long_form import in_long_form

INDEX = st.integers(0, 30)


class Convergence(RuleBasedStateMachine):
    """Histories of one world."""

    warehouse: ClassVar[URL]
    world: World

    @initialize(seed=st.integers(1, 3))
    def build(self, seed: int) -> None:
        self.world = World(self.warehouse, seed)

    @rule(person=INDEX, day=INDEX)
    def add(self, person: int, day: int) -> None:
        self.world.add(person, day)

    @rule(index=INDEX, minutes=st.integers(-1440, 2880))
    def edit(self, index: int, minutes: int) -> None:
        self.world.edit(index, minutes)

    @rule(index=INDEX, day=INDEX)
    def move_day(self, index: int, day: int) -> None:
        self.world.move_day(index, day)

    @rule(index=INDEX, person=INDEX)
    def move_person(self, index: int, person: int) -> None:
        self.world.move_person(index, person)

    @rule(index=INDEX)
    def soft_delete(self, index: int) -> None:
        self.world.soft_delete(index)

    @rule(index=INDEX)
    def revive(self, index: int) -> None:
        self.world.revive(index)

    @rule(index=INDEX)
    def hard_delete(self, index: int) -> None:
        self.world.hard_delete(index)

    @precondition(lambda self: len(self.world.pulls) < 3)
    @rule(people=st.lists(INDEX, min_size=1, max_size=3), first=INDEX, last=INDEX)
    def begin_pull(self, people: list[int], first: int, last: int) -> None:
        self.world.begin_pull(people, first, last)

    @precondition(lambda self: len(self.world.pulls) < 3)
    @rule(people=st.lists(INDEX, min_size=1, max_size=3), first=INDEX, last=INDEX)
    def begin_pull_of_circles(self, people: list[int], first: int, last: int) -> None:
        self.world.begin_pull_of_circles(people, first, last)

    @precondition(lambda self: len(self.world.pulls) < 3 and not self.world.polling)
    @rule()
    def begin_poll(self) -> None:
        self.world.begin_poll()

    @precondition(lambda self: self.world.pulls)
    @rule(index=INDEX, steps=st.integers(1, 4))
    def step(self, index: int, steps: int) -> None:
        pull = self.world.pulls[index % len(self.world.pulls)]
        for _ in range(steps):
            if pull in self.world.pulls and not pull.blocked:
                self.world.step(pull)

    @precondition(lambda self: self.world.pulls)
    @rule(index=INDEX)
    def finish(self, index: int) -> None:
        self.world.finish(self.world.pulls[index % len(self.world.pulls)])

    @precondition(lambda self: self.world.pulls)
    @rule(index=INDEX)
    def kill(self, index: int) -> None:
        self.world.kill(self.world.pulls[index % len(self.world.pulls)])

    @rule(kind=st.sampled_from(FAULTS), nth=st.integers(1, 3))
    def fault(self, kind: FaultKind, nth: int) -> None:
        self.world.fault(kind, nth)

    def teardown(self) -> None:
        if hasattr(self, "world"):
            try:
                self.world.converge()
            finally:
                self.world.close()


@pytest.fixture(autouse=True)
def no_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault is retried at once: the waits between are not what is tried here."""
    monkeypatch.setattr(retrying, "_jitter", wait_none())


@pytest.fixture
def machine(warehouse: URL) -> type[Convergence]:
    return type("Machine", (Convergence,), {"warehouse": warehouse})


@pytest.mark.timeout(600)
def test_the_table_follows_the_tenant(machine: type[Convergence], amount: Callable[[int, int], int]) -> None:
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=amount(3, 100),
            stateful_step_count=amount(25, 40),
            deadline=None,
            derandomize=True,
            print_blob=False,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_a_record_that_cannot_be_asked_for_is_left_to_the_next_poll(warehouse: URL) -> None:
    world = World(warehouse)
    try:
        for _ in range(2):
            world.finish(world.begin_poll())
        world.hard_delete(0)
        polled = world.begin_poll()
        world.fault("expire", 1)
        world.finish(polled)
        world.converge()
    finally:
        world.close()


@pytest.mark.parametrize("later", [3, 9, *in_long_form([0, 6, 12, 15])])
@pytest.mark.parametrize("before", [0, 1])
def test_what_is_deleted_before_a_load_starts_is_found_whenever_a_pull_writes_it(
    warehouse: URL, before: int, later: int
) -> None:
    """The delta does not report it: neither the load nor a poll after it brings the deletion."""
    world = World(warehouse)
    try:
        polled = world.begin_poll()
        for _ in range(before):
            world.step(polled)
        pull = world.begin_pull([0, 1, 2], 0, 30)
        world.merge(pull)
        world.hard_delete(0)
        for _ in range(later):
            if polled in world.pulls and not polled.blocked:
                world.step(polled)
        world.finish(pull)
        world.converge()
    finally:
        world.close()


@pytest.mark.timeout(600)
def test_a_long_run_from_a_fixed_seed(warehouse: URL, amount: Callable[[int, int], int]) -> None:
    steps = amount(100, 4_000)
    committed = walk(warehouse, seed=7, steps=steps)
    print(f"convergence: {steps} steps, {committed} pulls committed, always equal to the tenant")  # noqa: T201
    assert committed > steps / 50
