"""One record of JSON into a row, field by field where it is not as documented.

Only what makes a record a record is strict (`Collection.strict`). Any other field of another form is null in its
column, and its value is kept as it came under `OTHER_FORM` in `extra`, beside the fields that are not documented. What
says the same in other words is read: a number without decimals as an integer, midnight as a day.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import msgspec

from protime_etl.collections.collection import OTHER_FORM, Collection
from protime_etl.collections.page import Page, RejectedRecord
from protime_etl.collections.record import Record, nested_records
from protime_etl.protime.typed import PERSON, NamePath, typed_of

__all__ = ["BROKEN", "decode_one", "holds_nul"]

BROKEN = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
MAX_KEPT_CHARACTERS = 10_000
MAX_COMMAS_IN_RECORD = 200_000
MAX_DIGITS = 4_000
ESCAPED_NUL = rb"\u0000"  # the only way in which JSON can hold one
_UNREAD = object()
PLACE = re.compile(r" - at `\$\.(\w+)")  # how msgspec ends what it says of a field
MIDNIGHT = re.compile(r"(\d{4}-\d\d-\d\d)T00:00:00(\.0{1,9})?")


class _Unreadable:
    """A value of JSON that PostgreSQL cannot hold, such as a text with a NUL: it is of another form everywhere."""

    def __init__(self, text: str) -> None:
        self.text = _escaped(text)


def holds_nul(body: bytes) -> bool:
    """Whether there may be a NUL in a text, which typed decoding takes and PostgreSQL does not."""
    return b"\\" in body and ESCAPED_NUL in body  # one character is found ten times as fast as several


def decode_one(collection: Collection, raw: bytes, page: Page) -> None:
    """Add one record to a page, to its rows or to what was rejected."""
    if raw.count(b",") > MAX_COMMAS_IN_RECORD:
        _reject(collection, raw, page, "too many parts")
        return
    if not holds_nul(raw):
        try:
            page.rows.append(typed_of(collection).row(raw))
        except BROKEN:
            pass  # it is read field by field
        else:
            return
    try:
        record = _parsed(raw)
    except (ValueError, *BROKEN) as error:
        _reject(collection, raw, page, f"unreadable: {type(error).__name__}")
        return
    if isinstance(record, dict):
        _add_by_fields(collection, raw, page, record)
    else:
        _reject(collection, raw, page, "not an object")


def _add_by_fields(collection: Collection, raw: bytes, page: Page, record: dict[str, Any]) -> None:
    known, extra = _split(collection.record, record)
    try:
        read, forms = _forgiven(collection, known)
        row = collection.row(read)
        kept = _kept_beside(collection, extra, forms)
    except (msgspec.ValidationError, RecursionError) as error:
        kept_text = _kept(collection, raw, known, record)
        page.rejected.append(RejectedRecord(_id_of(record), str(error)[:500], kept_text, _fingerprint(raw)))
        return
    page.rows.append((*row[:-1], kept or None))
    if collection.keep_unknown:
        typed_of(collection).learn(_paths(collection.record, extra))


def _parsed(raw: bytes) -> Any:
    """The value that the JSON holds."""
    if not holds_nul(raw):
        try:
            return msgspec.json.decode(raw)
        except (msgspec.DecodeError, UnicodeDecodeError):
            pass  # half a surrogate or an endless number costs the field alone
    given = json.loads(
        raw.decode("utf-8", "surrogateescape"),
        strict=False,
        parse_int=lambda digits: int(digits) if len(digits) <= MAX_DIGITS else _Unreadable(digits),
        parse_float=lambda digits: float(digits) if math.isfinite(float(digits)) else _Unreadable(digits),
        parse_constant=_Unreadable,
    )
    return _marked(given)


def _marked(value: Any) -> Any:
    if isinstance(value, str):
        return value if _escaped(value) == value else _Unreadable(value)
    if isinstance(value, dict):
        return {_escaped(name): _marked(part) for name, part in value.items()}
    return [_marked(part) for part in value] if isinstance(value, list) else value


def _escaped(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode().replace("\0", r"\u0000")


def _storable(value: Any) -> Any:
    """The value with the texts of what is unreadable."""
    if isinstance(value, _Unreadable):
        return value.text
    if isinstance(value, dict):
        return {name: _storable(part) for name, part in value.items()}
    return [_storable(part) for part in value] if isinstance(value, list) else value


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
        elif (kind := nested[name]) is None:
            known[name] = given
        else:
            known[name], inner = _split_inside(kind, given)
            if inner and name != PERSON:  # what the API may come to send there is about a person
                extra[name] = inner
    return known, extra


def _split_inside(nested: type[Record], given: Any) -> tuple[Any, Any]:
    if isinstance(given, dict):
        return _split(nested, given)
    if isinstance(given, list):
        pairs = [_split(nested, item) if isinstance(item, dict) else (item, None) for item in given]
        inner = [pair[1] for pair in pairs]
        return [pair[0] for pair in pairs], inner if any(inner) else None
    return given, None


def _paths(record: type[Record], extra: dict[str, Any]) -> Iterator[NamePath]:
    """Where the unknown properties are; those in lists are not among them."""
    for name, value in extra.items():
        kind = nested_records(record).get(name)
        if kind is None:
            yield (name,)
        elif isinstance(value, dict):
            yield from ((name, *path) for path in _paths(kind, value))


def _forgiven(collection: Collection, known: dict[str, Any]) -> tuple[Record, dict[str, Any]]:
    """The record, and by their paths the values of fields of another form.

    Raises:
        msgspec.ValidationError, RecursionError: what is strict is missing or of another form.
    """
    forms: dict[str, Any] = {}
    good, seen = dict(known), set(collection.strict)
    while True:
        try:
            return msgspec.convert(good, collection.record), forms
        except msgspec.ValidationError as error:
            place = PLACE.search(str(error))
            if place is None or place[1] in seen:
                raise
            seen.add(place[1])
            forms |= _forgive(collection, collection.record, good, place[1])


def _forgive(collection: Collection, record: type[Record], good: dict[str, Any], name: str) -> dict[str, Any]:
    """Leave of a field what can be read of it; what cannot, by its path."""
    value, nested = good.pop(name), nested_records(record)[name]
    if (words := _read(value, typed_of(collection).alone[record][name])) is not _UNREAD:
        good[name] = words
        return {}
    if nested is None or not nested.nested_columns or not isinstance(value, dict):
        return {name: value}
    good[name] = dict(value)
    forms: dict[str, Any] = {}
    for part in value:
        forms |= {f"{name}.{path}": one for path, one in _forgive(collection, nested, good[name], part).items()}
    return forms


def _read(value: Any, kind: type[msgspec.Struct]) -> Any:
    """The value, or what it says in other words; `_UNREAD` if it is of another form."""
    with suppress(msgspec.ValidationError, RecursionError):
        msgspec.convert({"value": value}, kind)
        return value
    with suppress(msgspec.ValidationError, RecursionError):
        words = _in_other_words(value)
        msgspec.convert({"value": words}, kind)
        return words
    return _UNREAD


def _in_other_words(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str) and (midnight := MIDNIGHT.fullmatch(value)):
        return midnight[1]
    if isinstance(value, dict):
        return {name: _in_other_words(part) for name, part in value.items()}
    return [_in_other_words(part) for part in value] if isinstance(value, list) else value


def _kept_beside(collection: Collection, extra: dict[str, Any], forms: dict[str, Any]) -> dict[str, Any]:
    """What is stored in `extra`."""
    if not collection.keep_unknown:
        extra = {}
        # An object where a plain value was expected may hold what the API came to send about people.
        forms = {name: type(one)() if isinstance(one, (dict, list)) else one for name, one in forms.items()}
    if OTHER_FORM in extra:
        forms[OTHER_FORM] = extra.pop(OTHER_FORM)
    kept: dict[str, Any] = _storable({**extra, **({OTHER_FORM: forms} if forms else {})})
    return kept


def _reject(collection: Collection, raw: bytes, page: Page, reason: str) -> None:
    """Keep what is no record at all."""
    page.rejected.append(RejectedRecord(None, reason, _kept(collection, raw, {}), _fingerprint(raw)))


def _fingerprint(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()


def _id_of(record: dict[str, Any]) -> int | None:
    identity = record.get("id")
    return identity if type(identity) is int and -(2**63) <= identity < 2**63 else None


def _kept(collection: Collection, raw: bytes, known: dict[str, Any], record: dict[str, Any] | None = None) -> str:
    """The record as it came, but for what is unknown about its person.

    Of people the known fields only: what cannot be read cannot be sifted, and is not kept.
    """
    person = known.get(PERSON)
    try:
        if not collection.keep_unknown:
            raw = msgspec.json.encode(_storable(known)) if known else b""
        elif record and isinstance(person, dict) and person != record[PERSON]:
            raw = msgspec.json.encode(_storable({**record, PERSON: person}))
    except RecursionError:
        raw = b""
    text = raw[: 4 * MAX_KEPT_CHARACTERS].decode("utf-8", "backslashreplace").replace("\0", "")
    return text[:MAX_KEPT_CHARACTERS]
