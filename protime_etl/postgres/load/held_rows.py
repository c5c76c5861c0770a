"""Rows of a slice in the form of PostgreSQL's binary COPY, held until they are compared with those of the table.

Two rows are equal where their bytes are: nothing is hashed, and nothing is left out. What is equal needs no staging
table and no merge. What differs only in its form, such as a number in a jsonb value, is left to the merge.
"""

from __future__ import annotations

import datetime as dt
import struct
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence, Set
from typing import Any, NamedTuple

import msgspec
import psycopg
from psycopg._copy_base import format_row_binary
from psycopg.adapt import Transformer
from psycopg.pq import Format
from psycopg.types.json import set_json_dumps

from protime_etl.collections.collection import OTHER_FORM
from protime_etl.collections.page import Rows

__all__ = ["EPOCH", "MOST_HELD", "SIGNATURE", "TRAILER", "HeldRows", "Missing"]

MOST_HELD = 32 * 1024 * 1024
"""Bytes of rows that are held; a slice that has more is staged. A unit of a hundred pages has about 15 million."""
SIGNATURE = b"PGCOPY\n\xff\r\n\0" + bytes(8)
"""What a binary COPY begins with: https://www.postgresql.org/docs/current/sql-copy.html"""
TRAILER = b"\xff\xff"
FIELDS = 2
"""Bytes that hold the number of fields; it differs, as a row of the table has more."""
PLACE = struct.Struct("!iqiqiii?")
"""The last fields of a row of the table, each after its length: id, person, day, and whether it is deleted."""
EPOCH = dt.date(2000, 1, 1)
"""Days of PostgreSQL are counted from here."""

EXACT = msgspec.json.Decoder(float_hook=lambda digits: msgspec.Raw(digits.encode()))
"""Numbers with a point or an exponent stay as they are written."""


class Missing(NamedTuple):
    """A live row of the table that was not read."""

    id: int
    person: int
    """0 where the collection has no people."""
    day: dt.date


class HeldRows:
    """Rows that were read, by their ids."""

    def __init__(self, connection: psycopg.Connection[Any], types: Sequence[str]) -> None:
        cursor = connection.cursor()
        set_json_dumps(_as_stored, cursor)
        self._transformer = Transformer(cursor)
        self._transformer.set_dumper_types([cursor.adapters.types.get_oid(one) for one in types], Format.BINARY)
        self._rows: dict[int, bytes] = {}
        self._with_unknown: dict[int, bytes] = {}
        """Rows whose properties that the documentation does not know are no difference, with these."""
        self._again: list[bytes] = []
        """Further versions of records that came twice."""
        self._size = 0
        self.equal: Counter[dt.date] = Counter()
        """How many rows were equal, by day."""
        self.ids_equal: set[int] = set()

    @property
    def is_full(self) -> bool:
        """Whether these are more rows than may be held."""
        return self._size > MOST_HELD

    def take(self, rows: Rows) -> None:
        """Hold these, too."""
        held, write, transformer = self._rows, format_row_binary, self._transformer
        size = 0
        for row in rows:
            form = bytearray()
            extra = row[-1]
            if extra is not None:
                write(row, transformer, form)
                self._with_unknown[row[0]] = bytes(form)
                form = bytearray()
                row = (*row[:-1], _plain(extra).get(OTHER_FORM))  # noqa: PLW2901
            write(row, transformer, form)
            size += len(form)
            image = bytes(form)
            if held.setdefault(row[0], image) != image:
                self._again.append(self._with_unknown.get(row[0], image))
        self._size += size

    def leave_out_equal(
        self, table: Iterable[bytes | bytearray | memoryview], rejected: Set[int | None]
    ) -> list[Missing]:
        """Hold those no more that the table has; returns live rows that were neither read nor `rejected`.

        `table`: messages of a COPY of the rows of the slice, each followed by its place. `rejected`: ids of records
        that could not be understood; with None among them any row may be one of them.
        """
        held, place, width = self._rows, PLACE, PLACE.size
        twice = {_id_of(one) for one in self._again}
        equal: Counter[int] = Counter()
        missing: list[Missing] = []
        may_be_any = None in rejected
        for message in _rows_of(table):
            body = len(message) - width
            _, identity, _, person, _, day, _, is_deleted = place.unpack_from(message, body)
            image = held.get(identity)
            if image is None:
                if not (is_deleted or may_be_any or identity in rejected):
                    missing.append(Missing(identity, person, EPOCH + dt.timedelta(days=day)))
            elif image[FIELDS:] == message[FIELDS:body] and identity not in twice:
                self.ids_equal.add(identity)
                equal[day] += 1
        for identity in self.ids_equal:
            del held[identity]
        self.equal.update({EPOCH + dt.timedelta(days=day): number for day, number in equal.items()})
        return missing

    def rest(self) -> Iterator[bytes]:
        """What is still held, to be copied into a table of the same columns."""
        for identity, image in self._rows.items():
            yield self._with_unknown.get(identity, image)
        yield from self._again

    def __len__(self) -> int:
        return len(self._rows) + len(self._again)


def _as_stored(value: Any) -> bytes:
    """The text that PostgreSQL gives of a jsonb value; a number may have another one, which is then a difference."""
    return msgspec.json.format(msgspec.json.encode(_in_order(_plain(value))), indent=0)


def _plain(value: Any) -> Any:
    return EXACT.decode(msgspec.json.encode(value))


def _in_order(value: Any) -> Any:
    """Shorter keys come first: https://www.postgresql.org/docs/current/datatype-json.html"""
    match value:
        case dict():
            keys = sorted(value, key=lambda key: (len(key.encode()), key.encode()))
            return {key: _in_order(value[key]) for key in keys}
        case list():
            return [_in_order(one) for one in value]
        case _:
            return value


def _id_of(image: bytes) -> int:
    return int.from_bytes(image[6:14], signed=True)


def _rows_of(messages: Iterable[bytes | bytearray | memoryview]) -> Iterator[bytes]:
    for message in messages:
        row = bytes(message)
        if row.startswith(SIGNATURE[:11]):
            row = row[len(SIGNATURE) :]
        if row and row != TRAILER:
            yield row
