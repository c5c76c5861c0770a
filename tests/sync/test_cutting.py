"""Units that cannot be read whole: what can be is read, what cannot is named, and every wait makes progress."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import URL, Engine
from tenacity import wait_none

from protime_etl.errors import RateLimited, ServerError, UnreadableError, UntrustedLinkError
from protime_etl.protime import retrying
from protime_etl.simulator.server import SimulatedTenant
from protime_etl.sync.pipeline import Pipeline, open_pipeline
from protime_etl.sync.plan.request import select
from protime_etl.sync.pull.backfill import backfill
from protime_etl.sync.pull.lists import read_people
from protime_etl.sync.pull.runs import finish, is_done, plan, sync, unfinished_parts
from protime_etl.sync.pull.worker_pool import pull
from protime_etl.sync.read.cutting import parts_of
from protime_etl.work import Request, RunKind, Unit
from tests.support.difficult import Quota, answer_again, refuse_lists
from tests.support.long_form import in_long_form
from tests.support.scripted_server import Answer, ScriptedServer
from tests.support.tenant import TODAY, serve, settings_for
from tests.support.truth import table_rows, tenant_rows

FIRST = TODAY - dt.timedelta(days=13)


@pytest.fixture(autouse=True)
def no_waits_between_tries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retrying, "_jitter", wait_none())


def rows_of(engine: Engine, query: str, **values: object) -> list[tuple[Any, ...]]:
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(sa.text(query), values)]


@pytest.mark.parametrize(
    ("people", "days", "parts", "expected"),
    [
        (20, 8, 2, [(10, 8)] * 2),
        (3, 8, 2, [(1, 8), (2, 8)]),
        (1, 8, 2, [(1, 4)] * 2),
        (1, 1, 2, []),
        (0, 3, 2, [(0, 2), (0, 1)]),
        (2, 10, 10, [(1, 2)] * 10),
        (2, 2, 64, [(1, 1)] * 4),
    ],
)
def test_a_unit_is_cut_into_parts_of_the_same_size(
    people: int, days: int, parts: int, expected: list[tuple[int, int]]
) -> None:
    ids = tuple(range(1, people + 1))
    unit = Unit(
        1, 1, "acme", "clockings", ids, TODAY - dt.timedelta(days=days - 1), TODAY, circles=() if people else (2,)
    )
    found = parts_of(unit.slice, parts)
    assert [(len(one.person_ids), (one.last - one.first).days + 1) for one in found] == expected
    cells = [
        (person, one.first + dt.timedelta(days=n))
        for one in found
        for person in one.person_ids or [0]
        for n in range((one.last - one.first).days + 1)
    ]
    assert len(cells) == len(set(cells)) == (max(1, people) * days if expected else 0)


@pytest.mark.parametrize("status", [500, *in_long_form([502, 504])])
def test_nineteen_people_arrive_and_the_twentieth_is_named(
    pipeline: Pipeline, engine: Engine, simulated: SimulatedTenant, status: int
) -> None:
    victim = next(one for one in simulated.tenant.truth() if one.person.id == 100_007 and one.date < TODAY)
    truth = tenant_rows(simulated.tenant)
    refuse_lists(simulated.tenant, lambda _, found: any(one.id == victim.id for one in found), status)

    counts, _ = sync(pipeline, FIRST, TODAY)

    assert simulated.served.requests["clockings"] < 70, "a part is not tried as often as what nothing was tried of yet"
    place = (victim.person.id, str(victim.date))
    assert table_rows(engine) == {key: row for key, row in truth.items() if (row["person_id"], row["date"]) != place}
    (problem,) = pipeline.to_look_at
    assert isinstance(problem, UnreadableError)
    assert f"person 100007 on {victim.date} cannot be read" in str(problem)
    parts = len(
        rows_of(
            engine,
            "SELECT FROM protime_etl.units"
            " WHERE error IS DISTINCT FROM 'shadow' AND error IS DISTINCT FROM 'shadow' AND status <> 'cut'",
        )
    )
    assert rows_of(engine, "SELECT status, error FROM protime_etl.runs WHERE tenant <> 'shadow'") == [
        ("failed", f"1 of {parts} units are not done")
    ]
    failed = (
        "SELECT person_ids, date_from, date_to FROM protime_etl.units"
        " WHERE error IS DISTINCT FROM 'shadow' AND status = 'failed' AND error <> 'shadow'"
    )
    assert rows_of(engine, failed) == [([100_007], victim.date, victim.date)]
    assert counts.rows_read == len(table_rows(engine)) + 20

    answer_again(simulated.tenant)
    before = simulated.served.requests["clockings"]
    (run_id,) = rows_of(engine, "SELECT max(run_id) FROM protime_etl.runs WHERE tenant <> 'shadow'")[0]
    (unit_id,) = rows_of(
        engine,
        "SELECT unit_id FROM protime_etl.units"
        " WHERE error IS DISTINCT FROM 'shadow' AND error IS DISTINCT FROM 'shadow' AND part_of IS NULL",
    )[0]
    pull(pipeline, *unfinished_parts(pipeline, unit_id))
    assert simulated.served.requests["clockings"] == before + 1, "only what is left is asked for"
    assert table_rows(engine) == truth
    assert finish(pipeline, run_id)[1] == {"done": parts}
    assert is_done(pipeline, unit_id)


def test_a_person_who_cannot_be_read_at_all_is_named_without_asking_for_each_day(
    pipeline: Pipeline, engine: Engine, simulated: SimulatedTenant
) -> None:
    truth = tenant_rows(simulated.tenant)
    refuse_lists(simulated.tenant, lambda _, found: any(one.person.id == 100_003 for one in found))

    sync(pipeline, FIRST, TODAY)

    assert table_rows(engine) == {key: row for key, row in truth.items() if row["person_id"] != 100_003}
    assert all("person 100003" in str(one) for one in pipeline.to_look_at)
    assert simulated.served.requests["clockings"] < 80


def test_a_window_that_is_too_wide_is_halved(pipeline: Pipeline, engine: Engine, simulated: SimulatedTenant) -> None:
    refuse_lists(simulated.tenant, lambda _, found: len({one.date for one in found}) > 4, 504)
    sync(pipeline, FIRST, TODAY)
    assert pipeline.to_look_at == []
    assert table_rows(engine) == tenant_rows(simulated.tenant)


def test_circles_are_cut_by_days(pipeline: Pipeline, engine: Engine, simulated: SimulatedTenant) -> None:
    refuse_lists(simulated.tenant, lambda _, found: len({one.date for one in found}) > 4, 504)
    sync(pipeline, FIRST, TODAY, circles=[2, 3])
    assert pipeline.to_look_at == []
    assert {row["person_id"] % 10 + 1 for row in table_rows(engine).values()} == {2, 3}


def test_when_nothing_can_be_read_it_ends_soon(pipeline: Pipeline, engine: Engine, simulated: SimulatedTenant) -> None:
    read_people(pipeline)
    refuse_lists(simulated.tenant, lambda _, found: bool(found))
    with pytest.raises(ServerError):
        sync(pipeline, FIRST, TODAY)
    assert simulated.served.requests["clockings"] < 200
    assert table_rows(engine) == {}


def test_when_no_list_is_answered_no_unit_is_cut(
    pipeline: Pipeline, engine: Engine, simulated: SimulatedTenant
) -> None:
    read_people(pipeline)
    refuse_lists(simulated.tenant, lambda *_: True)
    with pytest.raises(ServerError):
        sync(pipeline, FIRST, TODAY)
    assert rows_of(
        engine,
        "SELECT status FROM protime_etl.units"
        " WHERE error IS DISTINCT FROM 'shadow' AND error IS DISTINCT FROM 'shadow'",
    ) == [("failed",)]


def test_a_unit_whose_next_page_is_said_to_be_elsewhere_is_not_cut(warehouse: URL, engine: Engine) -> None:
    people = Answer(200, {"value": [{"id": 1, "lastName": "One"}, {"id": 2, "lastName": "Two"}]})
    elsewhere = Answer(200, {"value": [], "nextLink": "https://evil.example/connector/protimeapi/api/v1/clockings"})
    answers_all_else = Answer(200, {"value": []})
    with (
        ScriptedServer([people, elsewhere, answers_all_else]) as server,
        open_pipeline(server.settings(), warehouse) as pipeline,
        pytest.raises(UntrustedLinkError),
    ):
        sync(pipeline, FIRST, TODAY)
    assert len(server.api_requests) == 2, "nothing else is asked of who leads away"
    assert table_rows(engine) == {}


def test_pages_without_end_are_bounded_and_the_person_is_named(
    pipeline: Pipeline, engine: Engine, simulated: SimulatedTenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("protime_etl.sync.read.bounds.LEAST_CLOCKINGS", 300)
    monkeypatch.setattr("protime_etl.sync.read.bounds.CLOCKINGS_A_DAY", 5)
    usual = simulated.tenant.page
    truth = tenant_rows(simulated.tenant)

    def page(collection: str, selection: Any, after: int, limit: int) -> tuple[list[object], int | None]:
        everything: list[Any] = usual(collection, selection, 0, 10**9)[0]
        if collection == "clockings" and any(one.person.id == 100_005 and one.date == TODAY for one in everything):
            return everything[:limit], after + 1
        return usual(collection, selection, after, limit)

    simulated.tenant.page = page  # type: ignore[method-assign]
    sync(pipeline, FIRST, TODAY)
    assert [f"person 100005 on {TODAY}" in str(one) for one in pipeline.to_look_at] == [True]
    assert "have no end" in str(pipeline.to_look_at[0])
    there = (100_005, str(TODAY))
    assert table_rows(engine) == {k: v for k, v in truth.items() if (v["person_id"], v["date"]) != there}


@pytest.fixture
def half_a_year() -> Iterator[SimulatedTenant]:
    with serve(people=30, first_day=TODAY - dt.timedelta(days=182), page_size=50, empty_page_every=0) as served:
        yield served


def test_a_quota_smaller_than_a_unit_is_enough_for_a_long_range(
    half_a_year: SimulatedTenant, warehouse: URL, engine: Engine
) -> None:
    """As Airflow does it: a try ends with each pause, and the next one asks for what is left."""
    pages = -(-len(half_a_year.tenant.truth()) // 50)
    assert pages > 150
    with open_pipeline(settings_for(half_a_year, max_wait_in_task=0), warehouse) as pipeline:
        read_people(pipeline)
        _, units = plan(pipeline, RunKind.SYNC, select(pipeline, half_a_year.tenant.first_day, TODAY))
        quota = Quota(half_a_year, 50)
        for unit in units:
            while not is_done(pipeline, unit.unit_id):
                try:
                    pull(pipeline, *unfinished_parts(pipeline, unit.unit_id))
                except RateLimited:
                    with engine.begin() as connection:
                        connection.execute(sa.text("DELETE FROM protime_etl.pauses WHERE tenant <> 'shadow'"))
                    quota.renew()
                    assert quota.windows < 40
    assert table_rows(engine) == tenant_rows(half_a_year.tenant)
    assert quota.windows <= 2 * (pages / 50) + len(units)


def test_a_unit_that_a_quota_cuts_short_is_cut_into_parts_that_fit_it(
    half_a_year: SimulatedTenant, warehouse: URL
) -> None:
    clockings = half_a_year.tenant.truth()

    def pages(one: Unit) -> int:
        return -(
            -sum(one.first <= each.date <= one.last and each.person.id in one.person_ids for each in clockings) // 50
        )

    with open_pipeline(settings_for(half_a_year, max_wait_in_task=0), warehouse) as pipeline:
        read_people(pipeline)
        _, units = plan(pipeline, RunKind.SYNC, select(pipeline, half_a_year.tenant.first_day, TODAY))
        largest = max(units, key=pages)
        Quota(half_a_year, 10)
        with pytest.raises(RateLimited):
            pull(pipeline, largest)
        parts = unfinished_parts(pipeline, largest.unit_id)
    assert pages(largest) > 300
    assert all(pages(one) <= 10 for one in parts)


def test_a_backfill_that_waits_holds_nothing_meanwhile(
    half_a_year: SimulatedTenant, warehouse: URL, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("protime_etl.sync.pipeline.LONGEST_WAIT_INSIDE", 0.0)
    first = TODAY - dt.timedelta(days=45)
    held: list[tuple[Any, ...]] = []
    quota = Quota(half_a_year, 40, retry_after=2)

    def look(stop: threading.Event) -> None:
        seen = set()
        while not stop.wait(0.02):
            paused = rows_of(
                engine,
                "SELECT until FROM protime_etl.pauses"
                " WHERE tenant <> 'shadow' AND until - clock_timestamp() BETWEEN '0.1 s' AND '0.6 s'",
            )
            if not paused or paused[0] in seen:
                continue
            held.extend(
                rows_of(
                    engine,
                    "SELECT DISTINCT relation::regclass::text, mode FROM pg_locks"
                    " WHERE relation::regclass::text ~ '^protime(_etl)?[.](clockings|coverage|units)$'"
                    " AND pid IN (SELECT pid FROM pg_stat_activity WHERE state = 'idle in transaction'"
                    " AND state_change < clock_timestamp() - interval '1 s')",
                )
            )
            seen.add(paused[0])
            quota.renew()

    stop = threading.Event()
    thread = threading.Thread(target=look, args=(stop,))
    thread.start()
    try:
        with open_pipeline(settings_for(half_a_year, max_wait_in_task=3600), warehouse) as pipeline:
            backfill(pipeline, Request(first, TODAY, ("clockings",)), workers=2)
    finally:
        stop.set()
        thread.join()
    assert quota.windows > 2
    assert held == []
    wanted = {key: row for key, row in tenant_rows(half_a_year.tenant).items() if row["date"] >= str(first)}
    assert table_rows(engine) == wanted
