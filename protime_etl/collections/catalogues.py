"""Catalogues: what the ids in other collections stand for. Each is read as its complete list."""

from __future__ import annotations

from typing import Annotated

from protime_etl.collections.collection import Collection
from protime_etl.collections.record import (
    NO_REFERENCE,
    NO_TEXT,
    Integer,
    ListedRecord,
    LocalizedText,
    OptionalReference,
    Text,
    column,
)

__all__ = [
    "ABSENCE_GROUPS",
    "BREAK_DEFINITIONS",
    "COUNTER_DEFINITIONS",
    "COUNTER_GROUPS",
    "DEPARTMENTS",
    "EMPLOYERS",
    "JOBS",
    "JOB_CATEGORIES",
    "SECTORS",
    "SHIFT_DEFINITIONS",
    "WORK_LOCATIONS",
    "NamedRecord",
]

REFERENCE = "https://documentation.myprotime.eu/protimeapi/reference/collections"


class NamedRecord(ListedRecord, frozen=True, kw_only=True):
    """A record with a name in several languages."""

    name: Annotated[LocalizedText, column("Name in the tenant's own language.")] = NO_TEXT


class AbsenceGroup(NamedRecord, frozen=True, kw_only=True):
    """An absence group, as documented."""

    type: Annotated[Text | None, column("Absence, WorkingElsewhere or Unknown.")] = None


class BreakDefinition(NamedRecord, frozen=True, kw_only=True):
    """A break definition, as documented."""

    friendly_name: Annotated[LocalizedText, column("Name that employees see.")] = NO_TEXT
    paid_duration_in_minutes: Annotated[Integer | None, column("Minutes of it that are paid.")] = None
    minimum_duration_in_minutes: Annotated[Integer | None, column("Least minutes.")] = None
    maximum_duration_in_minutes: Annotated[Integer | None, column("Most minutes.")] = None
    if_not_clocked_duration_in_minutes: Annotated[
        Integer | None, column("Minutes that are deducted where no break was clocked.")
    ] = None
    has_to_be_taken_uninterrupted: Annotated[bool | None, column("Whether it has to be taken in one piece.")] = None


class CounterDefinition(NamedRecord, frozen=True, kw_only=True):
    """A counter definition, as documented."""

    code: Annotated[Text | None, column("Code that the tenant gave it.")] = None
    friendly_name: Annotated[LocalizedText, column("Name that employees see.")] = NO_TEXT
    friendly_code: Annotated[LocalizedText, column("Code that employees see.")] = NO_TEXT
    is_enabled: Annotated[bool | None, column("Whether it may be used now.")] = None
    counter_group: Annotated[OptionalReference, column("Counter group that it belongs to.")] = NO_REFERENCE
    unit: Annotated[Text | None, column("Unknown, Interval, Duration or Instance.")] = None


class CounterGroup(NamedRecord, frozen=True, kw_only=True):
    """A counter group, as documented."""


class Department(NamedRecord, frozen=True, kw_only=True):
    """A department, as documented."""

    external_code: Annotated[Text | None, column("Code of the department elsewhere, such as in payroll.")] = None


class Employer(NamedRecord, frozen=True, kw_only=True):
    """An employer, as documented."""

    external_code: Annotated[Text | None, column("Code of the employer elsewhere, such as in payroll.")] = None
    address: Annotated[Text | None, column("Street and number.")] = None
    town: Annotated[Text | None, column("Town.")] = None
    postal_code: Annotated[Text | None, column("Postal code.")] = None
    company_registration_number: Annotated[Text | None, column("Number in the register of companies.")] = None


class JobCategory(NamedRecord, frozen=True, kw_only=True):
    """A job category, as documented."""

    external_code: Annotated[Text | None, column("Code of the category elsewhere, such as in payroll.")] = None


class Job(NamedRecord, frozen=True, kw_only=True):
    """A job, as documented."""


class Sector(NamedRecord, frozen=True, kw_only=True):
    """A sector, as documented."""


class ShiftDefinition(NamedRecord, frozen=True, kw_only=True):
    """A shift definition, as documented."""

    code: Annotated[Text | None, column("Code that the tenant gave it.")] = None
    friendly_name: Annotated[LocalizedText, column("Name that employees see.")] = NO_TEXT
    is_enabled: Annotated[bool | None, column("Whether it may be used now.")] = None


class WorkLocation(ListedRecord, frozen=True, kw_only=True):
    """A work location, as documented."""

    description: Annotated[LocalizedText, column("Name of the location.")] = NO_TEXT


ABSENCE_GROUPS = Collection(
    path="absence-groups",
    record=AbsenceGroup,
    comment="Groups of absence definitions.",
    privacy="none",
    shape="whole",
    documentation=f"{REFERENCE}/absences/absence-groups/get-list/",
    delta="undated",
    versions="all",
    keep_unknown=True,
)
BREAK_DEFINITIONS = Collection(
    path="break-definitions",
    record=BreakDefinition,
    comment="Break definitions.",
    privacy="none",
    shape="whole",
    documentation=f"{REFERENCE}/breaks/break-definitions/get-list/",
    delta="undated",
    versions="all",
    keep_unknown=True,
)
COUNTER_DEFINITIONS = Collection(
    path="counter-definitions",
    record=CounterDefinition,
    comment="What counters count; code is a pay code.",
    privacy="none",
    shape="whole",
    documentation=f"{REFERENCE}/counters/counter-definitions/get-list/",
    delta="undated",
    versions="all",
    keep_unknown=True,
)
COUNTER_GROUPS = Collection(
    path="counter-groups",
    record=CounterGroup,
    comment="Groups of counter definitions.",
    privacy="none",
    shape="whole",
    documentation=f"{REFERENCE}/counters/counter-groups/get-list/",
    delta="undated",
    versions="all",
    keep_unknown=True,
)
DEPARTMENTS = Collection(
    path="departments",
    record=Department,
    comment="Departments.",
    privacy="none",
    shape="whole",
    documentation=f"{REFERENCE}/departments/get-list/",
    versions="all",
    keep_unknown=True,
)
EMPLOYERS = Collection(
    path="employers",
    record=Employer,
    comment="Employers, without their bank accounts.",
    privacy="none",
    shape="whole",
    documentation=f"{REFERENCE}/employers/get-list/",
    versions="all",
    keep_unknown=False,
)
JOB_CATEGORIES = Collection(
    path="job-categories",
    record=JobCategory,
    comment="Job categories.",
    privacy="none",
    shape="whole",
    documentation=f"{REFERENCE}/job-categories/get-list/",
    versions="all",
    keep_unknown=True,
)
JOBS = Collection(
    path="jobs",
    record=Job,
    comment="Jobs.",
    privacy="none",
    shape="whole",
    documentation=f"{REFERENCE}/jobs/get-list/",
    versions="all",
    keep_unknown=True,
)
SECTORS = Collection(
    path="sectors",
    record=Sector,
    comment="Sectors.",
    privacy="none",
    shape="whole",
    documentation=f"{REFERENCE}/sectors/get-list/",
    versions="all",
    keep_unknown=True,
)
SHIFT_DEFINITIONS = Collection(
    path="shift-definitions",
    record=ShiftDefinition,
    comment="Shifts; the API does not give their times.",
    privacy="none",
    shape="whole",
    documentation=f"{REFERENCE}/shift-definitions/get-list/",
    delta="undated",
    versions="all",
    keep_unknown=True,
)
WORK_LOCATIONS = Collection(
    path="work-locations",
    record=WorkLocation,
    comment="Work locations.",
    privacy="none",
    shape="whole",
    documentation=f"{REFERENCE}/work-locations/get-list/",
    versions="all",
    keep_unknown=True,
)
