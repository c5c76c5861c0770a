"""Calculated totals: what Protime makes of a person's day."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

from protime_etl.collections.collection import Collection, PerDay
from protime_etl.collections.record import (
    NO_REFERENCE,
    BigInteger,
    Integer,
    OptionalReference,
    Record,
    Reference,
    Text,
    column,
)

__all__ = ["CALCULATED_TOTALS", "CalculatedTotal"]


class CalculatedTotal(Record, frozen=True):
    """The totals of one person and day, as documented, in minutes."""

    id: Annotated[BigInteger, column("Protime's unique id of the totals.")]
    person: Annotated[Reference, column("Protime's internal id of the person.")]
    date: Annotated[dt.date, column("Day that was calculated; a person has one row a day.")]
    change_version: Annotated[
        Text, column("Order of changes, compared as bytes; an older one never overwrites a newer.")
    ] = ""
    normal_time_duration_in_minutes: Annotated[
        Integer | None, column("Working time that the schedule expects of the day.")
    ] = None
    time_present_duration_in_minutes: Annotated[Integer | None, column("Time between clocking in and out.")] = None
    calculated_presence_duration_in_minutes: Annotated[
        Integer | None, column("Presence after Protime's corrections, such as rounding and breaks.")
    ] = None
    weekly_hours1_duration_in_minutes: Annotated[Integer | None, column("Minutes of weekly total 1.")] = None
    weekly_hours2_duration_in_minutes: Annotated[Integer | None, column("Minutes of weekly total 2.")] = None
    weekly_hours3_duration_in_minutes: Annotated[Integer | None, column("Minutes of weekly total 3.")] = None
    pay_period_hours_duration_in_minutes: Annotated[Integer | None, column("Minutes of the pay period.")] = None
    flextime_duration_in_minutes: Annotated[Integer | None, column("Flextime of the day.")] = None
    flextime_balance_in_minutes: Annotated[
        Integer | None, column("Flextime after this day: a running balance, which is not to be added up.")
    ] = None
    shift_definition: Annotated[OptionalReference, column("Shift definition of the day.")] = NO_REFERENCE


CALCULATED_TOTALS = Collection(
    path="calculated-totals",
    record=CalculatedTotal,
    comment="Totals that Protime calculated, one row for each person and day.",
    shape="dated by people",
    documentation="https://documentation.myprotime.eu/protimeapi/reference/collections/calculated-totals/calculated-totals/get-list/",
    delta="dated",
    keep_unknown=True,
    versions="closed days",
    # A record a person and day, whether there was work or not.
    usual=PerDay(working=1.0, weekend=1.0),
)
