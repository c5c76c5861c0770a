"""The nightly verification, and people whom no list names."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa
from airflow.sdk.exceptions import AirflowFailException
from sqlalchemy.engine import URL, Engine

from protime_etl.airflow import (
    ProtimeClockingsToPostgresOperator,
    ProtimePeopleToPostgresOperator,
    ProtimePlanOperator,
    ProtimeVerifyOperator,
)
from protime_etl.simulator.faults import read_plan
from protime_etl.simulator.server import SimulatedTenant
from protime_etl.sync.pipeline import Pipeline, open_pipeline
from protime_etl.sync.pull.runs import sync
from tests.airflow.test_operators import FIRST, context
from tests.support.tenant import TODAY, settings_for
from tests.support.truth import table_rows, tenant_rows

pytestmark = pytest.mark.airflow
UNLISTED = 100_005


def test_a_night_reads_who_clocks_and_is_in_no_list(
    pipeline: Pipeline, engine: Engine, simulated: SimulatedTenant, capsys: pytest.CaptureFixture[str]
) -> None:
    simulated.tenant.remove_record("people", UNLISTED)
    sync(pipeline, FIRST, TODAY)
    assert table_rows(engine) != tenant_rows(simulated.tenant)
    operator = ProtimeVerifyOperator(task_id="verify", lookback_days=(TODAY - FIRST).days)

    returned = operator.carry_out(pipeline, context())

    assert returned["unlisted"] == 1
    assert f"The list of people lacks {UNLISTED}" in capsys.readouterr().out
    assert table_rows(engine) == tenant_rows(simulated.tenant)
    with engine.connect() as connection:
        assert (
            connection.scalar(
                sa.text("SELECT count(*) FROM protime_etl.runs WHERE tenant <> 'shadow' AND status <> 'done'")
            )
            == 0
        )
    assert operator.carry_out(pipeline, context())["missing"] == 0
    assert sync(pipeline, FIRST, TODAY)[0].rows_read == len(simulated.tenant.truth()) + 19


def test_a_refused_collection_stops_no_other_in_airflow_either(
    simulated: SimulatedTenant, warehouse: URL, engine: Engine
) -> None:
    """The other lists and the plan go on without it; the red tasks name it, and what differs besides."""
    plan = '[[fault]]\nkind = "status"\nstatus = 403\nrate = 1.0\non = ["departments", "counters"]'
    simulated.served.misbehaviour.follow(read_plan(plan))
    settings = settings_for(simulated, collections="clockings people departments jobs counters calculated-totals")
    days = (TODAY - FIRST).days
    with open_pipeline(settings, warehouse) as pipeline:
        with pytest.raises(AirflowFailException, match="departments cannot be read"):
            ProtimePeopleToPostgresOperator(task_id="people").carry_out(pipeline, context())
        units: Any = ProtimePlanOperator(task_id="plan", lookback_days=days).carry_out(pipeline, context())
        ProtimeClockingsToPostgresOperator(task_id="pull", unit_id=units).carry_out(pipeline, context())
        with engine.begin() as connection:
            connection.execute(
                sa.text(
                    "DELETE FROM protime.clockings"
                    " WHERE tenant <> 'shadow' AND id = (SELECT min(id) FROM protime.clockings"
                    " WHERE tenant <> 'shadow')"
                )
            )
            connection.execute(
                sa.text(
                    "UPDATE protime.calculated_totals SET time_present_duration_in_minutes = -1"
                    " WHERE tenant <> 'shadow' AND date = '2026-03-20'"
                )
            )
        with pytest.raises(AirflowFailException) as caught:
            ProtimeVerifyOperator(task_id="verify", lookback_days=days).carry_out(pipeline, context())
    for message in ("counters cannot be read", "1 clockings of", "20 calculated-totals of"):
        assert message in str(caught.value)
    for path in ("jobs", "people"):
        assert table_rows(engine, path) == tenant_rows(simulated.tenant, path)
