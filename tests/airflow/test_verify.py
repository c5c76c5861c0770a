"""The nightly verification, and people whom no list names."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from protime_etl.airflow import ProtimeVerifyOperator
from protime_etl.simulator.server import SimulatedTenant
from protime_etl.sync.pipeline import Pipeline
from protime_etl.sync.runs import sync
from tests.airflow.test_operators import FIRST, context
from tests.tenant import TODAY
from tests.truth import table_rows, tenant_rows

pytestmark = pytest.mark.airflow
NOBODY = 100_003


def test_a_night_reads_who_clocks_and_is_in_no_list(
    pipeline: Pipeline, engine: Engine, simulated: SimulatedTenant, capsys: pytest.CaptureFixture[str]
) -> None:
    simulated.tenant.remove_record("people", NOBODY)
    sync(pipeline, "test", FIRST, TODAY)
    assert table_rows(engine) != tenant_rows(simulated.tenant)
    operator = ProtimeVerifyOperator(task_id="verify", lookback_days=(TODAY - FIRST).days)

    told = operator.carry_out(pipeline, context())

    assert told["unlisted"] == 1
    assert f"No list of people names {NOBODY}" in capsys.readouterr().out
    assert table_rows(engine) == tenant_rows(simulated.tenant)
    with engine.connect() as connection:
        assert connection.scalar(sa.text("SELECT count(*) FROM protime_etl.runs WHERE status <> 'done'")) == 0
    assert operator.carry_out(pipeline, context())["missing"] == 0
    assert sync(pipeline, "test", FIRST, TODAY)[0].rows_read == len(simulated.tenant.truth()) + 19
