"""The clock that tests move, and what hangs on the time of day: midnights, lifetimes, and what is too old."""

from __future__ import annotations

import contextlib
import datetime as dt
import time
from collections.abc import Iterator
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import URL, Engine

from protime_etl.collections.clockings import CLOCKINGS
from protime_etl.config import Settings
from protime_etl.errors import RateLimited
from protime_etl.postgres.health.verdict import Health, read_health
from protime_etl.postgres.server.clock import database_clock
from protime_etl.postgres.server.transactions import read_alone
from protime_etl.protime.filters import dates
from protime_etl.simulator.faults import read_plan
from protime_etl.simulator.server import SimulatedTenant
from protime_etl.sync.delta.poll import poll
from protime_etl.sync.pipeline import Pipeline, open_pipeline
from protime_etl.sync.pull.runs import sync
from protime_etl.sync.pull.worker_pool import Observer
from protime_etl.sync.verify.rolling import prove
from protime_etl.sync.verify.verify import verify
from protime_etl.work import Unit
from tests.support.databases import both_servers
from tests.support.long_form import in_long_form
from tests.support.moving_clock import MovingClock
from tests.support.tenant import TODAY, serve, settings_for
from tests.support.truth import table_rows, tenant_rows

FIRST = TODAY - dt.timedelta(days=13)
# Ordinary days, the days on which clocks go forward and back in Brussels, and the change of the year.
LAST_DAYS = (dt.date(2026, 3, 20), dt.date(2026, 3, 28), dt.date(2026, 10, 25), dt.date(2026, 12, 31))
TOLERANCE = dt.timedelta(seconds=5)
TOKEN_SECONDS = 1800
TURN_HOURS = 24
LIFETIME_HOURS = 72
QUOTA = 'fault = [{kind = "status", status = 429, retry_after = 3600, count = 1, on = ["clockings"]}]'


def midnight_after(day: dt.date, zone: str = "Europe/Brussels") -> dt.datetime:
    return dt.datetime.combine(day + dt.timedelta(days=1), dt.time(), ZoneInfo(zone))


def health(engine: Engine) -> Health:
    with engine.connect() as connection:
        return read_health(connection, "simulated", ["clockings", "people"])


@both_servers
def test_python_and_postgresql_move_together(clock: MovingClock, engine: Engine) -> None:
    moment = dt.datetime(2031, 5, 6, 7, 8, tzinfo=dt.UTC)
    clock.set(moment)
    clock.move(days=1, hours=2)
    wanted = dt.datetime(2031, 5, 7, 9, 8, tzinfo=dt.UTC)
    everywhere = sa.text(
        "SELECT now(), clock_timestamp(), statement_timestamp(), transaction_timestamp(),"
        " (SELECT today FROM protime.tenants)::timestamp AT TIME ZONE 'UTC'"
    )
    entering = sa.text(
        "INSERT INTO protime_etl.rejected_record (tenant, collection, fingerprint, record, reason)"
        " VALUES ('x', 'people', '', 'null', '') RETURNING first_seen_at"
    )
    tenant = sa.text(
        "INSERT INTO protime_etl.tenants (tenant, timezone, environment, api_host)"
        " VALUES ('x', 'UTC', 'production', '')"
    )
    with engine.begin() as connection:
        connection.execute(tenant)
        *moments, today = connection.execute(everywhere).one()
        moments.append(connection.scalar(entering))
    moments.append(read_alone(engine.execution_options(isolation_level="AUTOCOMMIT"), sa.text("SELECT now()"), {}))
    assert all(abs(one - wanted) < TOLERANCE for one in [*moments, clock.now()])
    assert today == dt.datetime(2031, 5, 7, tzinfo=dt.UTC)


def test_it_ticks_on_and_leaves_durations_alone(clock: MovingClock, engine: Engine) -> None:
    before = time.monotonic(), time.perf_counter()
    clock.move(days=400)
    with engine.connect() as connection:
        first = clock.now(), database_clock(connection)
        time.sleep(0.05)
        second = clock.now(), database_clock(connection)
    for one, other in zip(first, second, strict=True):
        assert dt.timedelta(milliseconds=50) <= other - one < TOLERANCE
    assert time.monotonic() - before[0] < 5
    assert time.perf_counter() - before[1] < 5


def test_a_test_that_moves_no_clock_has_none_that_was_moved(engine: Engine) -> None:
    with engine.connect() as connection:
        found = connection.execute(sa.text("SELECT to_regproc('moved.now'), current_setting('search_path')")).one()
    assert tuple(found) == (None, "pg_catalog")


class Midnight(Observer):
    """Lets midnight come while the first page of a unit is under way."""

    def __init__(self, clock: MovingClock, moment: dt.datetime) -> None:
        self._clock = clock
        self._moment = moment
        self.pages = 0

    def page(self, unit: Unit, records: int) -> None:
        """A page of a unit has come."""
        del unit
        self.read(records)

    def read(self, records: int) -> None:
        """Move the clock at the first page."""
        del records
        self.pages += 1
        if self.pages == 1:
            self._clock.set(self._moment)


@pytest.fixture(params=LAST_DAYS, ids=str)
def last(request: pytest.FixtureRequest) -> dt.date:
    day: dt.date = request.param
    return day


@pytest.fixture
def growing(last: dt.date) -> Iterator[SimulatedTenant]:
    """A tenant whose last day is about to end, read in several pages."""
    with serve(people=5, first_day=last - dt.timedelta(days=6), last_day=last, page_size=20) as served:
        yield served


def covered(engine: Engine) -> set[dt.date]:
    """Days of which something is covered, as the view says."""
    with engine.connect() as connection:
        found = connection.scalars(sa.text("SELECT date FROM protime.coverage WHERE people_covered > 0"))
        return set(found)


def proven(engine: Engine) -> set[dt.date]:
    with engine.connect() as connection:
        return set(connection.scalars(sa.text("SELECT date FROM protime.proof WHERE proven_at IS NOT NULL")))


@pytest.mark.parametrize("zone", ["Pacific/Auckland", *in_long_form(["Europe/Brussels"])])
def test_a_unit_over_midnight_covers_the_days_that_were_over_when_it_began(
    clock: MovingClock, warehouse: URL, engine: Engine, growing: SimulatedTenant, last: dt.date, zone: str
) -> None:
    """What comes after the first page may lie on a day that was over when the last one came."""
    midnight = midnight_after(last, zone)
    days = {last - dt.timedelta(days=n) for n in range(7)}
    clock.set(midnight - dt.timedelta(seconds=20))
    with open_pipeline(settings_for(growing, timezone=zone), warehouse) as pipeline:
        seen = Midnight(clock, midnight + dt.timedelta(seconds=1))
        sync(pipeline, last - dt.timedelta(days=6), last, observer=seen)
        assert seen.pages > 1, "it was read in one page"
        assert covered(engine) == {day for day in days if day <= last - dt.timedelta(days=2)}

        sync(pipeline, last - dt.timedelta(days=6), last)
        assert covered(engine) == {day for day in days if day <= last - dt.timedelta(days=1)}


def test_a_comparison_over_midnight_proves_the_days_that_were_over_when_it_began(
    clock: MovingClock, warehouse: URL, engine: Engine, growing: SimulatedTenant, last: dt.date
) -> None:
    """The day before the last was not: what comes on its last evening may be on a page that was read already."""
    midnight, first, before = midnight_after(last), last - dt.timedelta(days=6), last - dt.timedelta(days=1)
    clock.set(midnight - dt.timedelta(seconds=20))
    with open_pipeline(settings_for(growing), warehouse) as pipeline:
        for _ in range(2):
            sync(pipeline, first, last)
        seen = Midnight(clock, midnight + dt.timedelta(seconds=1))
        verify(pipeline, CLOCKINGS, first, last, on_page=seen.read)
        assert seen.pages > 1
        assert max(proven(engine)) == max(covered(engine)) == before - dt.timedelta(days=1)

        sync(pipeline, before, before, growing.tenant.person_ids()[:1])
        assert max(covered(engine)) == before
        assert max(proven(engine)) == before - dt.timedelta(days=1), "it is proven of one person"
        verify(pipeline, CLOCKINGS, before, before)
        assert max(proven(engine)) == before


def test_a_token_is_asked_for_once_a_lifetime(
    clock: MovingClock, settings: Settings, warehouse: URL, simulated: SimulatedTenant
) -> None:
    def ask() -> int:
        """One question of a process of its own; how many token requests there were since the last one."""
        before = simulated.served.requests["token"]
        with open_pipeline(settings, warehouse) as pipeline:
            assert list(pipeline.client.pages(CLOCKINGS, dates.between(TODAY, TODAY)))
        return simulated.served.requests["token"] - before

    assert ask() == 1
    clock.move(seconds=TOKEN_SECONDS - 90)
    assert ask() == 0
    clock.move(seconds=60)  # it is renewed a minute early
    assert ask() == 1
    clock.move(days=3)
    assert ask() == 1
    assert simulated.served.requests["refused"] == 0


def test_a_process_whose_machine_slept_over_the_end_of_its_token_goes_on(
    clock: MovingClock, pipeline: Pipeline, simulated: SimulatedTenant
) -> None:
    """What measures durations stands still meanwhile, so that the token seems to be good."""
    days = dates.between(TODAY, TODAY)
    before = list(pipeline.client.pages(CLOCKINGS, days))
    clock.move(hours=9)
    assert [page.rows for page in pipeline.client.pages(CLOCKINGS, days)] == [page.rows for page in before]
    assert simulated.served.requests["token"] == 2
    assert simulated.served.requests["refused"] == 1


def test_a_pause_of_an_hour_ends_with_the_hour(
    clock: MovingClock, warehouse: URL, engine: Engine, simulated: SimulatedTenant
) -> None:
    settings = settings_for(simulated, max_wait_in_task=0)

    def read() -> int:
        """One sync of a process of its own; how many requests it made."""
        before = sum(simulated.served.requests.values())
        with open_pipeline(settings, warehouse) as pipeline, contextlib.suppress(RateLimited):
            sync(pipeline, FIRST, TODAY)
        return sum(simulated.served.requests.values()) - before

    simulated.served.misbehaviour.follow(read_plan(QUOTA))
    assert read()
    clock.move(minutes=59)
    assert read() == 0
    assert table_rows(engine) == {}
    clock.move(minutes=2)
    assert read()
    assert table_rows(engine) == tenant_rows(simulated.tenant)
    assert simulated.served.misbehaviour.during_pause == 0


def test_a_delta_lives_72_hours_after_its_last_poll(
    clock: MovingClock, pipeline: Pipeline, engine: Engine, simulated: SimulatedTenant
) -> None:
    clock.set(midnight_after(TODAY))
    sync(pipeline, FIRST, TODAY)
    assert poll(pipeline, CLOCKINGS).initial
    for _ in range(2):
        clock.move(hours=LIFETIME_HOURS - 1)
        assert any("delta" in one.what for one in health(engine).problems)
        assert poll(pipeline, CLOCKINGS).restarted is None
        assert not any("delta" in one.what for one in health(engine).problems)
    clock.move(hours=TURN_HOURS - 1)
    assert not any("delta" in one.what for one in health(engine).problems)
    edited = simulated.tenant.truth()[0]
    clock.move(hours=LIFETIME_HOURS - TURN_HOURS + 2)
    simulated.tenant.edit(edited.id, time_of_day_in_minutes=1)
    while (result := poll(pipeline, CLOCKINGS)).initial:
        assert result.restarted in ("expired", None)
    assert table_rows(engine) == tenant_rows(simulated.tenant)


def test_a_warehouse_that_is_read_no_more_is_not_well(clock: MovingClock, pipeline: Pipeline, engine: Engine) -> None:
    clock.set(midnight_after(TODAY) + dt.timedelta(hours=4))
    sync(pipeline, FIRST, TODAY)
    assert health(engine).ok
    clock.move(hours=30)  # the next night may be under way
    assert health(engine).ok
    clock.move(hours=30)  # and the one after it is missing, too
    assert not health(engine).ok
    clock.move(days=400)
    assert not health(engine).ok


def test_what_a_deployment_keeps_for_a_year_is_kept_for_a_year(
    clock: MovingClock, pipeline: Pipeline, engine: Engine
) -> None:
    def kept() -> int:
        with engine.connect() as connection:
            return int(connection.scalar(sa.text("SELECT count(*) FROM protime_etl.verifications")) or 0)

    clock.set(midnight_after(TODAY) + dt.timedelta(days=2))
    sync(pipeline, FIRST, TODAY)
    prove(pipeline)
    once = kept()
    clock.move(days=364)
    prove(pipeline)
    assert kept() == once + 1
    clock.move(days=3)
    prove(pipeline)
    assert kept() == 2
