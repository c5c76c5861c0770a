"""The tables of records, one a collection, as they follow from its registration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, Date, Double, Index, Integer, Table, Text, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeEngine

from protime_etl.collections import columns
from protime_etl.collections.collection import OTHER_FORM, Collection
from protime_etl.collections.columns import ColumnType
from protime_etl.collections.registry import COLLECTIONS
from protime_etl.postgres.tables.metadata import BYTES, MOMENT, key, metadata

__all__ = ["COPY_TYPES", "RECORD_TABLES", "VERSION_TABLES"]

TYPES: Mapping[ColumnType, TypeEngine[Any]] = {
    "bigint": BigInteger(),
    "integer": Integer(),
    "double": Double(),
    "boolean": Boolean(),
    "date": Date(),
    "text": Text(),
    "version": BYTES,
    "jsonb": JSONB(none_as_null=True),
}
COPY_TYPES: Mapping[ColumnType, str] = {
    "bigint": "int8",
    "integer": "int4",
    "double": "float8",
    "boolean": "bool",
    "date": "date",
    "text": "text",
    "version": "text",
    "jsonb": "jsonb",
}
"""What PostgreSQL calls them, for a binary COPY."""


def _record_table(collection: Collection) -> Table:
    has_person = "person_id" in collection.column_names
    if collection.is_dated:
        by_person = [Index(None, "tenant", "person_id", collection.day)] if has_person else []
        indexes = [*by_person, Index(None, collection.day)]
    else:
        indexes = [Index(None, "tenant", "person_id")] if has_person else []
    return Table(
        collection.table,
        metadata,
        key("tenant", Text(), "Tenant: sub-domain of the myProtime URL."),
        *map(_column, collection.columns),
        Column("extra", TYPES["jsonb"], comment=collection.extra_comment),
        Column(
            "deleted_at",
            MOMENT,
            comment="When it was learnt that the record is deleted in Protime; null while it is not.",
        ),
        Column(
            "deleted_by",
            Text,
            comment="How that was learnt: status (Protime says Deleted), vanished (a complete pull lacks it), delta.",
        ),
        Column(
            "written_at",
            MOMENT,
            nullable=False,
            server_default=func.now(),
            comment="When this row was last written; an equal row is not written again.",
        ),
        *indexes,
        # Next to nothing: where there are such rows, they are counted by it.
        Index(f"ix_{collection.table}_other_form", "tenant", postgresql_where=text(f"extra ? '{OTHER_FORM}'")),
        schema="protime",
        comment=collection.comment,
    )


def _column(column: columns.Column) -> Column[object]:
    if column.name == "id":
        return key(column.name, BigInteger(), column.comment)
    return Column(column.name, TYPES[column.type], nullable=not column.required, comment=column.comment)


def _versions_table(collection: Collection) -> Table:
    current = RECORD_TABLES[collection.path]
    return Table(
        collection.versions_table,
        metadata,
        *(
            Column(one.name, one.type, primary_key=one.primary_key, nullable=one.nullable, comment=one.comment)
            for one in current.columns
            if one.name != "written_at"
        ),
        Column(
            "valid_from", MOMENT, primary_key=True, comment=f"When this version was written to protime.{current.name}."
        ),
        Column(
            "valid_to",
            MOMENT,
            nullable=False,
            comment="When another version replaced it; no longer valid from then on.",
        ),
        schema="protime",
        comment=f"What the rows of protime.{current.name} were before they changed;"
        f" see the function {current.name}_as_of.",
    )


RECORD_TABLES: Mapping[str, Table] = {path: _record_table(one) for path, one in COLLECTIONS.items()}
"""By the collection's path."""
VERSION_TABLES: Mapping[str, Table] = {
    path: _versions_table(one) for path, one in COLLECTIONS.items() if one.versions != "none"
}
"""Of the collections that keep versions, by path."""
