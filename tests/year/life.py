"""A small company as its tenant holds it: who works, what is clocked, and what is corrected, deleted or comes late."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable, Sequence
from itertools import count

from protime_etl.collections.absences import Absence
from protime_etl.collections.clockings import Clocking
from protime_etl.collections.people import Person
from protime_etl.collections.record import Reference
from protime_etl.simulator.state import Tenant

__all__ = ["Life"]

PEOPLE = 12
LEAST_PEOPLE = 9
MOST_PEOPLE = 16
HISTORY = dt.timedelta(days=45)
"""How much of the past is there on the first day."""
RECENT = dt.timedelta(days=14)
FAR_BACK = dt.timedelta(days=120)
FIRST_PLAN = 49_000_000
MOST_AHEAD = 100
"""Days."""
CORRECTIONS = (0, 0, 1, 2, 3, 4)
SATURDAY = 5


class Life:
    """What happens at the tenant, all following from the dice; remembers when each clocking last changed."""

    def __init__(self, first: dt.date, dice: random.Random) -> None:
        begin = first - HISTORY
        # The tenant's own clockings would be of one day only: all others are made here.
        self.tenant = Tenant(seed=1, people=PEOPLE, first_day=begin, last_day=begin)
        self._dice = dice
        self.changed: dict[int, dt.datetime] = {}
        """When a clocking was last changed, removed ones included; those that never were are not there."""
        self.touched: dict[tuple[int, dt.date], dt.datetime] = {}
        """When a person's day last changed: by a clocking that came, went, or is another one now."""
        self.planned: dict[int, dt.datetime] = {}
        """When an absence to come was last planned or changed, those that were taken back included."""
        # Dice of their own: all else happens as it does without plans.
        self._planner = random.Random(1)
        self._plans = count(FIRST_PLAN)
        self.today = begin

    def live_until(self, day: dt.date, now: dt.datetime) -> None:
        """Let the days up to this one pass, with what is corrected on them."""
        while self.today < day:
            self.today += dt.timedelta(days=1)
            self._work()
            self._plan(now)
            if self.today.day == 1:
                self._staff()
            for correct in self._dice.choices(
                [
                    self._edit,
                    self._move_day,
                    self._move_person,
                    self._late,
                    self._soft_delete,
                    self._revive,
                    self._remove,
                ],
                [6, 2, 1, 4, 2, 1, 1],
                k=self._dice.choice(CORRECTIONS),
            ):
                correct(now)

    def erase(self, now: dt.datetime) -> set[int]:
        """Remove all that a person ever clocked; the ids of these clockings."""
        person = self._dice.choice(self.tenant.person_ids())
        gone = self.tenant.clockings_of(person)
        for one in gone:
            self._take_out(one, now)
        return {one.id for one in gone}

    def in_service(self, day: dt.date) -> list[Person]:
        """Who works on a day, as the list of people says."""
        return [
            one
            for one in self.tenant.people_truth()
            if (one.in_service_date or day) <= day <= (one.out_of_service_date or day)
        ]

    def _plan(self, now: dt.datetime) -> None:
        """Plan absences, and take some back or move them."""
        people = self.in_service(self.today)
        for _ in range(self._planner.choice((0, 1, 2))):
            day = self.today + dt.timedelta(days=self._planner.randint(1, MOST_AHEAD))
            one = Absence(id=next(self._plans), person=Reference(id=self._planner.choice(people).id), date=day)
            self.planned[self.tenant.add_record("absences", one).id] = now
        coming = [one for one in self.tenant.records("absences") if one.date > self.today]
        if coming and self._planner.random() < 0.4:
            one = self._planner.choice(coming)
            self.planned[one.id] = now
            if self._planner.random() < 0.5:
                self.tenant.remove_record("absences", one.id)
            else:
                later = self.today + dt.timedelta(days=self._planner.randint(1, MOST_AHEAD))
                self.tenant.edit_record("absences", one.id, date=later)

    def _work(self) -> None:
        """Clock all people in and out; on a Saturday a few of them."""
        weekday = self.today.weekday()
        for person in self.in_service(self.today):
            if weekday > SATURDAY or self._dice.random() < (0.9 if weekday == SATURDAY else 0.08):
                continue
            began = self._dice.choice((360, 480, 540, 1320))
            self.tenant.add(person.id, self.today, began)
            if self._dice.random() > 0.03:
                self.tenant.add(person.id, self.today, began + self._dice.randint(300, 540))

    def _staff(self) -> None:
        """Take people on, let people go, take some of them back, and take some out of the list."""
        present = self.in_service(self.today)
        known = {one.id: one for one in self.tenant.people_truth()}
        gone = [one for one in known.values() if one not in present]
        if len(present) < MOST_PEOPLE:
            # Some are entered weeks after they began.
            began = self.today - dt.timedelta(days=self._dice.choice((0, 0, 3, 20)))
            self.tenant.add_person(in_service_date=began)
        if len(present) > LEAST_PEOPLE:
            leaver = self._dice.choice(present)
            self.tenant.edit_record("people", leaver.id, out_of_service_date=self.today + dt.timedelta(days=3))
        if gone and self._dice.random() < 0.4:
            back = self._dice.choice(gone)
            self.tenant.edit_record("people", back.id, in_service_date=self.today, out_of_service_date=None)
        elif gone and self._dice.random() < 0.4:
            self.tenant.remove_record("people", self._dice.choice(gone).id)

    def _pick(self, wanted: Callable[[Clocking], bool]) -> Clocking | None:
        """One of the clockings that are wanted: mostly of these weeks, now and then of any day."""
        since = self.today - (RECENT if self._dice.random() < 0.8 else FAR_BACK)
        found = [one for one in self.tenant.truth() if since <= one.date <= self.today and wanted(one)]
        return self._dice.choice(found) if found else None

    def _live(self) -> Clocking | None:
        return self._pick(lambda one: one.status != "Deleted")

    def _change(self, one: Clocking | None, now: dt.datetime, **fields: object) -> None:
        if one is not None:
            self._note(one, now)
            self._note(self.tenant.edit(one.id, **fields), now)

    def _take_out(self, one: Clocking, now: dt.datetime) -> None:
        self.tenant.hard_delete(one.id)
        self._note(one, now)

    def _note(self, one: Clocking, now: dt.datetime) -> None:
        self.changed[one.id] = self.touched[one.person.id, one.date] = now

    def _edit(self, now: dt.datetime) -> None:
        self._change(self._live(), now, time_of_day_in_minutes=self._dice.randint(-60, 1500))

    def _move_day(self, now: dt.datetime) -> None:
        one = self._live()
        if one is not None:
            beside = one.date + dt.timedelta(days=self._dice.choice((-9, -1, 1)))
            self._change(one, now, date=min(beside, self.today))

    def _move_person(self, now: dt.datetime) -> None:
        one = self._live()
        if one is not None:
            others: Sequence[Person] = [other for other in self.in_service(one.date) if other.id != one.person.id]
            self._change(one, now, person=Reference(id=self._dice.choice(others).id))

    def _late(self, now: dt.datetime) -> None:
        """Clock for a day that is over; now and then for one long ago."""
        back = self._dice.randint(0, 12) if self._dice.random() < 0.8 else self._dice.randint(13, 90)
        day = self.today - dt.timedelta(days=back)
        people = self.in_service(day)
        if people:
            self._note(self.tenant.add(self._dice.choice(people).id, day, 700), now)

    def _soft_delete(self, now: dt.datetime) -> None:
        self._change(self._live(), now, status="Deleted")

    def _revive(self, now: dt.datetime) -> None:
        self._change(self._pick(lambda one: one.status == "Deleted"), now, status="Active")

    def _remove(self, now: dt.datetime) -> None:
        one = self._pick(lambda _: True)
        if one is not None:
            self._take_out(one, now)
