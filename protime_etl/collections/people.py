"""People: whose clockings they are."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

from protime_etl.collections.collection import Collection
from protime_etl.collections.record import BigInteger, Record, Text, column

__all__ = ["PEOPLE", "Person"]


class Person(Record, frozen=True):
    """Identity of a person. The API gives far more; nothing else is decoded, kept or logged."""

    id: Annotated[BigInteger, column("Protime's internal id of the person.")]
    change_version: Annotated[Text, column("Order of changes, compared as bytes.")] = ""
    last_name: Annotated[Text | None, column("Last name.")] = None
    first_name: Annotated[Text | None, column("First name.")] = None
    employee_number: Annotated[Text | None, column("Employee number, the employer's own key.")] = None
    badge_number: Annotated[Text | None, column("Badge number now.")] = None
    in_service_date: Annotated[dt.date | None, column("First day in service.")] = None
    out_of_service_date: Annotated[dt.date | None, column("Last day in service; null while in service.")] = None
    period_closing_date: Annotated[dt.date | None, column("Day up to which the person's calendar is closed.")] = None
    pay_group: Annotated[Text | None, column("Pay group.")] = None
    wtd_start_date: Annotated[dt.date | None, column("First day of the working time directive's period.")] = None


PEOPLE = Collection(
    path="people",
    record=Person,
    comment="Identity of the people that clock. Nothing else that the API returns about them is stored.",
    shape="whole",
    documentation="https://documentation.myprotime.eu/protimeapi/reference/collections/people/",
    delta="undated",
    versions="all",
    keep_unknown=False,
)
