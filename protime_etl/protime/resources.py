"""Typed records of the API and the registry of collections.

A collection is one record type, one table of the same column names (`postgres/tables.py`) and one entry in
`COLLECTIONS`; everything else is derived from these.

Clockings: https://documentation.myprotime.eu/protimeapi/reference/collections/clockings/get-list/
People: https://documentation.myprotime.eu/protimeapi/reference/collections/people/
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Annotated, Any, ClassVar

import msgspec

__all__ = ["API_PATH", "COLLECTIONS", "BigInteger", "Clocking", "Collection", "Person", "Record", "Text"]

API_PATH = "/connector/protimeapi/api/v1"

# PostgreSQL's bigint and integer have ends: what does not fit is rejected while decoding. So is a NUL in a text, which
# PostgreSQL does not hold either; a pattern here would cost more than all the rest of the decoding.
Text = Annotated[str, msgspec.Meta(max_length=500)]
BigInteger = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
Integer = Annotated[int, msgspec.Meta(ge=-(2**31), le=2**31 - 1)]


class Record(msgspec.Struct, rename="camel", forbid_unknown_fields=True, frozen=True, omit_defaults=True):
    """Base of all records; an unknown field is an error so that it is noticed and kept, not dropped."""

    extra: ClassVar[None] = None
    """The last value of a row: a record that could be decoded as it came has no unknown fields."""


class Reference(Record, frozen=True):
    """A related object; only its id is asked for."""

    id: BigInteger


class OptionalReference(Record, frozen=True):
    """A related object that need not be there; absent means `id` is None."""

    id: BigInteger | None = None


class Geolocation(Record, frozen=True):
    """Where a clocking was registered, in degrees."""

    longitude: float | None = None
    latitude: float | None = None


class ActivityDefinition(Record, frozen=True):
    """The GUID of an activity."""

    id: Text


class ActivityLevel(Record, frozen=True):
    """One level of an activity clocking."""

    level: Integer
    activity_definition: ActivityDefinition


# Shared defaults let one attrgetter read optional nested ids without a branch per record.
NO_REFERENCE = OptionalReference()
NO_GEOLOCATION = Geolocation()


class Clocking(Record, frozen=True):
    """One clocking, as documented; minutes count from midnight of `date`, -1440 to 2880."""

    id: BigInteger
    person: Reference
    date: dt.date
    time_of_day_in_minutes: Integer
    kind: Text
    change_version: Text = ""
    original_time_of_day_in_minutes: Integer | None = None
    calculated_time_of_day_in_minutes: Integer | None = None
    is_generated: bool | None = None
    terminal: OptionalReference = NO_REFERENCE
    geolocation: Geolocation = NO_GEOLOCATION
    reason: OptionalReference = NO_REFERENCE
    is_open: bool | None = None
    activity_levels: list[ActivityLevel] | None = None
    status: Text | None = None


class Person(Record, frozen=True):
    """Identity of a person. The API gives far more; nothing else is decoded, kept or logged."""

    id: BigInteger
    change_version: Text = ""
    last_name: Text | None = None
    first_name: Text | None = None
    employee_number: Text | None = None
    badge_number: Text | None = None
    in_service_date: dt.date | None = None
    out_of_service_date: dt.date | None = None


@dataclass(frozen=True)
class Collection:
    """What it takes to carry one collection from the API to its table."""

    name: str
    """Path below `/connector/protimeapi/api/v1/`, and the name of the table in schema `protime`."""
    record: type[Record]
    columns: Mapping[str, str]
    """Column of the table -> attribute path in the record, in COPY order."""
    scope: str
    keep_unknown: bool
    """Whether undocumented fields go to the column `extra`; never where they may be personal."""
    soft_delete_status: str | None = None
    """Value of the column `status` that means deleted."""
    not_everywhere: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """Columns that not every answer tells, as the table of a delta's properties lacks them -> the column and its value
    of the records that always have one."""

    def __post_init__(self) -> None:
        # msgspec takes a record's type apart at its first use. Two threads that meet there crash the process: the
        # second is given what the first has not filled in yet. So it is done here, while modules are imported.
        msgspec.json.Decoder(self.record)

    @property
    def row(self) -> Callable[[Any], tuple[Any, ...]]:
        """A function from a record to the values of `columns`, then `extra`."""
        return attrgetter(*self.columns.values(), "extra")


def _plain_columns(record: type[Record], **nested: str) -> dict[str, str]:
    columns = {}
    for one in msgspec.structs.fields(record):
        paths = [name for name, path in nested.items() if path.split(".")[0] == one.name]
        columns.update({name: nested[name] for name in paths} or {one.name: one.name})
    return columns


COLLECTIONS: Mapping[str, Collection] = {
    collection.name: collection
    for collection in (
        Collection(
            name="clockings",
            record=Clocking,
            columns=_plain_columns(
                Clocking,
                person_id="person.id",
                terminal_id="terminal.id",
                longitude="geolocation.longitude",
                latitude="geolocation.latitude",
                reason_id="reason.id",
            ),
            scope="connector-protimeapi-clockings.read",
            keep_unknown=True,
            soft_delete_status="Deleted",
            not_everywhere={"is_open": ("kind", "Reason")},
        ),
        Collection(
            name="people",
            record=Person,
            columns=_plain_columns(Person),
            scope="connector-protimeapi-people.read",
            keep_unknown=False,
        ),
    )
}
