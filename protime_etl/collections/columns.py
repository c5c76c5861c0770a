"""The columns of a collection's table, as they follow from its record."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from msgspec import inspect

from protime_etl.collections.record import Record, Reference
from protime_etl.collections.relations import RELATIONS

__all__ = ["Column", "ColumnType", "columns_of"]

ColumnType = Literal["bigint", "integer", "double", "boolean", "date", "text", "version", "jsonb"]
"""`version`: a text that is compared as bytes, whatever the locale."""
VERSION = "change_version"
LARGEST_INTEGER = 2**31 - 1
OBJECTS = (inspect.StructType, inspect.ListType, inspect.DictType, inspect.AnyType)
SIMPLE: dict[type[inspect.Type], ColumnType] = {
    inspect.FloatType: "double",
    inspect.BoolType: "boolean",
    inspect.DateType: "date",
    inspect.StrType: "text",
}


@dataclass(frozen=True)
class Column:
    """One column of a collection's table."""

    name: str
    path: str
    """Where its value stands in the record: attributes joined by dots."""
    type: ColumnType
    required: bool
    """Whether every record has it."""
    comment: str


def columns_of(record: type[Record]) -> Iterator[Column]:
    """One column a field, or several where the field is an object that says which."""
    for outer in _fields(record):
        kind, comment = _unwrapped(outer.type)
        nested = _nested_columns(kind)
        if isinstance(kind, inspect.StructType) and nested:
            for inner in _fields(kind.cls):
                inner_kind, inner_comment = _unwrapped(inner.type)
                name = nested[inner.name].format(outer.name)
                yield Column(
                    name=name,
                    path=f"{outer.name}.{inner.name}",
                    type=_column_type(inner.name, inner_kind),
                    required=outer.required and inner.required,
                    comment=(inner_comment.format(outer.name) or comment) + _relation(name),
                )
        elif _is_reference(kind):
            # Of a list of references the ids, from a property of the record that is named like the column.
            name = f"{outer.name.removesuffix('s')}_ids"
            if not hasattr(record, name):
                raise TypeError(f"{record.__name__} has a list {outer.name} and no property {name}")
            yield Column(name, name, "jsonb", required=False, comment=comment)
        else:
            # A record without a version is stored all the same: with an empty one, which is older than any other.
            required = outer.required or outer.name == VERSION
            yield Column(outer.name, outer.name, _column_type(outer.name, kind), required, comment)


def _fields(record: type[Any]) -> tuple[inspect.Field, ...]:
    described = inspect.type_info(record)
    assert isinstance(described, inspect.StructType)  # noqa: S101 - all records are
    return described.fields


def _nested_columns(kind: inspect.Type) -> Mapping[str, str]:
    if isinstance(kind, inspect.StructType) and issubclass(kind.cls, Record):
        return kind.cls.nested_columns
    return {}


def _relation(column: str) -> str:
    """The sentence that says what a column refers to, if it does."""
    return f" Refers to id of protime.{RELATIONS[column].replace('-', '_')}." if column in RELATIONS else ""


def _is_reference(kind: inspect.Type) -> bool:
    """Whether it is a list of references."""
    if not isinstance(kind, inspect.ListType):
        return False
    item = kind.item_type
    return isinstance(item, inspect.StructType) and issubclass(item.cls, Reference)


def _unwrapped(kind: inspect.Type) -> tuple[inspect.Type, str]:
    """What a field holds when it holds something, and the comment of its column."""
    comment = ""
    while isinstance(kind, (inspect.Metadata, inspect.UnionType)):
        if isinstance(kind, inspect.Metadata):
            comment = (kind.extra_json_schema or {}).get("description", comment)
            kind = kind.type
        else:
            kind = next(one for one in kind.types if not isinstance(one, inspect.NoneType))
    return kind, comment


def _column_type(name: str, kind: inspect.Type) -> ColumnType:
    if name == VERSION:
        return "version"
    if isinstance(kind, inspect.IntType):
        return "integer" if kind.le is not None and kind.le <= LARGEST_INTEGER else "bigint"
    if type(kind) in SIMPLE:
        return SIMPLE[type(kind)]
    if not isinstance(kind, OBJECTS):
        raise TypeError(f"{name} is of a type that has no column: use int, float, bool, dt.date, Text, or an object")
    return "jsonb"
