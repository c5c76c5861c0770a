"""Records that mean harm: each is stored or rejected, and costs no other."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.engine import URL, Engine

from protime_etl.collections.clockings import CLOCKINGS
from protime_etl.collections.collection import API_PATH
from protime_etl.collections.people import PEOPLE
from protime_etl.collections.record import nested_records
from protime_etl.config import CLOCKINGS_SCOPE
from protime_etl.errors import (
    ProtocolError,
)
from protime_etl.protime import records as one_record
from protime_etl.protime.decoding import decode_page
from protime_etl.protime.transport import error_details
from protime_etl.sync.pipeline import open_pipeline
from protime_etl.sync.pull.runs import sync
from tests.protime.hostile import DEEP, GOOD, MIB
from tests.support.scripted_server import Answer, ScriptedServer
from tests.support.tenant import TODAY

PATH = f"{API_PATH}/clockings"
NUMBERS = itertools.count()
STORED: dict[str, dict[str, Any]] = {
    "nothing special": {},
    "control characters": {"kind": "\x01\x1b[31m\x7f\u2028\u202e"},
    "an astral character": {"kind": "\N{GRINNING FACE}"},
    "500 characters": {"kind": "\N{GRINNING FACE}" * 500},
    "the first day": {"date": "0001-01-01"},
    "the last day": {"date": "9999-12-31"},
    "the ends of integers": {"timeOfDayInMinutes": -(2**31), "calculatedTimeOfDayInMinutes": 2**31 - 1},
    "the ends of big integers": {"person": {"id": 2**63 - 1}, "terminal": {"id": -(2**63)}},
    "degrees": {"geolocation": {"longitude": 1.7976931348623157e308, "latitude": 5e-324}},
    "nulls": {"terminal": None, "geolocation": {"longitude": None}, "status": None, "activityLevels": None},
    "no levels": {"activityLevels": []},
    "many levels": {"activityLevels": [{"level": 1, "activityDefinition": {"id": "a"}}] * 9_000},
    "a large unknown field": {"x": "y" * (5 * MIB)},
    "unknown integers": {"x": [2**63, -(2**64), 10**4000]},
    "unknown control characters": {"x\x01": "\x01\x1b\x7f\u2028", "x\n": {"\r": "\t"}},
    "unknown depth": {"x": json.loads("[" * 300 + "]" * 300)},
    "unknown nothing": {"": "", "null": None},
}
# What was sent, and what is kept of it under "other form"; its column is null.
FORGIVEN: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "NUL": ({"kind": "a\0b"}, {"kind": "a\\u0000b"}),
    "half a surrogate": ({"kind": "a\ud800"}, {"kind": "a\\ud800"}),
    "a long string": ({"kind": "x" * 501}, {"kind": "x" * 501}),
    "a number": ({"kind": 5}, {"kind": 5}),
    "a list": ({"kind": ["InOut"]}, {"kind": ["InOut"]}),
    "a flag as a number": ({"isOpen": 1}, {"isOpen": 1}),
    "a flag as a text": ({"isOpen": ""}, {"isOpen": ""}),
    "minutes that are too many": ({"originalTimeOfDayInMinutes": 2**31}, {"originalTimeOfDayInMinutes": 2**31}),
    "half a minute": ({"calculatedTimeOfDayInMinutes": 480.5}, {"calculatedTimeOfDayInMinutes": 480.5}),
    "an empty id": ({"terminal": {"id": ""}}, {"terminal.id": ""}),
    "an id alone": ({"terminal": 7}, {"terminal": 7}),
    "degrees out of range": ({"geolocation": {"longitude": 10**400}}, {"geolocation.longitude": 10**400}),
    "degrees as a string": ({"geolocation": {"latitude": "NaN"}}, {"geolocation.latitude": "NaN"}),
    "degrees without a number": ({"geolocation": {"latitude": float("nan")}}, {"geolocation.latitude": "NaN"}),
    "endless degrees": ({"geolocation": {"latitude": -float("inf")}}, {"geolocation.latitude": "-Infinity"}),
    "levels as an object": ({"activityLevels": {"level": 1}}, {"activityLevels": {"level": 1}}),
    "levels of levels": ({"activityLevels": [[[{"level": 1}]]]}, {"activityLevels": [[[{"level": 1}]]]}),
    "several": ({"kind": 1, "status": {}, "terminal": {"id": []}}, {"kind": 1, "status": {}, "terminal.id": []}),
    "that name": ({"other form": 7, "kind": 5}, {"kind": 5, "other form": 7}),
}
# What is not documented, and what is kept of it.
UNKNOWN: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "NUL in an unknown field": ({"x": {"y": ["a\0b"]}}, {"x": {"y": ["a\\u0000b"]}}),
    "NUL in an unknown key": ({"x": {"a\0": 1}}, {"x": {"a\\u0000": 1}}),
    "not a number in an unknown field": ({"x": float("nan")}, {"x": "NaN"}),
}
# What says the same in other words, and what is stored.
READ: dict[str, tuple[dict[str, Any], str, object]] = {
    "a number without decimals": ({"calculatedTimeOfDayInMinutes": 480.0}, "calculated_time_of_day_in_minutes", 480),
    "an id without decimals": ({"terminal": {"id": 7.0}}, "terminal_id", 7),
    "levels without decimals": (
        {"activityLevels": [{"level": 1.0, "activityDefinition": {"id": "a"}}]},
        "activity_levels",
        [{"level": 1, "activityDefinition": {"id": "a"}}],
    ),
}
REJECTED: dict[str, dict[str, Any]] = {
    "an id as a string": {"id": "12"},
    "an id as a float": {"id": 12.0},
    "an id that is true": {"id": True},
    "an id that is too large": {"id": 2**63},
    "an id that is far too large": {"id": 10**4000},
    "an id of null": {"id": None},
    "a person of null": {"person": None},
    "a person as a number": {"person": 7},
    "a person as a list": {"person": [{"id": 7}]},
    "a person id as a string": {"person": {"id": "7"}},
    "minutes out of range": {"timeOfDayInMinutes": 2**31},
    "minutes as a float": {"timeOfDayInMinutes": 480.5},
    "minutes as a string": {"timeOfDayInMinutes": "480"},
    "minutes that are true": {"timeOfDayInMinutes": True},
    **{f"the day {day}": {"date": day} for day in ("0000-01-01", "10000-01-01", "2024-02-30", "infinity", "", "now")},
    "a day as a number": {"date": 20260320},
    "a day as a list": {"date": ["2026-03-20"]},
    "a day that is false": {"date": False},
    "too many levels": {"activityLevels": [{"level": 1, "activityDefinition": {"id": "a"}}] * 11_000},
    "many unknown parts": {"x": [0] * 25_000},
}
UNREADABLE = [
    b'{"id":1e400}',
    b'{"id":NaN}',
    b'{"id":-Infinity}',
    b'{"id":' + b"9" * 10_000 + b"}",
    b'{"x":' + b"9" * 10_000 + b"}",
    b'{"kind":"\\ud800"}',
    b'{"x":"\\udc00\\ud800"}',
    b'{"\\ud800":1}',
    b'{"kind":"\x00"}',
    b'{"x":"\xed\xa0\x80"}',
    b'{"x":' + b"[" * DEEP + b"]" * DEEP + b"}",
    b'{"x":' + b'{"x":' * DEEP + b"1" + b"}" * DEEP + b"}",
    b'{"activityLevels":' + b"[" * DEEP + b"]" * DEEP + b"}",
    b'{"person":' + b'{"id":' * DEEP + b"1" + b"}" * DEEP + b"}",
    b"[" * DEEP + b"]" * DEEP,
    b"[]",
    b'"text"',
    b"true",
    b"-0",
]


def test_each_hostile_record_is_stored_or_rejected_and_the_good_ones_are_stored(
    warehouse: URL, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(one_record, "MAX_COMMAS_IN_RECORD", 20_000)  # a tenth, for the sake of time
    records: dict[int, dict[str, Any]] = {}
    names = {}
    changed = {name: one[0] for of in (FORGIVEN, UNKNOWN, READ) for name, one in of.items()}
    for name, changes in {**STORED, **REJECTED, **changed}.items():
        number = len(records) + 10
        records[number], names[number] = {**GOOD, "id": number, **changes}, name
    bodies = [json.dumps(one).encode() for one in records.values()]
    bodies += [one if one[:1] != b"{" else b'{"date":"2026-03-20",' + one[1:] for one in UNREADABLE]
    body = (
        b'{"value":[' + b",".join([json.dumps(GOOD).encode(), *bodies, json.dumps({**GOOD, "id": 2}).encode()]) + b"]}"
    )
    with (
        ScriptedServer([Answer(200, body)]) as server,
        open_pipeline(server.settings(scopes=CLOCKINGS_SCOPE), warehouse) as pipeline,
    ):
        counts, _ = sync(pipeline, TODAY, TODAY, [7])
        again, _ = sync(pipeline, TODAY, TODAY, [7])

    with engine.connect() as connection:
        stored = {
            row.id: row
            for row in connection.execute(sa.text("SELECT * FROM protime.clockings WHERE tenant <> 'shadow'"))
        }
        rejected = connection.execute(
            sa.text(
                "SELECT record_id, reason, record FROM protime_etl.rejected_record"
                " WHERE 'shadow' NOT IN (tenant, collection)"
            )
        ).all()
    assert {names[number] for number in stored if number >= 10} == {*STORED, *changed}
    assert {1, 2} <= set(stored)
    assert len(rejected) == counts.rejected == again.rejected == len(REJECTED) + len(UNREADABLE)
    assert (again.inserted, again.updated, again.deleted) == (0, 0, 0)
    assert all(one.reason and len(one.reason) <= 500 and len(one.record) <= 10_000 for one in rejected)
    numbers = {name: number for number, name in names.items()}
    for name, (_, kept) in FORGIVEN.items():
        row = stored.pop(numbers[name])
        assert row.extra == {"other form": kept}, name
        columns = {column.path: column.name for column in CLOCKINGS.columns}
        of = {"terminal": "terminal.id"}
        fields = {field.encode_name: field.name for field in msgspec.structs.fields(CLOCKINGS.record)}
        for path in kept.keys() - {"other form"}:
            outer, _, inner = of.get(path, path).partition(".")
            column = columns[".".join(filter(None, (fields[outer], inner)))]
            assert getattr(row, column) is None, name
    for name, (_, kept) in UNKNOWN.items():
        assert stored.pop(numbers[name]).extra == kept, name
    for name, (_, column, value) in READ.items():
        row = stored.pop(numbers[name])
        assert (getattr(row, column), row.extra) == (value, None), name
    for number, row in stored.items():
        sent = {**GOOD, "id": number, **(records.get(number) or {})}
        assert (row.kind, str(row.date), row.person_id) == (sent["kind"], sent["date"], sent["person"]["id"])
        assert row.time_of_day_in_minutes == sent["timeOfDayInMinutes"]
        assert row.terminal_id == (sent.get("terminal") or {}).get("id")
        assert row.latitude == (sent.get("geolocation") or {}).get("latitude")
        assert row.activity_levels == sent.get("activityLevels")
        unknown = {key: value for key, value in sent.items() if key not in nested_records(CLOCKINGS.record)}
        assert row.extra == (unknown or None)


def test_a_record_that_comes_twice_or_names_a_key_twice_is_stored_once(warehouse: URL, engine: Engine) -> None:
    first, second = ({**GOOD, "changeVersion": version, "kind": version} for version in ("B", "A"))
    twice = b'{"id":2,"id":3,"person":{"id":7},"date":"2026-03-20","timeOfDayInMinutes":1,"kind":"a","kind":"b"}'
    body = b'{"value":[' + b",".join([json.dumps(first).encode(), json.dumps(second).encode(), twice, twice]) + b"]}"
    with (
        ScriptedServer([Answer(200, body)]) as server,
        open_pipeline(server.settings(scopes=CLOCKINGS_SCOPE), warehouse) as pipeline,
    ):
        counts, _ = sync(pipeline, TODAY, TODAY, [7])
    with engine.connect() as connection:
        stored = connection.execute(
            sa.text("SELECT id, kind FROM protime.clockings WHERE tenant <> 'shadow' ORDER BY id")
        ).all()
    assert [tuple(row) for row in stored] == [(1, "B"), (3, "b")]
    assert (counts.rows_read, counts.inserted, counts.rejected) == (4, 2, 0)


@pytest.mark.parametrize(
    "body",
    [
        b"[" * DEEP + b"]" * DEEP,
        b'{"value":[],"x":' + b"[" * DEEP + b"]" * DEEP + b"}",
        b'{"x":' + b"[" * DEEP + b"]" * DEEP + b',"value":[1]}',
        b'{"value":[{"id":1e400],"x":{}}',
        b'{"value":["' + b'\\"' * MIB,
        b'{"value":[],"nextLink":' + b"[" * DEEP + b"]" * DEEP + b"}",
        b'{"value":' + b"[" * DEEP,
        b'{"value":[],"nextLink":"\\ud800"}',
    ],
)
def test_a_page_nested_without_end_is_a_clear_error(body: bytes) -> None:
    with pytest.raises(ProtocolError, match="not a page of JSON records"):
        decode_page(CLOCKINGS, body)


@pytest.mark.parametrize("collection", [CLOCKINGS, PEOPLE], ids=["clockings", "people"])
@pytest.mark.parametrize("field", ["x", "activityLevels", "person", "date", "kind", "id", "lastName"])
def test_no_depth_of_nesting_is_raised(collection: Any, field: str, amount: Callable[[int, int], int]) -> None:
    good = json.dumps(GOOD if collection is CLOCKINGS else {"id": 1}).encode()
    for depth in range(1, 1200, amount(27, 3)):
        for opening, middle, closing in ((b"[", b"", b"]"), (b'{"id":', b"1", b"}")):
            nested = opening * depth + middle + closing * depth
            page = decode_page(collection, b'{"value":[%s,{"id":2,"%s":%s}]}' % (good, field.encode(), nested))
            assert len(page.rows) + len(page.rejected) == 2
            assert page.rows[0][0] == 1


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(-(2**64), 2**64)
    | st.floats()
    | st.text(st.characters(), max_size=20)
    | st.sampled_from(["2026-03-20", "\0", "\ud800", 10**400, 2**31, 2**63, -0.0]),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters(), max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)
field_names = st.sampled_from([*nested_records(CLOCKINGS.record), "x", "\0", ""])
records = json_values | st.dictionaries(field_names, json_values, max_size=3).map(lambda one: {**GOOD, "id": 2, **one})


@given(record=records, ascii_only=st.booleans())
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_record_is_stored_or_rejected(warehouse: URL, engine: Engine, record: object, ascii_only: bool) -> None:
    raw = json.dumps(record, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
    body = b'{"value":[' + raw + b"," + json.dumps({**GOOD, "id": 2**62}).encode() + b"]}"
    tenant = f"t{next(NUMBERS)}"
    with (
        ScriptedServer([Answer(200, body)]) as server,
        open_pipeline(server.settings(tenant=tenant, scopes=CLOCKINGS_SCOPE), warehouse) as pipeline,
    ):
        counts, _ = sync(pipeline, TODAY, TODAY, [7])
    with engine.connect() as connection:
        stored = connection.execute(
            sa.text("SELECT id FROM protime.clockings WHERE tenant = :tenant"), {"tenant": tenant}
        ).scalars()
        assert 2**62 in set(stored)
    assert counts.rows_read == 2
    assert counts.inserted + counts.rejected == 2


@settings(deadline=None)
@given(body=st.binary(max_size=200) | st.text().map(str.encode) | json_values.map(lambda one: json.dumps(one).encode()))
def test_no_body_raises_anything_else(body: bytes) -> None:
    for collection in (CLOCKINGS, PEOPLE):
        for page in (body, b'{"value":[' + body + b"]}", b'{"value":' + body + b"}"):
            with suppress(ProtocolError):
                decode_page(collection, page)
    for text in (body, b'{"error":' + body + b"}", b'{"code":1,"reasons":' + body + b"}"):
        code, message, reasons = error_details(text, hidden=("secret",))
        assert all(one.isprintable() and len(one) <= 300 for one in (code, message, *reasons))


@pytest.mark.parametrize("field", ["date", "x"])
def test_half_a_surrogate_costs_one_record_of_a_page(field: str) -> None:
    broken = b'{"id":"2","%s":"\\ud800"}' % field.encode()
    good = json.dumps(GOOD).encode()
    link = f"{PATH}?x=1"
    for start in (b'{"value" : [', b'{"x":"\\"value\\":[","y":{"value":[1,2]},"value":['):
        body = start + b" , ".join([good, broken, good]) + b'] , "nextLink":"' + link.encode() + b'"}'
        page = decode_page(CLOCKINGS, body)
        assert (len(page.rows), page.next_link) == (2, link)
        assert [one.record.strip() for one in page.rejected] == [broken.decode()]
        with pytest.raises(ProtocolError):
            decode_page(CLOCKINGS, body.replace(b" , ", b" ,, ", 1))
