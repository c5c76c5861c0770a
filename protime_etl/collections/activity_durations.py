"""Activity durations: time that a person spent on cost centres, projects and the like."""

from __future__ import annotations

from typing import Annotated

from protime_etl.collections.clockings import ActivityLevel
from protime_etl.collections.collection import Collection, PerDay
from protime_etl.collections.record import (
    NO_REFERENCE,
    NO_TEXT_REFERENCE,
    DatedRecord,
    Integer,
    OptionalReference,
    OptionalTextReference,
    Reference,
    Text,
    column,
)

__all__ = ["ACTIVITY_DURATIONS", "ActivityDuration"]


class ActivityDuration(DatedRecord, frozen=True, kw_only=True):
    """Time on one activity of one person and day, as documented.

    The newest documentation gives it no changeVersion: then what was read last counts.
    """

    duration_in_minutes: Annotated[Integer | None, column("How long it is.")] = None
    activity_levels: Annotated[
        list[ActivityLevel] | None, column("Array of level and activityDefinition.id, in Protime's words.")
    ] = None
    absence_definition: Annotated[OptionalReference, column("Absence definition, of an activity while away.")] = (
        NO_REFERENCE
    )
    counter_definitions: Annotated[list[Reference] | None, column("Ids of the counter definitions that it feeds.")] = (
        None
    )
    request: Annotated[OptionalTextReference, column("Request that it comes from.")] = NO_TEXT_REFERENCE
    status: Annotated[
        Text | None, column("Unknown, Auto, Manual, or in older editions Calendar, Default, Deleted.")
    ] = None
    is_authorized: Annotated[bool | None, column("Whether it is authorized.")] = None
    shift_definition: Annotated[OptionalReference, column("Shift definition, where it is not the schedule's.")] = (
        NO_REFERENCE
    )

    @property
    def counter_definition_ids(self) -> list[int] | None:
        """The ids alone."""
        return None if self.counter_definitions is None else [one.id for one in self.counter_definitions]


ACTIVITY_DURATIONS = Collection(
    path="activity-durations",
    record=ActivityDuration,
    comment="Time on activities by person and day.",
    privacy="sensitive",
    shape="dated by people",
    documentation="https://documentation.myprotime.eu/protimeapi/reference/collections/activities/activity-durations/get-list/",
    deleted_status="Deleted",
    usual=PerDay(working=0.5, weekend=0.0),
)
