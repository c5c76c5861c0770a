"""What a reading proves, what the rolling proof compares next, and that all history is proven again and again."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import URL, Engine

from protime_etl.collections.clockings import CLOCKINGS
from protime_etl.simulator.faults import read_plan
from protime_etl.simulator.options import Options
from protime_etl.simulator.server import SimulatedTenant
from protime_etl.simulator.state import Tenant
from protime_etl.sync.pipeline import Pipeline, open_pipeline
from protime_etl.sync.pull.lists import read_people
from protime_etl.sync.pull.runs import sync
from protime_etl.sync.verify.rolling import budget_of, prove
from protime_etl.sync.verify.verify import verify
from tests.support.databases import database
from tests.support.tenant import TODAY, settings_for
from tests.support.truth import table_rows
from tests.sync.delta.test_poll import assert_equal, live

FIRST = TODAY - dt.timedelta(days=13)
DAYS = 14


def proof(engine: Engine, where: str = "true") -> list[tuple[dt.date, bool, int, int]]:
    """Of each day: whether it is proven, of how many people it is not, and how many differences there were."""
    with engine.connect() as connection:
        rows = connection.execute(
            sa.text(
                "SELECT date, proven_at IS NOT NULL, people_unproven, differences FROM protime.proof"
                f" WHERE 'shadow' NOT IN (tenant, collection) AND {where} ORDER BY date"
            )
        )
        return [tuple(row) for row in rows]


def change(engine: Engine, statement: str, **values: object) -> None:
    with engine.begin() as connection:
        connection.execute(sa.text(statement), values)


def age(engine: Engine, days: int = 1) -> None:
    """Let this number of days pass: the proofs are older then."""
    earlier = ", ".join(f"{one} = {one} - :days * interval '1 day'" for one in ("proven_at", "rest_at", "part_since"))
    change(engine, f"UPDATE protime_etl.proof_days SET {earlier} WHERE 'shadow' NOT IN (tenant, collection)", days=days)


def test_a_reading_that_changed_nothing_is_a_proof(pipeline: Pipeline, engine: Engine) -> None:
    sync(pipeline, FIRST, TODAY)
    assert len(proof(engine)) == DAYS
    assert not any(proven for _, proven, *_ in proof(engine)), "what was written is not proven yet"
    sync(pipeline, FIRST, TODAY)
    assert proof(engine) == [(FIRST + dt.timedelta(n), True, 0, 0) for n in range(DAYS)]


def test_what_a_reading_had_to_write_is_proven_by_the_next_one(
    pipeline: Pipeline, engine: Engine, simulated: SimulatedTenant
) -> None:
    for _ in range(2):
        sync(pipeline, FIRST, TODAY)
    age(engine)
    added = FIRST + dt.timedelta(days=3)
    simulated.tenant.add(100_001, added, 600)
    gone = next(one for one in simulated.tenant.truth() if one.person.id == 100_002)
    simulated.tenant.hard_delete(gone.id)
    moved = next(one for one in simulated.tenant.truth() if one.person.id == 100_003)
    to = moved.date + dt.timedelta(days=1)
    simulated.tenant.edit(moved.id, date=to)
    sync(pipeline, FIRST, TODAY)
    with engine.connect() as connection:
        unequal = connection.execute(
            sa.text(
                "SELECT lower(r) + n, person_id FROM protime_etl.book, unnest(read - proven) AS r,"
                " generate_series(0, upper(r) - lower(r) - 1) AS n WHERE 'shadow' NOT IN (tenant, collection)"
            )
        )
        kept = {tuple(row) for row in unequal}
    assert kept == {(added, 100_001), (gone.date, 100_002), (moved.date, 100_003), (to, 100_003)}
    sync(pipeline, FIRST, TODAY)
    with engine.connect() as connection:
        oldest = connection.scalar(
            sa.text("SELECT now() - min(proven_at) FROM protime.proof WHERE 'shadow' NOT IN (tenant, collection)")
        )
    assert len(proof(engine, "proven_at IS NOT NULL")) == DAYS
    assert oldest < dt.timedelta(hours=1)


def test_a_record_that_cannot_be_understood_proves_nothing(
    pipeline: Pipeline, engine: Engine, simulated: SimulatedTenant
) -> None:
    for _ in range(2):
        sync(pipeline, FIRST, TODAY)
    without_a_day, with_a_day = live(simulated.tenant)[:2]
    simulated.tenant.replace_raw(without_a_day, {"id": without_a_day, "kind": 3})
    simulated.tenant.replace_raw(with_a_day, {"id": with_a_day, "kind": 3, "date": str(TODAY)})
    sync(pipeline, FIRST, TODAY)
    assert not any(proven for _, proven, *_ in proof(engine)), "nor does what was proven stay so"
    verify(pipeline, CLOCKINGS, FIRST, TODAY)
    assert not any(proven for _, proven, *_ in proof(engine))


def test_what_the_table_holds_in_a_version_that_the_tenant_does_not_know_is_not_proven(
    pipeline: Pipeline, engine: Engine, simulated: SimulatedTenant
) -> None:
    """As after a restored backup of the tenant: nothing is written, and the two are not equal all the same."""
    for _ in range(2):
        sync(pipeline, FIRST, TODAY)
    one = simulated.tenant.truth()[0]
    edited = (
        "UPDATE protime.clockings SET change_version = 'zzzz', time_of_day_in_minutes = 1"
        " WHERE tenant <> 'shadow' AND id = :id"
    )
    change(engine, edited, id=one.id)
    age(engine)
    assert proof(engine, "people_unproven > 0") == []
    prove(pipeline)
    assert [(day, proven) for day, proven, *_ in proof(engine, "differences > 0")] == [(one.date, False)]


def test_what_cannot_be_settled_holds_up_nothing_else(
    pipeline: Pipeline, engine: Engine, simulated: SimulatedTenant
) -> None:
    sync(pipeline, FIRST, TODAY)
    one = max(simulated.tenant.truth(), key=lambda one: one.date)
    simulated.tenant.replace_raw(one.id, {"id": one.id, "kind": 3, "date": str(one.date)})
    for _ in range(8):
        prove(pipeline, requests=4)
        age(engine)
    assert {day for day, proven, *_ in proof(engine) if not proven} == {one.date}


def test_who_is_in_no_list_any_more_makes_no_proof_older_and_is_compared_too(
    pipeline: Pipeline, engine: Engine, simulated: SimulatedTenant
) -> None:
    for _ in range(2):
        sync(pipeline, FIRST, TODAY)
    simulated.tenant.remove_record("people", 100_003)
    sync(pipeline, TODAY, TODAY)
    age(engine, 500)
    for _ in range(4):
        prove(pipeline)
    with engine.connect() as connection:
        old = (
            "SELECT count(*) FROM protime.proof WHERE 'shadow' NOT IN (tenant, collection)"
            " AND (proven_at IS NULL OR proven_at < now() - interval '1 day')"
        )
        assert connection.scalar(sa.text(old)) == 0
    lost = next(one for one in simulated.tenant.truth() if one.person.id == 100_003)
    change(engine, "DELETE FROM protime.clockings WHERE tenant <> 'shadow' AND id = :id", id=lost.id)
    age(engine)
    assert sum(prove(pipeline).differences for _ in range(3)) == 1


def test_a_comparison_proves_and_counts(pipeline: Pipeline, engine: Engine, simulated: SimulatedTenant) -> None:
    sync(pipeline, FIRST, TODAY)
    lost = simulated.tenant.truth()[0]
    change(engine, "DELETE FROM protime.clockings WHERE tenant <> 'shadow' AND id = :id", id=lost.id)
    verify(pipeline, CLOCKINGS, FIRST, TODAY)
    assert proof(engine, "(NOT proven_at IS NOT NULL OR differences > 0)") == [(lost.date, False, 1, 1)]
    with engine.connect() as connection:
        (kept,) = connection.execute(
            sa.text(
                "SELECT kind, started_by, missing, equal FROM protime_etl.verifications"
                " WHERE 'shadow' NOT IN (tenant, collection)"
            )
        ).all()
    assert tuple(kept) == ("verify", "cli", 1, len(simulated.tenant.truth()) - 1)


def test_a_new_person_is_not_proven_by_what_was_read_without_them(pipeline: Pipeline, engine: Engine) -> None:
    for _ in range(2):
        sync(pipeline, FIRST, TODAY)
    change(
        engine,
        "INSERT INTO protime.people (tenant, id, change_version, written_at) VALUES ('simulated', 5, 'x', now())",
    )
    assert {(proven, people) for _, proven, people, _ in proof(engine)} == {(False, 1)}
    # A comparison by date alone is about all people, known or not.
    verify(pipeline, CLOCKINGS, FIRST, TODAY)
    assert all(proven for _, proven, *_ in proof(engine))


def test_who_was_never_read_is_not_compared(pipeline: Pipeline, engine: Engine, simulated: SimulatedTenant) -> None:
    """A few people's history was asked for: the proof of it brings no other person's."""
    sync(pipeline, FIRST, TODAY, [100_001, 100_002])
    before = table_rows(engine)
    read_people(pipeline)
    done = prove(pipeline)
    assert {people for *_, people in done.windows} == {2}
    assert done.differences == 0
    assert table_rows(engine) == before
    lost = simulated.tenant.clockings_of(100_001)[0]
    change(engine, "DELETE FROM protime.clockings WHERE tenant <> 'shadow' AND id = :id", id=lost.id)
    assert prove(pipeline).differences == 1
    assert table_rows(engine) == before


def test_what_differs_is_named_though_no_request_is_left_to_look_again(
    pipeline: Pipeline, engine: Engine, simulated: SimulatedTenant
) -> None:
    """And no day is called compared that was not; the next proof repairs it, and does not count it again."""
    sync(pipeline, FIRST, TODAY)
    before = table_rows(engine)
    lost = max(simulated.tenant.truth(), key=lambda one: (one.date, one.id))
    change(engine, "DELETE FROM protime.clockings WHERE tenant <> 'shadow' AND id = :id", id=lost.id)
    done = prove(pipeline, requests=1)
    assert (done.requests, done.differences, done.windows, done.is_spent) == (1, 1, [], True)
    done = prove(pipeline)
    assert (done.differences, done.repaired.inserted) == (0, 1)
    assert table_rows(engine) == before
    assert proof(engine, "differences > 0") == [(lost.date, True, 0, 1)]


@pytest.mark.tenant(people=2, first_day=FIRST, page_size=100)
@pytest.mark.parametrize("is_newer", [False, True], ids=["overlooked", "newer than the last reading"])
def test_only_days_that_differ_are_wrong_where_a_repair_has_no_requests(
    pipeline: Pipeline, engine: Engine, simulated: SimulatedTenant, is_newer: bool
) -> None:
    """What lies between them is as the tenant has it, though a unit of the repair reads it, too."""
    tenant, person = simulated.tenant, 100_001
    sync(pipeline, FIRST, TODAY)
    days = sorted({one.date for one in tenant.clockings_of(person)})
    differing = {days[0], days[2]}

    def lose() -> None:
        """Delete some there, which a repair asks for by id; or edit them."""
        own = [tenant.add(person, day, 700).id for day in sorted(differing) for _ in range(2)]
        sync(pipeline, FIRST, TODAY)
        for one in own:
            if is_newer:
                tenant.edit(one, time_of_day_in_minutes=600)
            else:
                tenant.hard_delete(one)

    def wrong() -> set[dt.date]:
        query = (
            "SELECT lower(one), upper(one) FROM protime_etl.wrong_days, unnest(dates) AS one"
            " WHERE 'shadow' NOT IN (tenant, collection)"
        )
        with engine.connect() as connection:
            spans = connection.execute(sa.text(query)).all()
        return {first + dt.timedelta(days=n) for first, end in spans for n in range((end - first).days)}

    found = set[dt.date]()
    for requests in range(1, 12):
        lose()
        age(engine)
        prove(pipeline, requests=requests)
        found |= wrong()
        prove(pipeline, requests=100)
        assert wrong() == set()
        assert_equal(engine, simulated.tenant)
    assert found == differing


def test_a_request_proves_all_that_comes_with_it(
    pipeline: Pipeline, engine: Engine, simulated: SimulatedTenant
) -> None:
    """What differed here and there, on days of their own, is not asked for one by one: a page is one request."""
    sync(pipeline, FIRST, TODAY)
    for one in simulated.tenant.truth()[::7]:
        simulated.tenant.edit(one.id, time_of_day_in_minutes=600)
    sync(pipeline, FIRST, TODAY)
    pages = -(-len(simulated.tenant.truth()) // 100)
    done = prove(pipeline)
    assert all(proven for _, proven, *_ in proof(engine))
    assert done.requests <= 2 * pages


def test_what_was_proven_longest_ago_is_compared_next_and_repaired(
    pipeline: Pipeline, engine: Engine, simulated: SimulatedTenant
) -> None:
    sync(pipeline, FIRST, TODAY)
    done = prove(pipeline, requests=1)
    assert (done.requests, done.differences) == (1, 0)
    ((_, _, last, _),) = done.windows
    assert last == TODAY, "what was never proven comes first, the latest days of it"
    lost = min(simulated.tenant.truth(), key=lambda one: (one.date, one.id))
    change(engine, "DELETE FROM protime.clockings WHERE tenant <> 'shadow' AND id = :id", id=lost.id)
    done = prove(pipeline)
    assert (done.differences, done.repaired.inserted) == (1, 1)
    assert_equal(engine, simulated.tenant)
    # That place comes again when it is the one that was looked at longest ago.
    assert proof(engine, "differences > 0") == [(lost.date, False, 1, 1)]
    age(engine)
    prove(pipeline)
    assert all(proven for _, proven, *_ in proof(engine))


def test_a_day_that_takes_more_requests_than_there_are_is_proven_by_some_of_its_people(engine: Engine) -> None:
    tenant = Tenant(seed=1, people=40, first_day=TODAY, last_day=TODAY)
    with (
        SimulatedTenant(tenant, Options(page_size=10)) as served,
        open_pipeline(settings_for(served), engine.url) as pipeline,
    ):
        sync(pipeline, TODAY, TODAY)
        nights = 0
        while not all(proven for _, proven, *_ in proof(engine)):
            done = prove(pipeline, requests=4)
            assert done.requests <= 5
            nights += 1
            assert nights < 20
    assert nights > 2


def test_days_before_the_window_only(pipeline: Pipeline) -> None:
    sync(pipeline, FIRST, TODAY)
    done = prove(pipeline, before=FIRST + dt.timedelta(days=2))
    assert {(first, last) for _, first, last, _ in done.windows} == {(FIRST, FIRST + dt.timedelta(days=1))}
    assert not prove(pipeline, before=FIRST).windows


def test_a_collection_that_is_refused_stops_no_other(simulated: SimulatedTenant, engine: Engine) -> None:
    settings = settings_for(simulated, collections="clockings people absences")
    with open_pipeline(settings, engine.url) as pipeline:
        sync(pipeline, FIRST, TODAY)
        simulated.served.misbehaviour.follow(
            read_plan('[[fault]]\nkind = "status"\nstatus = 403\non = ["absences"]\nrate = 1.0')
        )
        done = prove(pipeline, requests=100)
    assert {path for path, *_ in done.windows} == {"clockings"}
    assert list(pipeline.failed) == ["absences"]


def test_the_budget_is_a_tenth_of_the_last_night(pipeline: Pipeline, engine: Engine) -> None:
    sync(pipeline, FIRST, TODAY)
    assert budget_of(pipeline) == 20
    last = (
        "SELECT max(unit_id) FROM protime_etl.units"
        " WHERE error IS DISTINCT FROM 'shadow' AND error IS DISTINCT FROM 'shadow'"
    )
    change(
        engine,
        f"UPDATE protime_etl.units SET requests = 3000"
        f" WHERE error IS DISTINCT FROM 'shadow' AND error IS DISTINCT FROM 'shadow' AND unit_id IN ({last})",
    )
    assert 300 <= budget_of(pipeline) <= 310
    assert budget_of(pipeline, 7) == 7


def test_a_backfill_is_no_measure_of_a_night(pipeline: Pipeline, engine: Engine) -> None:
    sync(pipeline, FIRST - dt.timedelta(days=60), TODAY)
    change(
        engine,
        "UPDATE protime_etl.units SET requests = 3000"
        " WHERE error IS DISTINCT FROM 'shadow' AND error IS DISTINCT FROM 'shadow'",
    )
    assert budget_of(pipeline) == 20


@pytest.mark.timeout(1200)
def test_nights_prove_all_of_history_again_and_again(
    servers: Callable[[str], URL], amount: Callable[[int, int], int]
) -> None:
    """With the least budget; in its long form a hundred nights and two years of 400 people."""
    days, people, nights = amount(60, 730), amount(20, 400), amount(20, 100)
    first = TODAY - dt.timedelta(days=days - 1)
    tenant = Tenant(seed=3, people=people, first_day=first, last_day=TODAY)
    with (
        SimulatedTenant(tenant, Options(page_size=amount(20, 1000))) as served,
        database(servers("embedded"), "nights", "template") as url,
        open_pipeline(settings_for(served), url) as pipeline,
    ):
        read_people(pipeline)
        sync(pipeline, first, TODAY)
        lost = [one for one in tenant.truth() if one.date < TODAY - dt.timedelta(days=10)][:: amount(50, 5000)]
        change(
            pipeline.engine,
            "DELETE FROM protime.clockings WHERE tenant <> 'shadow' AND id = ANY(:ids)",
            ids=[one.id for one in lost],
        )
        spent = differences = 0
        for _ in range(nights):
            done = prove(pipeline, before=TODAY - dt.timedelta(days=7))
            spent += done.requests
            differences += done.differences
            age(pipeline.engine)
        unproven = [day for day, proven, *_ in proof(pipeline.engine) if not proven and day < TODAY - dt.timedelta(7)]
        assert unproven == []
        assert differences == len(lost)
        assert_equal(pipeline.engine, tenant)
        assert spent <= nights * 20 * 1.5, "what differs takes requests of its own"
