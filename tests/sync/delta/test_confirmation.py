"""What a delta calls deleted, and what an initial load never met: bounded in cost, and not believed by the hundred."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import URL, Engine
from tenacity import wait_none

from protime_etl.collections.clockings import CLOCKINGS
from protime_etl.collections.collection import API_PATH
from protime_etl.config import CLOCKINGS_SCOPE
from protime_etl.errors import ApiError
from protime_etl.postgres.ledger.deltas import stale_deltas
from protime_etl.protime import retrying
from protime_etl.simulator.faults import FaultPlan, read_plan
from protime_etl.simulator.options import Options
from protime_etl.simulator.server import SimulatedTenant
from protime_etl.simulator.state import Tenant
from protime_etl.sync.delta.poll import poll
from protime_etl.sync.pipeline import Pipeline, open_pipeline
from protime_etl.sync.pull.runs import sync
from tests.support.scripted_server import Answer, Received, ScriptedServer
from tests.support.tenant import TODAY, settings_for
from tests.support.truth import table_rows, tenant_rows

FIRST = TODAY - dt.timedelta(days=13)
SAMPLE = 20


@pytest.fixture(autouse=True)
def no_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retrying, "_jitter", wait_none())


@contextmanager
def served(warehouse: URL, **settings: Any) -> Iterator[tuple[Pipeline, SimulatedTenant]]:
    tenant = Tenant(seed=1, people=20, first_day=FIRST, last_day=TODAY)
    with (
        SimulatedTenant(tenant, Options(page_size=1000)) as simulated,
        open_pipeline(settings_for(simulated, **settings), warehouse) as pipeline,
    ):
        yield pipeline, simulated


def live(tenant: Tenant) -> list[int]:
    return [one.id for one in tenant.truth() if one.status != "Deleted"]


def unconfirmed(engine: Engine) -> int:
    with engine.connect() as connection:
        return int(
            connection.execute(
                sa.text("SELECT count(*) FROM protime_etl.delta_unconfirmed WHERE 'shadow' NOT IN (tenant, collection)")
            ).scalar_one()
        )


def assert_equal(engine: Engine, tenant: Tenant) -> None:
    table, truth = table_rows(engine), tenant_rows(tenant)
    assert {key: row for key, row in table.items() if key in truth} == truth
    assert all(row["is_deleted"] for key, row in table.items() if key not in truth)


@pytest.mark.parametrize("learnt", ["delta", "vanished"])
def test_many_deletions_cost_a_sample(warehouse: URL, engine: Engine, learnt: str) -> None:
    with served(warehouse, max_vanished=10_000) as (pipeline, simulated):
        if learnt == "delta":
            poll(pipeline, CLOCKINGS)
        else:
            sync(pipeline, FIRST, TODAY)
        gone = live(simulated.tenant)[:300]
        for one in gone:
            simulated.tenant.hard_delete(one)
        result = poll(pipeline, CLOCKINGS)
        assert result.counts.deleted == 300
        assert result.counts.requests <= SAMPLE + 3
        assert_equal(engine, simulated.tenant)
        assert (result.withheld, unconfirmed(engine)) == (None, 0)
        with engine.connect() as connection:
            how = connection.scalars(
                sa.text(
                    "SELECT DISTINCT deleted_by FROM protime.clockings WHERE tenant <> 'shadow' AND deleted_at > now()"
                    " - interval '1 hour' AND id = ANY(:gone)"
                ),
                {"gone": gone},
            ).all()
        assert how == [learnt]


@pytest.mark.parametrize("learnt", ["delta", "vanished"])
def test_too_many_at_once_wait_until_they_are_accepted(warehouse: URL, engine: Engine, learnt: str) -> None:
    with served(warehouse) as (pipeline, simulated):
        if learnt == "delta":
            poll(pipeline, CLOCKINGS)
        else:
            sync(pipeline, FIRST, TODAY)
        before = table_rows(engine)
        first, *gone = live(simulated.tenant)[:301]
        for one in gone:
            simulated.tenant.hard_delete(one)
        simulated.tenant.edit(first, time_of_day_in_minutes=3)
        result = poll(pipeline, CLOCKINGS)
        assert result.withheld is not None
        assert (
            f"300 of {len([row for row in before.values() if not row['is_deleted']])} clockings since"
            in result.withheld.message
        )
        assert "--accept-deletions" in result.withheld.guidance
        assert result.counts.requests <= 3
        after = table_rows(engine)
        assert after.pop(first)["time_of_day_in_minutes"] == 3, "the rest is stored"
        assert after.items() <= before.items()
        assert not any(after[one]["is_deleted"] for one in gone)

        # A few more are not held up, and what waits is reported again, at no cost.
        simulated.tenant.hard_delete(first)
        result = poll(pipeline, CLOCKINGS)
        assert result.withheld is not None
        assert "300 deletions of clockings are held back" in result.withheld.message
        assert (result.counts.deleted, result.counts.requests) == (1, 2)
        assert "300 deletions of clockings are held back" in stale(pipeline)[0]

        pipeline.accept_deletions()
        result = poll(pipeline, CLOCKINGS)
        assert (result.withheld, result.counts.deleted) == (None, 300)
        assert result.counts.requests <= SAMPLE + 1
        assert_equal(engine, simulated.tenant)
        assert stale(pipeline) == []


def test_what_waits_survives_a_restart_that_begins_later(warehouse: URL, engine: Engine) -> None:
    with served(warehouse) as (pipeline, simulated):
        poll(pipeline, CLOCKINGS)
        gone = live(simulated.tenant)[:300]
        for one in gone:
            simulated.tenant.hard_delete(one)
        assert poll(pipeline, CLOCKINGS).withheld is not None
        result = poll(pipeline, CLOCKINGS, TODAY, restart=True)
        assert result.withheld is not None
        assert unconfirmed(engine) == 300
        pipeline.accept_deletions()
        assert poll(pipeline, CLOCKINGS).counts.deleted == 300
        assert_equal(engine, simulated.tenant)


def test_what_a_pull_marked_meanwhile_waits_no_longer(warehouse: URL, engine: Engine) -> None:
    with served(warehouse) as (pipeline, simulated):
        sync(pipeline, FIRST, TODAY)
        for one in live(simulated.tenant)[:300]:
            simulated.tenant.hard_delete(one)
        assert poll(pipeline, CLOCKINGS).withheld is not None
        pipeline.accept_deletions()
        assert sync(pipeline, FIRST, TODAY)[0].deleted == 300
        assert poll(pipeline, CLOCKINGS).counts.requests == 1
        pipeline.accept_deletions(False)
        assert (poll(pipeline, CLOCKINGS).withheld, unconfirmed(engine)) == (None, 0)


def test_what_a_load_brings_without_an_id_has_not_vanished(warehouse: URL, engine: Engine) -> None:
    with served(warehouse, max_vanished=11) as (pipeline, simulated):
        sync(pipeline, FIRST, TODAY)
        before = table_rows(engine)
        for one in live(simulated.tenant)[:20]:
            simulated.tenant.replace_raw(one, {"kind": "InOut"})
        result = poll(pipeline, CLOCKINGS)
        assert (result.counts.rejected, result.withheld, unconfirmed(engine)) == (20, None, 0)
        assert table_rows(engine) == before


def test_what_comes_back_needs_no_decision(warehouse: URL, engine: Engine) -> None:
    with served(warehouse) as (pipeline, simulated):
        sync(pipeline, FIRST, TODAY)
        with engine.begin() as connection:  # as if the tenant had hidden them while it was loaded
            connection.execute(
                sa.text("UPDATE protime.clockings SET id = id + 10000000 WHERE tenant <> 'shadow' AND id % 2 = 0")
            )
        assert poll(pipeline, CLOCKINGS).withheld is not None
        with engine.begin() as connection:
            connection.execute(sa.text("DELETE FROM protime.clockings WHERE tenant <> 'shadow' AND id > 10000000"))
        result = poll(pipeline, CLOCKINGS, restart=True)
        assert (result.withheld, unconfirmed(engine)) == (None, 0)
        assert_equal(engine, simulated.tenant)


def test_many_that_left_the_days_of_the_delta_are_not_deleted(warehouse: URL, engine: Engine) -> None:
    with served(warehouse, max_vanished=10_000) as (pipeline, simulated):
        poll(pipeline, CLOCKINGS, TODAY - dt.timedelta(days=9))
        moved = [one.id for one in simulated.tenant.truth() if one.date > TODAY - dt.timedelta(days=9)]
        moved = [one for one in moved if one in set(live(simulated.tenant))][:150]
        gone, moved = moved[:40], moved[40:]
        for one in gone:
            simulated.tenant.hard_delete(one)
        for one in moved:
            simulated.tenant.edit(one, date=FIRST)
        result = poll(pipeline, CLOCKINGS)
        assert result.counts.deleted == len(gone)
        rows = table_rows(engine)
        assert {(rows[one]["date"], rows[one]["is_deleted"]) for one in moved} == {(str(FIRST), False)}
        assert unconfirmed(engine) == 0


@pytest.mark.parametrize(("status", "at"), [(429, 31), (503, 45)], ids=["in the middle", "at the last"])
def test_a_pause_costs_nothing_that_was_asked(warehouse: URL, engine: Engine, status: int, at: int) -> None:
    with served(warehouse) as (pipeline, simulated):
        poll(pipeline, CLOCKINGS)
        for one in live(simulated.tenant)[:45]:
            simulated.tenant.hard_delete(one)
        plan = f'[[fault]]\nkind = "status"\nstatus = {status}\nretry_after = 3600\non = ["clockings"]\nat = [{at}]'
        simulated.served.misbehaviour.follow(read_plan(plan))
        with pytest.raises(ApiError, match=str(status)):
            poll(pipeline, CLOCKINGS)
        deleted = sum(row["is_deleted"] for row in table_rows(engine).values())
        soft = sum(row["is_deleted"] for row in tenant_rows(simulated.tenant).values())
        assert (deleted - soft, unconfirmed(engine)) == (at - 1, 46 - at)
        simulated.served.misbehaviour.follow(FaultPlan())
        with engine.begin() as connection:
            connection.execute(sa.text("DELETE FROM protime_etl.pauses WHERE tenant <> 'shadow'"))
        result = poll(pipeline, CLOCKINGS)
        assert (result.counts.deleted, result.counts.requests) == (46 - at, 47 - at)
        assert_equal(engine, simulated.tenant)


class OnePoisonous(ScriptedServer):
    """Three records that the delta calls deleted, one of which cannot be asked for."""

    link = f"{API_PATH}/delta/clockings?deltaToken=a"

    def _next(self, request: Received) -> Answer:
        answer = super()._next(request)
        if request.path.endswith("/connect/token"):
            return answer
        if request.path == f"{API_PATH}/clockings/2":
            return Answer(500, {"error": {"code": "InternalServerError", "message": "no"}})
        if request.path.startswith(f"{API_PATH}/clockings/"):
            return Answer(404, {"error": {"code": "NotFound", "message": "no"}})
        if request.path.endswith("&delta"):
            record = {"person": {"id": 7}, "date": str(TODAY), "timeOfDayInMinutes": 1, "kind": "InOut"}
            records = [{**record, "id": one, "changeVersion": "05"} for one in (1, 2, 3)]
            return Answer(200, {"value": records, "deltaLink": self.link})
        removals = [{"changeType": "Delete", "data": {"id": one, "changeVersion": "06"}} for one in (1, 2, 3)]
        first = len([one for one in self.api_requests if "/delta/" in one.path]) == 1
        return Answer(200, {"value": removals if first else [], "deltaLink": self.link + "b"})


def test_one_record_that_cannot_be_asked_for_stops_nothing(warehouse: URL, engine: Engine) -> None:
    with (
        OnePoisonous([Answer()]) as server,
        open_pipeline(server.settings(scopes=CLOCKINGS_SCOPE), warehouse) as pipeline,
    ):
        poll(pipeline, CLOCKINGS)
        for _ in range(2):
            result = poll(pipeline, CLOCKINGS)
            assert result.unconfirmed == 1
            assert {key: row["is_deleted"] for key, row in table_rows(engine).items()} == {1: True, 2: False, 3: True}
        with engine.connect() as connection:
            found = connection.execute(
                sa.text(
                    "SELECT status, failures, outages FROM protime_etl.deltas"
                    " WHERE 'shadow' NOT IN (tenant, collection)"
                )
            ).one()
        assert tuple(found) == ("active", 0, 0)


def test_what_may_be_gone_already_is_asked_for_without_a_lock(
    warehouse: URL, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    with served(warehouse) as (pipeline, simulated):
        sync(pipeline, FIRST, TODAY)
        poll(pipeline, CLOCKINGS)
        added = simulated.tenant.add(100_001, FIRST, 600)
        changes, record = pipeline.client.delta_changes, pipeline.client.record
        locks: list[int] = []

        def overtaken(*arguments: Any) -> Any:
            answer = changes(*arguments)
            with engine.begin() as connection:  # as if another process had read that day in between
                connection.execute(
                    sa.text(
                        "UPDATE protime_etl.units SET finished_at = clock_timestamp()"
                        " WHERE error IS DISTINCT FROM 'shadow'"
                    )
                )
            return answer

        def watched(*arguments: Any) -> Any:
            with engine.connect() as connection:
                query = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND classid = 7262006"
                locks.append(connection.execute(sa.text(query)).scalar_one())
            return record(*arguments)

        monkeypatch.setattr(pipeline.client, "delta_changes", overtaken)
        monkeypatch.setattr(pipeline.client, "record", watched)
        poll(pipeline, CLOCKINGS)
        assert added.id in table_rows(engine)
        assert locks == [0]


def test_a_deletion_that_a_pull_found_while_it_was_asked_for_is_no_drift(
    warehouse: URL, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (
        served(warehouse) as (pipeline, simulated),
        open_pipeline(settings_for(simulated), warehouse) as other,
    ):
        poll(pipeline, CLOCKINGS)
        simulated.tenant.hard_delete(live(simulated.tenant)[0])
        record = pipeline.client.record

        def overtaken(*arguments: Any) -> Any:
            sync(other, FIRST, TODAY)
            return record(*arguments)

        monkeypatch.setattr(pipeline.client, "record", overtaken)
        poll(pipeline, CLOCKINGS)
        poll(pipeline, CLOCKINGS)
    with engine.connect() as connection:
        assert (
            connection.scalar(sa.text("SELECT count(*) FROM protime.drift WHERE 'shadow' NOT IN (tenant, collection)"))
            == 0
        ), "the delta has reported it"
    assert_equal(engine, simulated.tenant)


def stale(pipeline: Pipeline) -> list[str]:
    with pipeline.transaction() as connection:
        return stale_deltas(connection, pipeline.tenant, ["clockings"], dt.timedelta(hours=24))
