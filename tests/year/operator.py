"""What is done to the warehouse: nights, polls, comparisons and backfills, whatever becomes of them; all is booked."""

from __future__ import annotations

import contextlib
import datetime as dt
import shlex
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

from sqlalchemy.engine import URL

from protime_etl.collections.clockings import CLOCKINGS
from protime_etl.config import load_settings
from protime_etl.errors import DeletionsWithheldError, ProtimeError
from protime_etl.simulator.faults import FaultPlan, read_plan
from protime_etl.simulator.server import SimulatedTenant
from protime_etl.sync.delta.poll import poll
from protime_etl.sync.pipeline import Pipeline, open_pipeline
from protime_etl.sync.pull.runs import sync
from protime_etl.sync.pull.worker_pool import Observer
from protime_etl.sync.verify.rolling import prove
from protime_etl.sync.verify.verification import Verification
from protime_etl.sync.verify.verify import verify
from tests.support.moving_clock import MovingClock
from tests.year.book import ONE_DAY, ZONE, Book, days_of
from tests.year.commands import CommandLine, Ended
from tests.year.dying import At, die

__all__ = ["Compared", "CrashError", "Operator"]

Days = tuple[dt.date, dt.date]
LIFETIME = dt.timedelta(hours=72)
GIVE_UP = "protime-etl due --from {first} --to {last} --give-up"
"""The command that takes back the days that a backfill asked for."""


class CrashError(Exception):
    """An unforeseen error in the middle of a transaction."""


class Compared(NamedTuple):
    """Days whose clockings were compared for all people, and what the comparison found."""

    first: dt.date
    last: dt.date
    found: Verification
    repaired: set[dt.date]
    """Days of which something was repaired before."""


class Operator:
    """A person at the command line, or Airflow."""

    def __init__(
        self,
        clock: MovingClock,
        served: SimulatedTenant,
        url: URL,
        settings: Mapping[str, Any],
        cli: CommandLine,
        book: Book,
    ) -> None:
        self._clock = clock
        self._served = served
        self._url = url
        self._given = settings
        self._cli = cli
        self._book = book

    @contextmanager
    def failing(self, plan: str) -> Iterator[None]:
        """Let the tenant misbehave by that plan for the length of the block."""
        misbehaviour = self._served.served.misbehaviour
        misbehaviour.follow(read_plan(plan))
        try:
            yield
        finally:
            misbehaviour.follow(FaultPlan())

    def sync(self, days: Days, *, observer: Observer | None = None, listed: bool = True) -> bool:
        """Read these days; returns whether it came to its end. `listed`: whether the list of people can be read."""
        at, cells = self._begin(days)
        why, is_held = "", False
        try:
            with self._pipeline() as pipeline:
                sync(pipeline, *days, observer=observer or Observer())
                why = "; ".join(one.message for one in pipeline.to_look_at)
                is_held = bool(why) and all(isinstance(one, DeletionsWithheldError) for one in pipeline.to_look_at)
        except (ProtimeError, CrashError) as error:
            why = str(error) or type(error).__name__
        if not listed:  # the clockings of those who are known may have been read all the same
            self._book.list_failed_at = at
            return False
        self._book.list_people(at)
        self._book.try_to_read(*days, at)
        if why:
            if is_held:  # all else was read
                self._book.doubt(*days, at)
            self._book.fail(*days, at, why, is_held=is_held)
        else:
            self._book.came_at = at
            self._book.finish(cells, at)
            if self._reads_plans(days[1], at):
                self._book.plans_read_at = at
        return not why

    def crash(self, days: Days, page: int) -> None:
        """Begin to read these days, and fail in the middle of a transaction."""
        self.sync(days, observer=At(page, CrashError()))

    def die(self, days: Days, page: int, *, long: bool = False) -> None:
        """Begin to read these days in a process that dies; a backfill, if it is `long`."""
        reached = set(self._book.perhaps)
        at, cells = self._begin(days)
        url = self._url.render_as_string(hide_password=False)
        died = die(self._given, url, self._clock.ahead, days, page, long=long)
        self._book.list_people(at)
        if not died:
            self._book.finish(cells, at)
        elif reached.isdisjoint(cells):  # or what was left may have been read before
            self._book.try_to_read(*days, at)
            self._book.fail(*days, at, "the process died")

    def give_up(self, days: Days) -> None:
        """Take back what a backfill has asked for."""
        ended = self.command(GIVE_UP.format(first=days[0], last=days[1]))
        assert ended.status == 0, ended
        self._book.take_back(*days)

    def prove(self, requests: int) -> list[Compared]:
        """Compare what was compared longest ago; returns what was compared for all people."""
        at = self._clock.now()
        compared: list[Compared] = []
        with contextlib.suppress(ProtimeError), self._pipeline() as pipeline:
            done = prove(pipeline, requests=requests)
            # What was known to be wrong was read again first, and not compared.
            found = [one for one in done.found if not one.uncompared]
            number = len(done.windows) - len(found)
            repaired = {
                day
                for path, first, last, _ in done.windows[:number]
                if path == "clockings"
                for day in days_of(first, last)
            }
            # Where the budget ends a proof what differs may not be repaired.
            is_whole = not (done.is_spent or done.failures or done.unreadable or pipeline.to_look_at)
            for place, (path, first, last, people) in enumerate(done.windows):
                if path != "clockings":
                    continue
                if people is None and place >= number:
                    compared.append(Compared(first, last, found[place - number], repaired))
                if people is None and place >= number and is_whole:
                    self._book.finish(self._book.try_to_read(first, last, at, by_date=True), at)
                elif place < number or not is_whole:
                    self._book.doubt(first, last, at)
        return compared

    def verify(self, days: Days) -> list[Compared]:
        """Compare these days and write nothing."""
        at = self._clock.now()
        with self._pipeline() as pipeline:
            found = verify(pipeline, CLOCKINGS, *days)
        cells = self._book.try_to_read(*days, at, by_date=True)  # what differs is known to be wrong from now on
        if found.agrees:
            self._book.finish(cells, at)
        return [Compared(*days, found, set())]

    def poll(self) -> None:
        """Poll the delta once."""
        at = self._clock.now()
        book = self._book
        try:
            with self._pipeline() as pipeline:
                result = poll(pipeline, CLOCKINGS)
        except ProtimeError:
            return
        book.delta_asked_at = at
        book.delta_held = result.withheld is not None or bool(result.unconfirmed)
        if result.initial and (result.restarted or book.delta_since is None):
            book.delta_since = at
        if not (result.initial or book.delta_held):
            book.polled_at = at

    def command(self, text: str) -> Ended:
        """Run a command, word for word, and book what it says to have done."""
        at = self._clock.now()
        ended = self._cli(text)
        words = shlex.split(text)
        if ended.status == 0 and words[1:2] and "--people" not in words:
            self._enter(words, at)
        return ended

    def _enter(self, words: list[str], at: dt.datetime) -> None:
        book = self._book
        if words[1] == "changes":
            before, book.delta_asked_at = book.delta_asked_at, at
            book.delta_held = False
            if book.delta_since is None or at - before > LIFETIME:
                book.delta_since = at
        if words[1] in ("sync", "backfill"):
            book.list_people(at)
            book.plans_tried_at = at
            if "--accept-deletions" in words:
                book.accept()
            if "--collections" in words and "clockings" not in words[words.index("--collections") + 1]:
                return
            book.came_at = at
            days = tuple(dt.date.fromisoformat(words[words.index(name) + 1]) for name in ("--from", "--to"))
            if "--only-missing" in words:
                book.fill(days[0], days[1], at)
            else:
                book.promise(days[0], days[1])
                book.finish(book.try_to_read(days[0], days[1], at), at)

    def _begin(self, days: Days) -> tuple[dt.datetime, list[tuple[int, dt.date]]]:
        at = self._clock.now()
        self._book.promise(*days)
        if self._reads_plans(days[1], at):
            self._book.plans_tried_at = at
        return at, self._book.may_reach(*days, at)

    @staticmethod
    def _reads_plans(last: dt.date, at: dt.datetime) -> bool:
        return last >= at.astimezone(ZONE).date() - ONE_DAY

    @contextmanager
    def _pipeline(self) -> Iterator[Pipeline]:
        with open_pipeline(load_settings(from_environment=False, **self._given), self._url) as pipeline:
            yield pipeline
