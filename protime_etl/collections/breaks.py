"""Breaks: which break a person had or was deducted on a day."""

from __future__ import annotations

from typing import Annotated

from protime_etl.collections.collection import Collection, PerDay
from protime_etl.collections.record import NO_REFERENCE, DatedRecord, Integer, OptionalReference, column

__all__ = ["BREAKS", "Break"]


class Break(DatedRecord, frozen=True, kw_only=True):
    """One break of one person and day, as documented; minutes since midnight of the day."""

    break_definition: Annotated[OptionalReference, column("Break definition that it follows.")] = NO_REFERENCE
    calculated_duration_in_minutes: Annotated[
        Integer | None, column("Minutes that Protime counts; deducted also where no break was clocked.")
    ] = None
    clocked_duration_in_minutes: Annotated[Integer | None, column("Minutes that were clocked.")] = None
    start_time_in_minutes: Annotated[
        Integer | None, column("Earliest start that the definition allows, not when it was taken.")
    ] = None
    end_time_in_minutes: Annotated[
        Integer | None, column("Latest end that the definition allows, not when it was taken.")
    ] = None
    is_break_taken: Annotated[bool | None, column("Whether it was taken.")] = None


BREAKS = Collection(
    path="breaks",
    record=Break,
    comment="Breaks by person and day. Start and end are what the definition allows: see clockings for the rest.",
    shape="dated by people",
    documentation="https://documentation.myprotime.eu/protimeapi/reference/collections/breaks/breaks/get-list/",
    usual=PerDay(working=1.0, weekend=0.1),
)
