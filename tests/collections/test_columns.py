"""What follows from a registration: columns, table, order of COPY."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Annotated

import msgspec
import pytest

from protime_etl.collections.collection import Collection
from protime_etl.collections.columns import Column, columns_of
from protime_etl.collections.record import (
    NO_REFERENCE,
    NO_TEXT,
    BigInteger,
    Integer,
    LocalizedText,
    OptionalReference,
    Record,
    Text,
    column,
)
from protime_etl.collections.registry import COLLECTIONS
from protime_etl.postgres.tables.records import RECORD_TABLES

every_collection = pytest.mark.parametrize("collection", COLLECTIONS.values(), ids=list(COLLECTIONS))


class Part(Record, frozen=True):
    number: Integer


class Example(Record, frozen=True):
    id: Annotated[BigInteger, column("Identity.")]
    day: Annotated[dt.date, column("Day.")]
    change_version: Annotated[Text, column("Version.")] = ""
    hours: Annotated[float | None, column("Hours.")] = None
    minutes: Annotated[Integer | None, column("Minutes.")] = None
    title: Annotated[LocalizedText, column("Title.")] = NO_TEXT
    boss: Annotated[OptionalReference, column("Who leads.")] = NO_REFERENCE
    parts: Annotated[list[Part] | None, column("Parts.")] = None


def test_columns_follow_from_the_fields_and_their_types() -> None:
    assert list(columns_of(Example)) == [
        Column("id", "id", "bigint", required=True, comment="Identity."),
        Column("day", "day", "date", required=True, comment="Day."),
        Column("change_version", "change_version", "version", required=True, comment="Version."),
        Column("hours", "hours", "double", required=False, comment="Hours."),
        Column("minutes", "minutes", "integer", required=False, comment="Minutes."),
        Column("title", "title.default", "text", required=False, comment="Title."),
        Column(
            "title_translations",
            "title.translations",
            "jsonb",
            required=False,
            comment="Translations of title, by language tag such as nl-NL.",
        ),
        Column("boss_id", "boss.id", "bigint", required=False, comment="Who leads."),
        Column("parts", "parts", "jsonb", required=False, comment="Parts."),
    ]


def test_a_row_has_the_values_of_the_columns_and_then_extra() -> None:
    examples = Collection(
        path="some-examples", record=Example, comment="Examples.", shape="whole", documentation="https://example.org"
    )
    sent = b'{"id":1,"day":"2026-03-20","title":{"default":"a","translations":{"nl-NL":"b"}},"parts":[{"number":3}]}'
    row = examples.row(msgspec.json.decode(sent, type=Example))
    expected = (1, dt.date(2026, 3, 20), "", None, None, "a", {"nl-NL": "b"}, None, [Part(number=3)], None)
    assert row == expected
    assert examples.position("title_translations") == row.index({"nl-NL": "b"})
    assert (examples.table, examples.scope) == ("some_examples", "connector-protimeapi-some-examples.read")


@every_collection
def test_the_table_is_the_registration(collection: Collection) -> None:
    table = RECORD_TABLES[collection.path]
    assert (table.name, table.comment) == (collection.table, collection.comment)
    held = [(one.name, not one.nullable, one.comment) for one in table.columns if one.name in collection.column_names]
    assert held == [(one.name, one.required, one.comment) for one in collection.columns]
    assert [one.name for one in table.primary_key] == ["tenant", "id"]


@every_collection
def test_a_registration_is_complete(collection: Collection) -> None:
    assert all(one.comment.endswith(".") for one in collection.columns)
    assert {"id", "change_version"} <= set(collection.column_names)
    assert collection.documentation.startswith("https://documentation.myprotime.eu/protimeapi/")
    assert (collection.usual is not None) == collection.is_dated
    assert set(collection.delta_lacks) <= set(collection.column_names)


def test_a_type_without_a_column_is_refused() -> None:
    class Priced(Record, frozen=True):
        price: Annotated[Decimal, column("Price.")]

    with pytest.raises(TypeError, match="price is of a type that has no column"):
        list(columns_of(Priced))
