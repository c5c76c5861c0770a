"""One slice, or one complete list, read whole; and a second look at what its pages lack, or have in doubt.

Are records that a complete reading lacks gone, or have they moved elsewhere? Asking for each by its id is certain, and
costs one request a record. So that is done for a few. Of many, first the place is read once more: what both readings
lack is not there. Then a sample of it is asked for by id. If all of the sample is gone, all of it counts as gone. If
one is found, records were moved rather than deleted, and the rest stays undecided: to be asked for by id, in portions
each of which is committed, so that no pause and no failure costs more than one portion.

Records that come in an older version than is stored are asked for in the same way before that is believed.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from collections.abc import Collection as Ids
from contextlib import closing
from functools import partial

from protime_etl.collections.collection import Collection
from protime_etl.collections.page import Page
from protime_etl.errors import UriTooLongError
from protime_etl.protime.client import ProtimeClient
from protime_etl.protime.decoding import decode_page
from protime_etl.protime.filters import Condition
from protime_etl.sync.plan.slices import slice_filter
from protime_etl.sync.read.bounds import bounded, most_clockings, most_listed
from protime_etl.sync.read.pages import KeptAnswers
from protime_etl.sync.read.prefetch import prefetch
from protime_etl.sync.read.recheck import FEW, SAMPLE, Asked, Verdict, ask, same_version, sample_of
from protime_etl.work import EVERYONE, Slice

__all__ = ["Reading"]

SAMPLE_OF_OLDER = 5
"""Fewer, as after a restore each unit has some."""


class Reading:
    """The reading of a slice, or of a complete list, whose name in an error is `name`.

    `at_most_people`: how many people may be in an answer whose filter names none; `stored`: how many records the table
    has of a complete list. `keeps`: whether answers are kept over a pause, until it is closed.
    """

    def __init__(
        self,
        client: ProtimeClient,
        collection: Collection,
        wanted: Slice,
        name: str,
        *,
        circles: Sequence[int] = (),
        at_most_people: int = 0,
        stored: int = 0,
        keeps: bool = False,
        on_page: Callable[[int], None] = lambda _: None,
    ) -> None:
        self.wanted = wanted
        self._client = client
        self._collection = collection
        self._name = name
        self._circles = circles
        self._at_most_people = at_most_people
        self._stored = stored
        self._on_page = on_page
        self._kept = KeptAnswers(client, collection) if keeps else None
        self._kept_again = KeptAnswers(client, collection) if keeps else None
        self._in_question: set[int] = set()
        self._second: list[Page] | None = None
        self.number_of_pages = 0
        self.records = 0
        self.largest_page = 1

    def close(self) -> None:
        """Keep nothing more."""
        for kept in (self._kept, self._kept_again):
            if kept is not None:
                kept.close()

    def begin(self, now: dt.datetime) -> dt.datetime:
        """Begin, or go on after a pause; returns a moment before the first page of those that count was requested."""
        began = self._kept.begin(now) if self._kept is not None else now
        if began == now and self._kept_again is not None:
            self._kept_again.close()
        self._second = None
        return began

    def pages(self) -> Generator[Page]:
        """All pages, each decoded while the next one is on its way.

        Raises:
            ApiError, UnreachableError, ProtocolError: as `ProtimeClient.pages`; or the pages have no end.
        """
        self.number_of_pages = self.records = 0
        self.largest_page = 1
        for page in self._read(self._kept):
            size = len(page.rows) + len(page.rejected)
            self.number_of_pages += 1
            self.records += size
            self.largest_page = max(self.largest_page, size)
            self._on_page(size)
            yield page

    def judge(self, absent: Sequence[int]) -> Verdict:
        """Judge records of the table that the pages lacked.

        At most as many requests as these took, and a sample. Where no record can be asked for by its id, what two
        readings lacked is gone.

        Raises:
            ApiError, UnreachableError, ProtocolError: as `pages`.
        """
        if not absent:
            return Verdict([], [], [])
        if self._is_few(absent):
            return self._sampled(absent, len(absent))
        missing, back = self._without(absent)
        if not self._collection.single:
            return Verdict(missing, [back], [])
        gone, found, undecided = self._sampled(missing, FEW)
        return Verdict(gone, [back, *found], undecided)

    def gone_among(self, in_doubt: Sequence[int]) -> list[int]:
        """Which of the records that the pages brought are not there any more.

        Raises:
            ApiError, UnreachableError, ProtocolError: as `pages`.
        """
        return self.ask(in_doubt).gone if self._is_few(in_doubt) else self._without(in_doubt)[0]

    def confirm_older(self, older: Mapping[int, str]) -> list[int]:
        """Which records, that the pages have in versions `older` than are stored, are so by another answer, too.

        A late answer is not taken for a tenant whose versions went back. A sample is asked for by id, and speaks for
        all if all of it is so. Where no record can be asked for by its id, the slice is read again.

        Raises:
            ApiError, UnreachableError, ProtocolError: as `pages`.
        """
        if not older or not self._collection.single:
            return same_version(self._collection, older, self.again(older) if older else ())
        chosen = sample_of(older)[:SAMPLE_OF_OLDER]
        same = same_version(self._collection, older, self.ask(chosen).found)
        return sorted(older) if len(same) == len(chosen) else same

    def ask(self, ids: Ids[int]) -> Asked:
        """Ask for each record by its id, unless it was asked for before a pause.

        Raises:
            ApiError, UnreachableError, ProtocolError: as `pages`.
        """
        return ask(self._client, self._collection, ids, None if self._kept is None else self._kept.records)

    def put_in_question(self, ids: Ids[int]) -> None:
        """Let a second reading look for these records, too: one that finds all that is in question is enough."""
        if not self._in_question.issuperset(ids):
            self._in_question.update(ids)
            self._second = None

    def again(self, ids: Ids[int]) -> list[Page]:
        """Read once more; returns of the records that are in question, these among them, and what was rejected.

        Raises:
            ApiError, UnreachableError, ProtocolError: as `pages`.
        """
        self.put_in_question(ids)
        identity, wanted = self._collection.position("id"), self._in_question
        if self._second is None:
            self._second = [
                Page(rows=[row for row in page.rows if row[identity] in wanted], rejected=page.rejected)
                for page in self._read(self._kept_again)
            ]
        return self._second

    def _is_few(self, ids: Sequence[int]) -> bool:
        """Whether to ask for them by their ids costs no more than to read all once more."""
        return self._collection.single and len(ids) <= max(FEW, self.number_of_pages)

    def _sampled(self, ids: Sequence[int], few: int) -> Verdict:
        """Ask for up to `few` records by id; of more, for a sample that speaks for the rest if all of it is gone."""
        chosen = ids if len(ids) <= max(few, SAMPLE) else sample_of(ids)
        gone, found = self.ask(chosen)
        asked = set(chosen)
        rest = [one for one in ids if one not in asked]
        return Verdict(gone, found, rest) if found else Verdict([*gone, *rest], [], [])

    def _without(self, ids: Sequence[int]) -> tuple[list[int], Page]:
        """Those of the ids that a second reading lacks, and the records that it has of the others."""
        missing, back = set(ids), Page()
        identity = self._collection.position("id")
        for page in self.again(ids):
            back.rows.extend(row for row in page.rows if row[identity] in missing)
            back.rejected.extend(one for one in page.rejected if one.record_id is None or one.record_id in missing)
        known = {row[identity] for row in back.rows} | {one.record_id for one in back.rejected}
        if None in known:  # it might be any of them
            return [], back
        return sorted(missing - known), back

    def _read(self, kept: KeptAnswers | None) -> Generator[Page]:
        if self._collection.is_dated:
            yield from _split_by_uri(self.wanted.person_ids, partial(self._batch, kept))
        else:
            yield from self._list(kept, None, most_listed(self._stored))

    def _batch(self, kept: KeptAnswers | None, people: Sequence[int]) -> Generator[Page]:
        first, last = self.wanted.first, self.wanted.last
        names_people = not self._circles and EVERYONE not in people
        most = most_clockings(len(people) if names_people else self._at_most_people, (last - first).days + 1)
        return self._list(kept, slice_filter(people, first, last, self._circles), most)

    def _list(self, kept: KeptAnswers | None, condition: Condition | None, most: int) -> Generator[Page]:
        answers = self._client.answers(self._collection, condition) if kept is None else kept.of(condition)
        with closing(prefetch(answers)) as bodies:
            yield from bounded((decode_page(self._collection, body) for body in bodies), most, self._name)


def _split_by_uri(people: Sequence[int], read: Callable[[Sequence[int]], Iterator[Page]]) -> Generator[Page]:
    """The pages that `read` gives of these people; where the URI that names them is too long, of each half of them.

    Raises:
        UriTooLongError: it is so of one person, too, or of a filter without people.
    """
    try:
        yield from read(people)
    except UriTooLongError:
        if len(people) < 2:
            raise
        middle = len(people) // 2
        yield from _split_by_uri(people[:middle], read)
        yield from _split_by_uri(people[middle:], read)
