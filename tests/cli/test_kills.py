"""A backfill that is killed twice, as a user sees it: by what it asks for again."""

from __future__ import annotations

import datetime as dt
import os
import signal
import subprocess
import time

import pytest
from sqlalchemy.engine import URL, Engine

from protime_etl.simulator.server import SimulatedTenant
from tests.cli.shell import COMMAND, Shell
from tests.support.tenant import TODAY
from tests.support.truth import table_rows, tenant_rows

PAGES = 318
PAGE_SIZE = 77
YEAR = TODAY - dt.timedelta(days=364)
pytestmark = pytest.mark.tenant(people=22, first_day=YEAR, page_size=PAGE_SIZE, empty_page_every=0, latency=0.02)
RANGE = ("--from", str(YEAR), "--to", str(TODAY), "--workers", "2")
"""Each worker may lose the 20 pages of a unit."""


def killed_after(shell: Shell, simulated: SimulatedTenant, requests: int) -> None:
    """Start it, and kill it once this number of requests has been answered since the tenant was there."""
    process = subprocess.Popen(
        [COMMAND, "backfill", *RANGE],
        env=os.environ | shell.settings,
        cwd=shell.folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while simulated.served.requests["clockings"] < requests:
        assert process.poll() is None, "it was to be killed in the middle"
        time.sleep(0.005)
    process.kill()
    assert process.wait() == -signal.SIGKILL


@pytest.mark.long
@pytest.mark.timeout(240)
def test_a_backfill_that_is_killed_twice_reads_little_again(
    shell: Shell, engine: Engine, warehouse: URL, simulated: SimulatedTenant, empty_database: URL
) -> None:
    del warehouse
    whole = shell("backfill", *RANGE, database_url=upgraded(shell, empty_database))
    assert whole.returncode == 0, whole.stderr
    unbroken = simulated.served.requests["clockings"]
    assert abs(unbroken - PAGES) < 0.1 * PAGES

    for share in (0.35, 0.7):
        killed_after(shell, simulated, unbroken + round(share * unbroken))
    assert shell("backfill", *RANGE).returncode == 0

    assert table_rows(engine) == tenant_rows(simulated.tenant)
    asked = simulated.served.requests["clockings"] - unbroken
    print(f"backfill: {unbroken} requests unbroken, {asked} killed twice, {asked / unbroken:.2f} times")  # noqa: T201
    assert asked <= 1.3 * unbroken


def upgraded(shell: Shell, database: URL) -> str:
    url = database.render_as_string(hide_password=False)
    assert shell("db", "upgrade", database_url=url).returncode == 0
    return url
