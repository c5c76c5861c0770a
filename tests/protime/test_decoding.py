"""Decoding at C speed: by several threads at once, and once the API has properties that are not documented."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import msgspec
import pytest

from protime_etl.collections.collection import Collection
from protime_etl.collections.registry import COLLECTIONS
from protime_etl.protime import decoding, typed
from protime_etl.protime.decoding import decode_page
from protime_etl.protime.typed import typed_of
from protime_etl.simulator.state import Tenant
from protime_etl.simulator.strange import with_a_property
from tests.support.tenant import TODAY

TRIES = 12
"""Without decoders that are made beforehand a third of them crash."""
FIRST_PAGES = """
import sys, threading
from protime_etl.collections.clockings import CLOCKINGS
from protime_etl.protime.delta_pages import decode_changes
from protime_etl.protime.decoding import decode_page

sys.setswitchinterval(1e-6)
RECORD = b'{"id":1,"person":{"id":1},"date":"2026-01-05","timeOfDayInMinutes":480,"kind":"InOut","changeVersion":"A"}'
ITEM = b'{"changeType":"InsertOrUpdate","data":' + RECORD + b"}"
together = threading.Barrier(8)
rows = []

def read(number):
    together.wait()
    if number % 4 == 1:
        page = decode_page(CLOCKINGS, b'{"value":[' + RECORD[:-1] + b',"added%d":1}]}' % number)
    elif number % 2:
        page = decode_page(CLOCKINGS, b'{"value":[' + RECORD + b']}')
    else:
        page = decode_changes(CLOCKINGS, b'{"value":[' + ITEM + b']}')
    rows.extend(page.rows)

threads = [threading.Thread(target=read, args=(number,)) for number in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(len(rows))
"""


def test_workers_whose_first_pages_come_at_once_do_not_crash() -> None:
    for _ in range(TRIES):
        done = subprocess.run(
            [sys.executable, "-c", FIRST_PAGES], capture_output=True, text=True, timeout=60, check=False
        )
        assert (done.returncode, done.stdout.strip()) == (0, "8"), done.stderr


@pytest.mark.parametrize("collection", COLLECTIONS.values(), ids=list(COLLECTIONS))
def test_a_page_with_properties_that_were_seen_is_decoded_at_once(
    collection: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also with those inside of objects; the rows are the same as of records that are read one by one."""
    typed._made.cache_clear()
    tenant = Tenant(seed=1, people=3, first_day=TODAY, last_day=TODAY)
    records = [msgspec.to_builtins(one) for one in tenant.records(collection.path)]
    served = [with_a_property(collection.record, one) for one in records]
    body = msgspec.json.encode({"value": served})
    one_by_one = decode_page(collection, body).rows

    def refuse(*_: Any) -> None:
        raise AssertionError("a record was read by itself")

    monkeypatch.setattr(decoding, "decode_one", refuse)
    again = decode_page(collection, body).rows
    assert as_json(again) == as_json(one_by_one)
    extra = {None if row[-1] is None else msgspec.json.encode(row[-1]) for row in again}
    assert (extra == {None}) != collection.keep_unknown
    documented = decode_page(collection, msgspec.json.encode({"value": records})).rows
    assert [row[:-1] for row in as_json(again)] == [row[:-1] for row in as_json(documented)]


def as_json(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    return [tuple(msgspec.json.decode(msgspec.json.encode(value)) for value in row) for row in rows]


def test_what_is_no_name_of_a_property_or_one_too_many_is_not_learnt() -> None:
    typed._made.cache_clear()
    clockings = COLLECTIONS["clockings"]
    record = {"id": 1, "person": {"id": 1}, "date": "2026-01-05", "timeOfDayInMinutes": 480}
    for number in range(150):
        name = f"p{number}" if number % 2 else f"p {number}"
        page = decode_page(clockings, msgspec.json.encode({"value": [{**record, name: number}]}))
        assert page.rows[0][-1] == {name: number}
    assert len(typed_of(clockings).learnt) == 75
    # An object in the place of a list.
    lists: list[dict[str, Any]] = [{"activityLevels": {"level": 1, "surplus": 1}}, {}, {"activityLevels": []}]
    for levels in lists:
        assert len(decode_page(clockings, msgspec.json.encode({"value": [{**record, **levels}]})).rows) == 1
    many = {f"q{number}": number for number in range(200)}
    for _ in range(2):
        assert decode_page(clockings, msgspec.json.encode({"value": [{**record, **many}]})).rows[0][-1] == many
