"""A budget of requests, by the command line: kept by all processes together, and none is stopped by it."""

from __future__ import annotations

import datetime as dt
import os
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import URL, Engine

from protime_etl.postgres.shared.pause import SharedPause
from protime_etl.simulator.options import Options
from protime_etl.simulator.server import SimulatedTenant
from protime_etl.simulator.state import Tenant
from tests.cli.shell import COMMAND, Shell, last_json
from tests.support.long_form import in_long_form
from tests.support.tenant import TODAY
from tests.support.truth import table_rows, tenant_rows

FIRST = TODAY - dt.timedelta(days=13)
DATES = ("--from", str(FIRST), "--to", str(TODAY))


@pytest.fixture
def tenant() -> Tenant:
    return Tenant(seed=1, people=20, first_day=FIRST, last_day=TODAY)


def shell_for(folder: Path, served: SimulatedTenant, warehouse: URL, **settings: str) -> Shell:
    return Shell(
        folder,
        tenant="simulated",
        client_id=served.client_id,
        client_secret=served.client_secret,
        api_url=served.url,
        auth_url=served.url,
        database_url=warehouse.render_as_string(hide_password=False),
        **settings,
    )


def assert_kept(moments: Sequence[float], rate: float) -> None:
    """In no stretch of time came more than the budget allows, and five."""
    for number, begin in enumerate(moments):
        for last, end in enumerate(moments[number:], number):
            assert last - number + 1 <= rate * (end - begin) + 5


@pytest.mark.parametrize(
    ("rate", "page_size"), [("5", 200), ("100", 20), *in_long_form([("0.5", 10_000), ("2", 500), ("20", 60)])]
)
def test_a_sync_within_a_budget_reads_everything(
    tmp_path: Path, warehouse: URL, engine: Engine, tenant: Tenant, rate: str, page_size: int
) -> None:
    with SimulatedTenant(tenant, Options(page_size=page_size)) as served:
        result = shell_for(tmp_path, served, warehouse, requests_per_second=rate)("sync", *DATES, "--json")
        moments = served.served.moments
    assert result.returncode == 0, result.stderr
    assert table_rows(engine) == tenant_rows(tenant)
    assert len(moments) == last_json(result)["requests"] + 1
    assert_kept(moments, float(rate))
    assert moments[-1] - moments[0] >= (len(moments) - 2) / float(rate) * 0.95, "the budget is used, not exceeded"


def test_two_processes_and_their_workers_share_one_budget(tmp_path: Path, warehouse: URL, tenant: Tenant) -> None:
    with SimulatedTenant(tenant, Options(page_size=60)) as served:
        shell = shell_for(tmp_path, served, warehouse, requests_per_second="10")
        processes = [
            subprocess.Popen(
                [COMMAND, "sync", *DATES, "--workers", "3"], env={**os.environ, **shell.settings}, cwd=tmp_path
            )
            for _ in range(2)
        ]
        assert [one.wait(60) for one in processes] == [0, 0]
        moments = served.served.moments
    assert len(moments) >= 30
    assert_kept(moments, 10)


@pytest.mark.parametrize(
    "command", [("changes",), *in_long_form([(("check",),), (("verify", *DATES),), (("backfill", *DATES),)])]
)
def test_every_command_that_asks_keeps_the_budget(
    tmp_path: Path, warehouse: URL, tenant: Tenant, command: tuple[str, ...]
) -> None:
    with SimulatedTenant(tenant, Options(page_size=200)) as served:
        shell = shell_for(tmp_path, served, warehouse, requests_per_second="5")
        if command[0] == "verify":
            assert shell("sync", *DATES, requests_per_second=None).returncode == 0
            served.served.moments.clear()
        result = shell(*command)
        moments = served.served.moments
    assert result.returncode == 0, result.stderr
    assert_kept(moments, 5)
    assert moments[-1] - moments[0] >= (len(moments) - 2) / 5 * 0.95


def test_a_slot_further_away_than_a_process_may_wait_is_left_to_the_scheduler(
    tmp_path: Path, warehouse: URL, engine: Engine, tenant: Tenant
) -> None:
    others = SharedPause(engine, "simulated", requests_per_second=2)
    while others.reserve_slot(patience=300) <= 300:
        pass
    next_slot = sa.text("SELECT next_slot FROM protime_etl.pauses WHERE tenant <> 'shadow'")
    with engine.connect() as connection:
        taken_until = connection.scalar(next_slot)
    with SimulatedTenant(tenant) as served:
        shell = shell_for(tmp_path, served, warehouse, requests_per_second="2", max_wait_in_task="10")
        result = shell("sync", *DATES)
        assert served.served.requests == {"token": 1}, "who may not wait asks nothing"
    assert result.returncode == 1
    message = re.search(r"request budget for (\d+) seconds, until \d{4}-\d\d-\d\d ", result.stderr)
    assert message
    assert 200 < int(message[1]) <= 301
    assert "PROTIME_REQUESTS_PER_SECOND" in result.stderr
    with engine.connect() as connection:
        taken = connection.scalar(next_slot) - taken_until
    assert taken == dt.timedelta(seconds=0.5), "and takes no slot away but the token's"


def test_a_process_that_may_not_wait_at_all_still_takes_slots(tmp_path: Path, warehouse: URL, tenant: Tenant) -> None:
    with SimulatedTenant(tenant, Options(page_size=200)) as served:
        shell = shell_for(tmp_path, served, warehouse, requests_per_second="5", max_wait_in_task="0")
        result = shell("sync", *DATES, "--workers", "2")
    assert result.returncode == 0, result.stderr
