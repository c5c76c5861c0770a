"""Random changes to a simulated tenant, as people who clock and planners who correct make them."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable

from protime_etl.collections.clockings import Clocking
from protime_etl.collections.record import Reference
from protime_etl.simulator.state import Tenant

__all__ = ["Changes"]


class Changes:
    """A source of changes that all follow from the seed and from what the tenant holds."""

    def __init__(self, tenant: Tenant, seed: int = 1) -> None:
        self._tenant = tenant
        self._random = random.Random(seed)  # noqa: S311 - to be repeated, not to be secret
        self.made = 0
        """How many changes were made so far."""

    def make(self, number: int = 1) -> None:
        """Make `number` changes."""
        choices: list[tuple[Callable[[], None], int]] = [
            (self._add, 6),
            (self._edit_time, 5),
            (self._move_to_another_day, 2),
            (self._move_to_another_person, 1),
            (self._delete_softly, 2),
            (self._revive, 1),
            (self._delete_hard, 1),
        ]
        for change in self._random.choices([one for one, _ in choices], [weight for _, weight in choices], k=number):
            change()
            self.made += 1

    def _person(self) -> int:
        return self._random.choice(self._tenant.person_ids())

    def _day(self) -> dt.date:
        days = (self._tenant.last_day - self._tenant.first_day).days
        return self._tenant.first_day + dt.timedelta(days=self._random.randint(0, days))

    def _clocking(self, *, deleted: bool = False) -> Clocking | None:
        for _ in range(20):  # a person has a record of the wanted kind, or the change falls away
            held = [one for one in self._tenant.clockings_of(self._person()) if (one.status == "Deleted") is deleted]
            if held:
                return self._random.choice(held)
        return None

    def _add(self) -> None:
        self._tenant.add(self._person(), self._day(), self._random.randint(0, 1439))

    def _edit_time(self) -> None:
        if (clocking := self._clocking()) is not None:
            self._tenant.edit(clocking.id, time_of_day_in_minutes=self._random.randint(-1440, 2880))

    def _move_to_another_day(self) -> None:
        if (clocking := self._clocking()) is not None:
            self._tenant.edit(clocking.id, date=self._day())

    def _move_to_another_person(self) -> None:
        if (clocking := self._clocking()) is not None:
            self._tenant.edit(clocking.id, person=Reference(id=self._person()))

    def _delete_softly(self) -> None:
        if (clocking := self._clocking()) is not None:
            self._tenant.soft_delete(clocking.id)

    def _revive(self) -> None:
        if (clocking := self._clocking(deleted=True)) is not None:
            self._tenant.edit(clocking.id, status="Active")

    def _delete_hard(self) -> None:
        if (clocking := self._clocking()) is not None:
            self._tenant.hard_delete(clocking.id)
