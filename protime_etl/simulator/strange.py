"""Records as no documentation has them: with another property, or with fields of another form."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import msgspec

from protime_etl.collections.record import Record, nested_records
from protime_etl.collections.registry import COLLECTIONS

__all__ = ["changed", "of_another_form", "with_a_property"]

Served = dict[str, Any]


def changed(path: str, body: bytes, change: Callable[[type[Record], Served], Served]) -> bytes:
    """An answer of that collection with its records changed, be it a list, changes of a delta or one record."""
    record, answer = COLLECTIONS[path].record, msgspec.json.decode(body)
    if "value" not in answer:
        return msgspec.json.encode(change(record, answer))
    for place, item in enumerate(answer["value"]):
        if "changeType" not in item:
            answer["value"][place] = change(record, item)
        elif item["changeType"] == "InsertOrUpdate":
            item["data"] = change(record, item["data"])
    return msgspec.json.encode(answer)


def with_a_property(record: type[Record], served: Served) -> Served:
    """With a property that is not documented, also in the objects inside."""
    nested = nested_records(record)
    inner = {
        name: with_a_property(kind, value)
        for name, value in served.items()
        if (kind := nested.get(name)) is not None and isinstance(value, dict)
    }
    return {**served, **inner, "addedLately": {"by": "the tenant"}}


def of_another_form(record: type[Record], served: Served) -> Served:
    """With every optional field of another form that cannot be read."""
    optional = {
        one.encode_name for one in msgspec.structs.fields(record) if not one.required and one.name != "change_version"
    }
    return {name: _another_form(value) if name in optional - {"person"} else value for name, value in served.items()}


def _another_form(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _another_form(part) for name, part in value.items()}
    if isinstance(value, str):
        return "0000-00-00" if _is_day(value) else 7
    return ""  # for numbers, flags and lists


def _is_day(text: str) -> bool:
    try:
        dt.date.fromisoformat(text)
    except ValueError:
        return False
    return True
