"""Assignments: what a person is planned to do, from a first day to a last."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

import msgspec

from protime_etl.collections.clockings import ActivityLevel
from protime_etl.collections.collection import Collection, PerDay
from protime_etl.collections.record import BigInteger, Integer, Record, Reference, Text, column

__all__ = ["ASSIGNMENTS", "Assignment"]


class Assignment(Record, frozen=True, kw_only=True):
    """One assignment, as documented but for its comments, which are free text about people and are not stored."""

    id: Annotated[BigInteger, column("Protime's unique id of the assignment.")]
    person: Annotated[Reference, column("Protime's internal id of the person.")]
    from_date: Annotated[dt.date, column("First day.")] = msgspec.field(name="from")
    until_date: Annotated[dt.date | None, column("Last day; null: open-ended.")] = msgspec.field(
        name="until", default=None
    )
    change_version: Annotated[
        Text, column("Order of changes, compared as bytes; an older one never overwrites a newer.")
    ] = ""
    start_time_in_minutes: Annotated[Integer | None, column("Minute of the day at which it begins; -1440 to 2880.")] = (
        None
    )
    end_time_in_minutes: Annotated[Integer | None, column("Minute of the day at which it ends; -1440 to 2880.")] = None
    break_duration_in_minutes: Annotated[Integer | None, column("Minutes of break in it.")] = None
    activity_levels: Annotated[
        list[ActivityLevel] | None, column("Array of level and activityDefinition.id, in Protime's words.")
    ] = None
    is_rejected: Annotated[bool | None, column("Whether it was rejected.")] = None


ASSIGNMENTS = Collection(
    path="assignments",
    record=Assignment,
    comment="What people are planned to do, by first and last day.",
    privacy="sensitive",
    shape="dated by days",
    documentation="https://documentation.myprotime.eu/protimeapi/reference/collections/assignments/get-list/",
    day="from_date",
    reaches=True,
    plans=True,
    delta="dated",
    versions="all",
    usual=PerDay(working=20.0, weekend=1.0),
)
