"""A run belongs to the tenant that it was planned for, whatever connection a task of it is given."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import pytest
import sqlalchemy as sa
from airflow.sdk.exceptions import AirflowFailException
from sqlalchemy.engine import URL, Engine

from protime_etl.airflow import (
    ProtimeClockingsToPostgresOperator,
    ProtimeFinishOperator,
    ProtimePeopleToPostgresOperator,
)
from protime_etl.errors import SettingsError
from protime_etl.simulator.server import SimulatedTenant
from protime_etl.sync.pipeline import Pipeline, open_pipeline
from protime_etl.sync.plan.request import select
from protime_etl.sync.pull.lists import read_people
from protime_etl.sync.pull.runs import plan
from protime_etl.sync.pull.worker_pool import pull
from protime_etl.work import RunKind
from tests.airflow.test_operators import FIRST, context
from tests.support.tenant import TODAY, serve, settings_for
from tests.support.truth import table_rows

pytestmark = pytest.mark.airflow
BOTH = r"(?s)planned for the tenant simulated, but the settings are those of other"


@pytest.fixture
def other() -> Iterator[SimulatedTenant]:
    with serve(seed=2, people=20, first_day=FIRST, tenant_name="other", page_size=1000) as served:
        yield served


def test_a_task_with_the_connection_of_another_tenant_is_refused(
    pipeline: Pipeline,
    engine: Engine,
    other: SimulatedTenant,
    warehouse: URL,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    read_people(pipeline)
    run_id, (unit,) = plan(pipeline, RunKind.SYNC, select(pipeline, FIRST, TODAY))
    given = settings_for(other, tenant="other")
    extra = {name: getattr(given, name) for name in ("tenant", "api_url", "auth_url")}
    connection = {"conn_type": "protime", "login": other.client_id, "password": other.client_secret, "extra": extra}
    monkeypatch.setenv("AIRFLOW_CONN_PROTIME_DEFAULT", msgspec.json.encode(connection).decode())
    uri = warehouse.render_as_string(hide_password=False).replace("postgresql+psycopg", "postgres")
    monkeypatch.setenv("AIRFLOW_CONN_PROTIME_WAREHOUSE", uri)
    ProtimePeopleToPostgresOperator(task_id="people").execute(context())  # the connection is a good one

    for operator in (
        ProtimeClockingsToPostgresOperator(task_id="pull", unit_id=unit.unit_id),
        ProtimeClockingsToPostgresOperator(task_id="pull_list", unit_id=[unit.unit_id]),
        ProtimeFinishOperator(task_id="close", run_id=run_id),
    ):
        with pytest.raises(AirflowFailException, match=BOTH):
            operator.execute(context())
    with open_pipeline(given, warehouse) as pipeline_of_other, pytest.raises(SettingsError, match=BOTH):
        pull(pipeline_of_other, unit)

    assert other.served.requests["clockings"] == 0
    assert table_rows(engine) == {}
    with engine.connect() as connection_of_test:
        assert (
            connection_of_test.scalar(
                sa.text("SELECT count(*) FROM protime_etl.coverage WHERE 'shadow' NOT IN (tenant, collection)")
            )
            == 0
        )
        assert (
            connection_of_test.scalar(
                sa.text("SELECT status FROM protime_etl.units WHERE error IS DISTINCT FROM 'shadow'")
            )
            == "planned"
        )
        assert (
            connection_of_test.scalar(sa.text("SELECT status FROM protime_etl.runs WHERE tenant <> 'shadow'"))
            == "running"
        )
