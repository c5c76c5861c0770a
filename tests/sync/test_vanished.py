"""Records that a reading lacks: at what cost they are judged, and how many may be missing at once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import URL, Engine

from protime_etl.collections.record import OptionalReference
from protime_etl.collections.registry import COLLECTIONS
from protime_etl.errors import DeletionsWithheldError
from protime_etl.postgres.ledger import runs as ledger
from protime_etl.postgres.ledger.people import known_people
from protime_etl.simulator.options import Options
from protime_etl.simulator.selection import Selection
from protime_etl.simulator.server import SimulatedTenant
from protime_etl.simulator.state import Tenant
from protime_etl.sync.delta.poll import poll
from protime_etl.sync.pipeline import Pipeline, open_pipeline
from protime_etl.sync.plan.request import select
from protime_etl.sync.pull.lists import read_list, read_people
from protime_etl.sync.pull.runs import sync
from protime_etl.sync.pull.worker_pool import pull
from protime_etl.work import RunKind, Slice, Unit
from tests.support.long_form import in_long_form
from tests.support.tenant import TODAY, serve, settings_for
from tests.support.truth import table_rows, tenant_rows

FIRST = TODAY - dt.timedelta(days=49)
FAR = TODAY - dt.timedelta(days=300)


@pytest.fixture
def large() -> Iterator[SimulatedTenant]:
    with serve(people=20, first_day=FIRST, empty_page_every=0) as served:
        yield served


@pytest.fixture
def read(large: SimulatedTenant, warehouse: URL) -> Iterator[Pipeline]:
    with open_pipeline(settings_for(large), warehouse) as pipeline:
        sync(pipeline, FIRST, TODAY)
        yield pipeline


def live(simulated: SimulatedTenant) -> list[int]:
    return [one.id for one in simulated.tenant.truth() if one.status != "Deleted"]


def assert_equal(engine: Engine, simulated: SimulatedTenant) -> None:
    truth = tenant_rows(simulated.tenant)
    rows = table_rows(engine)
    assert {key: row for key, row in rows.items() if key in truth} == truth
    assert all(rows[key]["is_deleted"] for key in rows.keys() - truth.keys())


def states(engine: Engine) -> list[tuple[str, str]]:
    with engine.connect() as connection:
        query = (
            "SELECT status, coalesce(error, '') FROM protime_etl.units"
            " WHERE error IS DISTINCT FROM 'shadow' AND error IS DISTINCT FROM 'shadow' ORDER BY unit_id DESC LIMIT 1"
        )
        return [tuple(row) for row in connection.execute(sa.text(query))]


def covered(engine: Engine) -> int:
    with engine.connect() as connection:
        whose = "'shadow' NOT IN (tenant, collection)"
        query = f"SELECT count(*) FROM protime_etl.coverage WHERE {whose} AND dates @> CAST(:day AS date)"
        return int(connection.scalar(sa.text(query), {"day": FIRST}) or 0)


def test_a_thousand_removed_clockings_cost_one_more_reading(
    read: Pipeline, engine: Engine, large: SimulatedTenant
) -> None:
    for one in live(large)[:1000]:
        large.tenant.hard_delete(one)
    pages = -(-len(large.tenant.truth()) // 100)
    before = large.served.requests["clockings"]
    read.accept_deletions()

    counts, _ = sync(read, FIRST, TODAY)

    assert counts.deleted == 1000
    assert large.served.requests["clockings"] - before <= pages + 100
    assert_equal(engine, large)


def test_many_that_moved_elsewhere_are_updated_in_portions_that_stay(
    read: Pipeline, engine: Engine, large: SimulatedTenant
) -> None:
    ids = live(large)
    for one in ids[:300]:
        large.tenant.edit(one, date=FAR)
    for one in ids[300:320]:
        large.tenant.hard_delete(one)

    counts, _ = sync(read, FIRST, TODAY)

    assert (counts.updated, counts.deleted) == (300, 20)
    assert_equal(engine, large)


def test_what_moved_stays_stored_when_a_later_portion_fails(
    read: Pipeline, engine: Engine, large: SimulatedTenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    for one in live(large)[:300]:
        large.tenant.edit(one, date=FAR)
    asked = 0
    usual = read.client.record

    def record(collection: object, record_id: int) -> object:
        nonlocal asked
        asked += 1
        if asked > 250:
            raise RuntimeError
        return usual(collection, record_id)  # type: ignore[arg-type]

    monkeypatch.setattr(read.client, "record", record)
    with pytest.raises(RuntimeError):
        pull(read, one_unit(read))
    with engine.connect() as connection:
        moved = connection.scalar(
            sa.text("SELECT count(*) FROM protime.clockings WHERE tenant <> 'shadow' AND date = :day"), {"day": FAR}
        )
    assert moved == 220, "the sample, and two portions of a hundred"


def one_unit(pipeline: Pipeline) -> Unit:
    """All people and days in one unit, entered as the plan of some run would."""
    with pipeline.engine.begin() as connection:
        tenant = pipeline.settings.tenant
        everything = [Slice(known_people(connection, tenant), FIRST, TODAY, "clockings")]
        return ledger.open_run(connection, tenant, RunKind.SYNC, select(pipeline, FIRST, TODAY), everything)[1][0]


def test_a_shrunken_list_deletes_nothing_until_it_is_accepted(
    read: Pipeline, engine: Engine, large: SimulatedTenant
) -> None:
    ids = live(large)
    before = table_rows(engine)
    number = len(ids) // 2
    for one in ids[:number]:
        large.tenant.hard_delete(one)
    added = large.tenant.add(100_001, TODAY, 600)

    with pytest.raises(DeletionsWithheldError) as caught:
        pull(read, one_unit(read))

    assert f"{number} of {len(before) + 1} clockings" in str(caught.value)
    assert "--accept-deletions" in str(caught.value)
    assert (caught.value.done["inserted"], caught.value.done["deleted"]) == (1, 0)
    assert table_rows(engine) == before | {added.id: tenant_rows(large.tenant)[added.id]}
    assert states(engine) == [("failed", str(caught.value))]
    held_back = {row["person_id"] for key, row in before.items() if key in ids[:number] and row["date"] == str(FIRST)}
    assert covered(engine) == 20 - len(held_back), "their days are wrong, and no others"

    read.accept_deletions()
    assert pull(read, one_unit(read)).deleted == number
    assert_equal(engine, large)
    assert states(engine) == [("done", "")]
    assert covered(engine) == 20


@pytest.mark.parametrize(
    ("most", "gone", "withheld"), [(11, 12, 1), (12, 12, 0), *in_long_form([(None, 60, 0), (0, 12, 1)])]
)
def test_the_setting_says_how_many_may_vanish(
    large: SimulatedTenant, warehouse: URL, most: int | None, gone: int, withheld: int
) -> None:
    with open_pipeline(settings_for(large, max_vanished=most), warehouse) as pipeline:
        sync(pipeline, FIRST, TODAY)
        for one in live(large)[:gone]:
            large.tenant.hard_delete(one)
        counts, _ = sync(pipeline, FIRST, TODAY)
        assert counts.deleted == (0 if withheld else gone)
        assert len(pipeline.to_look_at) == withheld


def test_what_vanished_among_many_that_moved_is_held_back_too(
    large: SimulatedTenant, warehouse: URL, engine: Engine
) -> None:
    with open_pipeline(settings_for(large, max_vanished=30), warehouse) as pipeline:
        sync(pipeline, FIRST, TODAY)
        *ids, unreadable = live(large)[:81]
        for gone in ids[::2]:
            large.tenant.hard_delete(gone)
        for moved in [*ids[1::2], unreadable]:
            large.tenant.edit(moved, date=FAR)
        large.tenant.replace_raw(unreadable, {"id": unreadable, "kind": 3})

        with pytest.raises(DeletionsWithheldError, match="40 of") as caught:
            pull(pipeline, one_unit(pipeline))

    done = caught.value.done
    assert (done["updated"], done["deleted"], done["rejected"]) == (40, 0, 1)
    rows = table_rows(engine)
    assert not any(rows[one]["is_deleted"] for one in ids)


def test_what_is_held_back_while_a_delta_is_active_is_finished_too(large: SimulatedTenant, warehouse: URL) -> None:
    """The last transaction of the unit then neither stores nor marks anything."""
    with open_pipeline(settings_for(large, max_vanished=30), warehouse) as pipeline:
        sync(pipeline, FIRST, TODAY)
        poll(pipeline, COLLECTIONS["clockings"])
        ids = live(large)[:80]
        for gone in ids[::2]:
            large.tenant.hard_delete(gone)
        for moved in ids[1::2]:
            large.tenant.edit(moved, date=FAR)

        with pytest.raises(DeletionsWithheldError, match="40 of") as caught:
            pull(pipeline, one_unit(pipeline))

    assert (caught.value.done["updated"], caught.value.done["deleted"]) == (40, 0)


def test_few_that_vanished_among_many_that_moved_are_marked(
    large: SimulatedTenant, warehouse: URL, engine: Engine
) -> None:
    """As long as it is not known of many where they are, they may be too many; then it is known."""
    with open_pipeline(settings_for(large, max_vanished=30), warehouse) as pipeline:
        sync(pipeline, FIRST, TODAY)
        ids = live(large)
        for gone in ids[:10]:
            large.tenant.hard_delete(gone)
        for moved in ids[10:90]:
            large.tenant.edit(moved, date=FAR)
        counts = pull(pipeline, one_unit(pipeline))
    assert (counts.updated, counts.deleted) == (80, 10)
    assert_equal(engine, large)


def test_an_empty_list_of_people_deletes_no_person_and_the_clockings_are_read(warehouse: URL, engine: Engine) -> None:
    tenant = Tenant(seed=1, people=60, first_day=TODAY, last_day=TODAY)
    with (
        SimulatedTenant(tenant, Options(page_size=100)) as served,
        open_pipeline(settings_for(served), warehouse) as one,
    ):
        sync(one, TODAY, TODAY)
        for person in tenant.person_ids():
            tenant.remove_record("people", person)
        before = served.served.requests["people"]
        counts, units = sync(one, TODAY, TODAY)

        assert "60 of 60 people vanished at once" in str(one.to_look_at[0])
        assert served.served.requests["people"] - before <= 22, "the list twice, and a sample"
        assert units > 0
        assert counts.deleted == 0
        assert not any(row["is_deleted"] for row in table_rows(engine, "people").values())
        one.accept_deletions()
        assert read_people(one).deleted == 60
        assert all(row["is_deleted"] for row in table_rows(engine, "people").values())


@pytest.mark.parametrize(
    ("people", "gone", "held_back"),
    [(12, 12, True), (49, 49, True), (1, 1, True), (12, 7, True), (12, 6, False), (4, 3, True), (3, 2, False)],
)
def test_a_short_list_of_people_is_held_back_whatever_its_size(
    warehouse: URL, engine: Engine, people: int, gone: int, held_back: bool
) -> None:
    tenant = Tenant(seed=1, people=people, first_day=TODAY, last_day=TODAY)
    with (
        SimulatedTenant(tenant, Options(page_size=100, empty_page_every=0)) as served,
        open_pipeline(settings_for(served), warehouse) as pipeline,
    ):
        read_people(pipeline)
        vanished = sorted(tenant_rows(tenant, "people"))[:gone]
        for person in vanished:
            tenant.remove_record("people", person)

        counts = read_people(pipeline)

        assert counts.deleted == (0 if held_back else gone)
        assert [type(one) for one in pipeline.to_look_at] == [DeletionsWithheldError] * held_back
        pipeline.accept_deletions()
        read_people(pipeline)
        assert {one for one, row in table_rows(engine, "people").items() if row["is_deleted"]} == {*vanished}


def leave_out(tenant: Tenant, path: str, record_id: int, then: Callable[[], None] = lambda: None) -> None:
    """Leave a record out of the next list of its collection, which fits one page; what happens after that, too."""
    usual = tenant.page

    def page(collection: str, selection: Selection, after: int, limit: int) -> tuple[list[object], int | None]:
        records, following = usual(collection, selection, after, limit)
        if collection == path:
            del tenant.page
            records.remove(tenant.record(path, record_id))
            then()
        return records, following

    tenant.page = page  # type: ignore[method-assign]


@pytest.mark.parametrize(
    ("path", "changes"), [("people", {"last_name": "Renamed"}), ("job-histories", {"job": OptionalReference(id=77)})]
)
def test_what_a_list_lacks_and_the_tenant_has_is_stored_as_it_is_now(
    large: SimulatedTenant, warehouse: URL, engine: Engine, path: str, changes: dict[str, object]
) -> None:
    with open_pipeline(settings_for(large, collections="people job-histories"), warehouse) as pipeline:
        read_people(pipeline)
        read_list(pipeline, COLLECTIONS[path])
        one = large.tenant.records(path)[0]
        large.tenant.edit_record(path, one.id, **changes)
        leave_out(large.tenant, path, one.id)

        counts = read_list(pipeline, COLLECTIONS[path])

    assert (counts.updated, counts.deleted) == (1, 0)
    assert table_rows(engine, path) == tenant_rows(large.tenant, path)


def test_nothing_is_gone_while_a_second_reading_has_a_record_without_an_id(
    large: SimulatedTenant, warehouse: URL, engine: Engine
) -> None:
    path = "job-histories"
    with open_pipeline(settings_for(large, collections=f"people {path}"), warehouse) as pipeline:
        read_people(pipeline)
        read_list(pipeline, COLLECTIONS[path])
        one = large.tenant.records(path)[0]
        leave_out(large.tenant, path, one.id, lambda: large.tenant.replace_raw(one.id, {"id": "lost"}, path))

        counts = read_list(pipeline, COLLECTIONS[path])

    assert (counts.rejected, counts.deleted) == (1, 0)
    assert not table_rows(engine, path)[one.id]["is_deleted"]


def test_a_history_that_two_readings_lack_is_gone_without_being_asked_for_by_its_id(
    large: SimulatedTenant, warehouse: URL
) -> None:
    path = "job-histories"
    with open_pipeline(settings_for(large, collections=f"people {path}"), warehouse) as pipeline:
        read_people(pipeline)
        read_list(pipeline, COLLECTIONS[path])
        large.tenant.remove_record(path, large.tenant.records(path)[0].id)

        counts = read_list(pipeline, COLLECTIONS[path])

    assert (counts.deleted, counts.requests) == (1, 2)
