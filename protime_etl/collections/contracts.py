"""Contracts: how much each person is employed, from a first day to a last."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

import msgspec

from protime_etl.collections.collection import Collection
from protime_etl.collections.record import NO_REFERENCE, ListedRecord, OptionalReference, Reference, Text, column

__all__ = ["CONTRACTS", "Contract"]


class Contract(ListedRecord, frozen=True, kw_only=True):
    """One contract, as documented; its numbers may have decimals."""

    person: Annotated[Reference, column("Protime's internal id of the person.")]
    code: Annotated[Text | None, column("Code that the tenant gave it.")] = None
    from_date: Annotated[dt.date | None, column("First day.")] = msgspec.field(name="from", default=None)
    until_date: Annotated[dt.date | None, column("Last day; null: open-ended.")] = msgspec.field(
        name="until", default=None
    )
    contract_hours_in_minutes: Annotated[float | None, column("Minutes of work in the contract's period.")] = None
    full_time_equivalent_in_minutes: Annotated[float | None, column("Minutes of full-time work in that period.")] = None
    contract_percentage: Annotated[float | None, column("Part of full-time work, in percent.")] = None
    number_of_working_days_per_week: Annotated[float | None, column("Working days in a week.")] = None
    number_of_days_in_contract_period: Annotated[float | None, column("Days in the contract's period.")] = None
    kind: Annotated[Text | None, column("Contract or Addendum.")] = None
    parent_contract: Annotated[OptionalReference, column("Contract that an addendum belongs to.")] = NO_REFERENCE


CONTRACTS = Collection(
    path="contracts",
    record=Contract,
    comment="Contracts of people, by first and last day.",
    shape="whole",
    documentation="https://documentation.myprotime.eu/protimeapi/reference/collections/contracts/get-list/",
    delta="undated",
    versions="all",
)
