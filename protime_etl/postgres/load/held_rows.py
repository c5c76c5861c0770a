"""Rows of a slice in the form of PostgreSQL's binary COPY, held until they are compared with those of the table.

Two rows are equal where their bytes are: nothing is hashed, and nothing is left out. What is equal needs no staging
table and no merge. What differs only in its form, such as a number in a jsonb value, is left to the merge.
"""

from __future__ import annotations

import datetime as dt
import struct
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from contextlib import suppress
from itertools import pairwise
from typing import Any, NamedTuple

import msgspec
import psycopg
from psycopg._copy_base import format_row_binary
from psycopg.adapt import Transformer
from psycopg.errors import error_from_result
from psycopg.pq import Format
from psycopg.types.json import set_json_dumps

from protime_etl.collections.collection import OTHER_FORM
from protime_etl.collections.page import Rows

__all__ = ["EPOCH", "MOST_HELD", "SIGNATURE", "TRAILER", "HeldRows", "Missing", "rows_of"]

MOST_HELD = 32 * 1024 * 1024
"""Bytes of rows that are held; a slice that has more is staged. A unit of a hundred pages has about 15 million."""
SIGNATURE = b"PGCOPY\n\xff\r\n\0" + bytes(8)
"""What a binary COPY begins with: https://www.postgresql.org/docs/current/sql-copy.html"""
TRAILER = b"\xff\xff"
PLACE = struct.Struct("!iqiqiii?i?")
"""The last fields of a row of the table, each after its length: id, person, day, whether it says of itself that it is
deleted, and whether it is."""
DAY = slice(-14, -10)
"""Where the day is in it."""
SAYS_DELETED, IS_DELETED = slice(-6, -5), slice(-1, None)
"""Where these are; a row of which only one holds was changed in the table."""
COUNT = 2
"""Bytes before the fields of a row that say how many there are; a row of the table has more."""
KEY = slice(COUNT + 4, COUNT + 12)
"""Where the id of a row is: the first column, after its length."""
CONTENT = slice(COUNT, -PLACE.size)
"""What of a row of the table was read, too."""
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
    """Rows that were read, without the number of their fields, by the bytes of their ids."""

    def __init__(self, connection: psycopg.Connection[Any], types: Sequence[str]) -> None:
        cursor = connection.cursor()
        set_json_dumps(_as_stored, cursor)
        self._transformer = Transformer(cursor)
        self._transformer.set_dumper_types([cursor.adapters.types.get_oid(one) for one in types], Format.BINARY)
        self._count = len(types).to_bytes(COUNT)
        self._rows: dict[bytes, bytes] = {}
        self._with_unknown: dict[bytes, bytes] = {}
        """Rows whose properties that the documentation does not know are no difference, with these."""
        self._again: list[bytes] = []
        """All versions of records that came twice."""
        self._size = 0
        self.equal: Mapping[dt.date, int] = {}
        """How many rows were equal, by day."""

    @property
    def is_full(self) -> bool:
        """Whether these are more rows than may be held."""
        return self._size > MOST_HELD

    def take(self, rows: Rows) -> None:
        """Hold these, too."""
        held, write, transformer = self._rows, format_row_binary, self._transformer
        form, ends, with_unknown = bytearray(), [0], dict[int, bytes]()
        for row in rows:
            extra = row[-1]
            if extra is not None:
                whole = bytearray()
                write(row, transformer, whole)
                with_unknown[len(form)] = bytes(whole[COUNT:])
                row = (*row[:-1], _plain(extra).get(OTHER_FORM))  # noqa: PLW2901
            write(row, transformer, form)
            ends.append(len(form))
        page = bytes(form)
        for start, end in pairwise(ends):
            key, image = page[start + KEY.start : start + KEY.stop], page[start + COUNT : end]
            before = held.setdefault(key, image)
            if before is image:
                if start in with_unknown:
                    self._with_unknown[key] = with_unknown[start]
            elif before != image:
                self._again.append(with_unknown.get(start, image))
        self._size += len(page) + sum(map(len, with_unknown.values()))

    def has_read(self, identity: int) -> bool:
        """Whether this record was read; asked before equal ones are left out."""
        return identity.to_bytes(8, signed=True) in self._rows

    def leave_out_equal(
        self, table: Iterable[bytes | bytearray | memoryview], rejected: Set[int | None]
    ) -> list[Missing]:
        """Hold those no more that the table has; returns live rows that were neither read nor `rejected`.

        `table`: messages of a COPY of the rows of the slice, each followed by its place. `rejected`: ids of records
        that could not be understood; with None among them any row may be one of them.
        """
        held, equal, missing = self._rows, list[bytes](), list[Missing]()
        may_be_any = None in rejected
        twice = {image[KEY.start - COUNT : KEY.stop - COUNT] for image in self._again}
        # Of several versions the newest counts: the merge and the comparison find it.
        self._again += [self._with_unknown.get(key, held.pop(key)) for key in twice]
        for message in table:
            row = bytes(message)
            key = row[KEY]
            image = held.pop(key, None)
            if image == row[CONTENT] and row[SAYS_DELETED] == row[IS_DELETED]:
                equal.append(row[DAY])
            elif image is not None:
                held[key] = image
            elif key not in twice:
                _, identity, _, person, _, day, *_, is_deleted = PLACE.unpack(row[-PLACE.size :])
                if not (is_deleted or may_be_any or identity in rejected):
                    missing.append(Missing(identity, person, _day(day)))
        self.equal = {_day(int.from_bytes(day, signed=True)): number for day, number in Counter(equal).items()}
        return missing

    def rest(self) -> Iterator[bytes]:
        """What is still held, to be copied into a table of the same columns."""
        for key, image in self._rows.items():
            yield self._count + self._with_unknown.get(key, image)
        for image in self._again:
            yield self._count + image

    def __len__(self) -> int:
        return len(self._rows) + len(self._again)


def rows_of(copy: psycopg.Copy, connection: psycopg.Connection[Any]) -> Iterator[bytes | bytearray | memoryview]:
    """The rows of a COPY in binary form, one by one.

    Those that have arrived are taken straight from libpq: waiting for each takes twice as long.
    """
    at_hand = connection.pgconn.get_copy_data
    length = len(SIGNATURE)
    while row := copy.read():
        if length:  # it comes before the first row, in one message with it
            row, length = row[length:], 0
        while row != TRAILER:
            if row:
                yield row
            there, row = at_hand(1)
            if there < 0:
                raise _failure(connection)
            if there == 0:
                break


def _failure(connection: psycopg.Connection[Any]) -> psycopg.Error:
    """Why a COPY has ended before its trailer; from now on the connection can be used again."""
    ended, *_ = iter(connection.pgconn.get_result, None)
    return error_from_result(ended, connection.info.encoding)


def _day(number: int) -> dt.date:
    return EPOCH + dt.timedelta(days=number)


def _as_stored(value: Any) -> bytes:
    """The text that PostgreSQL gives of a jsonb value; a number may have another one, which is then a difference."""
    with suppress(RecursionError):  # then it has another text
        value = _in_order(_plain(value))
    return msgspec.json.format(msgspec.json.encode(value), indent=0)


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
