"""Pages of JSON into rows, keeping what cannot be understood.

A page is decoded in one call at C speed (`typed`). Only when that fails is it decoded record by record (`records`):
unknown fields go to `extra`, one of another form is null, and a record that says nothing without it is kept as rejected
with the reason.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from contextlib import suppress

import msgspec

from protime_etl.collections.collection import Collection
from protime_etl.collections.page import Page
from protime_etl.errors import AnswerTooLargeError, ProtocolError
from protime_etl.protime.records import BROKEN, decode_one, holds_nul
from protime_etl.protime.typed import typed_of

__all__ = [
    "decode_page",
    "decode_record",
    "look_ahead",
    "split_page",
]

# Each comma may stand for one more object in memory, far larger than what was sent; a whole record has about fifteen.
MAX_COMMAS = 2_000_000
MAX_REJECTED = 100_000
# A string, closed or not, or a bracket or comma outside of one.
TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+"?|[\[\]{},]', re.DOTALL)
START = re.compile(rb'"value"\s*:\s*\[\Z')
START_BYTES = 100


class _FastPage(msgspec.Struct, rename="camel"):
    value: list[msgspec.Raw] | None
    next_link: str | None = None
    delta_link: str | None = None

    def __post_init__(self) -> None:
        self.next_link = self.next_link or None  # an empty link means no link
        self.delta_link = self.delta_link or None


# Made at once, as those of records are in `Collection`: no two threads may meet at the first use of a type.
_fast_page_decoder = msgspec.json.Decoder(_FastPage)


def look_ahead(collection: Collection, body: bytes) -> tuple[int, str | None]:
    """How many records a list answer has and where the next one is, without decoding them: a sixth of the time.

    Raises:
        ProtocolError: as `split_page`.
    """
    records, links = split_page(collection, body)
    return len(records), links.next_link


def decode_page(collection: Collection, body: bytes) -> Page:
    """Decode the body of one list answer.

    Raises:
        ProtocolError: the body is not JSON, or not an object with a list `value`, or it is no page of a sane size.
    """
    _check_size(collection, body)
    if not holds_nul(body):
        try:
            return typed_of(collection).page(body)
        except BROKEN:
            pass  # distinguished below: a broken page, or records in it
    records, links = split_page(collection, body)
    page = Page(next_link=links.next_link, delta_link=links.delta_link)
    for raw in records:
        decode_one(collection, bytes(raw), page)
        if len(page.rejected) > MAX_REJECTED:
            raise ProtocolError(
                f"More than {MAX_REJECTED} records of one {collection.path} answer are not as documented."
                f" The last one: {page.rejected[-1].reason}."
            )
    return page


def _check_size(collection: Collection, body: bytes) -> None:
    if len(body) > MAX_COMMAS and body.count(b",") > MAX_COMMAS:
        raise AnswerTooLargeError(f"The {collection.path} answer has more parts than memory is reserved for.")


def split_page(collection: Collection, body: bytes) -> tuple[Sequence[bytes | msgspec.Raw], _FastPage]:
    """Take a page apart: its items, each as it came, and the page for its links.

    Raises:
        ProtocolError: the body is not JSON, or not an object with a list `value`, or it is no page of a sane size.
    """
    _check_size(collection, body)
    try:
        return _cut(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, json.JSONDecodeError) as error:
        raise ProtocolError(
            f"The {collection.path} answer is not a page of JSON records ({type(error).__name__}).",
            guidance="If it happens again, check what is between here and the API, such as a proxy.",
        ) from None


def _cut(body: bytes) -> tuple[Sequence[bytes | msgspec.Raw], _FastPage]:
    try:
        page = _fast_page_decoder.decode(body)
    except (msgspec.DecodeError, RecursionError):
        # Half a surrogate or a nesting without end makes a record unreadable, but not the page and the others.
        records, rest = _cut_by_brackets(body)
        page = _fast_page_decoder.decode(rest)
        for one in records:
            with suppress(RecursionError):  # far stricter than JSON is, but a broken page is asked for again
                json.loads(one.decode(errors="replace"), strict=False, parse_int=float)
        return records, page
    return page.value or [], page


def _cut_by_brackets(body: bytes) -> tuple[list[bytes], bytes]:
    """What stands between the commas of the list `value`, and the page without it."""
    records: list[bytes] = []
    depth = start = first = 0
    for token in TOKEN.finditer(body):
        kind = token[0][:1]
        if kind in b"[{":
            depth += 1
            if not start and depth == 2 and START.search(body, max(0, token.end() - START_BYTES), token.end()):
                start = first = token.end()
        elif start and depth == 2 and kind in b",]}":
            records.append(body[first : token.start()])
            first = token.end()
        if kind in b"]}":
            depth -= 1
            if start and depth == 1:
                rest = body[:start] + body[first - 1 :]
                return ([] if len(records) == 1 and not records[0].strip() else records), rest
    return [], body


def decode_record(collection: Collection, body: bytes) -> Page:
    """Decode the body of an answer that is one record, into a page of one.

    Raises:
        ProtocolError: the body is not JSON.
    """
    return decode_page(collection, b'{"value":[' + body + b"]}")
