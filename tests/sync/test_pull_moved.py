"""A record that has moved to a person whom another process is reading."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from protime_etl.collections.clockings import CLOCKINGS
from protime_etl.collections.record import Reference
from protime_etl.postgres.book.coverage import lock_coverage
from protime_etl.simulator.server import SimulatedTenant
from protime_etl.sync.pipeline import Pipeline
from protime_etl.sync.plan.request import select
from protime_etl.sync.pull.runs import finish, plan, sync
from protime_etl.sync.pull.worker_pool import pull
from protime_etl.work import RunKind
from tests.support.tenant import TODAY
from tests.support.truth import table_rows, tenant_rows
from tests.sync.test_pull import FIRST

MINE, THEIRS = 100_001, 100_002


def wait_until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.timeout(120)
def test_it_comes_in_after_the_unit_and_after_the_other_process(
    pipeline: Pipeline, engine: Engine, simulated: SimulatedTenant
) -> None:
    sync(pipeline, FIRST, TODAY)
    moved, edited = [one for one in simulated.tenant.clockings_of(MINE) if one.status != "Deleted"][:2]
    simulated.tenant.edit(moved.id, person=Reference(id=THEIRS))
    simulated.tenant.edit(edited.id, time_of_day_in_minutes=7)
    run_id, (unit,) = plan(pipeline, RunKind.SYNC, select(pipeline, FIRST, TODAY, [MINE]))
    thread = threading.Thread(target=pull, args=[pipeline, unit], daemon=True)

    with engine.begin() as other:
        lock_coverage(pipeline.stored(other, CLOCKINGS), [THEIRS])
        thread.start()
        wait_until(lambda: table_rows(engine)[edited.id]["time_of_day_in_minutes"] == 7)
        assert table_rows(engine)[moved.id]["person_id"] == MINE, "it waits, and the rest does not"
        with engine.connect() as connection:
            statuses = connection.scalars(
                sa.text("SELECT status FROM protime_etl.units WHERE run_id = :run"), {"run": run_id}
            )
            assert list(statuses) == ["planned"]
    thread.join(30)

    assert table_rows(engine) == tenant_rows(simulated.tenant)
    assert finish(pipeline, run_id)[1] == {"done": 1}


@pytest.mark.timeout(120)
def test_who_has_no_records_any_more_is_not_judged_while_another_process_is_at_them(
    pipeline: Pipeline, engine: Engine, simulated: SimulatedTenant
) -> None:
    sync(pipeline, FIRST, TODAY)
    for one in simulated.tenant.clockings_of(MINE):
        simulated.tenant.hard_delete(one.id)
    _, (unit,) = plan(pipeline, RunKind.SYNC, select(pipeline, FIRST, TODAY, [MINE]))
    thread = threading.Thread(target=pull, args=[pipeline, unit], daemon=True)
    asked = simulated.served.requests["clockings"]

    with engine.begin() as other:
        lock_coverage(pipeline.stored(other, CLOCKINGS), [MINE])
        thread.start()
        waiting = sa.text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as looking:
            wait_until(lambda: looking.scalar(waiting))
        assert simulated.served.requests["clockings"] == asked + 1, "the list, and none of its records by id"
    thread.join(30)
    assert all(row["is_deleted"] for row in table_rows(engine).values() if row["person_id"] == MINE)
