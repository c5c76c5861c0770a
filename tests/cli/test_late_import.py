"""Many clockings that come late, on days that were read long before, and several workers that read them."""

from __future__ import annotations

import datetime as dt

import pytest
from sqlalchemy.engine import URL, Engine

from protime_etl.simulator.server import SimulatedTenant
from tests.cli.shell import Shell, last_json
from tests.support.tenant import TODAY
from tests.support.truth import table_rows, tenant_rows

DAYS = 60
FIRST = TODAY - dt.timedelta(days=DAYS - 1)
pytestmark = pytest.mark.tenant(people=10, first_day=FIRST, page_size=40, empty_page_every=0, latency=0.02)
RANGE = ("--from", str(FIRST), "--to", str(TODAY))


def test_two_workers_ask_hardly_more_than_one(
    shell: Shell, engine: Engine, simulated: SimulatedTenant, empty_database: URL
) -> None:
    other = empty_database.render_as_string(hide_password=False)
    assert shell("db", "upgrade", database_url=other).returncode == 0
    for url in (other, shell.settings["PROTIME_DATABASE_URL"]):
        assert shell("backfill", *RANGE, database_url=url).returncode == 0
    for person in simulated.tenant.person_ids():
        for n in range(DAYS):
            for minutes in (480, 720, 750, 1000, 1010):
                simulated.tenant.add(person, FIRST + dt.timedelta(days=n), minutes)

    alone = last_json(shell("sync", *RANGE, "--workers", "1", "--json", database_url=other))
    together = last_json(shell("sync", *RANGE, "--workers", "2", "--json"))

    assert together["units"] >= 4
    assert together["inserted"] == 10 * DAYS * 5
    assert table_rows(engine) == tenant_rows(simulated.tenant)
    assert together["requests"] <= 1.2 * alone["requests"]
