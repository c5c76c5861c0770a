"""A long history by the dice: weighted so that pulls overtake each other and touch the same few clockings."""

from __future__ import annotations

import random
from collections.abc import Callable

from sqlalchemy.engine import URL

from protime_etl.simulator.faults import FaultKind
from tests.convergence.world import World

FAULTS: list[FaultKind] = ["reset", "truncate", "garbage", "expire", "revoke"]
STEPS_OF_A_WORLD = 120


def walk(warehouse: URL, seed: int, steps: int) -> int:
    """Take this number of steps in one world after the other; returns how many pulls were committed.

    Raises:
        AssertionError: a table is wrong.
    """
    dice = random.Random(seed)
    committed = 0
    while steps > 0:
        world = World(warehouse, seed=dice.randint(1, 3))
        try:
            for _ in range(min(steps, STEPS_OF_A_WORLD)):
                _step(world, dice)
            world.converge()
            committed += sum("is committed" in line for line in world.history)
        finally:
            world.close()
        steps -= STEPS_OF_A_WORLD
    return committed


def _step(world: World, dice: random.Random) -> None:
    few = dice.choice([0, 0, 0, 1, 2, -1, -1, dice.randint(0, 30)])
    changes: list[tuple[int, Callable[[], None]]] = [
        (2, lambda: world.add(few, dice.randint(0, 2))),
        (3, lambda: world.edit(few, dice.randint(-1440, 2880))),
        (1, lambda: world.move_day(few, dice.randint(0, 2))),
        (1, lambda: world.move_person(few, dice.randint(0, 2))),
        (1, lambda: world.soft_delete(few)),
        (1, lambda: world.revive(few)),
        (3, lambda: world.hard_delete(few)),
    ]
    if len(world.pulls) < 2 or (len(world.pulls) < 3 and dice.random() < 0.2):
        if not world.polling and dice.random() < 0.4:
            world.begin_poll()
            return
        everything = dice.random() < 0.7
        people = [0, 1, 2] if everything else [dice.randint(0, 2)]
        first, last = (0, 2) if everything else (dice.randint(0, 2), dice.randint(0, 2))
        (world.begin_pull if dice.random() < 0.8 else world.begin_pull_of_circles)(people, first, last)
        return
    roll = dice.random()
    # The younger ones go first more often, so that they overtake.
    pull = dice.choice(world.pulls if dice.random() < 0.4 else world.pulls[1:])
    if roll < 0.25:
        dice.choices([one for _, one in changes], [weight for weight, _ in changes])[0]()
    elif roll < 0.75:
        world.step(pull)
    elif roll < 0.95:
        world.finish(pull)
    elif roll < 0.97:
        world.kill(pull)
    else:
        world.fault(dice.choice(FAULTS), dice.randint(1, 3))
