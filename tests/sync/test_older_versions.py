"""A tenant that was restored from a backup, or moved: its versions are older than those that were read."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import URL, Engine

from protime_etl.collections.clockings import CLOCKINGS, Clocking
from protime_etl.collections.record import Reference
from protime_etl.errors import OlderVersionsError
from protime_etl.postgres.health.verdict import read_health
from protime_etl.simulator.mutations import Changes
from protime_etl.simulator.options import Options
from protime_etl.simulator.server import SimulatedTenant
from protime_etl.simulator.state import Backup, Tenant
from protime_etl.sync.delta.poll import poll
from protime_etl.sync.pipeline import Pipeline, open_pipeline
from protime_etl.sync.pull.runs import sync
from protime_etl.sync.pull.worker_pool import Observer
from protime_etl.sync.verify.rolling import prove
from protime_etl.sync.verify.verify import repair, verify, verify_all
from protime_etl.work import Unit
from tests.support.long_form import in_long_form
from tests.support.tenant import TODAY, settings_for
from tests.support.truth import table_rows, tenant_rows
from tests.sync.delta.test_poll import live

FIRST = TODAY - dt.timedelta(days=13)
MOVED = 1_000_000
PERSON = 100_001


def changed(tenant: Tenant, number: int = 12) -> Backup:
    """Change the tenant; returns the backup that was made before."""
    backup = tenant.backup()
    Changes(tenant, seed=4).make(number)
    return backup


def problems(pipeline: Pipeline) -> list[str]:
    with pipeline.reading() as connection:
        health = read_health(connection, pipeline.tenant, pipeline.settings.collections)
    return [one.kind for one in health.problems]


def ask(engine: Engine, query: str, **values: object) -> list[tuple[Any, ...]]:
    with engine.begin() as connection:
        return [tuple(row) for row in connection.execute(sa.text(query), values)]


def assert_equal(engine: Engine, tenant: Tenant, path: str = "clockings") -> None:
    """What is live, and in which version."""
    table = {key: row for key, row in table_rows(engine, path).items() if not row["is_deleted"]}
    assert table == {key: row for key, row in tenant_rows(tenant, path).items() if not row["is_deleted"]}


def read(pipeline: Pipeline) -> list[str]:
    """Read all; of which collections versions were older."""
    pipeline.to_look_at.clear()
    sync(pipeline, FIRST, TODAY)
    return older(pipeline)


def older(pipeline: Pipeline) -> list[str]:
    assert all(isinstance(one, OlderVersionsError) for one in pipeline.to_look_at)
    return [re.findall(r" records? of (\S+)", one.message)[0] for one in pipeline.to_look_at]


@pytest.fixture
def pipeline(pipeline: Pipeline) -> Pipeline:
    pipeline.accept_deletions()
    return pipeline


@pytest.mark.parametrize("lower", [0, MOVED])
def test_a_restored_tenant_is_red_until_its_versions_are_accepted(
    pipeline: Pipeline, engine: Engine, simulated: SimulatedTenant, lower: int
) -> None:
    backup = changed(simulated.tenant)
    assert read(pipeline) == []
    before = table_rows(engine)
    simulated.tenant.restore(backup, lower)

    whose = ["people", "clockings"] if lower else ["clockings"]
    for _ in range(2):
        assert read(pipeline) == whose
        assert [kind for kind in problems(pipeline) if kind == "older"] == ["older"] * len(whose)
        after = table_rows(engine)
        assert [key for key, row in after.items() if row != before[key] and not row["is_deleted"]] == []

    pipeline.accepts_older = True
    assert read(pipeline) == []
    assert "older" not in problems(pipeline)
    for path in ("people", "clockings"):
        assert_equal(engine, simulated.tenant, path)

    # What was replaced is kept, with the time in which it was valid.
    kept = ask(
        engine,
        "SELECT v.id FROM protime.clocking_versions AS v JOIN protime.clockings AS t USING (tenant, id)"
        " WHERE v.tenant <> 'shadow' AND v.change_version > t.change_version AND v.valid_to = t.written_at",
    )
    assert {key for (key,) in kept} == {
        key for key, row in table_rows(engine).items() if row["change_version"] < before[key]["change_version"]
    }
    # From now on the tenant's versions count again, without a command.
    pipeline.accepts_older = False
    for one in live(simulated.tenant)[5:10]:
        simulated.tenant.edit(one, time_of_day_in_minutes=617)
    assert read(pipeline) == []
    assert_equal(engine, simulated.tenant)


def test_what_changed_after_the_restore_is_noticed_too(
    pipeline: Pipeline, engine: Engine, simulated: SimulatedTenant
) -> None:
    one = live(simulated.tenant)[0]
    backup = simulated.tenant.backup()
    for minute in (601, 602, 603):
        simulated.tenant.edit(one, time_of_day_in_minutes=minute)
    assert read(pipeline) == []
    simulated.tenant.restore(backup)
    simulated.tenant.edit(one, time_of_day_in_minutes=700)
    assert read(pipeline) == ["clockings"]
    pipeline.accepts_older = True
    assert read(pipeline) == []
    assert_equal(engine, simulated.tenant)


@pytest.mark.parametrize("delta", [False, True], ids=["vanished", "reported by a delta"])
@pytest.mark.parametrize("known", [True, *in_long_form([False])], ids=["a row", "a tombstone"])
def test_a_deleted_record_that_is_back_is_revived(
    pipeline: Pipeline, engine: Engine, simulated: SimulatedTenant, delta: bool, known: bool
) -> None:
    if not (known or delta):
        pytest.skip("only a delta leaves a tombstone")
    one = simulated.tenant.add(PERSON, FIRST, 600).id
    backup = simulated.tenant.backup()
    if delta:
        poll(pipeline, CLOCKINGS)
    if not known:
        ask(engine, "DELETE FROM protime.clockings WHERE tenant <> 'shadow' AND id = :id RETURNING id", id=one)
    else:
        read(pipeline)
        simulated.tenant.edit(one, time_of_day_in_minutes=601)
        read(pipeline)
    simulated.tenant.hard_delete(one)
    if delta:
        poll(pipeline, CLOCKINGS)
        buried = "SELECT count(*) FROM protime_etl.tombstones WHERE 'shadow' NOT IN (tenant, collection)"
        assert ask(engine, buried) == [(0 if known else 1,)]
    assert read(pipeline) == []
    assert one not in table_rows(engine) or table_rows(engine)[one]["is_deleted"]

    simulated.tenant.restore(backup)
    assert read(pipeline) == ["clockings"]
    assert "older" in problems(pipeline)
    found = verify(pipeline, CLOCKINGS, FIRST, TODAY)
    assert [(each.id, each.kind, each.is_older) for each in found.differences] == [(one, "missing", True)]
    pipeline.accepts_older = True
    assert read(pipeline) == []
    assert_equal(engine, simulated.tenant)
    assert ask(engine, "SELECT id FROM protime_etl.tombstones WHERE 'shadow' NOT IN (tenant, collection)") == []


def test_a_late_list_is_not_taken_for_a_restore(
    pipeline: Pipeline, engine: Engine, simulated: SimulatedTenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The list is older than what is stored, and the single record is not."""
    backup = changed(simulated.tenant)
    assert read(pipeline) == []
    rows = table_rows(engine)
    newest = {one.id: one for one in simulated.tenant.truth()}
    simulated.tenant.restore(backup)
    monkeypatch.setattr(simulated.tenant, "record", lambda _, key: newest.get(key))
    for accepts in (False, True):
        pipeline.accepts_older = accepts
        assert read(pipeline) == []
        assert "older" not in problems(pipeline)
        assert not verify(pipeline, CLOCKINGS, FIRST, TODAY).older
    after = table_rows(engine)
    assert {key: after[key]["change_version"] for key in newest} == {key: rows[key]["change_version"] for key in newest}


def test_many_in_a_late_list_are_not_taken_for_a_restore(
    pipeline: Pipeline, simulated: SimulatedTenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Enough for a comparison to believe the list of what it does not know otherwise."""
    backup = simulated.tenant.backup()
    for one in live(simulated.tenant)[:40]:
        simulated.tenant.edit(one, time_of_day_in_minutes=601)
    assert read(pipeline) == []
    newest = {one.id: one for one in simulated.tenant.truth()}
    simulated.tenant.restore(backup)
    monkeypatch.setattr(simulated.tenant, "record", lambda _, key: newest.get(key))
    found = verify(pipeline, CLOCKINGS, FIRST, TODAY)
    assert (len(found.differences), found.older) == (40, [])
    assert read(pipeline) == []
    assert "older" not in problems(pipeline)


def test_a_record_that_moved_by_the_restore_is_found_where_it_was(
    pipeline: Pipeline, engine: Engine, simulated: SimulatedTenant
) -> None:
    """Its list lacks it, and the single record is older: of a unit that reads nothing of where it is now."""
    one = live(simulated.tenant)[0]
    backup = simulated.tenant.backup()
    other = next(
        key for key in simulated.tenant.person_ids() if key != simulated.tenant.records("clockings")[0].person.id
    )
    simulated.tenant.edit(one, person=Reference(id=other))
    assert read(pipeline) == []
    simulated.tenant.restore(backup)
    pipeline.to_look_at.clear()
    sync(pipeline, FIRST, TODAY, [other])
    assert older(pipeline) == ["clockings"]
    pipeline.accepts_older = True
    pipeline.to_look_at.clear()
    sync(pipeline, FIRST, TODAY, [other])
    assert older(pipeline) == []
    assert_equal(engine, simulated.tenant)


class Meanwhile(Observer):
    """Does something once, when the first page was read and nothing is merged yet."""

    def __init__(self, *work: Callable[[], object]) -> None:
        self._left = list(work)

    def page(self, unit: Unit, records: int) -> None:
        del unit, records
        while self._left:
            self._left.pop(0)()


def test_an_answer_from_before_the_restore_is_noticed_when_it_is_stored_too_late(
    pipeline: Pipeline, engine: Engine, simulated: SimulatedTenant, warehouse: URL
) -> None:
    one = live(simulated.tenant)[0]
    backup = simulated.tenant.backup()
    simulated.tenant.edit(one, time_of_day_in_minutes=601)
    assert read(pipeline) == []
    with open_pipeline(settings_for(simulated), warehouse) as beside:
        beside.accepts_older = True
        restored = Meanwhile(lambda: simulated.tenant.restore(backup), lambda: sync(beside, FIRST, TODAY))
        pipeline.to_look_at.clear()
        sync(pipeline, FIRST, TODAY, observer=restored)
    assert older(pipeline) == []
    assert table_rows(engine)[one]["time_of_day_in_minutes"] == 601, "a newer version counts, also a late one"
    assert read(pipeline) == ["clockings"]
    assert "older" in problems(pipeline)
    pipeline.accepts_older = True
    assert read(pipeline) == []
    assert_equal(engine, simulated.tenant)


def test_a_poll_of_the_delta_that_is_under_way_keeps_what_it_read(
    pipeline: Pipeline, engine: Engine, simulated: SimulatedTenant, warehouse: URL
) -> None:
    """A reading that accepts older versions, and began before: what another process stored meanwhile stays."""
    one = live(simulated.tenant)[0]
    poll(pipeline, CLOCKINGS)
    backup = simulated.tenant.backup()
    for minute in (601, 602):
        simulated.tenant.edit(one, time_of_day_in_minutes=minute)
    assert read(pipeline) == []
    simulated.tenant.restore(backup)
    with open_pipeline(settings_for(simulated), warehouse) as beside:
        newer = [partial(simulated.tenant.edit, one, time_of_day_in_minutes=minute) for minute in (700, 701, 702)]
        pipeline.accepts_older = True
        pipeline.to_look_at.clear()
        sync(pipeline, FIRST, TODAY, observer=Meanwhile(*newer, lambda: poll(beside, CLOCKINGS)))
    assert older(pipeline) == []
    assert_equal(engine, simulated.tenant)
    assert read(pipeline) == []
    assert "older" not in problems(pipeline)


def test_a_comparison_notices_it_and_repairs_on_request(
    pipeline: Pipeline, engine: Engine, simulated: SimulatedTenant
) -> None:
    backup = simulated.tenant.backup()
    few = live(simulated.tenant)[:3]
    for one in few:
        simulated.tenant.edit(one, time_of_day_in_minutes=615)
    read(pipeline)
    simulated.tenant.restore(backup)
    (found, _) = verify_all(pipeline, FIRST, TODAY)
    assert [(one.id, one.is_older) for one in found.differences] == [(one, True) for one in few]
    assert found.totals()["older"] == 3
    assert older(pipeline) == ["clockings"]
    assert problems(pipeline) == ["older"]

    before = simulated.served.requests["clockings"]
    repair(pipeline, found)
    assert simulated.served.requests["clockings"] == before, "it would be in vain"
    pipeline.accepts_older = True
    pipeline.to_look_at.clear()
    repair(pipeline, found)
    assert pipeline.to_look_at == []
    assert_equal(engine, simulated.tenant)
    assert verify(pipeline, CLOCKINGS, FIRST, TODAY).agrees
    assert problems(pipeline) == []


@pytest.fixture
def large(warehouse: URL) -> Iterator[tuple[Pipeline, SimulatedTenant]]:
    tenant = Tenant(seed=1, people=60, first_day=FIRST, last_day=TODAY)
    with (
        SimulatedTenant(tenant, Options(page_size=1000, empty_page_every=0)) as simulated,
        open_pipeline(settings_for(simulated), warehouse) as pipeline,
    ):
        yield pipeline, simulated


def test_of_a_tenant_that_moved_a_sample_is_asked_for(large: tuple[Pipeline, SimulatedTenant], engine: Engine) -> None:
    pipeline, simulated = large
    read(pipeline)
    asked = simulated.served.requests
    before = asked["clockings"]
    assert read(pipeline) == []
    ordinary = asked["clockings"] - before
    assert ordinary <= 5, "nothing went back: no record is asked for by its id"

    simulated.tenant.restore(simulated.tenant.backup(), MOVED)
    before = asked["clockings"]
    assert read(pipeline) == ["people", "clockings"]
    assert asked["clockings"] - before <= ordinary + 2 * 5
    before = asked["clockings"]
    assert len(verify(pipeline, CLOCKINGS, FIRST, TODAY).older) == len(simulated.tenant.truth())
    assert asked["clockings"] - before <= ordinary + 2 * 5

    pipeline.accepts_older = True
    assert read(pipeline) == []
    assert_equal(engine, simulated.tenant)
    assert "older" not in problems(pipeline)


@pytest.mark.long
def test_a_proof_notices_it_within_its_requests(large: tuple[Pipeline, SimulatedTenant], engine: Engine) -> None:
    pipeline, simulated = large
    read(pipeline)
    simulated.tenant.restore(simulated.tenant.backup(), MOVED)
    asked = simulated.served.requests
    before = asked["clockings"]
    done = prove(pipeline, requests=40)
    assert asked["clockings"] - before == done.requests <= 40
    assert "clockings" in older(pipeline)
    assert problems(pipeline) == ["older"]
    assert done.repaired.written == 0

    pipeline.to_look_at.clear()
    again = prove(pipeline, requests=40)
    assert [len(one.differences) for one in again.found if one.differences] == [], "what waits is not compared again"
    assert problems(pipeline) == ["older"]

    pipeline.accepts_older = True
    for _ in range(20):  # each night as much as its requests allow
        assert prove(pipeline, requests=40).requests <= 40
        if problems(pipeline) == []:
            break
    assert (pipeline.to_look_at, problems(pipeline)) == ([], [])
    assert_equal(engine, simulated.tenant)


def test_a_delta_notices_it(pipeline: Pipeline, engine: Engine, simulated: SimulatedTenant) -> None:
    one = live(simulated.tenant)[0]
    backup = simulated.tenant.backup()
    poll(pipeline, CLOCKINGS)
    read(pipeline)
    for minute in (601, 602, 603):
        simulated.tenant.edit(one, time_of_day_in_minutes=minute)
    poll(pipeline, CLOCKINGS)
    simulated.tenant.restore(backup)
    assert poll(pipeline, CLOCKINGS).older is None, "it does not report the restore"
    simulated.tenant.edit(one, time_of_day_in_minutes=700)
    result = poll(pipeline, CLOCKINGS)
    assert result.older is not None
    assert "1 record of clockings" in result.older.message
    assert problems(pipeline) == ["older"]
    assert ask(engine, "SELECT * FROM protime_etl.delta_unconfirmed WHERE 'shadow' NOT IN (tenant, collection)") == []
    pipeline.accepts_older = True
    assert read(pipeline) == []
    assert_equal(engine, simulated.tenant)
    assert poll(pipeline, CLOCKINGS).older is None
    assert problems(pipeline) == []


def test_an_initial_load_after_the_restore_notices_it(
    pipeline: Pipeline, engine: Engine, simulated: SimulatedTenant
) -> None:
    poll(pipeline, CLOCKINGS)
    read(pipeline)
    simulated.tenant.restore(simulated.tenant.backup(), MOVED)
    pages = -(-len(simulated.tenant.truth()) // 100) + 10
    before = simulated.served.requests["clockings"]
    result = poll(pipeline, CLOCKINGS, restart=True)
    assert result.older is not None
    assert f"{len(simulated.tenant.truth())} records" in result.older.message
    assert simulated.served.requests["clockings"] - before <= pages + 20, "a sample is asked for"
    assert "older" in problems(pipeline)
    pipeline.accepts_older = True
    assert read(pipeline) == []
    assert_equal(engine, simulated.tenant)
    assert poll(pipeline, CLOCKINGS).older is None
    assert problems(pipeline) == []


def test_a_late_answer_of_a_delta_is_not_taken_for_a_restore(
    pipeline: Pipeline, engine: Engine, simulated: SimulatedTenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    poll(pipeline, CLOCKINGS)
    one = live(simulated.tenant)[0]
    simulated.tenant.edit(one, time_of_day_in_minutes=601)
    newest: Clocking = simulated.tenant.edit(one, time_of_day_in_minutes=602)
    history = simulated.tenant.history["clockings"]
    original = history.since

    def since(cursor: int) -> Any:
        changes, after = original(cursor)
        return [each for each in changes if each.version < newest.change_version], after

    monkeypatch.setattr(history, "since", since)
    read(pipeline)
    result = poll(pipeline, CLOCKINGS)
    assert result.older is None
    assert problems(pipeline) == []
    assert table_rows(engine)[one]["time_of_day_in_minutes"] == 602
