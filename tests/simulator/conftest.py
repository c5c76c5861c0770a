from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests

from protime_etl.simulator.options import Options
from protime_etl.simulator.server import SimulatedTenant
from protime_etl.simulator.state import Tenant
from tests.simulator.caller import FIRST_DAY, LAST_DAY, Caller
from tests.simulator.polls import serving


@pytest.fixture
def caller() -> Iterator[Caller]:
    tenant = Tenant(seed=1, people=12, first_day=FIRST_DAY, last_day=LAST_DAY)
    options = Options(page_size=100, empty_page_every=3)
    with SimulatedTenant(tenant, options) as simulated, requests.Session() as session:
        yield Caller(simulated, session)


@pytest.fixture
def delta(caller: Caller) -> Iterator[Caller]:
    with serving(caller, Options(page_size=100, empty_page_every=3)) as served:
        yield served
