"""Histories: which department, employer or job a person had from which day to which.

No single record of them can be asked for: what two complete readings lack is gone.
"""

from __future__ import annotations

import datetime as dt
from typing import Annotated

import msgspec

from protime_etl.collections.collection import Collection
from protime_etl.collections.record import NO_REFERENCE, ListedRecord, OptionalReference, Record, Reference, column

__all__ = [
    "DEPARTMENT_HISTORIES",
    "EMPLOYER_HISTORIES",
    "JOB_CATEGORY_HISTORIES",
    "JOB_HISTORIES",
    "SECTOR_HISTORIES",
    "WORK_LOCATION_HISTORIES",
    "HistoryRecord",
]


class HistoryRecord(ListedRecord, frozen=True, kw_only=True):
    """What a person had of a category, from a first day to a last."""

    person: Annotated[Reference, column("Protime's internal id of the person.")]
    from_date: Annotated[dt.date | None, column("First day.")] = msgspec.field(name="from", default=None)
    until_date: Annotated[
        dt.date | None, column("Last day; null: open-ended. Whether it is included is not documented.")
    ] = msgspec.field(name="until", default=None)


class DepartmentHistory(HistoryRecord, frozen=True, kw_only=True):
    """The department of a person over time, as documented."""

    department: Annotated[OptionalReference, column("The department of these days.")] = NO_REFERENCE


class EmployerHistory(HistoryRecord, frozen=True, kw_only=True):
    """The employer of a person over time, as documented."""

    employer: Annotated[OptionalReference, column("The employer of these days.")] = NO_REFERENCE


class JobHistory(HistoryRecord, frozen=True, kw_only=True):
    """The job of a person over time, as documented."""

    job: Annotated[OptionalReference, column("The job of these days.")] = NO_REFERENCE


class JobCategoryHistory(HistoryRecord, frozen=True, kw_only=True):
    """The job category of a person over time, as documented."""

    job_category: Annotated[OptionalReference, column("The job category of these days.")] = NO_REFERENCE


class SectorHistory(HistoryRecord, frozen=True, kw_only=True):
    """The sector of a person over time, as documented."""

    sector: Annotated[OptionalReference, column("The sector of these days.")] = NO_REFERENCE


class WorkLocationHistory(HistoryRecord, frozen=True, kw_only=True):
    """The work location of a person over time, as documented."""

    work_location: Annotated[OptionalReference, column("The work location of these days.")] = NO_REFERENCE


def _registration(category: str, record: type[Record]) -> Collection:
    return Collection(
        path=f"{category}-histories",
        record=record,
        comment=f"Which {category.replace('-', ' ')} each person had from which day to which.",
        shape="whole",
        documentation="https://documentation.myprotime.eu/protimeapi/reference/collections/people/historical-data/",
        single=False,
        scope_of="people",
    )


DEPARTMENT_HISTORIES = _registration("department", DepartmentHistory)
EMPLOYER_HISTORIES = _registration("employer", EmployerHistory)
JOB_HISTORIES = _registration("job", JobHistory)
JOB_CATEGORY_HISTORIES = _registration("job-category", JobCategoryHistory)
SECTOR_HISTORIES = _registration("sector", SectorHistory)
WORK_LOCATION_HISTORIES = _registration("work-location", WorkLocationHistory)
