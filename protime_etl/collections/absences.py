"""Absences: who is away on which day, and why."""

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

__all__ = ["ABSENCES", "Absence"]


class Absence(DatedRecord, frozen=True, kw_only=True):
    """One absence of one person and day, as documented; minutes since midnight of the day."""

    resulting_absence_definition: Annotated[
        OptionalReference, column("Absence definition that counts after all approvals.")
    ] = NO_REFERENCE
    requested_absence_definition: Annotated[OptionalReference, column("Absence definition that was requested.")] = (
        NO_REFERENCE
    )
    shift_definition: Annotated[
        OptionalReference, column("Shift definition of the absence, where it is not the schedule's.")
    ] = NO_REFERENCE
    start_time_in_minutes: Annotated[Integer | None, column("Minute of the day at which it begins; -1440 to 2880.")] = (
        None
    )
    duration_in_minutes: Annotated[Integer | None, column("How long it is, as entered.")] = None
    calculated_duration_in_minutes: Annotated[Integer | None, column("How long it is after Protime's calculation.")] = (
        None
    )
    day_part: Annotated[Text | None, column("First, Second or Unknown: the half of the day.")] = None
    request: Annotated[OptionalTextReference, column("Request that it comes from: tenant, person and request.")] = (
        NO_TEXT_REFERENCE
    )
    status: Annotated[
        Text | None, column("Unknown, Manual, Auto, BeginOpen, Open, Terminal or Calendar: where it comes from.")
    ] = None
    approval_level: Annotated[
        Text | None,
        column(
            "Unknown, AwaitingApproval, Approved, NotApproved, NotApprovedByPriorities or NotApprovedByCalculations."
        ),
    ] = None
    is_locked: Annotated[bool | None, column("Whether it is locked against changes.")] = None
    period_type: Annotated[
        Text | None, column("Unknown, Day, Week or PayPeriod: the value of a week or a pay period stands on one day.")
    ] = None


ABSENCES = Collection(
    path="absences",
    record=Absence,
    comment="Absences, one row for each person, day and part of it. Their reasons may concern health.",
    privacy="special",
    shape="dated by people",
    documentation="https://documentation.myprotime.eu/protimeapi/reference/collections/absences/absences/get-list/",
    plans=True,
    delta="dated",
    versions="all",
    usual=PerDay(working=0.1, weekend=0.0),
)
