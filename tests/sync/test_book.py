"""What the warehouse knows of itself follows from the state of its days, whatever changes them and in which order."""

from __future__ import annotations

import datetime as dt
from collections import Counter

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import URL, Engine

from protime_etl.collections.clockings import CLOCKINGS, Clocking
from protime_etl.errors import DeletionsWithheldError
from protime_etl.postgres.book.wrong import Wrong, enter_wrong
from protime_etl.postgres.health.verdict import Health, read_health
from protime_etl.simulator.options import Options
from protime_etl.simulator.server import SimulatedTenant
from protime_etl.simulator.state import Tenant
from protime_etl.sync.delta.poll import poll
from protime_etl.sync.pipeline import Pipeline, open_pipeline
from protime_etl.sync.plan.request import select
from protime_etl.sync.pull.backfill import backfill
from protime_etl.sync.pull.runs import plan, sync
from protime_etl.sync.pull.unit import pull_unit
from protime_etl.sync.verify.rolling import prove
from protime_etl.sync.verify.verify import verify
from protime_etl.work import DagRun, Request, RunKind, Slice
from tests.support.long_form import in_long_form
from tests.support.tenant import TODAY, settings_for
from tests.support.truth import table_rows
from tests.sync.delta.test_poll import assert_equal
from tests.sync.test_proving import FIRST, age, change, proof

MINE = "tenant = 'simulated'"
NIGHT = DagRun("protime_clockings_nightly", "scheduled__1")
MINE_READ = f"{MINE} AND collection <> 'shadow'"


def health(pipeline: Pipeline) -> Health:
    with pipeline.reading() as connection:
        return read_health(connection, pipeline.tenant, pipeline.settings.collections)


def rejected(engine: Engine) -> int:
    with engine.connect() as connection:
        return int(
            connection.scalar(sa.text(f"SELECT count(*) FROM protime_etl.rejected_record WHERE {MINE_READ}")) or 0
        )


def test_a_hire_takes_no_proof_away_and_is_missing_on_no_day_before(pipeline: Pipeline, engine: Engine) -> None:
    for _ in range(2):
        sync(pipeline, FIRST, TODAY)
    change(
        engine,
        "INSERT INTO protime.people (tenant, id, change_version, written_at, in_service_date)"
        " VALUES ('simulated', 5, 'x', now(), :day)",
        day=TODAY,
    )
    unproven = {day: people for day, proven, people, _ in proof(engine) if not proven}
    assert unproven == {TODAY: 1}
    (problem,) = health(pipeline).problems
    assert (problem.kind, problem.what) == ("unread", f"clockings not read: 1 person, {TODAY}")


def test_who_came_back_is_due_in_each_spell_of_service(pipeline: Pipeline, engine: Engine) -> None:
    sync(pipeline, FIRST, TODAY)
    first, last, again = (FIRST + dt.timedelta(days=n) for n in (1, 3, 10))
    change(
        engine,
        "INSERT INTO protime.people (tenant, id, change_version, in_service_date) VALUES ('simulated', 5, 'x', :again)",
        again=again,
    )
    change(
        engine,
        "INSERT INTO protime.people_versions (tenant, id, change_version, in_service_date, out_of_service_date,"
        " valid_from, valid_to) VALUES ('simulated', 5, 'w', :first, :last, now() - interval '1 day', now())",
        first=first,
        last=last,
    )
    with engine.connect() as connection:
        due = connection.scalar(sa.text(f"SELECT due FROM protime_etl.book WHERE {MINE_READ} AND person_id = 5"))
    day = dt.timedelta(days=1)
    assert [(one.lower, one.upper) for one in due] == [(first, last + day), (again, TODAY + day)]


def test_a_clocking_out_of_service_makes_its_day_due(
    pipeline: Pipeline, engine: Engine, simulated: SimulatedTenant
) -> None:
    sync(pipeline, FIRST, TODAY)
    one = max(simulated.tenant.truth(), key=lambda one: (one.date, one.id))
    leave = "UPDATE protime.people SET out_of_service_date = :day WHERE tenant = 'simulated' AND id = :id"
    change(engine, leave, day=one.date - dt.timedelta(days=3), id=one.person.id)
    with engine.connect() as connection:
        statement = f"SELECT due @> CAST(:day AS date) FROM protime_etl.book WHERE {MINE_READ} AND person_id = :id"
        assert connection.scalar(sa.text(statement), {"day": one.date, "id": one.person.id})


def test_who_was_out_of_service_and_has_no_clocking_has_nothing_to_prove(
    pipeline: Pipeline, engine: Engine, simulated: SimulatedTenant
) -> None:
    of_person: dict[int, list[Clocking]] = {}
    for one in simulated.tenant.truth():
        of_person.setdefault(one.person.id, []).append(one)
    nowhere, somewhere = sorted(of_person)[:2]
    left = FIRST + dt.timedelta(days=4)
    for one in of_person[nowhere]:
        if one.date > left:
            simulated.tenant.hard_delete(one.id)
    sync(pipeline, FIRST, TODAY)
    people = proof(engine, f"date = '{TODAY}'")[0][2]
    for person in (nowhere, somewhere):
        leave = "UPDATE protime.people SET out_of_service_date = :day WHERE tenant = 'simulated' AND id = :id"
        change(engine, leave, day=left, id=person)
    with_clocking = {one.date for one in of_person[somewhere] if one.status != "Deleted"}
    for day, _, unproven, _ in proof(engine):
        gone = day > left
        assert unproven == people - gone - (gone and day not in with_clocking), day


def test_a_merge_ends_the_proof_of_what_it_writes(
    pipeline: Pipeline, engine: Engine, simulated: SimulatedTenant
) -> None:
    """A unit has staged a record that is gone when a comparison proves its day; then the unit stores it."""
    for _ in range(2):
        sync(pipeline, FIRST, TODAY)
    assert all(proven for _, proven, *_ in proof(engine))
    added = simulated.tenant.add(100_001, FIRST, 601)
    _, units = plan(pipeline, RunKind.SYNC, select(pipeline, FIRST, FIRST))

    def between(stage: str) -> None:
        if stage == "comparing":
            simulated.tenant.hard_delete(added.id)
            with open_pipeline(pipeline.settings, engine.url) as other:
                verify(other, CLOCKINGS, FIRST, FIRST)
            assert proof(engine, f"date = '{FIRST}'") == [(FIRST, True, 0, 0)]

    for unit in units:
        pull_unit(pipeline, unit, on_stage=between)
    live = not table_rows(engine)[added.id]["is_deleted"]
    assert [proven for _, proven, *_ in proof(engine, f"date = '{FIRST}'")] == [not live]
    prove(pipeline)
    assert table_rows(engine).get(added.id, {"is_deleted": True})["is_deleted"]


def test_what_a_delta_writes_is_not_proven_any_more(
    pipeline: Pipeline, engine: Engine, simulated: SimulatedTenant
) -> None:
    poll(pipeline, CLOCKINGS, FIRST)
    assert health(pipeline).ok, "a delta keeps its collection fresh, whether a run was for all people or not"
    for _ in range(2):
        sync(pipeline, FIRST, TODAY)
    edited, gone = [one for one in simulated.tenant.truth() if one.status != "Deleted"][:60:30]
    simulated.tenant.edit(edited.id, time_of_day_in_minutes=3)
    simulated.tenant.hard_delete(gone.id)
    poll(pipeline, CLOCKINGS)
    written = Counter([edited.date, gone.date])
    assert {day: people for day, proven, people, _ in proof(engine) if not proven} == written


@pytest.fixture
def many(engine: Engine) -> Tenant:
    del engine
    return Tenant(seed=2, people=30, first_day=TODAY - dt.timedelta(days=40), last_day=TODAY)


def test_an_erased_person_stays_held_back_in_whatever_pieces_it_is_met_again(
    many: Tenant, warehouse: URL, engine: Engine
) -> None:
    first = TODAY - dt.timedelta(days=40)
    person = many.person_ids()[3]
    with (
        SimulatedTenant(many, Options(page_size=100)) as served,
        open_pipeline(settings_for(served, max_vanished=50), warehouse) as one,
    ):
        sync(one, first, TODAY)
        erased = [clocking.id for clocking in many.clockings_of(person) if clocking.status != "Deleted"]
        assert len(erased) > 100
        for record in erased:
            many.hard_delete(record)
        rows = table_rows(engine)
        live = [record for record in erased if not rows[record]["is_deleted"]]
        sync(one, first, TODAY)
        assert any(isinstance(error, DeletionsWithheldError) for error in one.to_look_at)
        rows = table_rows(engine)
        held_back = [record for record in live if not rows[record]["is_deleted"]]
        assert len(held_back) >= len(live) - 50, "no run marks more than its limit unasked"
        for day in range(0, 41, 5):  # a piece at a time, each far below the limit
            sync(one, first + dt.timedelta(days=day), first + dt.timedelta(days=day + 4))
        rows = table_rows(engine)
        assert not any(rows[record]["is_deleted"] for record in held_back)
        assert [problem.kind for problem in health(one).problems] == ["withheld"]

        one.accept_deletions()
        sync(one, first, TODAY)
        rows = table_rows(engine)
        assert all(rows[record]["is_deleted"] for record in erased)
        assert health(one).ok


@pytest.mark.parametrize("becomes", ["right", "gone"])
def test_a_rejected_record_leaves_when_it_comes_right_or_goes(
    pipeline: Pipeline, engine: Engine, simulated: SimulatedTenant, becomes: str
) -> None:
    sync(pipeline, FIRST, TODAY)
    one = next(one for one in simulated.tenant.truth() if one.status != "Deleted")
    raw = {"id": one.id, "person": {"id": one.person.id}, "date": str(one.date), "kind": 3}
    simulated.tenant.replace_raw(one.id, raw)
    sync(pipeline, FIRST, TODAY)
    sync(pipeline, FIRST, TODAY)
    assert rejected(engine) == 1
    if becomes == "right":
        simulated.tenant.edit(one.id, time_of_day_in_minutes=3)
    else:
        simulated.tenant.hard_delete(one.id)
    sync(pipeline, FIRST, TODAY)
    assert rejected(engine) == 0


@pytest.mark.parametrize("requests", [1, 7, *in_long_form([3, 20])])
def test_a_proof_never_sends_more_requests_than_it_may(
    pipeline: Pipeline, engine: Engine, simulated: SimulatedTenant, requests: int
) -> None:
    sync(pipeline, FIRST, TODAY)
    for number, one in enumerate(simulated.tenant.truth()[::5]):
        if number % 2:
            simulated.tenant.edit(one.id, time_of_day_in_minutes=3)
        else:
            simulated.tenant.hard_delete(one.id)
    change(engine, f"DELETE FROM protime.clockings WHERE {MINE} AND id % 7 = 0")
    for _ in range(3):
        before = asked(simulated)
        done = prove(pipeline, requests=requests)
        assert asked(simulated) - before == done.requests <= requests


def test_the_tries_of_one_proof_share_its_budget(
    pipeline: Pipeline, engine: Engine, simulated: SimulatedTenant
) -> None:
    sync(pipeline, FIRST, TODAY)
    change(engine, f"DELETE FROM protime.clockings WHERE {MINE} AND id % 7 = 0")
    before = asked(simulated)
    pipeline.dag_run = NIGHT
    for _ in range(3):
        prove(pipeline, requests=3)
    assert 0 < asked(simulated) - before <= 3


def test_what_stays_wrong_keeps_no_proof_from_comparing(
    pipeline: Pipeline, engine: Engine, simulated: SimulatedTenant
) -> None:
    sync(pipeline, FIRST, TODAY)
    change(
        engine,
        "INSERT INTO protime_etl.wrong (tenant, collection, people, dates, since, kind, why)"
        " SELECT 'simulated', 'clockings', '{[100001,100003)}', datemultirange(daterange(:first + n, :first + n + 1)),"
        " now(), 'failed', 'status 500' FROM generate_series(0, 13, 2) AS n",
        first=FIRST,
    )
    before = asked(simulated)
    done = prove(pipeline, requests=6)
    assert asked(simulated) - before <= 6
    assert done.found, "half of the requests are for what is not known to be wrong"


@pytest.mark.parametrize("confirmed", [False, True], ids=["as the list alone has it", "as it waits to be accepted"])
def test_what_stays_unequal_is_compared_once_a_night_and_then_the_others(
    engine: Engine, confirmed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = TODAY - dt.timedelta(days=1)
    tenant = Tenant(seed=1, people=40, first_day=before, last_day=TODAY)
    with (
        SimulatedTenant(tenant, Options(page_size=10)) as served,
        open_pipeline(settings_for(served), engine.url) as pipeline,
    ):
        sync(pipeline, before, TODAY)
        one = next(one for one in tenant.truth() if one.date == TODAY)
        change(engine, f"UPDATE protime.clockings SET change_version = 'zzzz' WHERE {MINE} AND id = :id", id=one.id)
        if not confirmed:
            monkeypatch.setattr(tenant, "record", lambda *_: None)
        sync(pipeline, before, TODAY)
        age(engine)
        done = prove(pipeline, requests=200)
    others = [("clockings", TODAY, TODAY, 39), ("clockings", before, before, None)]
    assert done.windows == (
        others if confirmed else [("clockings", TODAY, TODAY, 1), ("clockings", before, TODAY, None)]
    )


def test_the_last_complete_day_is_that_of_the_collection_that_lags(engine: Engine, simulated: SimulatedTenant) -> None:
    behind, again = (TODAY - dt.timedelta(days=n) for n in (3, 1))
    with open_pipeline(settings_for(simulated, collections="clockings people absences"), engine.url) as pipeline:
        sync(pipeline, FIRST, behind)
    with open_pipeline(settings_for(simulated), engine.url) as pipeline:
        sync(pipeline, again, TODAY)
        with pipeline.reading() as connection:
            found = read_health(connection, pipeline.tenant, ["clockings", "absences"])
    assert found.last_complete == str(behind)
    ranges = f"{FIRST}..{behind}, {again}..{TODAY}"
    assert found.complete == f"clockings complete {ranges}; absences complete {FIRST}..{behind}"


def test_a_proof_that_is_older_than_a_year_is_reported(pipeline: Pipeline, engine: Engine) -> None:
    for _ in range(2):
        sync(pipeline, FIRST, TODAY)
    assert "proof" not in {one.kind for one in health(pipeline).found}
    age(engine, 500)
    (note,) = (one for one in health(pipeline).found if one.kind == "proof")
    assert (note.level, note.what) == ("note", "the oldest proof of clockings is 500 days old")


def test_proofs_repair_all_in_the_end_however_few_requests_each_has(
    pipeline: Pipeline, engine: Engine, simulated: SimulatedTenant
) -> None:
    sync(pipeline, FIRST, TODAY)
    for number, one in enumerate(simulated.tenant.truth()[::5]):
        if number % 3:
            simulated.tenant.edit(one.id, time_of_day_in_minutes=3)
        else:
            simulated.tenant.hard_delete(one.id)
    for _ in range(12):
        prove(pipeline, requests=60)
        age(engine)
    assert_equal(engine, simulated.tenant)
    assert health(pipeline).ok


def asked(simulated: SimulatedTenant) -> int:
    """Requests that the tenant has had, but for a token."""
    return sum(number for name, number in simulated.served.requests.items() if name not in ("token", "refused"))


def test_what_differs_of_who_has_left_is_read_again_by_the_command_that_is_named(
    pipeline: Pipeline, engine: Engine, simulated: SimulatedTenant
) -> None:
    """No list names the person any more, who left long before: a run of what is missing did not ask for them."""
    sync(pipeline, FIRST, TODAY)
    number, row = min(table_rows(engine).items())
    person, day = row["person_id"], dt.date.fromisoformat(row["date"])
    simulated.tenant.remove_record("people", person)
    change(
        engine,
        f"UPDATE protime.people SET deleted_at = now(), out_of_service_date = '2001-01-02' WHERE {MINE} AND id = :id",
        id=person,
    )
    change(engine, f"DELETE FROM protime.clockings WHERE {MINE} AND person_id = :id", id=person)
    with pipeline.transaction() as connection:
        reason = Wrong("differs", "1 record differed when it was compared")
        enter_wrong(connection, pipeline.tenant, reason, [Slice([person], day, day, "clockings")])
    (problem,) = health(pipeline).problems
    assert f"--from {day} --to {day} --only-missing" in problem.do
    backfill(pipeline, Request(day, day, ("clockings",), only_missing=True))
    assert not health(pipeline).problems
    assert number in table_rows(engine)
