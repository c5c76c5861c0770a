"""Records asked for by their ids: all of a few, or of many a sample."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Mapping, MutableMapping, Sequence
from typing import NamedTuple

from protime_etl.collections.collection import Collection
from protime_etl.collections.page import Page
from protime_etl.counted import counted
from protime_etl.errors import OlderVersionsError
from protime_etl.protime.client import ProtimeClient

__all__ = [
    "FEW",
    "PORTION",
    "SAMPLE",
    "Asked",
    "Verdict",
    "ask",
    "older_error",
    "portions",
    "same_version",
    "sample_of",
]

FEW = 20
"""As many are asked for by their ids whatever else it would cost."""
SAMPLE = 20
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


def portions(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    """Parts of a list of ids, each small enough to be asked for and committed between two pauses."""
    for start in range(0, len(ids), PORTION):
        yield ids[start : start + PORTION]
