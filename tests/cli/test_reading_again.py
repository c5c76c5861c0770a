"""Reading again right after a first load, before any autovacuum has looked at what was loaded."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Iterator

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import URL, Engine

from protime_etl.simulator.server import SimulatedTenant
from tests.cli.shell import Shell, last_json
from tests.support.databases import both_in_long_form, execute
from tests.support.tenant import TODAY, serve

DAYS = 94
CLOCKINGS_OF_A_PERSON = 293
TABLES = ("protime.clockings", "protime.clocking_versions", "protime.people", "protime_etl.coverage")


@pytest.fixture
def clockings(amount: Callable[[int, int], int]) -> int:
    return amount(30_000, 200_000)


@pytest.fixture
def simulated(clockings: int) -> Iterator[SimulatedTenant]:
    first = TODAY - dt.timedelta(days=DAYS - 1)
    with serve(people=clockings // CLOCKINGS_OF_A_PERSON, first_day=first, page_size=5000) as served:
        yield served


@pytest.fixture
def never_analysed(warehouse: URL) -> None:
    """A warehouse that autovacuum leaves alone, as it does everywhere for the first minute."""
    for table in TABLES:
        execute(warehouse, f"ALTER TABLE {table} SET (autovacuum_enabled = false)")


@both_in_long_form
@pytest.mark.usefixtures("never_analysed")
def test_reading_again_takes_no_longer_than_the_first_load(
    shell: Shell, engine: Engine, simulated: SimulatedTenant
) -> None:
    dates = ("--from", str(simulated.tenant.first_day), "--to", str(TODAY))
    expected = len(simulated.tenant.truth())
    seconds = {}
    for name, command, counter in (
        ("first", ["sync"], "inserted"),
        ("again", ["sync"], "unchanged"),
        ("backfill", ["backfill", "--fresh"], "unchanged"),
        ("verify", ["verify"], "equal"),
    ):
        began = time.monotonic()
        result = shell(*command, *dates, "--json")
        seconds[name] = time.monotonic() - began
        assert result.returncode == 0, result.stderr
        assert last_json(result)[counter] >= expected
    with engine.connect() as connection:
        known = connection.scalar(
            sa.text("SELECT reltuples FROM pg_class WHERE oid = CAST('protime.clockings' AS regclass)")
        )
    assert known >= expected * 0.9, "a process that loads much has it analysed"
    print({name: round(one, 1) for name, one in seconds.items()})  # noqa: T201
    first = seconds.pop("first")
    assert {name: one for name, one in seconds.items() if one > 3 * first} == {}
