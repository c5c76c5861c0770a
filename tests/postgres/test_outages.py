"""PostgreSQL restarts, loses connections or has no room left while a sync is under way."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import URL, Engine

from protime_etl.errors import DatabaseError
from protime_etl.postgres.schema.upgrade import upgrade_schema
from protime_etl.postgres.server.connection import create_engine
from protime_etl.simulator.faults import FaultPlan, read_plan
from protime_etl.simulator.options import Options
from protime_etl.simulator.server import SimulatedTenant
from protime_etl.simulator.state import Tenant
from protime_etl.sync.pipeline import open_pipeline
from protime_etl.sync.pull.runs import sync
from tests.support.databases import execute
from tests.support.servers import PostgresServer, postgres_server, server_programs
from tests.support.tenant import settings_for
from tests.support.truth import table_rows, tenant_rows

SLOW = read_plan('[[fault]]\nkind = "slow"\nseconds = 0.1\nrate = 1.0\non = ["clockings"]')


@pytest.fixture
def own_server() -> Iterator[PostgresServer]:
    """A server that belongs to one test, with a warehouse in it."""
    with postgres_server(server_programs()) as server:
        engine = create_engine(server.url)
        upgrade_schema(engine)
        engine.dispose()
        yield server


@contextlib.contextmanager
def syncing(simulated: SimulatedTenant, url: URL) -> Iterator[None]:
    """A sync with slow pages goes on during the `with` block, and has to succeed in the end."""
    errors: list[BaseException] = []
    simulated.served.misbehaviour.follow(SLOW)

    def run() -> None:
        try:
            with open_pipeline(settings_for(simulated), url) as pipeline:
                sync(pipeline, simulated.tenant.first_day, simulated.tenant.last_day)
        except BaseException as error:  # noqa: BLE001 - raised again by the thread that waits
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    while simulated.served.requests["clockings"] < 3:
        time.sleep(0.01)
    try:
        yield
    finally:
        simulated.served.misbehaviour.follow(FaultPlan())
        thread.join(60)
    if errors:
        raise errors[0]


def test_a_restart_of_postgresql_in_the_middle(own_server: PostgresServer, simulated: SimulatedTenant) -> None:
    with syncing(simulated, own_server.url):
        own_server.control("restart")
    engine = create_engine(own_server.url)
    assert table_rows(engine) == tenant_rows(simulated.tenant)
    engine.dispose()


def test_lost_connections_in_the_middle(
    warehouse: URL, engine: Engine, simulated: SimulatedTenant, caplog: pytest.LogCaptureFixture
) -> None:
    with syncing(simulated, warehouse):
        execute(
            warehouse,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name = 'protime-etl'",
        )
    assert table_rows(engine) == tenant_rows(simulated.tenant)
    assert "The unit is tried again in 1 s." in caplog.text
    with engine.connect() as connection:
        statuses = sa.text("SELECT status FROM protime_etl.runs WHERE tenant <> 'shadow'")
        assert connection.scalars(statuses).all() == ["done"]


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A disk of a few megabytes, where this user may mount one."""
    folder = Path(tempfile.mkdtemp(prefix="protime-etl-disk-"))
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=14m,mode=777", "tmpfs", folder], check=False, capture_output=True
    )
    if mounted.returncode:
        folder.rmdir()
        pytest.skip("a small disk cannot be mounted here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.long
def test_a_full_disk(small_disk: Path, own_server: PostgresServer) -> None:
    space = small_disk / "space"
    space.mkdir()
    if own_server.user:
        shutil.chown(space, own_server.user)
    execute(own_server.url, f"CREATE TABLESPACE small LOCATION '{space}'")
    execute(own_server.url, "CREATE DATABASE warehouse TABLESPACE small")
    url = own_server.url.set(database="warehouse")
    engine = create_engine(url)
    upgrade_schema(engine)
    tenant = Tenant(seed=1, people=600)
    with SimulatedTenant(tenant, Options(page_size=5000)) as simulated:
        with open_pipeline(settings_for(simulated), url) as pipeline:
            sync(pipeline, tenant.first_day, tenant.first_day)
            before = table_rows(engine)
            with pytest.raises(DatabaseError, match=r"no room left \(DiskFull.*Make room on that server"):
                sync(pipeline, tenant.first_day, tenant.last_day)
        after = table_rows(engine)
        assert before.items() <= after.items() <= tenant_rows(tenant).items()
        assert len(after) < len(tenant.truth())
        subprocess.run(["mount", "-o", "remount,size=200m", small_disk], check=True)
        with open_pipeline(settings_for(simulated), url) as pipeline:
            sync(pipeline, tenant.first_day, tenant.last_day)
        assert table_rows(engine) == tenant_rows(tenant)
    engine.dispose()
