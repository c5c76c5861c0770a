"""Clockings to and from the JSON that is served."""

from __future__ import annotations

from typing import Any

import msgspec

from protime_etl.collections.clockings import ActivityDefinition, ActivityLevel, Clocking
from protime_etl.collections.record import Geolocation, OptionalReference, Record, Reference

__all__ = ["documented_clocking", "tidy"]

_INNER_RECORDS: dict[str, type[Record]] = {
    "person": Reference,
    "terminal": OptionalReference,
    "geolocation": Geolocation,
    "reason": OptionalReference,
    "activityLevels": ActivityLevel,
    "activityDefinition": ActivityDefinition,
}


def tidy(clocking: Clocking) -> Clocking:
    """The same clocking in the form whose JSON leaves out everything that is absent."""
    # msgspec leaves a default out only if it is the very same object, not if it is merely equal.
    defaults = {
        field.name: field.default
        for field in msgspec.structs.fields(clocking)
        if getattr(clocking, field.name) is not field.default and getattr(clocking, field.name) == field.default
    }
    return msgspec.structs.replace(clocking, **defaults) if defaults else clocking


def documented_clocking(raw: dict[str, Any]) -> Clocking | None:
    """What the documented fields of a JSON object say, a null being an absent one; None if that is no clocking."""
    try:
        return tidy(msgspec.convert(_known(Clocking, raw), Clocking))
    except msgspec.ValidationError:
        return None


def _known(record: type[Record] | None, value: object) -> object:
    if record is None:
        return value
    if isinstance(value, list):
        return [_known(record, item) for item in value]
    if not isinstance(value, dict):
        return value
    names = {field.encode_name for field in msgspec.structs.fields(record)}
    return {
        name: _known(_INNER_RECORDS.get(name), inner)
        for name, inner in value.items()
        if name in names and inner is not None
    }
