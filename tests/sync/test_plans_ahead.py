"""Plans are due into the future: read ahead each night, never for good, and named when a night has not read them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import URL, Engine
from tenacity import wait_none

from protime_etl.collections.registry import COLLECTIONS
from protime_etl.errors import ProtimeError, SettingsError
from protime_etl.postgres.health.verdict import Health, read_health
from protime_etl.postgres.server.connection import create_engine
from protime_etl.protime import retrying
from protime_etl.simulator.faults import read_plan
from protime_etl.simulator.server import SimulatedTenant
from protime_etl.sync.pipeline import Pipeline, open_pipeline
from protime_etl.sync.plan.request import select
from protime_etl.sync.pull.backfill import backfill
from protime_etl.sync.pull.runs import sync
from protime_etl.sync.verify.rolling import prove
from protime_etl.sync.verify.verify import repair, verify
from tests.support.databases import NUMBERS, database
from tests.support.moving_clock import MovingClock, moved_template, moving_clock
from tests.support.tenant import TODAY, serve, settings_for
from tests.support.truth import table_rows, tenant_rows

ONE_DAY = dt.timedelta(days=1)
FIRST = TODAY - 6 * ONE_DAY
PEOPLE = 4
PLANS = [path for path, one in COLLECTIONS.items() if one.plans]
CHOSEN = ("clockings", "people", *PLANS)
AHEAD = 30
BEYOND = 2
ZONE = ZoneInfo("Europe/Brussels")


@pytest.fixture
def clock() -> Iterator[MovingClock]:
    with moving_clock() as clock:
        clock.set(dt.datetime.combine(TODAY, dt.time(4, 30), ZONE))
        yield clock


@pytest.fixture
def place(servers: Callable[[str], URL], clock: MovingClock) -> Iterator[URL]:
    server = servers("embedded")
    with database(server, f"plans_{next(NUMBERS)}", moved_template(server)) as url:
        clock.follow(url)
        yield url


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Iterator[SimulatedTenant]:
    monkeypatch.setattr(retrying, "_jitter", wait_none())
    with serve(people=PEOPLE, first_day=FIRST, planned_days=60, page_size=20) as one:
        yield one


class House:
    """A warehouse whose clock moves, and what is done with it."""

    def __init__(self, clock: MovingClock, served: SimulatedTenant, url: URL) -> None:
        self.clock, self.served, self.url = clock, served, url
        self.given: dict[str, Any] = {"collections": " ".join(CHOSEN), "planned_days": AHEAD, "max_wait_in_task": 0}

    def do(self, verb: Callable[[Pipeline], Any]) -> Any:
        with open_pipeline(settings_for(self.served, **self.given), self.url) as pipeline:
            return verb(pipeline)

    def night(self) -> None:
        today = self.clock.now().astimezone(ZONE).date()
        self.do(lambda one: sync(one, today - 7 * ONE_DAY, today))

    def failing(self, plan: str) -> None:
        self.served.served.misbehaviour.follow(read_plan(plan))

    def health(self, *paths: str) -> Health:
        engine = create_engine(self.url)
        try:
            with engine.connect() as connection:
                return read_health(connection, "simulated", paths or CHOSEN)
        finally:
            engine.dispose()

    def rows(self, path: str) -> set[int]:
        engine: Engine = create_engine(self.url)
        try:
            return {key for key, row in table_rows(engine, path).items() if not row["is_deleted"]}
        finally:
            engine.dispose()

    def truth(self, path: str, last: dt.date) -> set[int]:
        day = COLLECTIONS[path].day
        rows = tenant_rows(self.served.tenant, path)
        return {key for key, row in rows.items() if str(row[day]) <= str(last) and not row["is_deleted"]}


@pytest.fixture
def house(clock: MovingClock, served: SimulatedTenant, place: URL) -> House:
    return House(clock, served, place)


def lines(health: Health) -> list[str]:
    return [one.line for one in health.problems]


def test_which_collections_hold_plans() -> None:
    assert PLANS == ["absences", "assignments"]


def test_a_night_reads_plans_as_far_as_they_are_due_and_the_next_night_again(house: House) -> None:
    clockings = house.served.served.requests["clockings"]
    house.night()
    for path in PLANS:
        assert house.rows(path) == house.truth(path, TODAY + (AHEAD + BEYOND) * ONE_DAY)
    first = house.served.served.requests["clockings"] - clockings
    health = house.health()
    assert health.ok, health.lines
    ahead = TODAY + AHEAD * ONE_DAY
    assert f"absences complete {FIRST - ONE_DAY}" in health.complete
    assert health.complete.count(f", plans to {ahead}") == 2
    assert f"clockings complete {FIRST - ONE_DAY}..{TODAY - 2 * ONE_DAY};" in health.complete
    for _ in range(3):
        asked = {path: house.served.served.requests[path] for path in PLANS}
        house.clock.move(days=1)
        house.night()
        assert all(house.served.served.requests[path] > asked[path] for path in PLANS)
        assert house.health().ok
    assert f", plans to {ahead + 3 * ONE_DAY}" in house.health().complete
    # The clockings of a night take what they took.
    house.given["collections"] = "clockings people"
    before = house.served.served.requests["clockings"]
    house.night()
    assert house.served.served.requests["clockings"] - before <= first


def test_a_change_of_plans_arrives_with_the_next_night(house: House) -> None:
    house.night()
    tenant = house.served.tenant
    coming = [one for one in tenant.records("absences") if TODAY < one.date <= TODAY + 20 * ONE_DAY]
    gone, moved, *_ = coming
    tenant.remove_record("absences", gone.id)
    tenant.edit_record("absences", moved.id, date=TODAY + 25 * ONE_DAY)
    house.clock.move(days=1)
    house.night()
    assert house.rows("absences") == house.truth("absences", TODAY + (AHEAD + BEYOND + 1) * ONE_DAY)
    assert gone.id not in house.rows("absences")
    assert house.health().ok


def test_what_was_read_ahead_is_not_complete_for_good(house: House) -> None:
    """The days come, and no night reads them after they are over."""
    house.night()
    house.clock.move(days=12)
    (gap,) = [one for one in house.health("absences").problems if one.kind == "unread"]
    assert f"not read: {PEOPLE} people, {TODAY - ONE_DAY}..{TODAY + 10 * ONE_DAY}, {TODAY + 13 * ONE_DAY}" in gap.what
    assert "plans to" not in house.health("absences").complete


@pytest.mark.parametrize("path", PLANS)
def test_plans_that_the_last_nights_did_not_read_are_named_and_the_advice_cures_it(house: House, path: str) -> None:
    for _ in range(4):
        house.night()
        house.clock.move(days=1)
    house.clock.move(hours=-1)
    assert house.health().ok, "a night of yesterday is enough"
    others = " ".join(one for one in CHOSEN if one != path)
    house.given["collections"] = others
    house.clock.move(hours=1)
    house.night()
    house.clock.move(hours=12, minutes=30)
    house.given["collections"] = " ".join(CHOSEN)
    today = house.clock.now().astimezone(ZONE).date()
    health = house.health()
    assert not health.ok
    (late,) = [one for one in health.problems if one.kind == "unread"]
    assert late.what.startswith(f"{path} not read")
    assert f"{today + ONE_DAY}..{today + AHEAD * ONE_DAY}" in late.what
    assert "36 hours" in late.why
    assert late.missing is not None
    days = (late.missing.first, late.missing.last)
    assert late.do == f"protime-etl backfill --from {days[0]} --to {days[1]} --only-missing --collections {path}"
    house.given["collections"] = path
    house.do(lambda one: backfill(one, select(one, *days, only_missing=True)))
    house.given["collections"] = " ".join(CHOSEN)
    assert house.health().ok, lines(house.health())
    before = house.served.served.requests[path]
    house.given["collections"] = path
    house.do(lambda one: backfill(one, select(one, today + ONE_DAY, days[1], only_missing=True)))
    # Of what reaches into a day the days before are looked for, too, and those were not asked for.
    assert path == "assignments" or house.served.served.requests[path] == before, "nothing is missing any more"


def test_one_whose_plans_cannot_be_read_is_named_alone(house: House) -> None:
    for _ in range(4):
        house.night()
        house.clock.move(days=1)
    person = house.served.tenant.person_ids()[0]
    house.given["collections"] = "absences"
    house.failing('fault = [{kind = "status", status = 400, rate = 1.0, on = ["absences"]}]')
    today = house.clock.now().astimezone(ZONE).date()
    with pytest.raises(ProtimeError):
        house.do(lambda one: sync(one, today, today + AHEAD * ONE_DAY, [person]))
    house.failing("")
    (wrong,) = house.health("absences").problems
    assert wrong.kind == "failed"
    assert f"person {person}, {today}..{today + AHEAD * ONE_DAY}" in wrong.what
    assert wrong.missing is not None
    days = (wrong.missing.first, wrong.missing.last)
    house.do(lambda one: backfill(one, select(one, *days, only_missing=True)))
    assert house.health("absences").ok, lines(house.health("absences"))


@pytest.mark.parametrize("verb", ["sync", "backfill"])
def test_a_range_that_ends_in_the_future_is_read_there_for_plans_alone(house: House, verb: str) -> None:
    last = TODAY + 50 * ONE_DAY

    def read(one: Pipeline) -> None:
        if verb == "sync":
            sync(one, TODAY - 3 * ONE_DAY, last)
        else:
            backfill(one, select(one, TODAY - 3 * ONE_DAY, last))

    house.do(read)
    for path in PLANS:
        assert house.rows(path) >= {
            one for one in house.truth(path, last) if one not in house.truth(path, TODAY - 4 * ONE_DAY)
        }
    house.served.tenant.add(house.served.tenant.person_ids()[0], TODAY + ONE_DAY, 480)
    house.do(read)
    assert house.rows("clockings") <= house.truth("clockings", TODAY)


def test_a_range_that_begins_tomorrow(house: House) -> None:
    last = TODAY + 9 * ONE_DAY
    first = TODAY + ONE_DAY
    person = house.served.tenant.person_ids()[0]
    house.do(lambda one: sync(one, first, last, [person]))
    assert house.rows("clockings") == set()
    assert house.rows("absences")
    for chosen in ("clockings people", "clockings people calculated-totals"):
        house.given["collections"] = chosen
        with pytest.raises(SettingsError, match="have no records of days to come"):
            house.do(lambda one: sync(one, first, last))
    house.given["collections"] = "absences people"
    with pytest.raises(SettingsError, match="later than a year"):
        house.do(lambda one: select(one, TODAY + 400 * ONE_DAY, TODAY + 401 * ONE_DAY))
    far = house.do(lambda one: select(one, first, dt.date(2999, 1, 1)))
    assert far.plans_until == TODAY + 366 * ONE_DAY


def test_no_days_ahead_are_none(house: House) -> None:
    house.given["planned_days"] = 0
    for _ in range(5):
        house.night()
        house.clock.move(days=1)
    house.clock.move(hours=-2)
    assert house.rows("absences") == house.truth("absences", TODAY + 4 * ONE_DAY)
    assert house.health().ok
    assert "plans to" not in house.health().complete


@pytest.mark.parametrize("ends", [TODAY - ONE_DAY, TODAY - 2 * ONE_DAY])
def test_a_night_of_finished_days_reads_them_too_and_a_run_of_old_days_does_not(house: House, ends: dt.date) -> None:
    request = house.do(lambda one: select(one, FIRST, ends))
    assert request.last == ends
    assert request.plans_until == (TODAY + (AHEAD + BEYOND) * ONE_DAY if ends == TODAY - ONE_DAY else None)
    some = house.do(lambda one: select(one, FIRST, TODAY, [1]))
    assert some.plans_until is None


def test_a_comparison_of_days_to_come_counts_as_a_reading_and_a_proof_leaves_them_alone(house: House) -> None:
    for _ in range(4):
        house.night()
        house.clock.move(days=1)
    house.clock.move(days=1, hours=1)
    today = house.clock.now().astimezone(ZONE).date()
    days = (today - 10 * ONE_DAY, today + AHEAD * ONE_DAY)
    house.given["collections"] = "absences"
    assert not house.health("absences").ok
    found = house.do(lambda one: verify(one, COLLECTIONS["absences"], *days))
    if found.differences:
        house.do(lambda one: repair(one, found))
        found = house.do(lambda one: verify(one, COLLECTIONS["absences"], *days))
    assert found.agrees
    assert house.health("absences").ok, lines(house.health("absences"))
    done = house.do(lambda one: prove(one, requests=50))
    assert all(last < today for _, _, last, _ in done.windows)


def test_a_backfill_that_goes_on_reads_the_days_that_became_due_of_each_collection(house: House) -> None:
    house.failing('fault = [{kind = "status", status = 403, at = [2], on = ["assignments"]}]')
    with open_pipeline(settings_for(house.served, **house.given), house.url) as one:
        backfill(one, select(one, FIRST, TODAY + 3 * ONE_DAY))
        assert "assignments" in one.failed
    house.failing("")
    house.clock.move(days=2)
    house.served.tenant.add(house.served.tenant.person_ids()[0], TODAY + 2 * ONE_DAY, 480)
    before = house.served.served.requests["clockings"]
    house.do(lambda one: backfill(one, select(one, FIRST, TODAY + 3 * ONE_DAY)))
    assert house.served.served.requests["clockings"] - before == 2, "asked whether it may be read, and the new days"
    assert house.rows("clockings") == house.truth("clockings", TODAY + 3 * ONE_DAY)
    for path in PLANS:
        assert house.rows(path) >= house.truth(path, TODAY + (AHEAD + BEYOND) * ONE_DAY) - house.truth(
            path, FIRST - ONE_DAY
        )


def test_what_is_read_in_parts_stays_read_until_it_is_too_old(house: House) -> None:
    """A reading of one day ahead keeps nothing else from counting."""
    for _ in range(4):
        house.night()
        house.clock.move(days=1)
    house.clock.move(hours=-11)
    day = house.clock.now().astimezone(ZONE).date() + 5 * ONE_DAY
    person = house.served.tenant.person_ids()[0]
    for _ in range(3):
        house.do(lambda one: sync(one, day, day, [person]))
        assert house.health().ok, lines(house.health())
        house.clock.move(hours=1)


def test_what_is_forgotten_of_the_book_is_asked_for(house: House) -> None:
    """The view says of whom days to come are due: of no person who has left by then."""
    person = house.served.tenant.person_ids()[0]
    house.served.tenant.edit_record("people", person, out_of_service_date=TODAY + 5 * ONE_DAY)
    house.night()
    engine = create_engine(house.url)
    with engine.connect() as connection:
        due = connection.execute(
            sa.text(
                "SELECT person_id, upper(due_ahead) - 1, upper(read_ahead) - 1, upper(due) - 1 FROM protime_etl.book"
                " WHERE tenant = 'simulated' AND collection = 'absences' ORDER BY person_id"
            )
        ).all()
    engine.dispose()
    assert due[0][:2] == (person, TODAY + 5 * ONE_DAY)
    assert {row[1:] for row in due[1:]} == {
        (TODAY + AHEAD * ONE_DAY, TODAY + (AHEAD + BEYOND) * ONE_DAY, TODAY - 2 * ONE_DAY)
    }


def test_a_plan_of_who_left_the_list_goes_when_it_is_taken_back(house: House, clock: MovingClock) -> None:
    """They are in no list any more, and out of service; the table has a plan of theirs."""
    house.night()
    tenant = house.served.tenant
    coming = (TODAY + 20 * ONE_DAY, TODAY + AHEAD * ONE_DAY)
    kept, withdrawn = [one for one in tenant.records("absences") if coming[0] <= one.date <= coming[1]][:2]
    tenant.edit_record("absences", kept.id, person=withdrawn.person)
    tenant.edit_record("people", withdrawn.person.id, out_of_service_date=TODAY)
    tenant.remove_record("people", withdrawn.person.id)
    house.night()
    clock.move(days=14)
    house.night()
    assert {kept.id, withdrawn.id} <= house.rows("absences")
    tenant.remove_record("absences", withdrawn.id)
    clock.move(days=1)
    house.night()
    assert house.rows("absences") & {kept.id, withdrawn.id} == {kept.id}
