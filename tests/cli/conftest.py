from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy.engine import URL

from protime_etl.simulator.server import SimulatedTenant
from tests.cli.shell import Shell


@pytest.fixture
def shell(tmp_path: Path, simulated: SimulatedTenant, warehouse: URL) -> Shell:
    return Shell(
        tmp_path,
        tenant="simulated",
        client_id=simulated.client_id,
        client_secret=simulated.client_secret,
        api_url=simulated.url,
        auth_url=simulated.url,
        database_url=warehouse.render_as_string(hide_password=False),
    )
