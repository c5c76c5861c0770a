"""Long ranges: few requests, exact gaps, going on after whatever stopped them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import URL, Engine

from protime_etl.collections.clockings import CLOCKINGS
from protime_etl.errors import ForbiddenError, ProtimeError, ServerError, SettingsError
from protime_etl.postgres.book.due import wrong_slices
from protime_etl.postgres.book.promises import promised_ranges
from protime_etl.postgres.server.stored import Stored
from protime_etl.simulator.faults import FaultPlan, read_plan
from protime_etl.simulator.options import Options
from protime_etl.simulator.server import SimulatedTenant
from protime_etl.simulator.state import Tenant
from protime_etl.sync.pipeline import Pipeline, open_pipeline
from protime_etl.sync.plan.request import select
from protime_etl.sync.pull.backfill import backfill, plan_backfill
from protime_etl.sync.pull.lists import read_people
from protime_etl.sync.pull.runs import sync
from protime_etl.sync.pull.worker_pool import Observer
from protime_etl.work import Counts, Request, Unit
from tests.support.long_form import in_long_form
from tests.support.tenant import TODAY, settings_for
from tests.support.truth import table_rows, tenant_rows

YEAR = TODAY - dt.timedelta(days=364)
EVERYTHING = Request(YEAR, TODAY, ("clockings",))


class Interrupter(Observer):
    """Stops everything after this number of units, as Ctrl-C does."""

    def __init__(self, after: int) -> None:
        self.left = after
        self.units: list[Unit] = []
        self.plans: list[int] = []

    def planned(self, units: Sequence[Unit], requests: int) -> None:
        del requests
        self.plans.append(len(units))

    def unit(self, unit: Unit, counts: Counts) -> None:
        del counts
        self.units.append(unit)
        self.left -= 1

    def tick(self) -> None:
        if self.left <= 0:
            raise KeyboardInterrupt


class Finished(Observer):
    """Keeps how many records each unit had."""

    def __init__(self) -> None:
        self.rows: list[int] = []

    def unit(self, unit: Unit, counts: Counts) -> None:
        del unit
        self.rows.append(counts.rows_read)


@pytest.fixture
def simulated() -> SimulatedTenant:
    tenant = Tenant(seed=1, people=15, first_day=YEAR, last_day=TODAY)
    return SimulatedTenant(tenant, Options(page_size=50, empty_page_every=0))


def covered_days(engine: Engine) -> dict[int, int]:
    with engine.connect() as connection:
        rows = connection.execute(
            sa.text(
                "SELECT person_id, sum(upper(days) - lower(days))::int FROM protime_etl.coverage, unnest(dates) AS days"
                " WHERE 'shadow' NOT IN (tenant, collection) GROUP BY 1"
            )
        )
        return {row[0]: row[1] for row in rows}


@pytest.mark.parametrize("workers", [4, *in_long_form([1])])
def test_an_interrupted_backfill_goes_on_where_it_was(
    simulated: SimulatedTenant, warehouse: URL, engine: Engine, workers: int
) -> None:
    with simulated as served:
        settings = settings_for(served)
        first = Interrupter(after=2)
        with open_pipeline(settings, warehouse) as pipeline:
            sync(pipeline, TODAY, TODAY)  # how large a page is has to be known
        with open_pipeline(settings, warehouse) as pipeline, pytest.raises(KeyboardInterrupt):
            backfill(pipeline, EVERYTHING, workers=workers, observer=first)
        assert len(table_rows(engine)) < len(served.tenant.truth())
        with engine.connect() as connection:
            wrong = wrong_slices(Stored(connection, "simulated", CLOCKINGS), TODAY, waiting=())
        assert wrong == [], "what was stopped on purpose failed nowhere"
        before = served.served.requests["clockings"]

        second = Interrupter(after=10**6)
        with open_pipeline(settings, warehouse) as pipeline:
            plan = plan_backfill(pipeline, EVERYTHING)
            assert plan.resumes is not None
            assert plan.seconds is not None
            counts, _ = backfill(pipeline, EVERYTHING, workers=workers, observer=second)

        assert table_rows(engine) == tenant_rows(served.tenant)
        assert set(covered_days(engine).values()) == {365}
        done = {(unit.person_ids, unit.first) for unit in first.units}
        assert done.isdisjoint({(unit.person_ids, unit.first) for unit in second.units}), "nothing is read twice"
        assert served.served.requests["clockings"] - before == counts.requests - 1, "and one for the people"
        pages = -(-len(table_rows(engine)) // 50)
        under_way = workers * 60
        assert served.served.requests["clockings"] <= 1.1 * pages + under_way
        with engine.connect() as connection:
            assert set(
                connection.execute(sa.text("SELECT status FROM protime_etl.runs WHERE tenant <> 'shadow'")).scalars()
            ) == {"done"}


@pytest.mark.parametrize("page_size", [500, *in_long_form([5000])])
def test_a_backfill_that_goes_on_is_cut_evenly_for_its_workers(warehouse: URL, engine: Engine, page_size: int) -> None:
    """Begun by one worker who knew nothing: what is left goes on with four, and one of them does not do most of it."""
    first, workers = TODAY - dt.timedelta(days=59), 4
    tenant = Tenant(seed=1, people=600, first_day=first, last_day=TODAY)
    with SimulatedTenant(tenant, Options(page_size=page_size, empty_page_every=0)) as served:
        with open_pipeline(settings_for(served), warehouse) as pipeline, pytest.raises(KeyboardInterrupt):
            backfill(pipeline, Request(first, TODAY, ("clockings",)), observer=Interrupter(after=1))
        left = len(tenant.truth()) - len(table_rows(engine))
        again = Finished()
        with open_pipeline(settings_for(served), warehouse) as pipeline:
            backfill(pipeline, Request(first, TODAY, ("clockings",)), workers=workers, observer=again)
        assert table_rows(engine) == tenant_rows(tenant)
    assert sum(again.rows) == left
    assert max(again.rows) <= 0.6 * left / workers
    assert max(again.rows[-workers:]) <= 0.15 * left / workers + 2000


def test_requests_are_hardly_more_than_pages(warehouse: URL, engine: Engine) -> None:
    """Nothing is known at first: the first answers make the plan of the rest."""
    day = TODAY - dt.timedelta(days=TODAY.weekday())
    tenant = Tenant(seed=1, people=4000, first_day=day, last_day=day)
    with SimulatedTenant(tenant, Options(page_size=250, empty_page_every=0)) as served:
        observer = Interrupter(after=10**6)
        with open_pipeline(settings_for(served), warehouse) as pipeline:
            counts, _ = backfill(pipeline, Request(day, day, ("clockings",)), workers=2, observer=observer)
        rows = len(table_rows(engine))
        assert rows == len(tenant.truth())
        people_pages = -(-4000 // 250)
        assert counts.requests - people_pages <= 1.15 * -(-rows // 250) + 2
        assert len(observer.plans) > 1


def test_a_small_page_that_came_alone_is_no_measure_of_a_full_one(simulated: SimulatedTenant, warehouse: URL) -> None:
    with simulated as served, open_pipeline(settings_for(served), warehouse) as pipeline:
        units = len(plan_backfill(pipeline, EVERYTHING).units)
        sync(pipeline, TODAY, TODAY, served.tenant.person_ids()[:1])
        assert len(plan_backfill(pipeline, EVERYTHING).units) <= 2 * units


def test_only_what_is_missing_is_read(simulated: SimulatedTenant, warehouse: URL, engine: Engine) -> None:
    with simulated as served, open_pipeline(settings_for(served), warehouse) as pipeline:
        middle = TODAY - dt.timedelta(days=100)
        people = served.tenant.person_ids()
        sync(pipeline, middle, middle + dt.timedelta(days=9))
        sync(pipeline, YEAR, TODAY, people[:10])
        selection = Request(YEAR, TODAY, ("clockings",), only_missing=True)

        plan = plan_backfill(pipeline, selection)
        cells = {
            (person, unit.first + dt.timedelta(days=n))
            for unit in plan.units
            for person in unit.person_ids
            for n in range((unit.last - unit.first).days + 1)
        }
        wanted = {
            (person, YEAR + dt.timedelta(days=n))
            for person in people[10:]
            for n in range(365)
            if not 0 <= (YEAR + dt.timedelta(days=n) - middle).days <= 9
        }
        assert cells == wanted
        counts, _ = backfill(pipeline, selection, workers=2)
        assert table_rows(engine) == tenant_rows(served.tenant)
        assert counts.rows_read - 15 == sum((one.person.id, one.date) in wanted for one in served.tenant.truth())

        again, units = backfill(pipeline, selection)
        assert units == 0
        assert again.requests == 1, "the people only"
        new = served.tenant.add_person(last_name="New")
        served.tenant.add(new.id, TODAY, 480)
        counts, _ = backfill(pipeline, selection)
        assert counts.inserted == 2, "the person and the clocking"


def test_the_view_of_coverage_counts_people_by_day(simulated: SimulatedTenant, warehouse: URL, engine: Engine) -> None:
    with simulated as served, open_pipeline(settings_for(served), warehouse) as pipeline:
        people = served.tenant.person_ids()
        first = TODAY - dt.timedelta(days=9)
        sync(pipeline, first, TODAY)
        sync(pipeline, first - dt.timedelta(days=20), first - dt.timedelta(days=16), people[:12])
        with engine.connect() as connection:
            rows = connection.execute(
                sa.text("SELECT * FROM protime.coverage WHERE tenant <> 'shadow' ORDER BY date")
            ).all()
    counts = {row.date: (row.people_covered, row.people_missing) for row in rows}
    assert counts[TODAY] == (15, 0)
    assert counts[first - dt.timedelta(days=18)] == (12, 0), "of all people it was not asked for"
    assert counts[first - dt.timedelta(days=1)] == (0, 0)
    assert len(rows) == 30
    assert [row.last_read is None for row in rows] == [row.people_covered == 0 for row in rows]


def test_a_failed_unit_does_not_stop_the_others(simulated: SimulatedTenant, warehouse: URL, engine: Engine) -> None:
    with simulated as served, open_pipeline(settings_for(served), warehouse) as pipeline:
        served.served.misbehaviour.follow(read_plan('[[fault]]\nkind = "expire"\non = ["clockings"]\nat = [2, 4, 6]'))
        observer = Interrupter(after=10**6)
        with pytest.raises(ProtimeError, match="409"):
            backfill(pipeline, EVERYTHING, observer=observer)
        served.served.misbehaviour.follow(FaultPlan())
        assert observer.units
        counts, units = backfill(pipeline, EVERYTHING)
        assert units == 1, "the one that failed"
        assert table_rows(engine) == tenant_rows(served.tenant)
        assert counts.rejected == 0


def test_what_no_retry_cures_stops_the_others(simulated: SimulatedTenant, warehouse: URL) -> None:
    with simulated as served, open_pipeline(settings_for(served), warehouse) as pipeline:
        read_people(pipeline)
        served.served.misbehaviour.follow(read_plan('fault = [{kind = "status", status = 403, rate = 1.0}]'))
        selection = Request(YEAR, TODAY, ("clockings",), tuple(served.tenant.person_ids()))
        with pytest.raises(ForbiddenError):
            backfill(pipeline, selection, workers=2)
        assert served.served.requests["clockings"] <= 2
        assert served.served.requests["token"] == 1


def test_an_api_that_is_down_is_not_asked_for_every_unit(
    simulated: SimulatedTenant, warehouse: URL, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("protime_etl.protime.retrying.ATTEMPTS", 1)
    with simulated as served, open_pipeline(settings_for(served), warehouse) as pipeline:
        read_people(pipeline)
        served.served.misbehaviour.follow(read_plan('fault = [{kind = "status", status = 500, rate = 1.0}]'))
        old = Request(dt.date(2000, 1, 1), TODAY, ("clockings",), tuple(served.tenant.person_ids()))
        with pytest.raises(ServerError, match="5 units failed"):
            backfill(pipeline, old)


def test_the_same_backfill_in_two_processes(simulated: SimulatedTenant, warehouse: URL) -> None:
    class Second(Observer):
        error: ProtimeError | None = None

        def unit(self, unit: Unit, counts: Counts) -> None:
            del unit, counts
            if self.error is not None:
                return
            with open_pipeline(settings, warehouse) as other:
                try:
                    backfill(other, EVERYTHING)
                except ProtimeError as error:
                    self.error = error
                # Another range is another backfill, also when they overlap.
                backfill(other, Request(TODAY - dt.timedelta(days=3), TODAY, ("clockings",)))

    with simulated as served:
        settings = settings_for(served)
        observer = Second()
        with open_pipeline(settings, warehouse) as pipeline:
            backfill(pipeline, EVERYTHING, observer=observer)
        assert "Another process is already running this backfill (run 1)" in str(observer.error)


@pytest.mark.parametrize(
    ("first", "last", "message"),
    [
        (TODAY, YEAR, "ends .* before it begins"),
        (dt.date(2999, 1, 1), dt.date(2999, 1, 2), "begins .* after today"),
        (dt.date(1815, 6, 18), TODAY, "before 1970"),
    ],
)
def test_dates_that_make_no_sense(pipeline: Pipeline, first: dt.date, last: dt.date, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        select(pipeline, first, last)


def test_a_range_that_ends_in_the_future_ends_today(pipeline: Pipeline) -> None:
    today = dt.datetime.now(dt.UTC).date()
    assert abs((select(pipeline, YEAR, dt.date(2999, 1, 1)).last - today).days) <= 1


def test_a_range_before_the_first_data(simulated: SimulatedTenant, warehouse: URL, engine: Engine) -> None:
    with simulated as served, open_pipeline(settings_for(served), warehouse) as pipeline:
        counts, units = backfill(pipeline, Request(dt.date(2005, 1, 1), dt.date(2010, 12, 31), ("clockings",)))
        assert (counts.rows_read, counts.requests) == (15, units + 1)
        assert units <= 10
        assert set(covered_days(engine).values()) == {6 * 365 + 1}


def test_an_unknown_person_is_named(simulated: SimulatedTenant, warehouse: URL) -> None:
    with simulated as served, open_pipeline(settings_for(served), warehouse) as pipeline:
        with pytest.raises(SettingsError, match="No person at simulated has the id 5, 77"):
            backfill(pipeline, Request(YEAR, TODAY, ("clockings",), (5, 77)))
        assert served.served.requests["clockings"] == 0


def test_circles_bring_rows_and_claim_no_coverage(simulated: SimulatedTenant, warehouse: URL, engine: Engine) -> None:
    with simulated as served, open_pipeline(settings_for(served), warehouse) as pipeline:
        counts, units = backfill(pipeline, select(pipeline, YEAR, TODAY, circles=[2, 3]))
        assert units == 1
        assert counts.inserted == len(table_rows(engine)) > 0
        assert covered_days(engine) == {}
        with pipeline.reading() as connection:
            assert promised_ranges(connection, pipeline.tenant, ["clockings"]) == []
        truth = tenant_rows(served.tenant)
        people = {row["person_id"] for row in table_rows(engine).values()}
        assert {one % 10 + 1 for one in people} == {2, 3}
        assert table_rows(engine).items() <= truth.items()
        with pytest.raises(SettingsError, match="Circles cannot be combined"):
            select(pipeline, YEAR, TODAY, circles=[2], only_missing=True)
