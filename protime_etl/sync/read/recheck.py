"""Records that a complete reading of their place lacks: are they gone, or have they moved elsewhere?

Asking for each by its id is certain, and costs one request a record. So that is done for a few. Of many, first the
place is read once more: what both readings lack is not there. Then a sample of it is asked for by id.
If all of the sample is gone, all of it counts as gone. If one is found, records were moved rather than deleted, and
the rest stays undecided: to be asked for by id, in portions each of which is committed, so that no pause and no failure
costs more than one portion.

Records that come in an older version than is stored are asked for in the same way before that is believed.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping, Sequence
from typing import NamedTuple

from protime_etl.collections.collection import Collection
from protime_etl.collections.page import Page
from protime_etl.counted import counted
from protime_etl.errors import OlderVersionsError
from protime_etl.protime.client import ProtimeClient

__all__ = [
    "FEW",
    "Asked",
    "Verdict",
    "absent_from",
    "ask",
    "confirm_older",
    "judge",
    "older_error",
    "portions",
    "same_version",
    "sample_of",
    "sampled",
]

FEW = 20
"""As many are asked for by their ids whatever else it would cost."""
SAMPLE = 20
SAMPLE_OF_OLDER = 5
"""Fewer, as after a restore each unit has some."""
PORTION = 100


class Asked(NamedTuple):
    """What asking for records by their ids gave."""

    gone: list[int]
    """Those that do not exist."""
    found: list[Page]
    """Those that do, each as a page of one."""


class Verdict(NamedTuple):
    """What is known of records that a reading lacked."""

    gone: list[int]
    found: list[Page]
    """Records that exist after all, to be stored as they are now."""
    undecided: list[int]
    """Not known yet: to be asked for by id, in `portions`."""


def ask(
    client: ProtimeClient,
    collection: Collection,
    ids: Iterable[int],
    known: MutableMapping[int, Page | None] | None = None,
) -> Asked:
    """Ask for each record by its id; those that are `known` by an earlier try, which a pause has ended, are not.

    Raises:
        ApiError, UnreachableError, ProtocolError: as `ProtimeClient.record`.
    """
    asked = Asked([], [])
    answers = {} if known is None else known
    for one in ids:
        if one not in answers:
            answers[one] = client.record(collection, one)
        page = answers[one]
        if page is None:
            asked.gone.append(one)
        else:
            asked.found.append(page)
    return asked


def sample_of(ids: Iterable[int]) -> list[int]:
    """Some that speak for all: the same ones each time, in no step with the ids, of which each second may differ."""
    return sorted(ids, key=lambda one: zlib.crc32(str(one).encode()))[:SAMPLE]


def sampled(
    client: ProtimeClient,
    collection: Collection,
    ids: Sequence[int],
    few: int = FEW,
    known: MutableMapping[int, Page | None] | None = None,
) -> Verdict:
    """Ask for up to `few` records by id; of more, for a sample that speaks for the rest if all of it is gone.

    Raises:
        ApiError, UnreachableError, ProtocolError: as `ProtimeClient.record`.
    """
    chosen = ids if len(ids) <= max(few, SAMPLE) else sample_of(ids)
    gone, found = ask(client, collection, chosen, known)
    asked = set(chosen)
    rest = [one for one in ids if one not in asked]
    return Verdict(gone, found, rest) if found else Verdict([*gone, *rest], [], [])


def judge(
    client: ProtimeClient,
    collection: Collection,
    absent: Sequence[int],
    pages: int,
    again: Callable[[], Iterable[Page]],
    *,
    known: MutableMapping[int, Page | None] | None = None,
) -> Verdict:
    """Judge records that a complete reading of `pages` pages lacked; `again` reads the same place once more.

    At most as many requests as that reading took, and a sample; `known` as for `ask`. Where no record can be asked for
    by its id, what both readings lacked is gone.

    Raises:
        ApiError, UnreachableError, ProtocolError: as `ProtimeClient.pages`.
    """
    few = max(FEW, pages)
    if len(absent) <= few and collection.single:
        return sampled(client, collection, absent, few, known)
    if not absent:
        return Verdict([], [], [])
    missing, back = _without(collection, absent, again())
    if not collection.single:
        return Verdict(missing, [back], [])
    gone, found, undecided = sampled(client, collection, missing, known=known)
    return Verdict(gone, [back, *found], undecided)


def absent_from(
    client: ProtimeClient,
    collection: Collection,
    in_doubt: Sequence[int],
    pages: int,
    again: Callable[[], Iterable[Page]],
) -> list[int]:
    """Which of the records that a reading of `pages` pages brought are not there any more; `again` reads it once more.

    Raises:
        ApiError, UnreachableError, ProtocolError: as `ProtimeClient.pages`.
    """
    if len(in_doubt) <= max(FEW, pages) and collection.single:
        return ask(client, collection, in_doubt).gone
    return _without(collection, in_doubt, again())[0]


def confirm_older(
    client: ProtimeClient,
    collection: Collection,
    older: Mapping[int, str],
    again: Callable[[], Iterable[Page]],
    known: MutableMapping[int, Page | None] | None = None,
) -> list[int]:
    """Which records, that a list has in versions `older` than are stored, are so by another answer, too.

    A late answer is not taken for a tenant whose versions went back. A sample is asked for by id, and speaks for all if
    all of it is so. Where no record can be asked for by its id, `again` reads the list again.

    Raises:
        ApiError, UnreachableError, ProtocolError: as `ProtimeClient.pages`.
    """
    if not older or not collection.single:
        return same_version(collection, older, again() if older else ())
    chosen = sample_of(older)[:SAMPLE_OF_OLDER]
    same = same_version(collection, older, ask(client, collection, chosen, known).found)
    return sorted(older) if len(same) == len(chosen) else same


def same_version(collection: Collection, versions: Mapping[int, str], pages: Iterable[Page]) -> list[int]:
    """Which of the records have these `versions` on the pages."""
    identity, version = map(collection.position, ("id", "change_version"))
    return sorted({row[identity] for page in pages for row in page.rows if versions.get(row[identity]) == row[version]})


def older_error(number: int, what: str) -> OlderVersionsError:
    """What to report of `number` records of `what`."""
    return OlderVersionsError(
        f"The tenant has {counted(number, 'record')} of {what} in an older version than was read before:"
        " the stored ones stay.",
        guidance="If the tenant was restored from a backup or moved, accept them with --accept-older (in Airflow:"
        " accept_older); protime-etl status names the days.",
    )


def _without(collection: Collection, ids: Sequence[int], reading: Iterable[Page]) -> tuple[list[int], Page]:
    """Those of the ids that a reading lacks, and the records that it has of the others."""
    missing, back = set(ids), Page()
    identity = collection.position("id")
    for page in reading:
        back.rows.extend(row for row in page.rows if row[identity] in missing)
        back.rejected.extend(one for one in page.rejected if one.record_id is None or one.record_id in missing)
    known = {row[identity] for row in back.rows} | {one.record_id for one in back.rejected}
    if None in known:  # it might be any of them
        return [], back
    return sorted(missing - known), back


def portions(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    """Parts of a list of ids, each small enough to be asked for and committed between two pauses."""
    for start in range(0, len(ids), PORTION):
        yield ids[start : start + PORTION]
