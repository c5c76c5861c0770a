"""The four comparisons of each morning: cells, verdict, proof and what is due, each with what is known for certain."""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter, defaultdict
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from protime_etl.postgres.health.verdict import Health, read_health
from tests.support.truth import Rows, table_rows, tenant_rows
from tests.year.book import Book, over
from tests.year.life import Life
from tests.year.operator import Compared

__all__ = ["CHECKS", "WIDTH", "Checks", "Finding"]

CHECKS = {
    "cells": "what a reading has brought is in the table as the tenant has it",
    "green": "OK is said of nothing that is unread, failed, or known to differ",
    "red": "what is read and right is OK again, by whatever run it became so",
    "advice": "what is printed as advice can be run as it stands, and cures",
    "comparison": "prove and verify find what differs, and nothing else",
    "held": "what vanishes at once is marked when it is accepted, and not before in pieces",
    "plans": "what a night has read of days to come is in the table as the tenant has it",
    "due": "protime.coverage counts the people that are due and unread",
    "proof": "protime.proof counts the people that are due and not found equal since",
}
"""What each check holds."""
COLLECTIONS = ("clockings", "people", "absences")
HOUR = dt.timedelta(hours=1)
NIGHT = 30 * HOUR
"""A night of yesterday is at most that old in the morning."""
FRESH = 36 * HOUR
"""What was read of days to come counts that long."""
POLL = 24 * HOUR
LIFETIME = 72 * HOUR
PLANNED = dt.timedelta(days=90)
GRACE = dt.timedelta(days=1)
"""How long after its end a day may wait for its night."""
NAMED = 5
REMEMBERED = 15
WIDTH = 400


class Finding(NamedTuple):
    """One thing that is not as it must be."""

    check: str
    when: str
    text: str
    diary: tuple[str, ...]
    """What happened before."""

    @property
    def kind(self) -> tuple[str, str]:
        """The same for what differs in numbers only."""
        return self.check, re.sub(r"\d+", "N", self.text)


class Checks:
    """Compares, and collects what is not as it must be; of each kind the first, and how often it came."""

    def __init__(self, engine: Engine, tenant: str, life: Life, book: Book) -> None:
        self._engine = engine
        self._tenant = tenant
        self._life = life
        self._book = book
        self.when = ""
        self.diary: list[str] = []
        """Nights, commands and verdicts, as they happened."""
        self.mornings: Counter[bool] = Counter()
        """How many were OK, and how many were not."""
        self.found: dict[tuple[str, str], Finding] = {}
        self.times: Counter[tuple[str, str]] = Counter()

    def report(self, check: str, text: str) -> None:
        """Something is not as it must be."""
        finding = Finding(check, self.when, text, tuple(self.diary[-REMEMBERED:]))
        self.found.setdefault(finding.kind, finding)
        self.times[finding.kind] += 1

    def health(self) -> Health:
        """What the warehouse says of itself."""
        with self._engine.connect() as connection:
            return read_health(connection, self._tenant, COLLECTIONS)

    def rows(self) -> tuple[Rows, Rows]:
        """What the tenant has, and what the table has."""
        return tenant_rows(self._life.tenant), table_rows(self._engine)

    def morning(self, now: dt.datetime) -> Health:
        """Compare all that there is to compare."""
        health = self.health()
        self.mornings[health.ok] += 1
        self.diary.append(f"{now:%Y-%m-%d %H:%M} {' / '.join(line.strip() for line in health.lines)}"[:WIDTH])
        truth, table = self.rows()
        wrong = differing(truth, table)
        self._cells(wrong, truth, table)
        must_not, may_not = self.against(now, wrong, truth, table)
        if health.ok and must_not:
            self.report("green", f"{health.headline}, and {'; '.join(must_not[:NAMED])}")
        if not health.ok and not may_not:
            self.report("red", "; ".join(one.line for one in health.problems))
        self._due(now, table)
        self._plans()
        return health

    def against(self, now: dt.datetime, wrong: set[int], truth: Rows, table: Rows) -> tuple[list[str], list[str]]:
        """Why the verdict must not be OK, and why it need not be."""
        book = self._book
        late = over(now) - GRACE
        late_cells = [cell for cell in book.due(now, listed=True) if cell[1] <= late]
        untouched = sorted({day for person, day in late_cells if (person, day) not in book.perhaps})
        due_days = set(book.due_days(now))
        must_not = [str(one) for one in book.failures if not one.is_held]
        if untouched:
            must_not.append(f"{len(untouched)} days were never read for all, {untouched[0]}..{untouched[-1]}")
        # Who left and came back before the list was first read is known to have come back only.
        due = [
            one
            for one in wrong
            if day_of(truth.get(one) or table[one]) in due_days
            and (one in table or truth[one]["person_id"] in book.in_service(day_of(truth[one])))
        ]
        tried = [one for one in due if book.was_tried(one, truth, table)]
        if tried:
            must_not.append(f"{len(tried)} clockings differ where a reading was to bring them, such as {tried[0]}")
        if book.list_failed_at > book.listed_at:
            must_not.append("the list of people failed")
        if book.delta_since is not None and now - book.delta_asked_at > LIFETIME:
            must_not.append("the delta is over")
        if now - book.plans_tried_at > FRESH:
            must_not.append("no run was to read days to come")
        # Of deletions that are held back what differs is known, and not on which other days of the run all is well.
        may_not = [*must_not, *(str(one) for one in book.failures if one.is_held)]
        if differing(tenant_rows(self._life.tenant, "absences"), table_rows(self._engine, "absences")):
            may_not.append("absences differ, and a comparison may have found them")
        if any(cell not in book.read for cell in book.due(now)):
            may_not.append("due cells are not known to be read")
        if book.delta_held or (book.delta_since is not None and now - book.delta_asked_at > POLL):
            may_not.append("the delta was not polled for a day, or holds something back")
        if book.failed_at > book.came_at:
            may_not.append("the last run failed, perhaps of days that are not over")
        if now - book.listed_at > NIGHT:
            may_not.append("the last night did not read all")
        if now - book.plans_read_at > NIGHT:
            may_not.append("the last night did not read all days to come")
        return must_not, may_not

    def compared(self, compared: list[Compared], truth: Rows, table: Rows) -> None:
        """Compare what a comparison found with what differed when it began."""
        wrong = differing(truth, table)
        for first, last, found, repaired in compared:
            days = {
                one: {day_of(row) for row in (truth.get(one), live(table.get(one))) if row is not None} for one in wrong
            }
            expected = {one for one in wrong if any(first <= day <= last for day in days[one])}
            said = {one.id for one in found.differences}
            lost = sorted(one for one in expected - said if not days[one] & repaired)[:NAMED]
            too_much = sorted(said - expected)[:NAMED]
            if lost or too_much:
                self.report("comparison", f"{first}..{last} lacks {lost}, and has {too_much} without a difference")
            wrong -= said

    def held(self, erased: set[int], before: int, most: int) -> int:
        """How many of the clockings that vanished at once are marked; at most this many more than the night before."""
        _, table = self.rows()
        marked = sum(one in table and table[one]["is_deleted"] for one in erased)
        if marked > before + most:
            self.report("held", f"of {len(erased)} that vanished at once {marked - before} were marked, {most} may be")
        return marked

    def _cells(self, wrong: set[int], truth: Rows, table: Rows) -> None:
        known = sorted(one for one in wrong if self._book.is_right_for_certain(one, truth, table))
        if known:
            one = known[0]
            self.report("cells", f"{len(known)} are wrong, such as {table.get(one)}, which is {truth.get(one)}")

    def _plans(self) -> None:
        """Compare the absences to come that did not change since they were read."""
        truth, table = tenant_rows(self._life.tenant, "absences"), table_rows(self._engine, "absences")
        known = {one for one, moment in self._life.planned.items() if moment < self._book.plans_read_at}
        last = self._life.today + PLANNED
        wrong = [
            one
            for one in sorted(differing(truth, table) & known)
            if any(self._life.today < day_of(row) <= last for row in (truth.get(one), table.get(one)) if row)
        ]
        if wrong:
            one = wrong[0]
            self.report("plans", f"{len(wrong)} are wrong, such as {table.get(one)}, which is {truth.get(one)}")

    def _due(self, now: dt.datetime, table: Rows) -> None:
        """Compare what the views say is missing and unproven of each day that is due."""
        book = self._book
        if book.list_failed_at > book.listed_at:
            return  # it is not known whom the warehouse knows
        missing = self._by_day("SELECT date, people_missing FROM protime.coverage WHERE tenant = :tenant")
        unproven = self._by_day(
            "SELECT date, people_unproven FROM protime.proof WHERE tenant = :tenant AND collection = 'clockings'"
        )
        with_rows: defaultdict[dt.date, set[int]] = defaultdict(set)
        for row in table.values():
            with_rows[day_of(row)].add(row["person_id"])
        for day in book.due_days(now):
            cells = [(person, day) for person in with_rows[day].union(book.in_service(day))]
            untouched = sum((person, day) not in book.perhaps for person in book.in_service(day, listed=True))
            unread = sum(book.may_be_wrong(cell) for cell in cells)
            if not untouched <= missing.get(day, len(cells)) <= unread:
                self.report("due", f"{day}: {missing.get(day)} people are missing, {untouched} to {unread} are")
            changed = sum(not book.is_proven(cell) for cell in cells)
            if not untouched <= unproven.get(day, len(cells)) <= changed:
                self.report("proof", f"{day}: {unproven.get(day)} people are unproven, {untouched} to {changed} are")

    def _by_day(self, query: str) -> dict[dt.date, int]:
        with self._engine.connect() as connection:
            return {day: int(number) for day, number in connection.execute(sa.text(query), {"tenant": self._tenant})}


def day_of(row: dict[str, object]) -> dt.date:
    """The day of a clocking."""
    return dt.date.fromisoformat(str(row["date"]))


def live(row: dict[str, object] | None) -> dict[str, object] | None:
    """A row that is not deleted."""
    return None if row is None or row["is_deleted"] else row


def differing(truth: Rows, table: Rows) -> set[int]:
    """Clockings of which the tenant and the table say something else; a row that is deleted needs no record."""
    return {
        one
        for one in truth.keys() | table.keys()
        if truth.get(one) != table.get(one) and (one in truth or live(table[one]) is not None)
    }
