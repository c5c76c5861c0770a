"""Made-up histories: what each person had of a category, for some another one from the middle of the days on."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

from protime_etl.collections.record import OptionalReference, Reference
from protime_etl.collections.registry import COLLECTIONS
from protime_etl.simulator.generation.source import Source

__all__ = ["FIRST_ID", "generate"]

FIRST_ID = 20_000
BEFORE = dt.timedelta(days=400)
CHOICES = 3


def generate(source: Source) -> Iterator[Any]:
    """One record of each person, or two where it changed."""
    record = COLLECTIONS[source.collection].record
    category = record.__struct_fields__[-1]
    middle = source.days[len(source.days) // 2]
    for person_id in source.person_ids:
        changed = person_id % 2 == 0
        spans = [(source.days[0] - BEFORE, middle - dt.timedelta(days=1)), (middle, None)]
        if not changed:
            spans = [(source.days[0] - BEFORE, None)]
        for place, (first, last) in enumerate(spans):
            which = OptionalReference(id=(person_id + place) % CHOICES + 1)
            yield record(
                id=next(source.ids),
                person=Reference(id=person_id),
                from_date=first,
                until_date=last,
                **{category: which},
            )
