from __future__ import annotations

import datetime as dt
import json
import time
import traceback
from dataclasses import replace

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import URL, Engine

from protime_etl.collections.clockings import CLOCKINGS
from protime_etl.collections.collection import API_PATH
from protime_etl.errors import BusyError, DatabaseError, ForbiddenError, InvalidRequestError, SettingsError
from protime_etl.simulator.options import CLOCKINGS_SCOPE, Options
from protime_etl.simulator.server import SimulatedTenant
from protime_etl.simulator.state import Tenant
from protime_etl.sync.pipeline import Pipeline, open_pipeline
from protime_etl.sync.plan.request import select
from protime_etl.sync.pull.lists import read_people
from protime_etl.sync.pull.runs import finish, plan, sync
from protime_etl.sync.pull.worker_pool import pull
from protime_etl.sync.verify.rolling import prove
from protime_etl.sync.verify.verify import verify
from protime_etl.work import Counts, DagRun, RunKind
from tests.support.databases import both_servers
from tests.support.scripted_server import Answer, ScriptedServer
from tests.support.tenant import TODAY, settings_for
from tests.support.truth import table_rows, tenant_rows

FIRST = TODAY - dt.timedelta(days=13)


def tuple_activity(engine: Engine) -> tuple[int, ...]:
    """Tuples inserted, updated, deleted and dead in protime.clockings, by PostgreSQL's own statistics."""
    with engine.connect() as connection:
        # A session reports its statistics at the latest when it ends.
        others = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        while connection.scalar(sa.text(others)):
            connection.rollback()
            time.sleep(0.02)
        connection.rollback()
        row = connection.execute(
            sa.text(
                "SELECT n_tup_ins, n_tup_upd, n_tup_del, n_dead_tup FROM pg_stat_user_tables"
                " WHERE schemaname = 'protime' AND relname = 'clockings'"
            )
        ).one()
        return tuple(row)


def catalogue_entries(engine: Engine) -> int:
    """How many tables, indices and the like were ever made in this database, by PostgreSQL's own statistics."""
    query = "SELECT n_tup_ins FROM pg_stat_sys_tables WHERE relname = 'pg_class'"
    with engine.connect() as connection:
        return int(connection.execute(sa.text(query)).scalar_one())


@both_servers
def test_a_sync_makes_the_tables_equal_to_the_tenant(
    pipeline: Pipeline, engine: Engine, simulated: SimulatedTenant
) -> None:
    counts, units = sync(pipeline, FIRST, TODAY)

    assert table_rows(engine) == tenant_rows(simulated.tenant)
    assert table_rows(engine, "people") == tenant_rows(simulated.tenant, "people")
    assert counts.inserted == len(simulated.tenant.truth()) + 20
    assert units == 1
    assert simulated.served.requests["token"] == 1
    assert simulated.served.requests["refused"] == 0


def test_a_second_sync_changes_no_row(pipeline: Pipeline, engine: Engine, simulated: SimulatedTenant) -> None:
    sync(pipeline, FIRST, TODAY)
    pipeline.engine.dispose()  # a session reports its statistics at the latest when it ends
    before = tuple_activity(engine)

    counts, _ = sync(pipeline, FIRST, TODAY)
    pipeline.engine.dispose()

    assert before[0] == len(simulated.tenant.truth())
    assert tuple_activity(engine) == before
    assert counts.inserted == counts.updated == counts.deleted == 0
    assert counts.unchanged == before[0] + 20


def test_the_pause_is_asked_for_once_a_page_also_under_locks(pipeline: Pipeline, simulated: SimulatedTenant) -> None:
    """A first load holds the coverage of its people."""
    asked = 0

    def count(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        nonlocal asked
        asked += "protime_etl.pauses" in statement

    sa.event.listen(pipeline.engine, "before_cursor_execute", count)
    sync(pipeline, FIRST, TODAY)
    requests = simulated.served.requests["clockings"]
    assert requests > 5
    assert asked <= requests + 5


@both_servers
def test_what_is_unchanged_needs_no_temporary_table_and_writes_nothing_but_what_the_engine_knows(
    pipeline: Pipeline, engine: Engine, simulated: SimulatedTenant
) -> None:
    """A night, a proof and a verification alike; one record that is new makes a temporary table."""

    def again() -> tuple[tuple[int, ...], int]:
        sync(pipeline, FIRST, TODAY)
        assert verify(pipeline, CLOCKINGS, FIRST, TODAY).agrees
        prove(pipeline, requests=20)
        pipeline.engine.dispose()
        return tuple_activity(engine), catalogue_entries(engine)

    sync(pipeline, FIRST, TODAY)
    before = again()
    assert again() == before
    simulated.tenant.add(simulated.tenant.person_ids()[0], TODAY, 700)
    (inserted, *_), entries = again()
    assert (inserted, entries > before[1]) == (before[0][0] + 1, True)


def test_edits_moves_and_deletions_arrive(pipeline: Pipeline, engine: Engine, simulated: SimulatedTenant) -> None:
    sync(pipeline, FIRST, TODAY)
    tenant = simulated.tenant
    live = [one for one in tenant.truth() if one.status != "Deleted"]
    tenant.edit(live[0].id, time_of_day_in_minutes=1)
    tenant.edit(live[1].id, date=TODAY - dt.timedelta(days=1))
    tenant.soft_delete(live[2].id)
    tenant.hard_delete(live[3].id)
    added = tenant.add(live[0].person.id, TODAY, 600)

    counts, _ = sync(pipeline, FIRST, TODAY)

    rows = table_rows(engine)
    gone = rows.pop(live[3].id)
    assert gone["is_deleted"]
    assert rows == tenant_rows(tenant)
    assert added.id in rows
    assert (counts.inserted, counts.updated, counts.deleted) == (1, 2, 2)


def test_only_the_window_and_the_people_asked_for_are_touched(
    pipeline: Pipeline, engine: Engine, simulated: SimulatedTenant
) -> None:
    sync(pipeline, FIRST, TODAY)
    people = sorted({one.person.id for one in simulated.tenant.truth()})
    victims = {
        person: next(one.id for one in simulated.tenant.truth() if one.person.id == person and one.status != "Deleted")
        for person in people[:2]
    }
    for victim in victims.values():
        simulated.tenant.hard_delete(victim)

    counts, _ = sync(pipeline, FIRST, TODAY, [people[0]])

    rows = table_rows(engine)
    assert rows[victims[people[0]]]["is_deleted"]
    assert not rows[victims[people[1]]]["is_deleted"]
    assert counts.deleted == 1


def test_records_that_cannot_be_understood_are_kept_and_stop_nothing(
    pipeline: Pipeline, engine: Engine, simulated: SimulatedTenant
) -> None:
    sync(pipeline, FIRST, TODAY)
    one, two, three = [one for one in simulated.tenant.truth() if one.status != "Deleted"][:3]
    whole = {"id": one.id, "person": {"id": one.person.id}, "date": str(one.date), "timeOfDayInMinutes": 5}
    simulated.tenant.replace_raw(one.id, {**whole, "timeOfDayInMinutes": "five", "kind": "InOut"})
    simulated.tenant.replace_raw(
        two.id,
        {**whole, "id": two.id, "kind": "InOut", "changeVersion": "FF", "mood": "good", "person": {"id": 1, "x": 2}},
    )

    counts, _ = sync(pipeline, FIRST, TODAY)

    rows = table_rows(engine)
    with engine.connect() as connection:
        rejected = connection.execute(
            sa.text(
                "SELECT record_id, reason FROM protime_etl.rejected_record WHERE 'shadow' NOT IN (tenant, collection)"
            )
        ).all()
        extra = connection.scalar(
            sa.text("SELECT extra FROM protime.clockings WHERE tenant <> 'shadow' AND id = :id"), {"id": two.id}
        )
    assert [tuple(row) for row in rejected] == [(one.id, "Expected `int`, got `str` - at `$.timeOfDayInMinutes`")]
    assert extra == {"mood": "good"}, "what is unknown about a person is not kept"
    assert counts.rejected == 1
    assert not rows[one.id]["is_deleted"], "a record that was sent has not vanished"
    assert rows[three.id] == tenant_rows(simulated.tenant)[three.id]


def test_no_sensitive_field_of_people_is_stored(pipeline: Pipeline, engine: Engine) -> None:
    sync(pipeline, TODAY, TODAY)

    with engine.connect() as connection:
        stored = (
            connection.execute(sa.text("SELECT p::text FROM protime.people AS p WHERE tenant <> 'shadow'"))
            .scalars()
            .all()
        )
        columns = set(
            connection.execute(sa.text("SELECT * FROM protime.people WHERE tenant <> 'shadow' LIMIT 1")).keys()
        )
    assert len(stored) == 20
    assert not columns & {"social_security_number", "bank_account", "birth_date", "pin_code", "email"}
    assert not any("SSN" in row or "BE" in row for row in stored)


def test_of_a_rejected_clocking_nothing_more_about_its_person_is_kept(
    pipeline: Pipeline, engine: Engine, simulated: SimulatedTenant
) -> None:
    one = simulated.tenant.truth()[0].id
    person = {"id": 100_001, "socialSecurityNumber": "850101"}
    simulated.tenant.replace_raw(one, {"id": one, "person": person, "kind": 3, "news": "kept"})
    sync(pipeline, FIRST, TODAY)
    with engine.connect() as connection:
        query = sa.text("SELECT record FROM protime_etl.rejected_record WHERE 'shadow' NOT IN (tenant, collection)")
        kept = json.loads(connection.scalars(query).one())
    assert kept == {"id": one, "person": {"id": 100_001}, "kind": 3, "news": "kept"}


def test_a_batch_whose_uri_is_too_long_is_split(pipeline: Pipeline, engine: Engine, simulated: SimulatedTenant) -> None:
    everyone = [*range(100_001, 100_021), *range(200_000, 200_700)]
    _, units = plan(pipeline, RunKind.SYNC, select(pipeline, FIRST, TODAY, everyone))
    one = units[0]
    too_much = replace(one, person_ids=tuple(everyone), first=FIRST, last=TODAY)

    counts = pull(pipeline, too_much)

    assert table_rows(engine) == tenant_rows(simulated.tenant)
    assert counts.inserted == len(simulated.tenant.truth())
    assert simulated.served.longest_uri <= 4096


def test_a_paging_token_that_dies_restarts_the_unit(warehouse: URL, engine: Engine) -> None:
    first = {"id": 1, "person": {"id": 7}, "date": "2026-03-20", "timeOfDayInMinutes": 480, "kind": "InOut"}
    link = f"{API_PATH}/clockings?continuationToken=old"
    conflict = Answer(409, {"error": {"code": "Conflict", "message": "Invalid continuation token"}})
    answers = [
        Answer(200, {"value": [first, {**first, "id": 9}], "nextLink": link}),
        conflict,
        Answer(200, {"value": [first], "nextLink": link.replace("old", "new")}),
        Answer(200, {"value": [{**first, "id": 2}]}),
    ]
    with ScriptedServer(answers) as server, open_pipeline(server.settings(), warehouse) as pipeline:
        _, (unit,) = plan(pipeline, RunKind.SYNC, select(pipeline, TODAY, TODAY, [7]))
        counts = pull(pipeline, unit)

    assert set(table_rows(engine)) == {1, 2}, "what came before the restart counts for nothing"
    assert (counts.inserted, counts.requests) == (2, 4)


def test_a_missing_scope_is_named_and_nothing_is_stored(warehouse: URL, engine: Engine) -> None:
    tenant = Tenant(seed=1, people=2, first_day=FIRST, last_day=TODAY)
    with (
        SimulatedTenant(tenant, Options(scopes=frozenset({CLOCKINGS_SCOPE}))) as served,
        open_pipeline(settings_for(served, scopes=(CLOCKINGS_SCOPE,)), warehouse) as pipeline,
    ):
        with pytest.raises(ForbiddenError, match=r"lacks the scope connector-protimeapi-people\.read"):
            sync(pipeline, FIRST, TODAY)
        counts, _ = sync(pipeline, FIRST, TODAY, [100_001, 100_002])
    assert counts.inserted == len(tenant.truth())
    assert table_rows(engine) == tenant_rows(tenant)


def test_a_failed_unit_is_in_the_ledger_with_its_reason(pipeline: Pipeline, engine: Engine) -> None:
    read_people(pipeline)
    run_id, (unit,) = plan(pipeline, RunKind.SYNC, select(pipeline, FIRST, TODAY))
    broken = replace(unit, first=FIRST - dt.timedelta(days=600))

    with pytest.raises(Exception, match="status 400"):
        pull(pipeline, broken)

    counts, statuses = finish(pipeline, run_id)
    assert statuses == {"failed": 1}
    assert counts == Counts(requests=1)
    with engine.connect() as connection:
        error = sa.text(
            "SELECT error FROM protime_etl.units"
            " WHERE error IS DISTINCT FROM 'shadow' AND error IS DISTINCT FROM 'shadow'"
        )
        assert "status 400" in connection.execute(error).scalar_one()
        covered = sa.text(
            "SELECT count(*) FROM protime_etl.coverage WHERE 'shadow' NOT IN (tenant, collection) AND dates <> '{}'"
        )
        assert connection.scalar(covered) == 0
    assert table_rows(engine) == {}


def test_coverage_grows_with_the_rows_and_without_any(
    pipeline: Pipeline, engine: Engine, simulated: SimulatedTenant
) -> None:
    for one in simulated.tenant.clockings_of(100_001):
        simulated.tenant.hard_delete(one.id)
    sync(pipeline, FIRST, TODAY - dt.timedelta(days=7))
    sync(pipeline, TODAY - dt.timedelta(days=2), TODAY)

    with engine.connect() as connection:
        covered = (
            connection.execute(
                sa.text(
                    "SELECT DISTINCT dates::text FROM protime_etl.coverage WHERE 'shadow' NOT IN (tenant, collection)"
                )
            )
            .scalars()
            .all()
        )
        people = connection.scalar(
            sa.text("SELECT count(*) FROM protime_etl.coverage WHERE 'shadow' NOT IN (tenant, collection)")
        )
    assert covered == ["{[2026-03-07,2026-03-14),[2026-03-18,2026-03-21)}"]
    assert people == 20


@pytest.mark.alone(reason="people who were read of another collection are known")
def test_reversed_dates_and_a_tenant_without_people_are_reported(pipeline: Pipeline) -> None:
    with pytest.raises(SettingsError, match="Swap the two dates"):
        plan(pipeline, RunKind.SYNC, select(pipeline, TODAY, FIRST, [1]))
    with pytest.raises(SettingsError, match="so no clockings can be read"):
        plan(pipeline, RunKind.SYNC, select(pipeline, FIRST, TODAY))


def test_a_refused_row_is_not_in_the_error(pipeline: Pipeline, engine: Engine, simulated: SimulatedTenant) -> None:
    with engine.begin() as connection:
        connection.execute(
            sa.text("ALTER TABLE protime.people ADD CONSTRAINT none_at_all CHECK (last_name = 'shadow')")
        )

    with pytest.raises(DatabaseError, match="CheckViolation") as caught:
        read_people(pipeline)

    printed = "".join(traceback.format_exception(caught.value))
    assert simulated.tenant.people_truth()[0].last_name
    assert "Person 100001" not in printed


def test_a_clocking_that_moved_out_of_the_window_is_not_deleted(
    pipeline: Pipeline, engine: Engine, simulated: SimulatedTenant
) -> None:
    sync(pipeline, FIRST, TODAY)
    moved, gone = [one for one in simulated.tenant.truth() if one.status != "Deleted" and one.date == TODAY][:2]
    simulated.tenant.edit(moved.id, date=FIRST)
    simulated.tenant.hard_delete(gone.id)

    counts, _ = sync(pipeline, TODAY, TODAY)

    rows = table_rows(engine)
    assert rows.pop(gone.id)["is_deleted"]
    assert rows == tenant_rows(simulated.tenant)
    assert (counts.updated, counts.deleted) == (1, 1)


def test_a_person_whose_record_is_rejected_is_read_nevertheless(warehouse: URL, engine: Engine) -> None:
    people = [{"id": 1, "lastName": "One"}, {"id": 2, "changeVersion": 2, "bankAccount": "secret"}]
    with (
        ScriptedServer([Answer(200, {"value": people}), Answer(200, {"value": []})]) as server,
        open_pipeline(server.settings(), warehouse) as pipeline,
    ):
        counts, _ = sync(pipeline, TODAY, TODAY)
        assert "person%20in%20(1,2)" in server.api_requests[-1].path
    assert counts.rejected == 1
    with engine.connect() as connection:
        kept = connection.execute(
            sa.text("SELECT record FROM protime_etl.rejected_record WHERE 'shadow' NOT IN (tenant, collection)")
        ).scalar_one()
    assert kept == '{"id":2,"changeVersion":2}'


def test_people_are_read_again_when_their_paging_token_dies(warehouse: URL, engine: Engine) -> None:
    one, two = {"id": 1, "lastName": "One"}, {"id": 2, "lastName": "Two"}
    answers = [
        Answer(200, {"value": [one], "nextLink": f"{API_PATH}/people?continuationToken=a"}),
        Answer(409, {"error": {"code": "Conflict", "message": "Invalid continuation token"}}),
        Answer(200, {"value": [one, two]}),
    ]
    with ScriptedServer(answers) as server, open_pipeline(server.settings(), warehouse) as pipeline:
        assert read_people(pipeline).inserted == 2
    assert set(table_rows(engine, "people")) == {1, 2}


@pytest.mark.parametrize("record", [b'{"id":1e999}', b'{"id":"\xff"}', b'{"id":"\xfe"}', b"7", b"null"])
def test_records_that_cannot_even_be_read_are_kept_as_they_came(warehouse: URL, engine: Engine, record: bytes) -> None:
    with (
        ScriptedServer([Answer(200, b'{"value":[' + record + b"]}")]) as server,
        open_pipeline(server.settings(scopes=CLOCKINGS_SCOPE), warehouse) as pipeline,
    ):
        counts, _ = sync(pipeline, TODAY, TODAY, [1])
    with engine.connect() as connection:
        kept = (
            connection.execute(
                sa.text("SELECT record FROM protime_etl.rejected_record WHERE 'shadow' NOT IN (tenant, collection)")
            )
            .scalars()
            .all()
        )
    assert kept == [record.decode("utf-8", "backslashreplace")]
    assert counts.rejected == 1


def test_an_idle_time_out_of_the_server_does_not_end_a_slow_unit(warehouse: URL, engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(
            sa.text(f"ALTER DATABASE {warehouse.database} SET idle_in_transaction_session_timeout = 500")
        )
    limited = Answer(429, b"", {"Retry-After": "2"})
    with (
        ScriptedServer([limited, Answer(200, {"value": []})]) as server,
        open_pipeline(server.settings(scopes=CLOCKINGS_SCOPE), warehouse) as pipeline,
    ):
        assert sync(pipeline, TODAY, TODAY, [1])[0].requests == 2


def test_a_plan_made_again_closes_the_one_before(pipeline: Pipeline, engine: Engine) -> None:
    pipeline.dag_run = DagRun("protime_clockings_nightly", "scheduled__1")
    plan(pipeline, RunKind.NIGHTLY, select(pipeline, TODAY, TODAY, [1]))
    run_id, _ = plan(pipeline, RunKind.NIGHTLY, select(pipeline, TODAY, TODAY, [1]))
    with engine.connect() as connection:
        found = connection.execute(
            sa.text("SELECT run_id, status FROM protime_etl.runs WHERE tenant <> 'shadow' ORDER BY run_id")
        ).all()
    assert [one.status for one in found] == ["failed", "running"]
    assert found[1].run_id == run_id


def test_a_repetition_that_fails_does_not_undo_what_was_done(
    pipeline: Pipeline, engine: Engine, simulated: SimulatedTenant
) -> None:
    run_id, (unit,) = plan(pipeline, RunKind.SYNC, select(pipeline, TODAY, TODAY, [100_001]))
    pull(pipeline, unit)
    broken = replace(unit, first=FIRST - dt.timedelta(days=600))
    with pytest.raises(InvalidRequestError):
        pull(pipeline, broken)
    assert finish(pipeline, run_id)[1] == {"done": 1}
    assert simulated.served.requests["refused"] == 2, "the unit, and the same days without a person"
    assert table_rows(engine)


def test_who_comes_unasked_is_locked_like_all_others(
    pipeline: Pipeline, engine: Engine, simulated: SimulatedTenant
) -> None:
    """An answer of one person's clockings that holds one of another's: its row waits for that person's pulls."""
    mine = next(one for one in simulated.tenant.clockings_of(100_001) if one.status != "Deleted")
    record = {"id": mine.id, "person": {"id": 100_002}, "date": str(mine.date), "timeOfDayInMinutes": 5}
    simulated.tenant.replace_raw(mine.id, {**record, "kind": "InOut", "changeVersion": mine.change_version})
    sync(pipeline, FIRST, TODAY, [100_001])
    assert table_rows(engine)[mine.id]["person_id"] == 100_002
    with engine.connect() as connection:
        covered = connection.execute(
            sa.text(
                "SELECT person_id, isempty(dates) FROM protime_etl.coverage WHERE 'shadow' NOT IN (tenant, collection)"
            )
        ).all()
    assert sorted(map(tuple, covered)) == [(100_001, False), (100_002, True)]


def test_a_unit_beside_loads_that_start_again_and_again_fails_in_words(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("protime_etl.sync.pull.unit.load_started_since", lambda *_: True)
    with pytest.raises(BusyError, match="kept starting while the unit was read"):
        sync(pipeline, FIRST, TODAY)
