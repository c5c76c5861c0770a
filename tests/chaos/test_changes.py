"""Polls, syncs and verifications at once against a tenant that never stands still; and the cost of a large poll."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import URL, Engine

from protime_etl.collections.clockings import CLOCKINGS
from protime_etl.collections.page import Page
from protime_etl.errors import BusyError
from protime_etl.postgres.load.delta_load import DeltaLoad
from protime_etl.postgres.server.clock import database_clock
from protime_etl.postgres.server.stored import Stored
from protime_etl.postgres.shared.locks import lock_merges_shared
from protime_etl.simulator.mutations import Changes
from protime_etl.simulator.options import Options
from protime_etl.simulator.server import SimulatedTenant, changing
from protime_etl.simulator.state import Tenant
from protime_etl.sync.delta.poll import poll
from protime_etl.sync.pull.runs import sync
from protime_etl.sync.verify.verify import verify
from tests.chaos.test_chaos import assert_equal, report
from tests.chaos.workers import CONTEXT, Place, running, sync_until
from tests.support.tenant import TODAY

Amount = Callable[[int, int], int]


def poll_until(place: Place, until: float, failures: object) -> None:
    del failures
    with place.pipeline() as pipeline:
        while time.time() < until:
            try:
                poll(pipeline, CLOCKINGS)
            except BusyError:
                time.sleep(0.05)


def verify_until(place: Place, until: float, failures: object) -> None:
    del failures
    with place.pipeline() as pipeline:
        while time.time() < until:
            verify(pipeline, CLOCKINGS, place.first, place.last)
            time.sleep(0.5)


@pytest.mark.timeout(900)
def test_a_tenant_that_never_stands_still(warehouse: URL, engine: Engine, amount: Amount) -> None:
    tenant = Tenant(seed=5, people=40, first_day=TODAY - dt.timedelta(days=20), last_day=TODAY)
    changes, seconds, failures = Changes(tenant, seed=4), amount(6, 600), CONTEXT.Value("i", 0)
    with SimulatedTenant(tenant, Options(page_size=200)) as simulated:
        place = Place.of(simulated, warehouse)
        until = time.time() + seconds
        with (
            changing(changes, 30),
            running(2, poll_until, place, until, failures),
            running(1, sync_until, place, until, failures),
            running(1, verify_until, place, until, failures),
        ):
            time.sleep(seconds)  # their ends are waited for no longer than other tests need
        with place.pipeline() as pipeline:
            while poll(pipeline, CLOCKINGS).initial:
                pass
            assert_equal_but_open(engine, tenant)
            asked = simulated.served.requests["clockings-delta"]
            sync(pipeline, place.first, place.last)
            assert_equal(engine, tenant)
            assert verify(pipeline, CLOCKINGS, place.first, place.last).agrees
            with engine.connect() as connection:
                drift = connection.scalar(
                    sa.text("SELECT count(*) FROM protime.drift WHERE 'shadow' NOT IN (tenant, collection)")
                )
                versions = connection.scalar(
                    sa.text("SELECT count(*) FROM protime.clocking_versions WHERE tenant <> 'shadow'")
                )
    report(
        f"{seconds} s, {changes.made} changes, {asked} polls, {failures.value} syncs given up:"
        f" equal by the delta alone and after a sync; {versions} versions kept, {drift} drifted"
    )
    assert drift == 0


def assert_equal_but_open(engine: Engine, tenant: Tenant) -> None:
    """Equal in all that a delta reports."""
    from tests.support.truth import table_rows, tenant_rows

    def reported(rows: dict[int, dict[str, object]]) -> dict[int, dict[str, object]]:
        return {key: {name: value for name, value in row.items() if name != "is_open"} for key, row in rows.items()}

    table, truth = reported(table_rows(engine)), reported(tenant_rows(tenant))
    assert {key: row for key, row in table.items() if key in truth} == truth
    assert all(row["is_deleted"] for key, row in table.items() if key not in truth)


@pytest.mark.timeout(900)
def test_a_thousand_changes_among_millions(engine: Engine, amount: Amount) -> None:
    rows = amount(100_000, 5_000_000)
    with engine.begin() as connection:
        connection.execute(
            sa.text(
                "INSERT INTO protime.clockings (tenant, id, person_id, date, time_of_day_in_minutes, kind,"
                " change_version, status) SELECT 'acme', n, n % 1000, date '2025-01-01' + (n / 10000)::int,"
                " n % 1440, 'InOut', lpad(to_hex(n), 20, '0'), 'Active' FROM generate_series(1, :rows) AS n"
            ),
            {"rows": rows},
        )
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text("VACUUM ANALYZE protime.clockings"))
    collection = CLOCKINGS
    columns = list(collection.column_names)

    def row(number: int) -> tuple[object, ...]:
        values = dict.fromkeys(columns) | {
            "id": number * (rows // 1000),
            "person_id": number % 1000,
            "date": TODAY,
            "time_of_day_in_minutes": 1,
            "kind": "InOut",
            "change_version": "F" * 20,
            "status": "Deleted" if number % 10 == 0 else "Active",
        }
        return (*(values[name] for name in columns), None)

    began = time.perf_counter()
    with engine.begin() as connection:
        lock_merges_shared(connection, "acme")
        load = DeltaLoad(Stored(connection, "acme", collection), database_clock(connection))
        load.stage([Page([row(number) for number in range(1, 901)])])
        deletions = {number * (rows // 1000): "F" * 20 for number in range(901, 1001)}
        load.lock_people(deletions)
        assert load.unconfirmed() == []
        load.merge()
        load.delete(deletions)
    seconds = time.perf_counter() - began
    report(f"1,000 changes among {rows:,} rows: {seconds:.2f} s of database time")
    assert (load.counts.updated, load.counts.deleted) == (810, 190)
    assert seconds < 2
