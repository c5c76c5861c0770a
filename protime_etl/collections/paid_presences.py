"""Paid presences: paid time of a person on a day, several rows where it is split over shifts."""

from __future__ import annotations

from typing import Annotated

from protime_etl.collections.collection import Collection, PerDay
from protime_etl.collections.record import NO_REFERENCE, DatedRecord, Integer, OptionalReference, column

__all__ = ["PAID_PRESENCES", "PaidPresence"]


class PaidPresence(DatedRecord, frozen=True, kw_only=True):
    """Paid time of one person, day and shift, as documented."""

    duration_in_minutes: Annotated[Integer | None, column("Paid minutes.")] = None
    shift_definition: Annotated[OptionalReference, column("Shift definition that the minutes belong to.")] = (
        NO_REFERENCE
    )


PAID_PRESENCES = Collection(
    path="paid-presences",
    record=PaidPresence,
    comment="Paid minutes by person, day and shift: a day may have several rows.",
    shape="dated by people",
    documentation="https://documentation.myprotime.eu/protimeapi/reference/collections/calculated-totals/paid-presences/get-list/",
    scope_of="calculated-totals",
    delta="dated",
    usual=PerDay(working=1.0, weekend=0.1),
)
