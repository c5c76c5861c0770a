"""Pages of JSON into typed records, keeping what cannot be understood.

A page is decoded in one call at C speed. Only when that fails is it decoded record by record: unknown fields are
split off into `extra`, and a record that still does not fit is kept as rejected with the reason.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from typing import Any

import msgspec

from protime_etl.collections.collection import Collection
from protime_etl.collections.page import Page, RejectedRecord
from protime_etl.collections.record import Record, nested_records
from protime_etl.errors import AnswerTooLargeError, ProtocolError

__all__ = [
    "ESCAPED_NUL",
    "decode_one",
    "decode_page",
    "decode_record",
    "look_ahead",
    "split_page",
]

MAX_KEPT_CHARACTERS = 10_000
# Each comma may stand for one more object in memory, far larger than what was sent; a whole record has about fifteen.
MAX_COMMAS = 2_000_000
MAX_COMMAS_IN_RECORD = 200_000
MAX_REJECTED = 100_000
# A string, closed or not, or a bracket or comma outside of one.
TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+"?|[\[\]{},]', re.DOTALL)
START = re.compile(rb'"value"\s*:\s*\[\Z')
START_BYTES = 100
ESCAPED_NUL = rb"\u0000"  # the only way in which JSON can hold one


class _FastPage(msgspec.Struct, rename="camel"):
    value: list[msgspec.Raw] | None
    next_link: str | None = None
    delta_link: str | None = None

    def __post_init__(self) -> None:
        self.next_link = self.next_link or None  # an empty link is none
        self.delta_link = self.delta_link or None


# Made at once, as those of records are in `Collection`: no two threads may meet at the first use of a type.
_fast_page_decoder = msgspec.json.Decoder(_FastPage)


@cache
def _page_decoder(record: type[Record]) -> msgspec.json.Decoder[Any]:
    records: Any = list[record] | None  # type: ignore[valid-type]  # a type made at run time
    fields: list[Any] = [("value", records), ("next_link", str | None, None), ("delta_link", str | None, None)]
    page = msgspec.defstruct(f"{record.__name__}Page", fields, rename="camel")
    return msgspec.json.Decoder(page)


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
    if b"\\" not in body or ESCAPED_NUL not in body:  # one character is found ten times as fast as several
        try:
            fast = _page_decoder(collection.record).decode(body)
            rows = list(map(collection.row, fast.value or ()))
            return Page(rows=rows, next_link=fast.next_link or None, delta_link=fast.delta_link or None)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            pass  # told apart below: a broken page, or records in it
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
        raise AnswerTooLargeError(f"The {collection.path} answer has more parts than memory is kept for.")


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
            guidance="If it happens again, look at what stands between here and the API, such as a proxy.",
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


def decode_one(collection: Collection, raw: bytes, page: Page) -> None:
    """Add one record to a page, to its rows or to what was rejected."""
    fingerprint = hashlib.sha256(raw).hexdigest()
    if raw.count(b",") > MAX_COMMAS_IN_RECORD:
        page.rejected.append(RejectedRecord(None, "too many parts", _kept(collection, raw, {}), fingerprint))
        return
    try:
        record: Any = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        reason = f"unreadable: {type(error).__name__}"
        page.rejected.append(RejectedRecord(None, reason, _kept(collection, raw, {}), fingerprint))
        return
    if not isinstance(record, dict):
        page.rejected.append(RejectedRecord(None, "not an object", _kept(collection, raw, {}), fingerprint))
        return
    known, extra = _split(collection.record, record)
    try:
        decoded = msgspec.convert(known, collection.record)
        if _holds_nul(record):
            raise msgspec.ValidationError("a NUL character")  # noqa: TRY301
    except (msgspec.ValidationError, RecursionError) as error:
        identity = record.get("id")
        record_id = identity if type(identity) is int and -(2**63) <= identity < 2**63 else None
        kept = _kept(collection, raw, known, record)
        page.rejected.append(RejectedRecord(record_id, str(error)[:500], kept, fingerprint))
        return
    row = collection.row(decoded)
    page.rows.append((*row[:-1], extra) if extra and collection.keep_unknown else row)


def _split(record: type[Record], value: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Documented fields and undocumented ones, also inside nested objects; an explicit null counts as absent."""
    known: dict[str, Any] = {}
    extra: dict[str, Any] = {}
    nested = nested_records(record)
    for name, given in value.items():
        if name not in nested:
            extra[name] = given
        elif given is None:
            continue
        else:
            known[name], inner = _split_inside(nested[name], given)
            if inner and name != "person":  # what the API may come to tell there is about a person
                extra[name] = inner
    return known, extra


def _split_inside(nested: type[Record] | None, given: Any) -> tuple[Any, Any]:
    if nested is not None and isinstance(given, dict):
        return _split(nested, given)
    if nested is not None and isinstance(given, list):
        pairs = [_split(nested, item) if isinstance(item, dict) else (item, None) for item in given]
        inner = [pair[1] for pair in pairs]
        return [pair[0] for pair in pairs], inner if any(inner) else None
    return given, None


def _holds_nul(value: object) -> bool:
    if isinstance(value, str):
        return "\0" in value
    if isinstance(value, dict):
        return any(_holds_nul(part) for pair in value.items() for part in pair)
    return isinstance(value, list) and any(_holds_nul(part) for part in value)


def _kept(collection: Collection, raw: bytes, known: dict[str, Any], record: dict[str, Any] | None = None) -> str:
    """The record as it came, but for what is unknown about its person.

    Of people the known fields only: what cannot be read cannot be sifted, and is not kept.
    """
    person = known.get("person")
    try:
        if not collection.keep_unknown:
            raw = msgspec.json.encode(known) if known else b""
        elif record and isinstance(person, dict) and person != record["person"]:
            raw = msgspec.json.encode({**record, "person": person})
    except RecursionError:
        raw = b""
    text = raw[: 4 * MAX_KEPT_CHARACTERS].decode("utf-8", "backslashreplace").replace("\0", "")
    return text[:MAX_KEPT_CHARACTERS]
