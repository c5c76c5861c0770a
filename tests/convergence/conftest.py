"""Fixtures: a world of tenant and warehouse, and tries without waits between them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy.engine import URL
from tenacity import wait_none

from protime_etl.protime import retrying
from tests.convergence.world import World


@pytest.fixture(autouse=True)
def no_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retrying, "_jitter", wait_none())


@pytest.fixture
def world(warehouse: URL) -> Iterator[World]:
    world = World(warehouse)
    yield world
    world.close()
