"""A second look at what differs, before it counts: the tenant may have changed while it was compared.

A few are asked for by their ids. Of many that the tenant has just listed, the list is believed: what is newer than the
table is known by its version; of what is older, see `confirm_older`. Of many that it lacks, see `judge`. A record that
the list has and that is not found by its id is a contradiction of the tenant's: it is looked for in a second reading,
and the list is believed.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, MutableMapping, Sequence
from functools import cache
from typing import NamedTuple

from protime_etl.collections.collection import Collection
from protime_etl.collections.page import Page
from protime_etl.postgres.load.compare import Comparison, Difference
from protime_etl.sync.pipeline import Pipeline
from protime_etl.sync.read.recheck import FEW, ask, confirm_older, judge
from protime_etl.work import Scope

__all__ = ["SecondLook", "look_again"]


class SecondLook(NamedTuple):
    """What is left of the differences of a slice."""

    differences: list[Difference]
    equal: dict[dt.date | None, int]
    """Those that turned out to be equal, by day."""
    moving: int
    """Those that changed meanwhile."""


def look_again(
    pipeline: Pipeline,
    collection: Collection,
    differences: Sequence[Difference],
    *,
    pages: int,
    read: Callable[[], Iterable[Page]],
    known: MutableMapping[int, Page | None],
) -> SecondLook:
    """Look again at the differences of a slice of `pages` pages; `read` reads it once more, `known` as for `ask`.

    Raises:
        ProtimeError: the tenant or the warehouse cannot be asked.
    """
    identity = collection.position("id")
    listed = {one.id: one for one in differences if one.version is not None}
    absent = [one.id for one in differences if one.version is None]

    @cache
    def again() -> list[Page]:
        """Of a second reading what is in question."""
        wanted = {*listed, *absent}
        return [
            Page(rows=[row for row in page.rows if row[identity] in wanted], rejected=page.rejected) for page in read()
        ]

    believed = list(listed.values()) if len(listed) > FEW else []
    asked = ask(pipeline.client, collection, listed if collection.single and not believed else (), known)
    denied = set(asked.gone) if collection.single or believed else set(listed)
    found = [*asked.found]
    if denied:
        found += [Page(rows=[row for row in page.rows if row[identity] in denied]) for page in again()]
    found += judge(pipeline.client, collection, absent, pages, again, known=known).found
    with pipeline.reading() as connection:
        comparison = Comparison(connection, pipeline.tenant, collection)
        comparison.stage(found)
        stay, equal = comparison.compare(Scope(), [*(() if believed else listed), *absent])
    if collection.single:  # of what is not found by its id there is no second answer
        stay = [one._replace(is_older=one.is_older and one.id not in denied) for one in stay]
    moved = [one for one in stay if one.id in listed and one.version != listed[one.id].version]
    older = {one.id: one.version or "" for one in believed if one.is_older}
    confirmed = {*confirm_older(pipeline.client, collection, older, again, known)}
    believed = [one._replace(is_older=one.id in confirmed) for one in believed]
    return SecondLook([*believed, *(one for one in stay if one not in moved)], equal, len(moved))
