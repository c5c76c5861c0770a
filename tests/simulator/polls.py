"""Polls of a delta, requested by hand."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import msgspec
import requests

from protime_etl.simulator.clock import Clock
from protime_etl.simulator.options import Options
from protime_etl.simulator.server import SimulatedTenant

if TYPE_CHECKING:
    from tests.simulator.caller import Caller

__all__ = [
    "INSIDE",
    "JANUARY",
    "NOW",
    "OPEN_ENDED",
    "OUTSIDE",
    "PERSON",
    "Item",
    "by_version",
    "poll",
    "refusal",
    "removal",
    "serving",
    "started",
    "upsert",
]

NOW = dt.datetime(2026, 2, 1, 12, tzinfo=dt.UTC)
JANUARY = "clockings?filter=date ge '2026-01-01' and date le '2026-01-31'&delta"
OPEN_ENDED = "clockings?filter=date ge '2026-01-01'&delta"
INSIDE = dt.date(2026, 1, 15)
OUTSIDE = dt.date(2026, 2, 15)
PERSON = 100_001

Item = dict[str, Any]


@contextmanager
def serving(caller: Caller, options: Options | None = None) -> Iterator[Caller]:
    """The tenant of `caller` with other options, at a clock that does not depend on the day of the test."""
    with SimulatedTenant(caller.simulated.tenant, options, Clock(NOW)) as simulated:
        yield type(caller)(simulated, caller.session)


def started(caller: Caller, path: str = OPEN_ENDED) -> str:
    """The deltaLink that an initial load ends with."""
    link: str = caller.pages(path)[-1]["deltaLink"]
    return link


def poll(caller: Caller, link: str) -> tuple[list[Item], str]:
    answer = caller.get(link)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body.keys() == {"value", "deltaLink"}
    return body["value"], body["deltaLink"]


def refusal(answer: requests.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


def upsert(record: object) -> Item:
    return {"changeType": "InsertOrUpdate", "data": msgspec.to_builtins(record)}


def removal(record_id: int, version: str) -> Item:
    return {"changeType": "Delete", "data": {"changeVersion": version, "id": record_id}}


def by_version(items: list[Item]) -> list[Item]:
    return sorted(items, key=lambda item: str(item["data"]["changeVersion"]))
