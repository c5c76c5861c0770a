"""Each lock of docs/correctness.md: a history that is right with it and wrong without it.

The locks of schema and tenant (3, 4) are in test_acts.py. The order of rows in a merge (10) is no lock that could be
taken out: `ORDER BY` in sql/engine/merge.sql.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from protime_etl.collections.clockings import CLOCKINGS
from protime_etl.errors import ProtimeError
from protime_etl.postgres.health.facts import read_facts
from protime_etl.postgres.ledger.runs import open_run
from protime_etl.postgres.shared.locks import DeltaLock, RunLease, lock_backfill, lock_merges_shared
from protime_etl.sync.delta import confirmation
from protime_etl.sync.delta.poll import poll
from protime_etl.sync.pipeline import open_pipeline
from protime_etl.sync.plan.request import select
from protime_etl.sync.pull import backfill as backfilling
from protime_etl.sync.pull import lists
from protime_etl.sync.pull import unit as pull
from protime_etl.work import Request, RunKind
from tests.convergence.world import FIRST, World
from tests.support.long_form import in_long_form
from tests.support.tenant import TODAY
from tests.support.truth import table_rows, tenant_rows

ALL_PEOPLE = [0, 1, 2]


def nothing(*_: Any) -> None:
    """In the place of what takes a lock."""


def without_the_lease_of_a_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RunLease, "renew", nothing)


def without_the_lock_of_a_delta(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(DeltaLock, "__enter__", nothing)
    monkeypatch.setattr(DeltaLock, "__exit__", nothing)


def without_the_lock_of_a_backfill(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backfilling, "lock_backfill", nothing)


def without_the_lock_of_a_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lists, "lock_list", nothing)


def without_the_mark_of_a_unit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pull, "mark_under_way", nothing)


def without_the_shared_lock_of_merges(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pull, "lock_merges_shared", nothing)


def without_the_exclusive_lock_of_merges(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(confirmation, "lock_merges_exclusive", nothing)


def with_a_shared_lock_for_tombstones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(confirmation, "lock_merges_exclusive", lock_merges_shared)


def without_the_lock_of_coverage(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pull, "lock_coverage", nothing)


def the_same_backfill_is_begun_while_it_runs(world: World) -> None:
    with (
        open_pipeline(world.settings, world.warehouse) as first,
        open_pipeline(world.settings, world.warehouse) as other,
    ):
        request = select(first, FIRST, TODAY)
        *_, lease = backfilling._begin(first, request, request, 1, fresh=False)
        with lease:
            assert is_refused(lambda: backfilling.backfill(other, request)), "it is read twice at the same time"


def the_same_backfill_is_begun_twice_at_once(world: World) -> None:
    """The second begins between the entry of the first and its commit."""
    request = Request(FIRST, TODAY, ("clockings",))
    with (
        open_pipeline(world.settings, world.warehouse) as first,
        open_pipeline(world.settings, world.warehouse) as other,
        first.transaction() as connection,
    ):
        lock_backfill(connection, f"{world.name} {request.columns()}")
        run_id, _ = open_run(connection, world.name, RunKind.BACKFILL, request, [])
        with RunLease(first.engine, run_id):
            refused: list[bool] = []

            def begin() -> None:
                *_, lease = backfilling._begin(other, request, request, 1, fresh=False)
                lease.__exit__()

            begun = threading.Thread(target=lambda: refused.append(is_refused(begin)))
            begun.start()
            begun.join(0.5)
            connection.commit()
            begun.join()
    assert refused == [True], "it is entered twice"


def a_poll_is_begun_during_a_poll(world: World) -> None:
    world.begin_poll()
    asked = world.simulated.served.requests["clockings-delta"]
    with open_pipeline(world.settings, world.warehouse) as pipeline:
        assert is_refused(lambda: poll(pipeline, CLOCKINGS)), "two work on the delta"
    assert world.simulated.served.requests["clockings-delta"] == asked


def a_slow_list_names_who_is_gone(world: World) -> None:
    """Who is in the answer of the first reading and not in that of the second, which is the younger one."""
    gone = world.tenant.add_person().id
    slow = world.begin_list()
    while str(gone).encode() not in slow.gate.answer:
        world.step(slow)
    world.tenant.remove_record("people", gone)
    world.finish(world.begin_list())
    if slow in world.pulls:
        world.finish(slow)
    row = table_rows(world.engine, "people", world.name).get(gone)
    assert row is None or row["is_deleted"], "an older list was stored after a newer one"


def a_unit_is_under_way(world: World) -> None:
    pull = world.begin_pull(ALL_PEOPLE, 0, 2)
    with world.engine.connect() as connection:
        runs = read_facts(connection, ["clockings"])["runs"]
    (seen,) = (run["under_way"] for run in runs if run["run_id"] == pull.unit.run_id)
    assert seen == 1, "nothing seems to be under way"


def the_delta_deletes_what_is_merged_and_not_committed(world: World) -> None:
    world.finish(world.begin_poll())
    world.add(0, 0)
    pull = world.begin_pull([0], 0, 0)
    world.merge(pull)
    world.hard_delete(-1)
    world.finish(world.begin_poll())
    if pull in world.pulls:
        world.finish(pull)


def a_unit_looks_for_what_another_has_merged_and_not_committed(world: World) -> None:
    world.finish(world.begin_pull([2], 0, 2))  # with an empty table it would keep all others out
    slow = world.begin_pull(ALL_PEOPLE, 0, 2)
    world.merge(slow)
    live = [one for one in world.tenant.truth() if one.status != "Deleted"]
    world.hard_delete(next(index for index, one in enumerate(live) if one.person.id != world.person(2)))
    world.finish(world.begin_pull(ALL_PEOPLE, 0, 2))
    if slow in world.pulls:
        world.finish(slow)


def is_refused(call: Callable[[], object]) -> bool:
    """Whether another process has to end first."""
    try:
        call()
    except ProtimeError as error:
        assert "nother process" in error.message  # noqa: PT017 - any other error is one of the test
        return True
    return False


LOCKS = [
    (without_the_lease_of_a_run, the_same_backfill_is_begun_while_it_runs),
    (without_the_lock_of_a_delta, a_poll_is_begun_during_a_poll),
    (without_the_lock_of_a_backfill, the_same_backfill_is_begun_twice_at_once),
    (without_the_lock_of_a_list, a_slow_list_names_who_is_gone),
    (without_the_mark_of_a_unit, a_unit_is_under_way),
    (without_the_shared_lock_of_merges, the_delta_deletes_what_is_merged_and_not_committed),
    (without_the_exclusive_lock_of_merges, the_delta_deletes_what_is_merged_and_not_committed),
    (with_a_shared_lock_for_tombstones, the_delta_deletes_what_is_merged_and_not_committed),
    (without_the_lock_of_coverage, a_unit_looks_for_what_another_has_merged_and_not_committed),
]
HISTORIES = [*dict.fromkeys(history for _, history in LOCKS)]


@pytest.mark.parametrize(("take_out", "history"), [*LOCKS[:3], *in_long_form(LOCKS[3:])])
def test_a_lock_that_is_missing_is_noticed(
    world: World,
    monkeypatch: pytest.MonkeyPatch,
    take_out: Callable[[pytest.MonkeyPatch], None],
    history: Callable[[World], None],
) -> None:
    take_out(monkeypatch)
    with pytest.raises(AssertionError):
        history(world)


@pytest.mark.parametrize("history", [*HISTORIES[:4], *in_long_form(HISTORIES[4:])])
def test_with_all_locks_the_same_history_is_right(world: World, history: Callable[[World], None]) -> None:
    history(world)
    world.converge()


def test_two_read_the_whole_list_at_once(world: World) -> None:
    for _ in range(2):
        world.tenant.add_person()
    readings = [world.begin_list(), world.begin_list()]
    assert [one.blocked for one in readings] == [False, True]
    world.tenant.edit_record("people", world.person(0), last_name="Another")
    for one in readings:
        if one in world.pulls:
            world.finish(one)
    assert table_rows(world.engine, "people", world.name) == tenant_rows(world.tenant, "people")
