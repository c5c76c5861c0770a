"""Fixtures: a simulated tenant over HTTP, its settings, and a pipeline from it to a warehouse."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy.engine import URL

from protime_etl.config import Settings
from protime_etl.simulator.server import SimulatedTenant
from protime_etl.sync.pipeline import Pipeline, open_pipeline
from tests.support.tenant import serve, settings_for


@pytest.fixture
def simulated(request: pytest.FixtureRequest) -> Iterator[SimulatedTenant]:
    """A tenant over HTTP: one that most tests read, or what a file or a test marks it to be (`serve`)."""
    marked = request.node.get_closest_marker("tenant")
    with serve(**(marked.kwargs if marked else {})) as served:
        yield served


@pytest.fixture
def settings(simulated: SimulatedTenant) -> Settings:
    return settings_for(simulated)


@pytest.fixture
def pipeline(settings: Settings, warehouse: URL) -> Iterator[Pipeline]:
    with open_pipeline(settings, warehouse) as pipeline:
        yield pipeline
