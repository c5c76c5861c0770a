"""A year of nights: what happens on which day, the morning after each night, and an operator who follows advice."""

from __future__ import annotations

import datetime as dt
import random
import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy.engine import URL
from tenacity import wait_none

from protime_etl.postgres.health.verdict import Health
from protime_etl.postgres.server.connection import create_engine
from protime_etl.protime import retrying
from protime_etl.simulator.options import Options
from protime_etl.simulator.server import SimulatedTenant
from tests.support.moving_clock import MovingClock
from tests.year.book import ONE_DAY, ZONE, Book
from tests.year.checks import WIDTH, Checks
from tests.year.commands import CommandLine
from tests.year.life import HISTORY, Life
from tests.year.operator import Compared, Operator

__all__ = ["FIRST", "Year", "year"]

FIRST = dt.date(2026, 3, 9)
"""The first day; clocks go forward within a month, and the year ends within the long form."""
WINDOW = 7 * ONE_DAY
PAGE_SIZE = 50
MOST_VANISHED = 8
PROOF_REQUESTS = 12
ROUNDS = 4
BAD_NIGHTS = (
    "forbidden",
    "people forbidden",
    "down",
    "a page fails",
    "quota",
    "crash",
    "death",
    "skipped",
    "twice",
)
FINE_NIGHTS = 16
ROUND = FINE_NIGHTS + len(BAD_NIGHTS)
FAULTS = {
    "forbidden": 'fault = [{kind = "status", status = 403, rate = 1.0, on = ["clockings"]}]',
    "people forbidden": 'fault = [{kind = "status", status = 403, rate = 1.0, on = ["people"]}]',
    "down": 'fault = [{kind = "status", status = 500, rate = 1.0}]',
    "a page fails": 'fault = [{kind = "status", status = 500, at = [3, 4, 5, 6, 7], on = ["clockings"]}]',
    "quota": 'fault = [{kind = "status", status = 429, retry_after = 3600, at = [2], on = ["clockings"]}]',
}
# What happens on which day of each round of nights.
EVENTS = {
    4: "a backfill dies",
    7: "a backfill goes on",
    9: "the delta begins",
    11: "verify",
    12: "a person is erased",
    15: "deletions are accepted",
    17: "no polls",
    21: "polls again",
    23: "old days are read",
}


class Year:
    """One tenant, one warehouse, and night after night."""

    def __init__(self, clock: MovingClock, life: Life, parts: tuple[Book, Operator, Checks], seed: int) -> None:
        self._clock = clock
        self._life = life
        self._book, self._operator, self.checks = parts
        self._dice = random.Random(seed)
        self._deck: list[str] = []
        self._polls = False
        self._erased: set[int] = set()
        """Clockings that vanished at once, until that is accepted."""
        self._marked = 0
        self._red = 0
        self._incurable: set[str] = set()
        self.nights = 0

    def pass_night(self) -> None:
        """Let a day, its night, and the morning after it pass."""
        today = FIRST + ONE_DAY * self.nights
        self.nights += 1
        self.checks.when = f"the day before night {self.nights} ({today})"
        self._evening(today - ONE_DAY)
        kind = self._next_kind()
        self.checks.when = f"night {self.nights} ({today}, {kind})"
        self.checks.diary.append(self.checks.when)
        self._night(today, kind)
        self._go_to(today, 8)
        self._marked = self.checks.held(self._erased, self._marked, 2 * MOST_VANISHED)
        self._morning()

    def _go_to(self, day: dt.date, hour: int, minute: int = 0) -> None:
        self._clock.set(dt.datetime.combine(day, dt.time(hour, minute), ZONE))

    def _evening(self, day: dt.date) -> None:
        """What is clocked and corrected, and what is done by day."""
        self._go_to(day, 19)
        self._life.live_until(day, self._clock.now())
        event = EVENTS.get(self.nights % ROUND)
        if event is not None:
            self.checks.diary.append(f"{day} {event}")
            self._happen(event, day)
        if self._polls:
            self._go_to(day, 20)
            self._operator.poll()

    def _happen(self, event: str, day: dt.date) -> None:
        match event:
            case "verify":
                self._compare(lambda: self._operator.verify((day - 20 * ONE_DAY, day - 3 * ONE_DAY)))
            case "a backfill dies":
                self._operator.die(self._old_days(), 2, long=True)
            case "a backfill goes on":
                first, last = days = self._old_days()
                if self._round % 2:
                    self._operator.give_up(days)
                else:
                    self._operator.command(f"protime-etl backfill --from {first} --to {last}")
            case "old days are read":
                self._operator.sync((day - 45 * ONE_DAY, day - 38 * ONE_DAY))
            case "a person is erased":
                self._erased = self._life.erase(self._clock.now())
                self._marked = 0
            case "deletions are accepted":
                self._erased = set()
            case _:
                self._polls = event != "no polls"

    def _old_days(self) -> tuple[dt.date, dt.date]:
        """A month of old days, another one each time."""
        first = FIRST - HISTORY + 20 * self._round * ONE_DAY
        return first, first + 30 * ONE_DAY

    @property
    def _round(self) -> int:
        return self.nights // ROUND

    def _next_kind(self) -> str:
        if not self._deck:
            self._deck = [*BAD_NIGHTS, *["fine"] * FINE_NIGHTS]
            self._dice.shuffle(self._deck)
        if self.nights <= 2:
            return "fine"
        return self._deck.pop()

    def _night(self, today: dt.date, kind: str) -> None:
        self._go_to(today, 4, 30)
        days = (today - WINDOW, today)
        if kind == "skipped":
            return
        if kind == "death":
            self._operator.die(days, self._dice.randint(1, 3))
            return
        if kind == "crash":
            self._operator.crash(days, self._dice.randint(1, 3))
        elif kind in FAULTS:
            with self._operator.failing(FAULTS[kind]):
                came = self._operator.sync(days, listed=kind not in ("people forbidden", "down"))
            if kind == "quota" and not came:  # the scheduler waits for the time that the answer named
                self._clock.move(hours=1, minutes=1)
                self._operator.sync(days)
        else:
            for _ in range(2 if kind == "twice" else 1):
                self._operator.sync(days)
        self._compare(lambda: self._operator.prove(PROOF_REQUESTS))

    def _compare(self, compare: Callable[[], list[Compared]]) -> None:
        truth, table = self.checks.rows()
        self.checks.compared(compare(), truth, table)

    def _morning(self) -> None:
        health = self.checks.morning(self._clock.now())
        self._red = 0 if health.ok else self._red + 1
        if health.ok or len(self._erased) > MOST_VANISHED or (self._red < 3 and self._dice.random() < 0.5):
            return
        if {_kind(one.what) for one in health.problems} <= self._incurable:
            return
        self._cure(health)

    def _cure(self, health: Health) -> None:
        """Do what the advice says, word for word; what was wrong at the tenant is over."""
        before = health
        for _ in range(ROUNDS):
            for command in dict.fromkeys(one.do for one in health.problems if one.do):
                ended = self._operator.command(command)
                self.checks.diary.append(str(ended)[:WIDTH])
                if ended.status not in (0, 3):
                    self.checks.report("advice", str(ended))
            self._clock.move(minutes=1)
            health = self.checks.health()
            if health.ok:
                self._red = 0
                self.checks.morning(self._clock.now())
                return
        self._incurable |= {_kind(one.what) for one in health.problems}
        lines = "; ".join(one.line for one in health.problems)
        self.checks.report("advice", f"is followed and cures nothing: {lines} (at first: {before.problems[0].line})")


def _kind(text: str) -> str:
    return re.sub(r"\d+", "N", text)


@contextmanager
def year(clock: MovingClock, url: URL, seed: int) -> Iterator[Year]:
    """A year that is about to begin."""
    dice = random.Random(seed)
    clock.set(dt.datetime.combine(FIRST - ONE_DAY, dt.time(12), ZONE))
    life = Life(FIRST, dice)
    life.live_until(FIRST - 2 * ONE_DAY, clock.now())
    engine = create_engine(url)
    with (
        pytest.MonkeyPatch.context() as patch,
        SimulatedTenant(life.tenant, Options(page_size=PAGE_SIZE)) as served,
        tempfile.TemporaryDirectory(prefix="protime-etl-test-") as folder,
    ):
        patch.setattr(retrying, "_jitter", wait_none())
        settings = {
            "tenant": "simulated",
            "client_id": served.client_id,
            "client_secret": served.client_secret,
            "api_url": served.url,
            "auth_url": served.url,
            "max_wait_in_task": 0,
            "max_vanished": MOST_VANISHED,
            "collections": "clockings people absences",
        }
        environment = {name: str(value) for name, value in settings.items()}
        environment["database_url"] = url.render_as_string(hide_password=False)
        book = Book(life)
        cli = CommandLine(Path(folder), environment)
        operator = Operator(clock, served, url, settings, cli, book)
        try:
            yield Year(clock, life, (book, operator, Checks(engine, "simulated", life, book)), seed)
        finally:
            engine.dispose()
