"""Typed records of the API: what a field may be, and how a nested object becomes columns."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any, ClassVar, get_args

import msgspec

__all__ = [
    "NO_GEOLOCATION",
    "NO_REFERENCE",
    "NO_TEXT",
    "NO_TEXT_REFERENCE",
    "BigInteger",
    "DatedRecord",
    "Geolocation",
    "Integer",
    "ListedRecord",
    "LocalizedText",
    "LongText",
    "OptionalReference",
    "OptionalTextReference",
    "Record",
    "Reference",
    "Text",
    "column",
    "nested_records",
]

# PostgreSQL's bigint and integer have ends: what does not fit is rejected while decoding. So is a NUL in a text, which
# PostgreSQL does not hold either; a pattern here would cost more than all the rest of the decoding.
Text = Annotated[str, msgspec.Meta(max_length=500)]
LongText = Annotated[str, msgspec.Meta(max_length=10_000)]
"""A text of which nothing says how long it may be."""
BigInteger = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
Integer = Annotated[int, msgspec.Meta(ge=-(2**31), le=2**31 - 1)]


def column(comment: str) -> msgspec.Meta:
    """Describes the column that a field becomes, in the words that its comment in the database has.

    In a nested record `{}` stands for the name of the field that holds it.
    """
    return msgspec.Meta(description=comment)


class Record(msgspec.Struct, rename="camel", forbid_unknown_fields=True, frozen=True, omit_defaults=True):
    """Base of all records; an unknown field is an error so that it is noticed and kept, not dropped."""

    extra: ClassVar[None] = None
    """The last value of a row: a record that could be decoded as it came has no unknown fields."""
    nested_columns: ClassVar[Mapping[str, str]] = {}
    """If other records contain this one as an object: its fields -> the columns they become there.

    `{}` stands for the name of the field that holds the object. Empty: the object is one value, stored as jsonb.
    """


class Reference(Record, frozen=True):
    """A related object; only its id is asked for."""

    nested_columns: ClassVar[Mapping[str, str]] = {"id": "{}_id"}

    id: BigInteger


class ListedRecord(Record, frozen=True, kw_only=True):
    """A record of a complete list."""

    id: Annotated[BigInteger, column("Protime's unique id of the record.")]
    change_version: Annotated[
        Text, column("Order of changes, compared as bytes; an older one never overwrites a newer.")
    ] = ""


class DatedRecord(Record, frozen=True, kw_only=True):
    """A record of one person and day."""

    id: Annotated[BigInteger, column("Protime's unique id of the record.")]
    person: Annotated[Reference, column("Protime's internal id of the person.")]
    date: Annotated[dt.date, column("Day that the record belongs to.")]
    change_version: Annotated[
        Text, column("Order of changes, compared as bytes; an older one never overwrites a newer.")
    ] = ""


class OptionalReference(Record, frozen=True):
    """A related object that need not be there; absent means `id` is None."""

    nested_columns: ClassVar[Mapping[str, str]] = {"id": "{}_id"}

    id: BigInteger | None = None


class OptionalTextReference(Record, frozen=True):
    """A related object whose id is a text, and that need not be there."""

    nested_columns: ClassVar[Mapping[str, str]] = {"id": "{}_id"}

    id: Text | None = None


class Geolocation(Record, frozen=True):
    """Where a clocking was registered, in degrees."""

    nested_columns: ClassVar[Mapping[str, str]] = {"longitude": "longitude", "latitude": "latitude"}

    longitude: Annotated[float | None, column("Longitude in degrees, where the clocking was registered.")] = None
    latitude: Annotated[float | None, column("Latitude in degrees, where the clocking was registered.")] = None


class LocalizedText(Record, frozen=True):
    """A text in the tenant's own language and in others."""

    nested_columns: ClassVar[Mapping[str, str]] = {"default": "{}", "translations": "{}_translations"}

    default: Text | None = None
    translations: Annotated[dict[str, Text] | None, column("Translations of {}, by language tag such as nl-NL.")] = None


@cache
def nested_records(record: type[Record]) -> Mapping[str, type[Record] | None]:
    """Fields by the names that the API gives them -> the record that each holds, alone or in a list; None if none."""
    return {one.encode_name: _nested_record(one.type) for one in msgspec.structs.fields(record)}


def _nested_record(declared: Any) -> type[Record] | None:
    if isinstance(declared, type) and issubclass(declared, Record):
        return declared
    return next(filter(None, map(_nested_record, get_args(declared))), None)


# Shared defaults let one attrgetter read optional nested ids without a branch per record.
NO_REFERENCE = OptionalReference()
NO_TEXT_REFERENCE = OptionalTextReference()
NO_GEOLOCATION = Geolocation()
NO_TEXT = LocalizedText()
