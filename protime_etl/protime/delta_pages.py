"""Answers of a delta into rows and deletions, of each record the newest.

https://documentation.myprotime.eu/protimeapi/reference/delta/

Items are `{changeType, data}`. They may come in any order and more than once, so what counts is `changeVersion`,
compared as a string. What is not understood is kept as rejected, and the rest goes on.
"""

from __future__ import annotations

import hashlib

import msgspec

from protime_etl.collections.collection import Collection
from protime_etl.collections.page import Page, RejectedRecord
from protime_etl.collections.record import BigInteger, Text
from protime_etl.protime.decoding import split_page
from protime_etl.protime.records import BROKEN, decode_one

__all__ = ["decode_changes"]


class _Item(msgspec.Struct, rename="camel"):
    change_type: str
    data: msgspec.Raw


class _Deletion(msgspec.Struct, rename="camel"):
    id: BigInteger
    change_version: Text | None = None


class _Identity(msgspec.Struct):
    id: BigInteger


class _Identified(msgspec.Struct):
    data: _Identity


_item_decoder = msgspec.json.Decoder(_Item)
_deletion_decoder = msgspec.json.Decoder(_Deletion)
_identified_decoder = msgspec.json.Decoder(_Identified)


def decode_changes(collection: Collection, body: bytes) -> Page:
    """Decode the body of one answer of a delta.

    Raises:
        ProtocolError: the body is not JSON, or not an object with a list `value`.
    """
    items, links = split_page(collection, body)
    page = Page(next_link=links.next_link, delta_link=links.delta_link)
    for raw in items:
        _add(collection, bytes(raw), page)
    _reduce(collection, page)
    return page


def _add(collection: Collection, raw: bytes, page: Page) -> None:
    try:
        item = _item_decoder.decode(raw)
    except BROKEN as error:
        page.rejected.append(_rejected(collection, raw, f"not an item of a delta: {error}"))
        return
    if item.change_type == "InsertOrUpdate":
        decode_one(collection, bytes(item.data), page)
    elif item.change_type == "Delete":
        _add_deletion(collection, raw, item.data, page)
    else:
        reason = f"unknown changeType {item.change_type[:50]!r}".replace("\0", "")
        page.rejected.append(_rejected(collection, raw, reason))


def _add_deletion(collection: Collection, raw: bytes, data: msgspec.Raw, page: Page) -> None:
    try:
        deletion = _deletion_decoder.decode(data)
    except BROKEN as error:
        page.rejected.append(_rejected(collection, raw, f"not a deletion: {error}"))
        return
    version = deletion.change_version or ""
    if "\0" in version:
        page.rejected.append(_rejected(collection, raw, "not a deletion: a NUL character"))
        return
    page.deletions[deletion.id] = max(page.deletions.get(deletion.id, ""), version)


def _rejected(collection: Collection, raw: bytes, reason: str) -> RejectedRecord:
    """An item as it came; of a collection whose unknown fields may be personal, only that there was one."""
    text = raw.decode("utf-8", "backslashreplace").replace("\0", "") if collection.keep_unknown else ""
    try:
        record_id = _identified_decoder.decode(raw).data.id
    except BROKEN:
        record_id = None
    return RejectedRecord(record_id, reason[:500], text[:10_000], hashlib.sha256(raw).hexdigest())


def _reduce(collection: Collection, page: Page) -> None:
    """Of a record that was deleted and written in one answer, leave what is newer; merging sees to the rest.

    Equal versions leave the deletion, and so does one without a version, whose place in the order is not known: it is
    not believed before the record was asked for by its id.
    """
    if not page.deletions:
        return
    columns = list(collection.column_names)
    identity, version = columns.index("id"), columns.index("change_version")
    for row in page.rows:
        if row[version] > (page.deletions.get(row[identity]) or row[version]):
            del page.deletions[row[identity]]
    page.rows = [row for row in page.rows if row[identity] not in page.deletions]
