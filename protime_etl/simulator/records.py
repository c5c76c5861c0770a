"""Records to and from the JSON that is served."""

from __future__ import annotations

import datetime as dt
from contextlib import suppress
from functools import cache
from typing import Any, TypeVar

import msgspec

from protime_etl.collections.clockings import Clocking
from protime_etl.collections.people import Person
from protime_etl.collections.record import Record, nested_records
from protime_etl.simulator.generation.people import sensitive_fields

__all__ = ["documented", "moment_of", "refuse_given", "served_person", "tidy"]

R = TypeVar("R", bound=Record)


def tidy(record: R) -> R:
    """The same record in the form whose JSON leaves out everything that is absent."""
    # msgspec leaves a default out only if it is the very same object, not if it is merely equal.
    defaults = {
        field.name: field.default
        for field in _fields(type(record))
        if getattr(record, field.name) is not field.default and getattr(record, field.name) == field.default
    }
    return msgspec.structs.replace(record, **defaults) if defaults else record


@cache
def _fields(kind: type[Record]) -> tuple[msgspec.structs.FieldInfo, ...]:
    """Which takes msgspec a millisecond to find out."""
    return msgspec.structs.fields(kind)


def documented(kind: type[R], raw: dict[str, Any]) -> R | None:
    """What the documented fields of a JSON object say, each by itself, a null or another form being an absent one.

    None if that is no such record: what is required, the person and the version are as documented or nothing is.
    """
    known: Any = _known(kind, raw)
    try:
        return tidy(msgspec.convert(_readable(kind, known, of_record=True), kind))
    except msgspec.ValidationError:
        return None


def _readable(kind: type[Record], known: dict[str, Any], *, of_record: bool = False) -> dict[str, Any]:
    readable = {}
    for field in _fields(kind):
        name = field.encode_name
        if name not in known:
            continue
        nested = nested_records(kind)[name]
        if of_record and (field.required or field.name in ("person", "change_version")):
            readable[name] = known[name]
        elif nested is not None and nested.nested_columns and isinstance(known[name], dict):
            readable[name] = _readable(nested, known[name])
        else:
            for words in (known[name], _in_other_words(known[name])):
                with suppress(msgspec.ValidationError):
                    msgspec.convert(words, field.type)
                    readable[name] = words
    return readable


def _in_other_words(value: Any) -> Any:
    """A number without decimals as an integer, midnight as a day."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value.removesuffix("T00:00:00") if isinstance(value, str) else value


def _known(kind: type[Record] | None, value: object) -> object:
    if kind is None:
        return value
    if isinstance(value, list):
        return [_known(kind, item) for item in value]
    if not isinstance(value, dict):
        return value
    nested = nested_records(kind)
    return {name: _known(nested[name], inner) for name, inner in value.items() if name in nested and inner is not None}


def moment_of(clocking: Clocking) -> dt.datetime:
    """When it was clocked, on the wall clock."""
    midnight = dt.datetime.combine(clocking.date, dt.time())
    return midnight + dt.timedelta(minutes=clocking.time_of_day_in_minutes)


def refuse_given(changes: dict[str, object]) -> None:
    """Refuse what no caller may change.

    Raises:
        ValueError: an id or a changeVersion is among it.
    """
    if {"id", "change_version"} & changes.keys():
        raise ValueError("the tenant alone gives ids and changeVersions")


def served_person(person: Person) -> dict[str, Any]:
    """A person as the API gives it, with fields that are not to be kept."""
    return {**msgspec.to_builtins(person), **sensitive_fields(person.id)}
