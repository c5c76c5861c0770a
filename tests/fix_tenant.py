"""Fixtures: a simulated tenant over HTTP, its settings, and a pipeline from it to a warehouse."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import pytest
from sqlalchemy.engine import URL

from protime_etl.config import Settings
from protime_etl.simulator.options import Options
from protime_etl.simulator.server import SimulatedTenant
from protime_etl.simulator.state import Tenant
from protime_etl.sync.pipeline import Pipeline, open_pipeline
from tests.tenant import TODAY, settings_for


@pytest.fixture
def simulated() -> Iterator[SimulatedTenant]:
    tenant = Tenant(seed=1, people=20, first_day=TODAY - dt.timedelta(days=13), last_day=TODAY)
    with SimulatedTenant(tenant, Options(page_size=100)) as served:
        yield served


@pytest.fixture
def settings(simulated: SimulatedTenant) -> Settings:
    return settings_for(simulated)


@pytest.fixture
def pipeline(settings: Settings, warehouse: URL) -> Iterator[Pipeline]:
    with open_pipeline(settings, warehouse) as pipeline:
        yield pipeline
