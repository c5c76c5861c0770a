"""The world of the convergence tests itself: pulls that wait for each other go on when they can."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy.engine import URL

from tests.convergence import world as worlds
from tests.convergence.world import Pull, World


@pytest.fixture
def world(warehouse: URL, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setattr(worlds, "STEP_SECONDS", 5.0)
    world = World(warehouse)
    yield world
    world.close()


def a_pull_waits_for_one_that_waited(world: World) -> Pull:
    """Three pulls of one day: the first holds the lock and is killed, the second has it now, the third wants it."""
    world.add(0, 0)
    world.finish(world.begin_pull([0], 0, 0))
    world.hard_delete(-1)
    first, second, third = (world.begin_pull([0], 0, 0) for _ in range(3))
    for pull in (first, second):
        world.step(pull)  # has its only page
        world.step(pull)  # has the lock and asks for what is absent; or waits
    assert (first.blocked, second.blocked) == (False, True)
    world.kill(first)
    world.step(third)
    world.step(third)
    assert third.blocked
    return third


def test_a_pull_that_waits_is_finished_with_those_that_it_waits_for(world: World) -> None:
    third = a_pull_waits_for_one_that_waited(world)
    world.finish(third)
    assert third.committed
    world.converge()


def test_a_world_is_given_back_while_pulls_still_wait(world: World) -> None:
    a_pull_waits_for_one_that_waited(world)
    world.close()
    assert not world.pulls
