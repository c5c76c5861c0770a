"""A second look at what differs, before it counts: the tenant may have changed while it was compared.

A few are asked for by their ids. Of many that the tenant has just listed, the list is believed: what is newer than the
table is known by its version; of what is older, and of many that it lacks, see `Reading`. A record that
the list has and that is not found by its id is a contradiction of the tenant's: it is looked for in a second reading,
and the list is believed.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import NamedTuple

from protime_etl.collections.collection import Collection
from protime_etl.collections.page import Page
from protime_etl.postgres.load.compare import Comparison, Difference
from protime_etl.sync.pipeline import Pipeline
from protime_etl.sync.read.reading import Reading
from protime_etl.sync.read.recheck import FEW

__all__ = ["SecondLook", "look_again"]


class SecondLook(NamedTuple):
    """What is left of the differences of a slice."""

    differences: list[Difference]
    equal: dict[dt.date | None, int]
    """Those that turned out to be equal, by day."""
    moving: int
    """Those that changed meanwhile."""


def look_again(
    pipeline: Pipeline, collection: Collection, reading: Reading, differences: Sequence[Difference]
) -> SecondLook:
    """Look again at the differences of what was read.

    Raises:
        ProtimeError: the tenant or the warehouse cannot be asked.
    """
    identity = collection.position("id")
    listed = {one.id: one for one in differences if one.version is not None}
    absent = [one.id for one in differences if one.version is None]
    reading.put_in_question({*listed, *absent})
    believed = list(listed.values()) if len(listed) > FEW else []
    asked = reading.ask(listed if collection.single and not believed else ())
    denied = set(asked.gone) if collection.single or believed else set(listed)
    found = [*asked.found]
    if denied:
        found += [Page(rows=[row for row in page.rows if row[identity] in denied]) for page in reading.again(denied)]
    found += reading.judge(absent).found
    with pipeline.reading() as connection:
        comparison = Comparison(pipeline.stored(connection, collection))
        comparison.stage(found)
        stay, equal = comparison.compare([*(() if believed else listed), *absent])
    if collection.single:  # of what is not found by its id there is no second answer
        stay = [one._replace(is_older=one.is_older and one.id not in denied) for one in stay]
    moved = [one for one in stay if one.id in listed and one.version != listed[one.id].version]
    older = {one.id: one.version or "" for one in believed if one.is_older}
    confirmed = {*reading.confirm_older(older)}
    believed = [one._replace(is_older=one.id in confirmed) for one in believed]
    return SecondLook([*believed, *(one for one in stay if one not in moved)], equal, len(moved))
