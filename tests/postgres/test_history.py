"""What is kept for a year, and no longer: runs with their units, comparisons, polls, notes of what was written."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from protime_etl.collections.clockings import CLOCKINGS
from protime_etl.postgres.ledger.history import OLD, forget_old
from protime_etl.simulator.server import SimulatedTenant
from protime_etl.sync.delta.poll import poll
from protime_etl.sync.pipeline import Pipeline
from protime_etl.sync.pull.runs import sync
from protime_etl.sync.verify.verify import verify
from tests.support.tenant import TODAY
from tests.support.truth import table_rows, tenant_rows

MINE = "t.tenant <> 'shadow' AND to_jsonb(t) ->> 'collection' IS DISTINCT FROM 'shadow'"
FIRST = TODAY - dt.timedelta(days=5)


def kept(engine: Engine) -> dict[str, int]:
    """Rows of each ledger; of units by their runs."""
    count = f"SELECT count(*) FROM protime_etl.{{}} AS t WHERE {MINE}"
    units = f"SELECT count(*) FROM protime_etl.units JOIN protime_etl.runs AS t USING (run_id) WHERE {MINE}"
    with engine.connect() as connection:
        found = {table: connection.scalar(sa.text(count.format(table))) or 0 for table in OLD}
        return found | {"units": connection.scalar(sa.text(units)) or 0}


def age(engine: Engine, days: int) -> None:
    with engine.begin() as connection:
        for table, at in OLD.items():
            older = f"UPDATE protime_etl.{table} AS t SET {at} = {at} - interval '{days} days' WHERE {MINE}"
            connection.execute(sa.text(older))


def test_ledgers_are_kept_for_a_year_and_what_is_known_for_ever(
    pipeline: Pipeline, simulated: SimulatedTenant, engine: Engine
) -> None:
    sync(pipeline, FIRST, TODAY)
    poll(pipeline, CLOCKINGS)
    verify(pipeline, CLOCKINGS, FIRST, TODAY)
    everything = kept(engine)
    assert all(everything.values()), everything
    for days, left in ((360, everything), (10, dict.fromkeys(everything, 0))):
        age(engine, days)
        with pipeline.transaction() as connection:
            forget_old(connection, "simulated")
        assert kept(engine) == left
    assert table_rows(engine) == tenant_rows(simulated.tenant)
    with engine.connect() as connection:
        covered = connection.scalar(
            sa.text("SELECT count(*) FROM protime_etl.coverage WHERE 'shadow' NOT IN (tenant, collection)")
        )
        assert covered
        assert connection.scalar(sa.text("SELECT count(*) FROM protime_etl.runs WHERE tenant = 'shadow'"))
    sync(pipeline, FIRST, TODAY)
    assert kept(engine)["runs"] == 1


def test_what_is_old_of_another_tenant_stays(pipeline: Pipeline, engine: Engine) -> None:
    sync(pipeline, FIRST, TODAY)
    poll(pipeline, CLOCKINGS)
    verify(pipeline, CLOCKINGS, FIRST, TODAY)
    age(engine, 370)
    with engine.begin() as connection:
        for table in OLD:
            connection.execute(sa.text(f"UPDATE protime_etl.{table} AS t SET tenant = 'other' WHERE {MINE}"))
    everything = kept(engine)
    assert all(everything.values()), everything
    for tenant, left in (("simulated", everything), ("other", dict.fromkeys(everything, 0))):
        with engine.begin() as connection:
            forget_old(connection, tenant)
        assert kept(engine) == left
