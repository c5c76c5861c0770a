"""Work interruptions: times within a presence that are not work."""

from __future__ import annotations

from typing import Annotated

from protime_etl.collections.collection import Collection, PerDay
from protime_etl.collections.record import DatedRecord, Integer, column

__all__ = ["WORK_INTERRUPTIONS", "WorkInterruption"]


class WorkInterruption(DatedRecord, frozen=True, kw_only=True):
    """One interruption of one person and day, as documented; minutes since midnight of the day."""

    duration_in_minutes: Annotated[Integer | None, column("How long it is.")] = None
    start_time_in_minutes: Annotated[Integer | None, column("Minute of the day at which it begins.")] = None
    end_time_in_minutes: Annotated[Integer | None, column("Minute of the day at which it ends.")] = None


WORK_INTERRUPTIONS = Collection(
    path="work-interruptions",
    record=WorkInterruption,
    comment="Interruptions of work by person and day.",
    shape="dated by people",
    documentation="https://documentation.myprotime.eu/protimeapi/reference/collections/breaks/work-interruptions/get-list/",
    delta="dated",
    usual=PerDay(working=0.1, weekend=0.0),
)
