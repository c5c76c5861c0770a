"""A proof that the table and the tenant agree: both are read and compared id by id, and nothing is written.

While the tenant is read it may change. So what differs is looked at once more before it counts (`look_again`), and a
record that changed between the two readings is `moving` and no difference. A difference is `pending` if its
changeVersion is newer than anything that the table had when the comparison began: it is none that was overlooked, the
next turn or night brings it.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from sqlalchemy.engine import Engine

from protime_etl.collections.clockings import CLOCKINGS
from protime_etl.collections.collection import Collection
from protime_etl.collections.page import Page
from protime_etl.config import Settings
from protime_etl.errors import ProtimeError, UriTooLongError
from protime_etl.postgres.compare import Comparison, Difference, newest_version
from protime_etl.postgres.connection import database_errors
from protime_etl.postgres.everybody import people_to_read
from protime_etl.postgres.ledger import stored_records
from protime_etl.protime.client import ProtimeClient
from protime_etl.protime.filters import dates
from protime_etl.sync.bounds import most_clockings, most_listed
from protime_etl.sync.cutting import answers_others, is_about_the_question
from protime_etl.sync.plan import plan_units, slice_filter
from protime_etl.sync.pull import OnPage
from protime_etl.sync.reading import Reading, restarting
from protime_etl.sync.second_look import look_again
from protime_etl.sync.unlisted import listed_people, windows_of_everybody
from protime_etl.sync.worklist import CUTS_IN_A_ROW
from protime_etl.work import Scope

__all__ = ["HANDFUL", "Verification", "Verifier"]

HANDFUL = 5
"""So many records may change while they are compared without anybody having to look."""


@dataclass
class Verification:
    """What a comparison found."""

    collection: str = CLOCKINGS.path
    differences: list[Difference] = field(default_factory=list)
    equal: Counter[dt.date | None] = field(default_factory=Counter)
    moving: int = 0
    """Records that changed while they were compared."""
    pending: set[int] = field(default_factory=set)
    """Ids of those differences that came to be after the table was last brought up to date."""
    rejected: int = 0
    """Records that could not be understood; the table cannot have them."""
    unreadable: list[str] = field(default_factory=list)
    """Persons and days that the API cannot tell."""
    unlisted: set[int] = field(default_factory=set)
    """Ids of people who have records, whom the tenant does not list and who were never read."""
    requests: int = 0
    units: int = 0

    @property
    def agrees(self) -> bool:
        """Whether nothing is missing, extra or stale, and everything could be read of people who are known.

        More than a handful that changed meanwhile is no agreement either: nothing is known of them.
        """
        everything = not self.rejected and not self.unlisted and not self.unreadable
        return everything and not self.differences and self.moving <= HANDFUL

    @property
    def overlooked(self) -> list[Difference]:
        """The differences that are not pending."""
        return [one for one in self.differences if one.id not in self.pending]

    def totals(self) -> dict[str, int]:
        """The counts, by name."""
        kinds = Counter(one.kind for one in self.differences)
        return {
            "requests": self.requests,
            "units": self.units,
            "missing": kinds["missing"],
            "extra": kinds["extra"],
            "stale": kinds["stale"],
            "equal": self.equal.total(),
            "moving": self.moving,
            "pending": len(self.pending),
            "rejected": self.rejected,
            "unlisted": len(self.unlisted),
            "unreadable": len(self.unreadable),
        }

    def by_day(self) -> list[dict[str, Any]]:
        """The counts of each day; none of a collection that knows no days."""
        found = Counter((one.date, one.kind) for one in self.differences)
        days = sorted(day for day in {date for date, _ in found} | self.equal.keys() if day is not None)
        return [
            {
                "date": day,
                "missing": found[day, "missing"],
                "extra": found[day, "extra"],
                "stale": found[day, "stale"],
                "equal": self.equal[day],
            }
            for day in days
        ]


class Verifier:
    """Compares a collection of one tenant with the warehouse."""

    def __init__(  # noqa: PLR0917
        self,
        settings: Settings,
        client: ProtimeClient,
        engine: Engine,
        sit_out: Callable[[Callable[[], Any]], Any] = lambda call: call(),
        on_page: OnPage = lambda _: None,
        collection: Collection = CLOCKINGS,
    ) -> None:
        self._settings = settings
        self._collection = collection
        self._client = client
        self._engine = engine
        self._sit_out = sit_out
        self._on_page = on_page
        self._pages = 0
        self._everybody = 0
        self._most = 0

    def verify(self, first: dt.date, last: dt.date, person_ids: Sequence[int] | None = None) -> Verification:
        """Compare the days, both included, of those people, or of all: then by date alone, whoever they are.

        A collection without days is compared as a whole.

        Raises:
            ProtimeError: a subclass says what went wrong; nothing is known then.
        """
        if self._collection.shape == "whole":
            return self._verify_list()
        before = self._client.requests
        found = Verification(self._collection.path)
        tenant = self._settings.tenant
        with database_errors(self._engine.url), self._engine.connect() as connection:
            newest = newest_version(connection, tenant, self._collection.table)
            if person_ids is None:
                windows = windows_of_everybody(connection, tenant, first, last, self._collection)
                scopes = [Scope(None, *window) for window in windows]
            else:
                planned = plan_units(self._client, person_ids, first, last, collection=self._collection)
                scopes = [Scope(unit.person_ids, unit.first, unit.last) for unit in planned]
            known = people_to_read(connection, tenant, first, last)
        self._everybody = len(known)
        left = deque(scopes)
        failures = 0
        while left:
            scope = left.popleft()
            try:
                differences, people = self._sit_out(partial(restarting, partial(self._compare, scope, found)))
            except ProtimeError as error:
                failures += 1
                if failures > CUTS_IN_A_ROW or not self._is_to_blame(scope, error):
                    raise
                left.extendleft(reversed(self._parts(scope, known, found)))
                continue
            failures = 0
            found.unlisted |= people.difference(known if person_ids is None else people)
            found.units += 1
            self._sit_out(partial(self._judge, scope, found, differences, newest))
        if found.unlisted:
            found.unlisted -= listed_people(self._settings, self._client)
        found.requests = self._client.requests - before
        return found

    def _verify_list(self) -> Verification:
        before = self._client.requests
        found = Verification(self._collection.path, units=1)
        with database_errors(self._engine.url), self._engine.connect() as connection:
            newest = newest_version(connection, self._settings.tenant, self._collection.table)
            self._most = most_listed(stored_records(connection, self._settings.tenant, self._collection))
        differences = self._sit_out(partial(restarting, partial(self._compare, Scope(), found)))[0]
        self._sit_out(partial(self._judge, Scope(), found, differences, newest))
        found.requests = self._client.requests - before
        return found

    def _is_to_blame(self, scope: Scope, error: ProtimeError) -> bool:
        assert scope.last is not None  # noqa: S101 - units have dates
        return is_about_the_question(error) and answers_others(self._client, self._collection, scope.last)

    def _parts(self, scope: Scope, known: Sequence[int], found: Verification) -> list[Scope]:
        """What to compare in the place of a slice that cannot be read; nothing if it is one person on one day."""
        assert scope.first is not None  # noqa: S101 - units have dates
        assert scope.last is not None  # noqa: S101
        days = (scope.last - scope.first).days + 1
        people = known if scope.person_ids is None else scope.person_ids
        if days > 1:
            middle = scope.first + dt.timedelta(days=days // 2)
            before = middle - dt.timedelta(days=1)
            return [Scope(scope.person_ids, middle, scope.last), Scope(scope.person_ids, scope.first, before)]
        if len(people) > 1:
            half = len(people) // 2
            return [Scope(part, scope.first, scope.last) for part in (people[:half], people[half:])]
        found.unreadable.append(f"person {people[0] if people else 'unknown'} on {scope.first}")
        return []

    def _compare(self, scope: Scope, found: Verification) -> tuple[list[Difference], set[int]]:
        self._pages = 0
        with database_errors(self._engine.url), self._engine.connect() as connection:  # never committed
            staged = Comparison(connection, self._settings.tenant, self._collection)
            staged.stage(self._read(scope, scope.person_ids))
            differences, equal = staged.compare(scope)
            found.equal.update(equal)
            found.rejected += staged.counts.rejected
            return differences, set() if scope.first is None else staged.people()

    def _read(self, scope: Scope, people: Sequence[int] | None) -> Iterator[Page]:
        """All pages of a slice, or of the complete list."""
        if scope.first is None or scope.last is None:
            yield from self._pages_of(self._client.answers(self._collection), self._most)
            return
        most = most_clockings(self._everybody if people is None else len(people), (scope.last - scope.first).days + 1)
        days = dates.between(scope.first, scope.last)
        condition = days if people is None else slice_filter(people, scope.first, scope.last)
        try:
            yield from self._pages_of(self._client.answers(self._collection, condition), most)
        except UriTooLongError:
            if people is None or len(people) == 1:
                raise
            middle = len(people) // 2
            yield from self._read(scope, people[:middle])
            yield from self._read(scope, people[middle:])

    def _pages_of(self, answers: Iterator[bytes], most: int) -> Iterator[Page]:
        for page in Reading(self._collection, answers, most, self._collection.path):
            self._pages += 1
            self._on_page(len(page.rows) + len(page.rejected))
            yield page

    def _judge(self, scope: Scope, found: Verification, differences: list[Difference], newest: str) -> None:
        """Look at each difference once more, and take up those that stay."""
        if not differences:
            return
        stay = look_again(
            self._engine,
            self._settings.tenant,
            self._client,
            self._collection,
            differences,
            pages=self._pages,
            read=lambda: self._read(scope, scope.person_ids),
        )
        found.equal.update(stay.equal)
        found.moving += stay.moving
        found.differences += stay.differences
        found.pending |= {one.id for one in stay.differences if one.version is not None and "" < newest < one.version}
