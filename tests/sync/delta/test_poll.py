"""Each transition of a delta, and what the documentation leaves open in both readings."""

from __future__ import annotations

import datetime as dt
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import URL, Engine
from tenacity import wait_none

from protime_etl.collections.clockings import CLOCKINGS
from protime_etl.collections.collection import API_PATH
from protime_etl.collections.record import Reference
from protime_etl.config import CLOCKINGS_SCOPE
from protime_etl.errors import (
    BusyError,
    DeltaBrokenError,
    DeltaExpiredError,
    InvalidRequestError,
    ProtocolError,
    UntrustedLinkError,
)
from protime_etl.postgres.shared.locks import DeltaLock
from protime_etl.protime.filters import dates
from protime_etl.simulator.faults import read_plan
from protime_etl.simulator.options import Options
from protime_etl.simulator.server import SimulatedTenant
from protime_etl.simulator.state import Tenant
from protime_etl.sync.delta import poll as polling
from protime_etl.sync.delta.poll import poll
from protime_etl.sync.pipeline import Pipeline, open_pipeline
from protime_etl.sync.pull.runs import sync
from tests.support.long_form import in_long_form
from tests.support.scripted_server import Answer, ScriptedServer
from tests.support.tenant import TODAY, settings_for
from tests.support.truth import table_rows, tenant_rows

FIRST = TODAY - dt.timedelta(days=13)


@pytest.fixture(autouse=True)
def no_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(polling, "_conflict_wait", wait_none())


@contextmanager
def served(warehouse: URL, **options: Any) -> Iterator[tuple[Pipeline, SimulatedTenant]]:
    tenant = Tenant(seed=1, people=20, first_day=FIRST, last_day=TODAY)
    with (
        SimulatedTenant(tenant, Options(page_size=100, **options)) as simulated,
        open_pipeline(settings_for(simulated), warehouse) as pipeline,
    ):
        yield pipeline, simulated


def state(engine: Engine) -> Any:
    with engine.connect() as connection:
        return (
            connection.execute(sa.text("SELECT * FROM protime_etl.deltas WHERE 'shadow' NOT IN (tenant, collection)"))
            .mappings()
            .one()
        )


def drift(engine: Engine) -> list[tuple[int, str]]:
    with engine.connect() as connection:
        rows = connection.execute(
            sa.text("SELECT id, action FROM protime.drift WHERE 'shadow' NOT IN (tenant, collection) ORDER BY id")
        )
        return [(row.id, row.action) for row in rows]


def assert_equal(engine: Engine, tenant: Tenant) -> None:
    table, truth = table_rows(engine), tenant_rows(tenant)
    assert {key: row for key, row in table.items() if key in truth} == truth
    assert all(row["is_deleted"] for key, row in table.items() if key not in truth)


def live(tenant: Tenant) -> list[int]:
    return [one.id for one in tenant.truth() if one.status != "Deleted" and one.kind == "InOut"]


def test_the_initial_load_brings_everything_and_ends_with_a_link(
    pipeline: Pipeline, engine: Engine, simulated: SimulatedTenant
) -> None:
    result = poll(pipeline, CLOCKINGS)
    assert table_rows(engine) == tenant_rows(simulated.tenant)
    assert result.initial
    assert result.counts.inserted == len(simulated.tenant.truth())
    found = state(engine)
    assert (found["status"], found["initial_rows"]) == ("active", result.counts.inserted)
    assert found["link"].startswith(f"{API_PATH}/delta/clockings?deltaToken=")
    this_year = dt.datetime.now(dt.UTC).year
    assert found["date_from"] == dt.date(this_year - 1, 1, 1)


def test_changes_of_every_kind_arrive(pipeline: Pipeline, engine: Engine, simulated: SimulatedTenant) -> None:
    poll(pipeline, CLOCKINGS)
    tenant = simulated.tenant
    ids = live(tenant)
    tenant.edit(ids[0], time_of_day_in_minutes=1)
    tenant.edit(ids[0], time_of_day_in_minutes=2)
    tenant.edit(ids[1], date=TODAY - dt.timedelta(days=1))
    tenant.edit(ids[2], person=Reference(id=100_001))
    tenant.soft_delete(ids[3])
    tenant.hard_delete(ids[4])
    added = tenant.add(100_001, TODAY, 600)
    result = poll(pipeline, CLOCKINGS)
    assert_equal(engine, tenant)
    assert added.id in table_rows(engine)
    assert (result.counts.inserted, result.counts.updated, result.counts.deleted) == (1, 3, 2)
    assert not result.initial
    tenant.edit(ids[3], status="Active")
    poll(pipeline, CLOCKINGS)
    assert not table_rows(engine)[ids[3]]["is_deleted"]
    with engine.connect() as connection:
        how = connection.execute(
            sa.text("SELECT deleted_by FROM protime.clockings WHERE tenant <> 'shadow' AND id = :id"), {"id": ids[4]}
        )
        assert how.scalar_one() == "delta"


def test_a_poll_with_nothing_new_is_one_request_and_writes_only_its_link(
    pipeline: Pipeline, engine: Engine, simulated: SimulatedTenant
) -> None:
    poll(pipeline, CLOCKINGS)
    poll(pipeline, CLOCKINGS)
    pipeline.engine.dispose()
    link = state(engine)["link"]
    query = sa.text(
        "SELECT relname, n_tup_ins + n_tup_upd + n_tup_del FROM pg_stat_user_tables WHERE schemaname LIKE 'protime%'"
    )

    def written() -> dict[str, int]:
        with engine.connect() as connection:
            return {row[0]: row[1] for row in connection.execute(query)}

    before, asked = written(), simulated.served.requests["clockings-delta"]
    result = poll(pipeline, CLOCKINGS)
    pipeline.engine.dispose()
    after = written()
    assert {name for name in after if after[name] != before[name]} == {"deltas", "delta_polls"}
    assert after["deltas"] == before["deltas"] + 1
    assert (result.counts.requests, simulated.served.requests["clockings-delta"]) == (1, asked + 1)
    assert not result.changed
    assert state(engine)["link"] != link
    assert state(engine)["previous_link"] == link


@pytest.mark.parametrize("at", [2, 4])
def test_an_initial_load_goes_on_where_it_broke_off(warehouse: URL, engine: Engine, at: int) -> None:
    with served(warehouse) as (pipeline, simulated):
        plan = f'[[fault]]\nkind = "status"\nstatus = 400\non = ["clockings"]\nat = [{at}]'
        simulated.served.misbehaviour.follow(read_plan(plan))
        with pytest.raises(InvalidRequestError):
            poll(pipeline, CLOCKINGS)
        broken = state(engine)
        assert (broken["status"], "status 400" in broken["error"]) == ("loading", True)
        rows = len(table_rows(engine))
        assert 0 < rows < len(simulated.tenant.truth())
        result = poll(pipeline, CLOCKINGS)
        assert result.counts.inserted == len(simulated.tenant.truth()) - rows
        assert result.restarted is None
        assert_equal(engine, simulated.tenant)
        assert state(engine)["error"] is None


def test_a_first_request_that_fails_leaves_a_state_to_look_at(warehouse: URL, engine: Engine) -> None:
    with served(warehouse) as (pipeline, simulated):
        simulated.served.misbehaviour.follow(read_plan('[[fault]]\nkind = "status"\nstatus = 400\nat = [2]'))
        with pytest.raises(InvalidRequestError):
            poll(pipeline, CLOCKINGS)
        assert (state(engine)["status"], state(engine)["link"]) == ("loading", None)
        poll(pipeline, CLOCKINGS)
        assert_equal(engine, simulated.tenant)


def test_a_continuation_that_is_stale_starts_the_load_over_once(
    warehouse: URL, engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    with served(warehouse) as (pipeline, simulated):
        simulated.served.misbehaviour.follow(read_plan('[[fault]]\nkind = "expire"\non = ["clockings"]\nat = [3]'))
        with caplog.at_level(logging.WARNING):
            result = poll(pipeline, CLOCKINGS)
        assert result.restarted == "loading"
        assert "starts over" in caplog.text
        assert_equal(engine, simulated.tenant)


def test_an_expired_delta_starts_again_loudly_and_finds_what_was_removed(
    warehouse: URL, engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    with served(warehouse) as (pipeline, simulated):
        poll(pipeline, CLOCKINGS)
        ids = live(simulated.tenant)
        simulated.clock.advance(dt.timedelta(hours=73))
        simulated.tenant.hard_delete(ids[0])
        simulated.tenant.edit(ids[1], time_of_day_in_minutes=7)
        with caplog.at_level(logging.WARNING):
            result = poll(pipeline, CLOCKINGS)
        assert result.restarted == "expired"
        assert "The delta is expired" in caplog.text
        assert_equal(engine, simulated.tenant)
        assert table_rows(engine)[ids[0]]["is_deleted"]
        assert (result.counts.deleted, result.counts.updated) == (1, 1)
        with engine.connect() as connection:
            assert (
                connection.scalar(
                    sa.text("SELECT count(*) FROM protime_etl.delta_seen WHERE 'shadow' NOT IN (tenant, collection)")
                )
                == 0
            )


def test_a_restart_that_fails_leaves_the_old_state(warehouse: URL, engine: Engine) -> None:
    with served(warehouse) as (pipeline, simulated):
        poll(pipeline, CLOCKINGS)
        link = state(engine)["link"]
        simulated.clock.advance(dt.timedelta(hours=73))
        simulated.served.misbehaviour.follow(
            read_plan('[[fault]]\nkind = "status"\nstatus = 410\non = ["clockings"]\nat = [1]')
        )
        with pytest.raises(DeltaExpiredError):
            poll(pipeline, CLOCKINGS)
        found = state(engine)
        assert (found["status"], found["previous_link"], found["link"]) == ("expired", link, None)
        assert "status 410" in found["error"]
        poll(pipeline, CLOCKINGS)
        assert_equal(engine, simulated.tenant)


@pytest.mark.parametrize(("status", "restarted"), [(409, "conflicted"), (410, "expired")])
def test_a_second_delta_ends_the_first(
    warehouse: URL, engine: Engine, caplog: pytest.LogCaptureFixture, status: int, restarted: str
) -> None:
    with served(warehouse, superseded_delta_status=status) as (pipeline, simulated):
        poll(pipeline, CLOCKINGS)
        pipeline.client.start_delta(CLOCKINGS, dates.ge(FIRST))
        simulated.tenant.hard_delete(live(simulated.tenant)[0])
        with caplog.at_level(logging.WARNING):
            result = poll(pipeline, CLOCKINGS)
        assert result.restarted == restarted
        assert_equal(engine, simulated.tenant)
        if status == 409:
            assert "another program start a delta with the same client" in caplog.text
            assert result.counts.requests >= polling.CONFLICT_ATTEMPTS


@pytest.mark.parametrize("replay", [True, False])
def test_a_link_that_was_used_and_not_stored_does_no_harm(warehouse: URL, engine: Engine, replay: bool) -> None:
    with served(warehouse, replay_delta_links=replay) as (pipeline, simulated):
        poll(pipeline, CLOCKINGS)
        simulated.tenant.edit(live(simulated.tenant)[0], time_of_day_in_minutes=9)
        pipeline.client.delta_changes(CLOCKINGS, state(engine)["link"])  # dies with the answer in its hand
        result = poll(pipeline, CLOCKINGS)
        assert result.restarted == (None if replay else "conflicted")
        assert_equal(engine, simulated.tenant)


@pytest.mark.parametrize("moved_out", ["delete", *in_long_form(["nothing"])])
def test_what_moved_before_the_first_day_is_not_deleted(warehouse: URL, engine: Engine, moved_out: str) -> None:
    with served(warehouse, moved_out_of_delta=moved_out) as (pipeline, simulated):
        poll(pipeline, CLOCKINGS, TODAY - dt.timedelta(days=3))
        moved = next(one.id for one in simulated.tenant.truth() if one.date == TODAY and one.status == "Active")
        simulated.tenant.edit(moved, date=FIRST)
        result = poll(pipeline, CLOCKINGS)
        row = table_rows(engine)[moved]
        assert not row["is_deleted"]
        assert result.counts.deleted == 0
        assert row["date"] == (str(FIRST) if moved_out == "delete" else str(TODAY))
        sync(pipeline, FIRST, TODAY)
        assert_equal(engine, simulated.tenant)


def test_a_tombstone_keeps_out_what_a_late_reader_brings(warehouse: URL, engine: Engine) -> None:
    person = {"id": 7}
    record = {"id": 5, "person": person, "date": str(TODAY), "timeOfDayInMinutes": 1, "kind": "InOut"}
    link = f"{API_PATH}/delta/clockings?deltaToken=a"
    late = {**record, "changeVersion": "05"}
    answers = [
        Answer(200, {"value": [], "deltaLink": link}),
        Answer(
            200,
            {
                "value": [
                    {"changeType": "Delete", "data": {"id": 5, "changeVersion": version}} for version in ("06", "04")
                ],
                "deltaLink": link + "b",
            },
        ),
        Answer(404, {"error": {"code": "NotFound", "message": "no"}}),
        Answer(200, {"value": [late]}),
        Answer(200, {"value": [{**record, "changeVersion": "07"}]}),
    ]
    with (
        ScriptedServer(answers) as server,
        open_pipeline(server.settings(scopes=CLOCKINGS_SCOPE), warehouse) as pipeline,
    ):
        poll(pipeline, CLOCKINGS)
        poll(pipeline, CLOCKINGS)
        assert sync(pipeline, TODAY, TODAY, [7])[0].inserted == 0
        assert table_rows(engine) == {}
        assert sync(pipeline, TODAY, TODAY, [7])[0].inserted == 1
    with engine.connect() as connection:
        assert (
            connection.scalar(
                sa.text("SELECT count(*) FROM protime_etl.tombstones WHERE 'shadow' NOT IN (tenant, collection)")
            )
            == 0
        )


def test_items_that_cannot_be_understood_stop_nothing(warehouse: URL, engine: Engine) -> None:
    whole = {"person": {"id": 7}, "date": str(TODAY), "timeOfDayInMinutes": 1, "kind": "InOut", "changeVersion": "01"}
    link = f"{API_PATH}/delta/clockings?deltaToken="
    items = [
        {"changeType": "InsertOrUpdate", "data": {**whole, "id": 1, "mood": "good"}},
        {"changeType": "InsertOrUpdate", "data": {**whole, "id": 2, "date": 3}},
        {"changeType": "Archive", "data": {"id": 3}},
        {"changeType": "Delete", "data": {"id": "four"}},
        {"id": 5},
        7,
        {"changeType": "InsertOrUpdate", "data": {**whole, "id": 6}},
        {"changeType": "InsertOrUpdate", "data": {**whole, "id": True}},
    ]
    answers = [
        Answer(200, {"value": [], "deltaLink": link + "a"}),
        Answer(200, {"value": items, "deltaLink": link + "b"}),
    ]
    with (
        ScriptedServer(answers) as server,
        open_pipeline(server.settings(scopes=CLOCKINGS_SCOPE), warehouse) as pipeline,
    ):
        poll(pipeline, CLOCKINGS)
        result = poll(pipeline, CLOCKINGS)
    assert set(table_rows(engine)) == {1, 6}
    assert (result.counts.rejected, result.counts.inserted) == (6, 2)
    with engine.connect() as connection:
        kept = connection.execute(
            sa.text(
                "SELECT record_id, reason FROM protime_etl.rejected_record WHERE 'shadow' NOT IN (tenant, collection)"
            )
        ).all()
    assert {row.record_id for row in kept} == {2, 3, None}, "true is not the id 1"
    assert any("unknown changeType 'Archive'" in row.reason for row in kept)


def test_what_a_delta_lacks_is_kept_and_completed_by_a_list(
    pipeline: Pipeline, engine: Engine, simulated: SimulatedTenant
) -> None:
    old = simulated.tenant.add(100_001, TODAY, 500, kind="Reason", is_open=True)
    poll(pipeline, CLOCKINGS)
    simulated.tenant.edit(old.id, time_of_day_in_minutes=501)
    new = simulated.tenant.add(100_001, TODAY, 502, kind="Reason", is_open=True)
    poll(pipeline, CLOCKINGS)
    rows = table_rows(engine)
    assert (rows[old.id]["is_open"], rows[new.id]["is_open"]) == (True, None)
    sync(pipeline, FIRST, TODAY)
    assert_equal(engine, simulated.tenant)
    poll(pipeline, CLOCKINGS)
    assert drift(engine) == [], "a delta does not report isOpen"


def test_drift_is_what_the_delta_had_its_chance_to_report(
    pipeline: Pipeline, engine: Engine, simulated: SimulatedTenant
) -> None:
    poll(pipeline, CLOCKINGS)
    first, second, third = live(simulated.tenant)[:3]
    simulated.tenant.edit(first, time_of_day_in_minutes=3)
    simulated.tenant.hard_delete(second)
    sync(pipeline, FIRST, TODAY)
    with engine.connect() as connection:
        noted = connection.scalar(
            sa.text("SELECT count(*) FROM protime_etl.drift_candidates WHERE 'shadow' NOT IN (tenant, collection)")
        )
    assert noted == 2
    assert drift(engine) == [], "the delta was not asked since"
    poll(pipeline, CLOCKINGS)
    assert drift(engine) == [], "it reports both"
    with engine.begin() as connection:  # as if the delta had lost a change
        connection.execute(
            sa.text("UPDATE protime.clockings SET change_version = '0' WHERE tenant <> 'shadow' AND id = :id"),
            {"id": third},
        )
    sync(pipeline, FIRST, TODAY)
    poll(pipeline, CLOCKINGS)
    assert drift(engine) == [(third, "updated")]
    simulated.tenant.edit(first, time_of_day_in_minutes=4)
    sync(pipeline, FIRST, TODAY)
    with engine.begin() as connection:  # as if the pull had found a newer version than the delta will report
        connection.execute(
            sa.text(
                "UPDATE protime_etl.drift_candidates SET change_version = '~', found_at = found_at - interval '1 hour'"
                " WHERE 'shadow' NOT IN (tenant, collection)"
            )
        )
    poll(pipeline, CLOCKINGS)
    assert drift(engine) == [(first, "updated"), (third, "updated")], "once each, whatever other tenants have"


def test_no_drift_is_kept_without_a_delta(pipeline: Pipeline, engine: Engine, simulated: SimulatedTenant) -> None:
    sync(pipeline, FIRST, TODAY)
    simulated.tenant.edit(live(simulated.tenant)[0], time_of_day_in_minutes=3)
    sync(pipeline, FIRST, TODAY)
    with engine.connect() as connection:
        assert (
            connection.scalar(
                sa.text("SELECT count(*) FROM protime_etl.drift_candidates WHERE 'shadow' NOT IN (tenant, collection)")
            )
            == 0
        )


def test_only_one_process_at_a_time(pipeline: Pipeline, engine: Engine) -> None:
    with DeltaLock(engine, "simulated", "clockings"), pytest.raises(BusyError, match="Another process is working on"):
        poll(pipeline, CLOCKINGS)
    poll(pipeline, CLOCKINGS)


def test_a_link_that_another_process_moved_on_is_not_moved_again(
    pipeline: Pipeline, engine: Engine, simulated: SimulatedTenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    poll(pipeline, CLOCKINGS)
    simulated.tenant.edit(live(simulated.tenant)[0], time_of_day_in_minutes=4)
    before = table_rows(engine)
    moved = threading.Event()
    original = pipeline.client.delta_changes

    def overtaken(*arguments: Any) -> Any:
        answer = original(*arguments)
        with engine.begin() as connection:
            connection.execute(
                sa.text(
                    "UPDATE protime_etl.deltas SET link = link || '&moved' WHERE 'shadow' NOT IN (tenant, collection)"
                )
            )
        moved.set()
        return answer

    monkeypatch.setattr(pipeline.client, "delta_changes", overtaken)
    with pytest.raises(BusyError, match="has advanced the delta"):
        poll(pipeline, CLOCKINGS)
    assert moved.is_set()
    assert table_rows(engine) == before, "nothing of it was stored"


@pytest.mark.parametrize(
    ("link", "error"),
    [
        ("https://evil.example/connector/protimeapi/api/v1/delta/clockings?deltaToken=a", UntrustedLinkError),
        (f"{API_PATH}/delta/people?deltaToken=a", UntrustedLinkError),
        (None, ProtocolError),
    ],
)
def test_a_link_that_leads_elsewhere_is_not_followed(
    warehouse: URL, engine: Engine, link: str | None, error: type[Exception]
) -> None:
    good = f"{API_PATH}/delta/clockings?deltaToken=good"
    answers = [Answer(200, {"value": [], "deltaLink": good}), Answer(200, {"value": [], "deltaLink": link})]
    with (
        ScriptedServer(answers) as server,
        open_pipeline(server.settings(scopes=CLOCKINGS_SCOPE), warehouse) as pipeline,
    ):
        poll(pipeline, CLOCKINGS)
        with pytest.raises(error):
            poll(pipeline, CLOCKINGS)
        assert len(server.api_requests) == 2
        assert state(engine)["link"] == good


def test_an_earlier_day_than_allowed_is_moved_to_the_earliest(pipeline: Pipeline, engine: Engine) -> None:
    poll(pipeline, CLOCKINGS, dt.date(2001, 1, 1))
    assert state(engine)["date_from"] == dt.date(dt.datetime.now(dt.UTC).year - 1, 1, 1)


def test_a_new_initial_load_can_be_asked_for(pipeline: Pipeline, engine: Engine, simulated: SimulatedTenant) -> None:
    poll(pipeline, CLOCKINGS)
    result = poll(pipeline, CLOCKINGS, FIRST, restart=True)
    assert (result.restarted, result.changed, state(engine)["date_from"]) == ("asked", False, FIRST)
    assert_equal(engine, simulated.tenant)


@pytest.mark.parametrize("status", [409, *in_long_form([410])])
def test_two_warehouses_with_one_client_do_not_load_for_ever(warehouse: URL, engine: Engine, status: int) -> None:
    """Each load ends the delta of the other warehouse; the second time in a row that is an error."""
    with served(warehouse, superseded_delta_status=status) as (pipeline, simulated):

        def other_warehouse_loads() -> None:
            pipeline.client.start_delta(CLOCKINGS, dates.ge(FIRST))

        poll(pipeline, CLOCKINGS)
        other_warehouse_loads()
        first = poll(pipeline, CLOCKINGS)
        assert first.restarted in {"expired", "conflicted"}
        assert "such as another warehouse" in first.reason
        assert "not used for 72 hours" not in first.reason
        other_warehouse_loads()
        with pytest.raises(DeltaBrokenError, match=r"ended 2 times in a row.*such as another warehouse"):
            poll(pipeline, CLOCKINGS)
        assert state(engine)["status"] == "broken"
        asked = simulated.served.requests["clockings"]
        with pytest.raises(DeltaBrokenError, match="starts after"):
            poll(pipeline, CLOCKINGS)
        assert simulated.served.requests["clockings"] == asked, "no other load begins at once"

        assert poll(pipeline, CLOCKINGS, restart=True).restarted == "asked"
        assert poll(pipeline, CLOCKINGS).restarted is None
        assert_equal(engine, simulated.tenant)


def test_a_delta_that_is_ended_now_and_then_is_loaded_again_each_time(warehouse: URL, engine: Engine) -> None:
    with served(warehouse, superseded_delta_status=410) as (pipeline, simulated):
        poll(pipeline, CLOCKINGS)
        for _ in range(3):
            pipeline.client.start_delta(CLOCKINGS, dates.ge(FIRST))
            assert poll(pipeline, CLOCKINGS).restarted == "expired"
            assert poll(pipeline, CLOCKINGS).restarted is None, "it lives in between"
        assert_equal(engine, simulated.tenant)
