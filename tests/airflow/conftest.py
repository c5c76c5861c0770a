"""Fixtures: the connections that operators ask Airflow for."""

from __future__ import annotations

import json

import pytest
from sqlalchemy.engine import URL

from protime_etl.simulator.server import SimulatedTenant


@pytest.fixture
def connections(simulated: SimulatedTenant, warehouse: URL, monkeypatch: pytest.MonkeyPatch) -> None:
    """The two connections that the operators ask Airflow for."""
    extra = {"tenant": "simulated", "api_url": simulated.url, "auth_url": simulated.url}
    protime = {"conn_type": "protime", "login": simulated.client_id, "password": simulated.client_secret}
    monkeypatch.setenv("AIRFLOW_CONN_PROTIME_DEFAULT", json.dumps({**protime, "extra": extra}))
    place = {"login": warehouse.username, "schema": warehouse.database, "host": warehouse.query["host"]}
    monkeypatch.setenv("AIRFLOW_CONN_PROTIME_WAREHOUSE", json.dumps({"conn_type": "postgres", **place}))
