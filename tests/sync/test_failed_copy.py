"""A COPY that PostgreSQL has given up is noticed while pages come, and not after the last one."""

from __future__ import annotations

import datetime as dt

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from protime_etl.simulator.faults import read_plan
from protime_etl.simulator.server import SimulatedTenant
from protime_etl.sync.pipeline import Pipeline
from protime_etl.sync.pull.runs import sync
from tests.support.tenant import TODAY
from tests.support.truth import table_rows, tenant_rows

FIRST = TODAY - dt.timedelta(days=60)
PAGE_SIZE = 500
pytestmark = pytest.mark.tenant(people=100, first_day=FIRST, page_size=PAGE_SIZE)
# So that PostgreSQL keeps up, on a busy machine, too.
UNHURRIED = read_plan('[[fault]]\nkind = "slow"\nseconds = 0.1\nrate = 1.0\non = ["clockings"]')


def test_a_record_that_is_in_the_table_elsewhere_costs_a_few_pages(
    pipeline: Pipeline, engine: Engine, simulated: SimulatedTenant
) -> None:
    """Records are then read again in the ordinary way."""
    moved = min(simulated.tenant.truth(), key=lambda one: one.id)
    with engine.begin() as connection:
        connection.execute(
            sa.text(
                "INSERT INTO protime.clockings"
                " (tenant, id, person_id, date, time_of_day_in_minutes, kind, change_version)"
                " VALUES ('simulated', :id, 1, '1999-01-01', 480, 'InOut', '')"
            ),
            {"id": moved.id},
        )
    simulated.served.misbehaviour.follow(UNHURRIED)

    sync(pipeline, FIRST, TODAY)

    assert table_rows(engine) == tenant_rows(simulated.tenant)
    first = simulated.served.requests["clockings"]
    sync(pipeline, FIRST, TODAY)
    again = simulated.served.requests["clockings"] - first
    assert again > 30
    # PostgreSQL looks at a thousand rows at once, and two pages are read ahead; a unit has twenty pages here.
    assert first <= again + 10
