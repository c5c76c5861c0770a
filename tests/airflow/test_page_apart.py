"""The page: neither a tenant's impossible values, nor a user, nor a warehouse that hangs keeps it from the others."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time

import psycopg
import pytest
from sqlalchemy.engine import URL

from protime_etl.airflow.page.background import OF_A_USER, BusyError, in_background
from protime_etl.airflow.page.reading import read_tenants
from protime_etl.cli.status import print_status
from protime_etl.errors import DatabaseError
from protime_etl.sync.pipeline import Pipeline
from protime_etl.sync.pull.runs import sync
from tests.airflow.test_operators import FIRST
from tests.support.databases import both_servers, connect, execute
from tests.support.tenant import TODAY

pytestmark = pytest.mark.airflow
ZONES = ["+02", "UTC+99:00", "Nowhere/None"]
ODD = "INSERT INTO protime_etl.tenants (tenant, timezone) VALUES ('odd', '{}')"
PROMISE = (
    "INSERT INTO protime_etl.promises (tenant, collection, by_people, dates, follows_from)"
    " VALUES ('odd', 'clockings', true, '{}', '2026-01-01')"
)
MOMENTS = (
    "INSERT INTO protime_etl.pauses (tenant, until) VALUES ('odd', 'infinity')",
    "INSERT INTO protime_etl.deltas (tenant, collection, status, date_from, started_at, requested_at)"
    " VALUES ('odd', 'clockings', 'active', '2026-01-01', '-infinity', '-infinity')",
    "INSERT INTO protime_etl.runs (tenant, kind, started_by, date_from, date_to, status, started_at,"
    " collections, only_missing) VALUES"
    " ('odd', 'sync', 'cli', '2026-01-01', '2026-01-02', 'failed', 'infinity', '{clockings}', false)",
    "INSERT INTO protime_etl.wrong (tenant, collection, people, dates, since, kind, why) VALUES"
    " ('odd', 'clockings', '{[1,2)}', '{[2026-01-01,2026-01-01]}', '-infinity', 'failed', 'status 500')",
)


@pytest.mark.parametrize("zone", ZONES)
@both_servers
def test_what_is_not_a_time_zone_is_not_stored(warehouse: URL, zone: str) -> None:
    with pytest.raises((psycopg.errors.CheckViolation, psycopg.errors.InvalidParameterValue)):
        execute(warehouse, ODD.format(zone))


@pytest.mark.parametrize("odd", ["+02", "UTC+99:00", "moments"])
@both_servers
def test_each_tenant_is_judged_on_its_own(
    pipeline: Pipeline, warehouse: URL, capsys: pytest.CaptureFixture[str], odd: str
) -> None:
    sync(pipeline, FIRST, TODAY)
    before = {one.health.tenant: one.health.headline for one in read_tenants(warehouse)}
    execute(warehouse, "ALTER TABLE protime_etl.tenants DROP CONSTRAINT ck_tenants_timezone")
    execute(warehouse, ODD.format(odd if odd in ZONES else "Europe/Paris"))
    for statement in () if odd in ZONES else MOMENTS:
        execute(warehouse, statement)
    seen = {one.health.tenant: one for one in read_tenants(warehouse)}
    strange = seen.pop("odd")
    assert odd in ZONES or not strange.health.ok
    assert strange.zone.key == ("UTC" if odd in ZONES else "Europe/Paris")
    assert {tenant: one.health.headline for tenant, one in seen.items()} == before
    print_status(warehouse, collections=["clockings"], as_json=False)
    printed = capsys.readouterr().out.splitlines()
    assert before["simulated"] in printed
    assert any(line.startswith("odd: ") for line in printed)


def test_a_time_zone_that_the_server_has_lost_is_named(warehouse: URL) -> None:
    execute(warehouse, "ALTER TABLE protime_etl.tenants DROP CONSTRAINT ck_tenants_timezone")
    execute(warehouse, ODD.format("Nowhere/None"))
    execute(warehouse, PROMISE)
    for one in read_tenants(warehouse):
        assert not one.health.ok
        assert 'time zone "Nowhere/None" not recognized' in one.health.headline


def test_one_user_leaves_room_for_others() -> None:
    go = threading.Event()

    async def load() -> list[object]:
        busy = [asyncio.create_task(in_background(go.wait, 20, "stranger")) for _ in range(8)]
        await asyncio.sleep(0.1)
        try:
            assert await in_background(lambda: "page", 20, "ada") == "page"
        finally:
            go.set()
        return await asyncio.gather(*busy, return_exceptions=True)

    ended = asyncio.run(load())
    assert ended.count(True) == OF_A_USER
    assert sum(isinstance(one, BusyError) for one in ended) == 8 - OF_A_USER


def test_a_warehouse_that_hangs_holds_a_thread_for_its_time_only(
    warehouse: URL, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("protime_etl.airflow.page.reading.SECONDS", 1.0)
    monkeypatch.setattr("protime_etl.airflow.page.reading.MARGIN", 1.0)
    monkeypatch.setattr("protime_etl.airflow.page.reading.TENANTS", "SELECT pg_sleep(4)::text")
    failed: list[BaseException] = []

    def read() -> None:
        try:
            read_tenants(warehouse)
        except DatabaseError as error:
            failed.append(error)

    thread = threading.Thread(target=read)
    thread.start()
    asleep = "SELECT pid FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%' AND datname = current_database()"
    with connect(warehouse) as session:
        while not (found := session.execute(asleep).fetchone()):
            time.sleep(0.05)
    os.kill(found[0], signal.SIGSTOP)
    try:
        thread.join(20)
        assert not thread.is_alive()
    finally:
        os.kill(found[0], signal.SIGCONT)
    assert len(failed) == 1
    assert "cannot be reached" in str(failed[0])
