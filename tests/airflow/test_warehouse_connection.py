"""What an Airflow connection says of the warehouse and of the source, and a task does not follow: it fails at once."""

from __future__ import annotations

import json

import pytest
from airflow.sdk.exceptions import AirflowFailException
from sqlalchemy.engine import URL, Engine

from protime_etl.airflow import ProtimePeopleToPostgresOperator
from protime_etl.simulator.server import SimulatedTenant
from protime_etl.sync.pipeline import Pipeline
from protime_etl.sync.pull.lists import read_people
from tests.airflow.test_operators import context
from tests.support.truth import table_rows, tenant_rows

pytestmark = pytest.mark.airflow


@pytest.fixture
def people(
    simulated: SimulatedTenant, warehouse: URL, monkeypatch: pytest.MonkeyPatch
) -> ProtimePeopleToPostgresOperator:
    """A task with two good connections."""
    extra = {"tenant": "simulated", "api_url": simulated.url, "auth_url": simulated.url}
    connect(monkeypatch, "default", "protime", simulated.client_id, simulated.client_secret, extra)
    connect_warehouse(monkeypatch, warehouse, {})
    return ProtimePeopleToPostgresOperator(task_id="people")


def connect(monkeypatch: pytest.MonkeyPatch, name: str, kind: str, login: str, password: str, extra: object) -> None:
    given = {"conn_type": kind, "login": login, "password": password, "extra": extra}
    monkeypatch.setenv(f"AIRFLOW_CONN_PROTIME_{name.upper()}", json.dumps(given))


def connect_warehouse(monkeypatch: pytest.MonkeyPatch, warehouse: URL, extra: dict[str, object]) -> None:
    given = {
        "conn_type": "postgres",
        "login": warehouse.username,
        "host": warehouse.query["host"],
        "schema": warehouse.database,
        "extra": extra,
    }
    monkeypatch.setenv("AIRFLOW_CONN_PROTIME_WAREHOUSE", json.dumps(given))


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        ({"iam": True}, "protime_warehouse logs in by IAM"),
        ({"pgbouncer": True}, "protime_warehouse has parameters that PostgreSQL does not know: pgbouncer"),
    ],
)
def test_what_a_warehouse_cannot_have_is_named(
    people: ProtimePeopleToPostgresOperator,
    warehouse: URL,
    monkeypatch: pytest.MonkeyPatch,
    extra: dict[str, object],
    message: str,
) -> None:
    connect_warehouse(monkeypatch, warehouse, extra)
    with pytest.raises(AirflowFailException, match=message):
        people.execute(context())


def test_options_of_the_connection_are_heard(
    people: ProtimePeopleToPostgresOperator, warehouse: URL, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect_warehouse(monkeypatch, warehouse, {"options": "-c work_mem=5MB", "cursor": "dictcursor"})
    assert people.execute(context())["inserted"] == 20
    connect_warehouse(monkeypatch, warehouse, {"options": "-c no_such_setting=1"})
    with pytest.raises(Exception, match="no_such_setting"):
        people.execute(context())
    assert len(table_rows(engine, "people")) == 20


def test_a_task_of_another_environment_is_refused(
    people: ProtimePeopleToPostgresOperator,
    pipeline: Pipeline,
    simulated: SimulatedTenant,
    engine: Engine,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    read_people(pipeline)
    sandbox = {"tenant": "simulated", "environment": "sandbox", "api_url": simulated.url, "auth_url": simulated.url}
    connect(monkeypatch, "default", "protime", simulated.client_id, simulated.client_secret, sandbox)
    with pytest.raises(AirflowFailException, match=r"holds simulated of production \(localhost\); these .* sandbox"):
        people.execute(context())
    assert table_rows(engine, "people") == tenant_rows(simulated.tenant, "people")
