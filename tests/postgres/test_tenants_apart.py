"""What is looked for of one tenant is not found of another: people, runs that are to go on, and what may be copied."""

from __future__ import annotations

import datetime as dt

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from protime_etl.collections.clockings import CLOCKINGS
from protime_etl.errors import SettingsError
from protime_etl.postgres.book.coverage import lock_coverage
from protime_etl.postgres.ledger.collection_state import learn_page_size, page_size
from protime_etl.postgres.ledger.people import people_to_read, unknown_people
from protime_etl.postgres.ledger.runs import open_run, unfinished_backfill
from protime_etl.postgres.ledger.volumes import requests_of_last_run
from protime_etl.postgres.load.direct_copy import may_copy
from protime_etl.postgres.server.stored import Stored
from protime_etl.sync.pipeline import Pipeline
from protime_etl.sync.pull.runs import sync
from protime_etl.work import DagRun, Request, RunKind, Slice
from tests.postgres.test_load import load, row
from tests.support.shadow import SHADOW
from tests.support.tenant import TODAY

FIRST = TODAY - dt.timedelta(days=13)
REQUEST = Request(FIRST, TODAY, ("clockings",))
ONLY_COVERED_OF_THE_SHADOW = 100_024
ONLY_LISTED_OF_THE_SHADOW = 900_000_000
NIGHT = DagRun("protime_clockings_nightly", "scheduled__1")


def enter(connection: Connection, tenant: str, kind: RunKind, dag_run: DagRun | None = None) -> int:
    return open_run(connection, tenant, kind, REQUEST, [], dag_run=dag_run)[0]


def status(connection: Connection, run_id: int) -> str:
    query = sa.text("SELECT status FROM protime_etl.runs WHERE run_id = :run")
    return str(connection.scalar(query, {"run": run_id}))


@pytest.mark.parametrize("person", [ONLY_COVERED_OF_THE_SHADOW, ONLY_LISTED_OF_THE_SHADOW])
def test_a_person_of_another_tenant_is_unknown(pipeline: Pipeline, person: int) -> None:
    with pytest.raises(SettingsError, match=f"has the id {person}"):
        sync(pipeline, FIRST, TODAY, [person])
    with pipeline.reading() as connection:
        assert unknown_people(connection, SHADOW, [person]) == []


def test_a_person_seen_is_read_though_only_another_tenant_lists_them(engine: Engine) -> None:
    with engine.begin() as connection:
        lock_coverage(Stored(connection, "acme", CLOCKINGS), [ONLY_LISTED_OF_THE_SHADOW])
        assert people_to_read(Stored(connection, "acme", CLOCKINGS), FIRST, TODAY) == [ONLY_LISTED_OF_THE_SHADOW]


def test_the_last_night_is_that_of_its_own_tenant(engine: Engine) -> None:
    with engine.begin() as connection:
        run_id, _ = open_run(connection, "acme", RunKind.NIGHTLY, REQUEST, [Slice([1], FIRST, TODAY, "clockings")])
        for statement in (
            "UPDATE protime_etl.units SET requests = 3000 WHERE run_id = :run",
            "UPDATE protime_etl.runs SET status = 'done' WHERE run_id = :run",
        ):
            connection.execute(sa.text(statement), {"run": run_id})
        assert (requests_of_last_run(connection, "acme"), requests_of_last_run(connection, "beta")) == (3000, 0)


def test_the_largest_page_that_came_is_known_of_its_own_tenant(engine: Engine) -> None:
    with engine.begin() as connection:
        acme, beta = (Stored(connection, tenant, CLOCKINGS) for tenant in ("acme", "beta"))
        for records in (250, 100):
            learn_page_size(acme, records)
        assert (page_size(acme), page_size(beta)) == (250, None)


def test_a_backfill_goes_on_for_its_own_tenant_and_within_a_week(engine: Engine) -> None:
    with engine.begin() as connection:
        run_id = enter(connection, "acme", RunKind.BACKFILL)
        assert unfinished_backfill(connection, "acme", REQUEST) == run_id
        assert unfinished_backfill(connection, "beta", REQUEST) is None
        week = sa.text("UPDATE protime_etl.runs SET started_at = now() - interval '8 days' WHERE run_id = :run")
        connection.execute(week, {"run": run_id})
        assert unfinished_backfill(connection, "acme", REQUEST) is None


def test_a_plan_made_again_replaces_that_of_its_own_tenant_alone(engine: Engine) -> None:
    with engine.begin() as connection:
        acme, beta = (enter(connection, tenant, RunKind.NIGHTLY, NIGHT) for tenant in ("acme", "beta"))
        enter(connection, "beta", RunKind.NIGHTLY, NIGHT)
        assert (status(connection, acme), status(connection, beta)) == ("running", "failed")


def test_a_first_load_is_copied_whatever_another_tenant_holds(engine: Engine) -> None:
    people = [100_001, 100_002]
    with engine.begin() as connection:
        _, (unit,) = open_run(connection, "acme", RunKind.SYNC, REQUEST, [Slice(people, FIRST, TODAY, "clockings")])
        assert may_copy(Stored(connection, "acme", CLOCKINGS), unit)
        _, (unit,) = open_run(connection, SHADOW, RunKind.SYNC, REQUEST, [Slice(people, FIRST, TODAY, "clockings")])
        assert not may_copy(Stored(connection, SHADOW, CLOCKINGS), unit)
        connection.rollback()


def test_a_record_that_is_back_leaves_the_tombstones_of_another_tenant(engine: Engine) -> None:
    assert load(engine, row(18_000_000, "05"), row(18_000_001, "05")).inserted == 2


def test_who_has_left_is_read_for_two_more_days(engine: Engine) -> None:
    with engine.begin() as connection:
        left = sa.text(
            "INSERT INTO protime.people (tenant, id, change_version, deleted_at, out_of_service_date, written_at)"
            " VALUES ('acme', 7, '1', now(), :day, now())"
        )
        connection.execute(left, {"day": FIRST})
        read = {
            days: people_to_read(Stored(connection, "acme", CLOCKINGS), FIRST + dt.timedelta(days=days), TODAY)
            for days in (0, 2, 3)
        }
    assert read == {0: [7], 2: [7], 3: []}
