"""What verify makes of differences: at what cost it makes sure of them, and that it hides none."""

from __future__ import annotations

import datetime as dt

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import URL, Engine

from protime_etl.collections.clockings import CLOCKINGS
from protime_etl.protime import retrying
from protime_etl.simulator.options import Options
from protime_etl.simulator.server import SimulatedTenant
from protime_etl.simulator.state import Tenant
from protime_etl.sync.pipeline import Pipeline, open_pipeline
from protime_etl.sync.pull.lists import read_people
from protime_etl.sync.pull.runs import sync
from protime_etl.sync.verify.verify import verify
from tests.support.difficult import refuse_lists
from tests.support.tenant import TODAY, settings_for
from tests.sync.delta.test_poll import live

FIRST = TODAY - dt.timedelta(days=13)


def change(engine: Engine, statement: str, **values: object) -> None:
    with engine.begin() as connection:
        connection.execute(sa.text(statement), values)


def without_single_records(simulated: SimulatedTenant, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tenant lists its clockings and finds none of them by its id."""
    monkeypatch.setattr(simulated.tenant, "record", lambda *_: None)


def test_what_the_list_has_and_the_single_read_has_not_is_reported_as_the_list_says(
    pipeline: Pipeline, engine: Engine, simulated: SimulatedTenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    sync(pipeline, FIRST, TODAY)
    missing, stale = live(simulated.tenant)[:2]
    change(engine, "DELETE FROM protime.clockings WHERE tenant <> 'shadow' AND id = :id", id=missing)
    change(
        engine,
        "UPDATE protime.clockings SET time_of_day_in_minutes = 1439 WHERE tenant <> 'shadow' AND id = :id",
        id=stale,
    )
    without_single_records(simulated, monkeypatch)

    found = verify(pipeline, CLOCKINGS, FIRST, TODAY)

    assert {one.id: one.kind for one in found.differences} == {missing: "missing", stale: "stale"}
    assert (found.moving, found.agrees) == (0, False)


def test_more_than_a_handful_that_move_is_no_agreement(
    pipeline: Pipeline, simulated: SimulatedTenant, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    sync(pipeline, FIRST, TODAY)
    ids = live(simulated.tenant)[:6]
    change(
        engine,
        "UPDATE protime.clockings SET time_of_day_in_minutes = 1439 WHERE tenant <> 'shadow' AND id = ANY(:ids)",
        ids=ids,
    )
    usual = simulated.tenant.record

    def record(collection: str, record_id: int) -> object:
        if record_id in ids:
            simulated.tenant.edit(record_id, time_of_day_in_minutes=5)
        return usual(collection, record_id)

    monkeypatch.setattr(simulated.tenant, "record", record)
    found = verify(pipeline, CLOCKINGS, FIRST, TODAY)
    assert (found.differences, found.moving, found.agrees) == ([], 6, False)


def test_days_never_read_cost_hardly_more_than_the_sync_that_repairs_them(warehouse: URL) -> None:
    tenant = Tenant(seed=1, people=30, first_day=FIRST, last_day=TODAY)
    with (
        SimulatedTenant(tenant, Options(page_size=100, empty_page_every=0)) as served,
        open_pipeline(settings_for(served), warehouse) as pipeline,
    ):
        read_people(pipeline)
        found = verify(pipeline, CLOCKINGS, FIRST, TODAY)
        assert found.totals()["missing"] == len(tenant.truth())
        counts, _ = sync(pipeline, FIRST, TODAY)
        assert found.requests <= 1.2 * counts.requests


def test_many_that_the_tenant_has_no_longer_cost_one_more_reading(warehouse: URL) -> None:
    tenant = Tenant(seed=1, people=30, first_day=FIRST, last_day=TODAY)
    with (
        SimulatedTenant(tenant, Options(page_size=100, empty_page_every=0)) as served,
        open_pipeline(settings_for(served), warehouse) as pipeline,
    ):
        sync(pipeline, FIRST, TODAY)
        gone, moved = live(tenant)[:200], live(tenant)[200:400]
        for one in gone:
            tenant.hard_delete(one)
        for one in moved:
            tenant.edit(one, date=FIRST - dt.timedelta(days=90))
        pages = -(-len(tenant.truth()) // 100)
        found = verify(pipeline, CLOCKINGS, FIRST, TODAY)
        assert {one.id for one in found.differences} == {*gone, *moved}
        assert found.requests <= 2 * pages + 30


def test_what_the_tenant_cannot_return_is_named_and_the_rest_compared(
    pipeline: Pipeline, engine: Engine, simulated: SimulatedTenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retrying, "ATTEMPTS", 1)
    sync(pipeline, FIRST, TODAY)
    victim, missing = (simulated.tenant.clockings_of(person)[0] for person in (100_007, 100_009))
    change(engine, "DELETE FROM protime.clockings WHERE tenant <> 'shadow' AND id = :id", id=missing.id)
    refuse_lists(simulated.tenant, lambda _, found: any(one.id == victim.id for one in found))

    found = verify(pipeline, CLOCKINGS, FIRST, TODAY)

    assert found.unreadable == [f"person 100007 on {victim.date}"]
    assert [(one.id, one.kind) for one in found.differences] == [(missing.id, "missing")]
    assert not found.agrees
