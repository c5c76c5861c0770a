"""Made-up contracts: one of each person, and for some another one from the middle of the days on."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from protime_etl.collections.contracts import Contract
from protime_etl.collections.record import NO_REFERENCE, OptionalReference, Reference
from protime_etl.simulator.generation.source import Source

__all__ = ["FIRST_ID", "generate"]

FIRST_ID = 30_000
BEFORE = dt.timedelta(days=400)


def generate(source: Source) -> Iterator[Contract]:
    """Full time, and four fifths of it from the middle of the days on for each third person."""
    middle = source.days[len(source.days) // 2]
    for person_id in source.person_ids:
        number, changes = next(source.ids), person_id % 3 == 0
        last = middle - dt.timedelta(days=1) if changes else None
        yield _contract(number, person_id, source.days[0] - BEFORE, last, 100.0)
        if changes:
            yield _contract(next(source.ids), person_id, middle, None, 80.0, OptionalReference(id=number))


def _contract(  # noqa: PLR0917
    number: int,
    person_id: int,
    first: dt.date,
    last: dt.date | None,
    percentage: float,
    parent: OptionalReference = NO_REFERENCE,
) -> Contract:
    return Contract(
        id=number,
        person=Reference(id=person_id),
        code=f"C{number}",
        from_date=first,
        until_date=last,
        contract_hours_in_minutes=2280 * percentage / 100,
        full_time_equivalent_in_minutes=2280.0,
        contract_percentage=percentage,
        number_of_working_days_per_week=5 * percentage / 100,
        kind="Contract" if parent is NO_REFERENCE else "Addendum",
        parent_contract=parent,
    )
