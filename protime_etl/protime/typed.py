"""Records of a collection at C speed, also where they have properties that its documentation does not know.

msgspec decodes into a type, and a property that Protime adds is in every record from that day on. So the type learns
the names that were met, and decodes such records as fast as others. What comes inside a person, or of a collection
whose unknown properties may be personal, is passed over unread.
"""

from __future__ import annotations

import re
import types
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache, partial, reduce
from operator import or_
from threading import Lock
from typing import Annotated, Any, Union, get_args, get_origin

import msgspec

from protime_etl.collections.collection import Collection
from protime_etl.collections.page import Page
from protime_etl.collections.record import Record, nested_records

__all__ = ["NamePath", "Typed", "typed_of"]

NamePath = tuple[str, ...]
"""The name of a property, after those of the objects that it is in."""
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}")
MOST_LEARNT = 100
"""An API that adds more does not just add properties: its records are read one by one."""
PERSON = "person"


class Typed:
    """The decoders of one collection. Safe to share between threads."""

    def __init__(self, collection: Collection) -> None:
        self._collection = collection
        self._lock = Lock()
        self.learnt: frozenset[NamePath] = frozenset()
        """The unknown properties that are expected."""
        self._row = collection.row
        self._page, self._record = self._decoders()
        self.alone = dict(_alone(collection.record))
        """Of the record, and of those inside that become columns: by name, a type with this field alone as `value`."""

    def page(self, body: bytes) -> Page:
        """Decode a whole page.

        Raises:
            msgspec.DecodeError, UnicodeDecodeError, RecursionError: it is broken, or a record in it is not as expected.
        """
        page = self._page.decode(body)
        rows = list(map(self._row, page.value or ()))
        return Page(rows=rows, next_link=page.next_link or None, delta_link=page.delta_link or None)

    def row(self, raw: bytes) -> tuple[Any, ...]:
        """Decode one record.

        Raises:
            msgspec.DecodeError, UnicodeDecodeError, RecursionError: it is not as expected.
        """
        return self._row(self._record.decode(raw))

    def learn(self, paths: Iterable[NamePath]) -> None:
        """Expect these unknown properties from now on."""
        new = {path for path in paths if all(map(NAME.fullmatch, path))} - self.learnt
        if not new:
            return
        # msgspec takes a type apart at its first use, where no two threads may meet: see `Collection`.
        with self._lock:
            if len(self.learnt | new) <= MOST_LEARNT:
                self.learnt |= new
                self._page, self._record = self._decoders()

    def _decoders(self) -> tuple[msgspec.json.Decoder[Any], msgspec.json.Decoder[Any]]:
        record = _expecting(self._collection.record, self.learnt, forbid=self._collection.keep_unknown)
        records: Any = list[record] | None  # type: ignore[valid-type]  # a type made at run time
        links: list[Any] = [("next_link", str | None, None), ("delta_link", str | None, None)]
        page = msgspec.defstruct(f"{record.__name__}Page", [("value", records), *links], rename="camel")
        return msgspec.json.Decoder(page), msgspec.json.Decoder(record)


_made = cache(Typed)
_making = Lock()


def typed_of(collection: Collection) -> Typed:
    """The decoders of a collection, made once."""
    with _making:
        return _made(collection)


def _expecting(record: type[Record], learnt: Iterable[NamePath], *, forbid: bool) -> type[Record]:
    """The record with these unknown properties, which its `extra` holds; others are an error if `forbid`."""
    fields: list[Any] = []
    inner = []
    for field in msgspec.structs.fields(record):
        if nested_records(record)[field.encode_name] is None:
            continue
        within = [path[1:] for path in learnt if path[0] == field.encode_name]
        swap = partial(_expecting, learnt=within, forbid=forbid and field.encode_name != PERSON)
        options = {} if field.required else {"default": field.default}
        fields.append((field.name, _swapped(field.type, swap), msgspec.field(name=field.encode_name, **options)))
        if within:
            inner.append((field.encode_name, field.name))
    own = [(path[0], f"unknown_{number}") for number, path in enumerate(learnt) if len(path) == 1]
    fields += [(name, Any, msgspec.field(name=given, default=msgspec.UNSET)) for given, name in own]
    extra = partial(_extra, [_named(pair) for pair in own], [_named(pair) for pair in inner])
    made: Any = msgspec.defstruct(
        record.__name__,
        fields,
        bases=(record,),
        namespace={"extra": property(extra)} if own or inner else {},
        forbid_unknown_fields=forbid,
        frozen=True,
        kw_only=True,
    )
    return made  # type: ignore[no-any-return]


def _alone(record: type[Record]) -> Iterator[tuple[type[Record], Mapping[str, type[msgspec.Struct]]]]:
    fields = {
        one.encode_name: msgspec.defstruct(one.name, [("value", one.type)]) for one in msgspec.structs.fields(record)
    }
    for kind in fields.values():
        msgspec.json.Decoder(kind)
    yield record, fields
    for nested in nested_records(record).values():
        if nested is not None and nested.nested_columns:
            yield from _alone(nested)


def _named(pair: tuple[str, str]) -> tuple[bytes, str]:
    """The name of a property as JSON begins it, and of the attribute that holds it."""
    return msgspec.json.encode(pair[0]) + b":", pair[1]


def _extra(own: list[tuple[bytes, str]], inner: list[tuple[bytes, str]], record: Any) -> msgspec.Raw | None:
    """What the unknown properties of a record hold, by their names.

    As JSON: a dictionary in each row would be looked at by the garbage collector, and cost twice the decoding.
    """
    parts = [
        begun + msgspec.json.encode(value)
        for begun, name in own
        if (value := getattr(record, name)) is not msgspec.UNSET
    ]
    # None, or a list, where an object was in the place of one.
    parts += [begun + value for begun, name in inner if (value := getattr(getattr(record, name), "extra", None))]
    return msgspec.Raw(b"{" + b",".join(parts) + b"}") if parts else None


def _swapped(declared: Any, swap: Callable[[type[Record]], type[Record]]) -> Any:
    """The type of a field, with another record in the place of the one that it holds."""
    if isinstance(declared, type) and issubclass(declared, Record):
        return swap(declared)
    parts = [_swapped(part, swap) for part in get_args(declared)]
    origin = get_origin(declared)
    if origin is Annotated:
        return Annotated[parts[0], *declared.__metadata__]
    if origin in (Union, types.UnionType):
        return reduce(or_, parts)
    return list[parts[0]] if origin is list else declared  # type: ignore[valid-type]
