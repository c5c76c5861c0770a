"""Counters: premiums, overtime and the like that Protime counted for a person on a day."""

from __future__ import annotations

from typing import Annotated

from protime_etl.collections.collection import Collection, PerDay
from protime_etl.collections.record import (
    NO_REFERENCE,
    NO_TEXT_REFERENCE,
    DatedRecord,
    Integer,
    OptionalReference,
    OptionalTextReference,
    Text,
    column,
)

__all__ = ["COUNTERS", "Counter"]


class Counter(DatedRecord, frozen=True, kw_only=True):
    """What one counter gained on one day, as documented; minutes since midnight of the day."""

    counter_definition: Annotated[OptionalReference, column("Counter definition that was counted.")] = NO_REFERENCE
    start_time_in_minutes: Annotated[Integer | None, column("Minute of the day at which it begins.")] = None
    end_time_in_minutes: Annotated[Integer | None, column("Minute of the day at which it ends.")] = None
    duration_in_minutes: Annotated[Integer | None, column("How long it is.")] = None
    number_of_instances: Annotated[
        Integer | None, column("How many there were, of a counter that counts instances.")
    ] = None
    period_type: Annotated[
        Text | None, column("Unknown, Day, Week or PayPeriod: the value of a week or a pay period stands on one day.")
    ] = None
    status: Annotated[Text | None, column("Unknown, Auto, Manual or Calendar: where it comes from.")] = None
    is_authorized: Annotated[bool | None, column("Whether it is authorized.")] = None
    shift_definition: Annotated[OptionalReference, column("Shift definition, where it is not the schedule's.")] = (
        NO_REFERENCE
    )
    request: Annotated[OptionalTextReference, column("Request that it comes from.")] = NO_TEXT_REFERENCE


COUNTERS = Collection(
    path="counters",
    record=Counter,
    comment="What counters gained, by person and day. Do not add rows of different period_type.",
    privacy="sensitive",
    shape="dated by people",
    documentation="https://documentation.myprotime.eu/protimeapi/reference/collections/counters/counter-instances/get-list/",
    delta="dated",
    versions="closed days",
    usual=PerDay(working=1.0, weekend=0.3),
)
