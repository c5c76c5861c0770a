"""Records to and from the JSON that is served."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from protime_etl.collections.record import Record, nested_records

__all__ = ["documented", "tidy"]

R = TypeVar("R", bound=Record)


def tidy(record: R) -> R:
    """The same record in the form whose JSON leaves out everything that is absent."""
    # msgspec leaves a default out only if it is the very same object, not if it is merely equal.
    defaults = {
        field.name: field.default
        for field in msgspec.structs.fields(record)
        if getattr(record, field.name) is not field.default and getattr(record, field.name) == field.default
    }
    return msgspec.structs.replace(record, **defaults) if defaults else record


def documented(kind: type[R], raw: dict[str, Any]) -> R | None:
    """What the documented fields of a JSON object say, a null being an absent one; None if that is no such record."""
    try:
        return tidy(msgspec.convert(_known(kind, raw), kind))
    except msgspec.ValidationError:
        return None


def _known(kind: type[Record] | None, value: object) -> object:
    if kind is None:
        return value
    if isinstance(value, list):
        return [_known(kind, item) for item in value]
    if not isinstance(value, dict):
        return value
    nested = nested_records(kind)
    return {name: _known(nested[name], inner) for name, inner in value.items() if name in nested and inner is not None}
