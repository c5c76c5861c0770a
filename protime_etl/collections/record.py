"""Typed records of the API: what a field may be, and how a nested object becomes columns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar

import msgspec

__all__ = [
    "NO_GEOLOCATION",
    "NO_REFERENCE",
    "BigInteger",
    "Geolocation",
    "Integer",
    "OptionalReference",
    "Record",
    "Reference",
    "Text",
    "column",
]

# PostgreSQL's bigint and integer have ends: what does not fit is rejected while decoding. So is a NUL in a text, which
# PostgreSQL does not hold either; a pattern here would cost more than all the rest of the decoding.
Text = Annotated[str, msgspec.Meta(max_length=500)]
BigInteger = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
Integer = Annotated[int, msgspec.Meta(ge=-(2**31), le=2**31 - 1)]


def column(comment: str) -> msgspec.Meta:
    """Describes the column that a field becomes, in the words that the table's comment has."""
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


class OptionalReference(Record, frozen=True):
    """A related object that need not be there; absent means `id` is None."""

    nested_columns: ClassVar[Mapping[str, str]] = {"id": "{}_id"}

    id: BigInteger | None = None


class Geolocation(Record, frozen=True):
    """Where a clocking was registered, in degrees."""

    nested_columns: ClassVar[Mapping[str, str]] = {"longitude": "longitude", "latitude": "latitude"}

    longitude: Annotated[float | None, column("Longitude in degrees, where the clocking was registered.")] = None
    latitude: Annotated[float | None, column("Latitude in degrees, where the clocking was registered.")] = None


# Shared defaults let one attrgetter read optional nested ids without a branch per record.
NO_REFERENCE = OptionalReference()
NO_GEOLOCATION = Geolocation()
