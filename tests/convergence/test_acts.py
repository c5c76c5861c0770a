"""What is done to all that is held of a tenant is not overtaken by writers: held at each transaction."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import URL, Connection

from protime_etl.collections.clockings import CLOCKINGS
from protime_etl.collections.people import PEOPLE
from protime_etl.errors import LockedError, OvertakenError, ProtimeError, SchemaError
from protime_etl.postgres.forget import forget_tenant, held_of
from protime_etl.postgres.ledger.runs import open_run
from protime_etl.postgres.ledger.sources import set_zone
from protime_etl.postgres.schema.upgrade import upgrade_schema
from protime_etl.postgres.shared.locks import RunLease
from protime_etl.sync.delta.poll import poll
from protime_etl.sync.pipeline import Pipeline, open_pipeline
from protime_etl.sync.plan.request import select
from protime_etl.sync.pull.backfill import backfill
from protime_etl.sync.pull.lists import read_list
from protime_etl.sync.pull.runs import run_units, sync
from protime_etl.sync.pull.worker_pool import Observer
from protime_etl.sync.verify.rolling import prove
from protime_etl.sync.verify.verify import repair, verify
from protime_etl.work import RunKind, Slice, Unit
from tests.convergence.world import FIRST, STEP_SECONDS, World
from tests.support.databases import execute
from tests.support.long_form import in_long_form
from tests.support.next_version import next_version
from tests.support.tenant import TODAY

LONG_AGO = FIRST - dt.timedelta(days=20)
MOST = 60
"""More transactions than any verb has."""
SOME = (1, 4, 9, 16, 25, MOST)


class Held:
    """A verb in a thread that stands at its n-th transaction: before it begins, or before it is committed."""

    def __init__(self, pipeline: Pipeline, verb: Callable[[Pipeline], object], at: int, *, inside: bool) -> None:
        self._stands, self._may_go = threading.Event(), threading.Event()
        self._numbers, self._at, self._inside = count(1), at, inside
        self._usual = pipeline.transaction
        pipeline.transaction = self._transaction  # type: ignore[method-assign]
        self.error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, args=(verb, pipeline), daemon=True)
        self._thread.start()

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        is_here = next(self._numbers) == self._at
        if is_here and not self._inside:
            self._stand()
        with self._usual() as connection:
            yield connection
            if is_here and self._inside:
                self._stand()

    def _stand(self) -> None:
        self._stands.set()
        assert self._may_go.wait(STEP_SECONDS)

    def _run(self, verb: Callable[[Pipeline], object], pipeline: Pipeline) -> None:
        try:
            verb(pipeline)
        except BaseException as error:  # noqa: BLE001 - looked at by the thread that holds it
            self.error = error

    def stands(self) -> bool:
        """Whether it stands there; False: it is at its end, with fewer transactions."""
        while not self._stands.wait(0.01):
            if not self._thread.is_alive():
                return self._stands.is_set()
        return True

    def go(self) -> None:
        """Let it go to its end."""
        self._may_go.set()
        self._thread.join(STEP_SECONDS)
        assert not self._thread.is_alive(), "it hangs"


def prepare_nothing(_: Pipeline) -> None:
    """The verb begins with an empty warehouse."""


def read_all(pipeline: Pipeline) -> None:
    sync(pipeline, FIRST, TODAY)


def have_a_delta(pipeline: Pipeline) -> None:
    poll(pipeline, CLOCKINGS)


def repair_days(pipeline: Pipeline) -> None:
    repair(pipeline, verify(pipeline, CLOCKINGS, FIRST, TODAY))


VERBS: dict[str, tuple[Callable[[Pipeline], None], Callable[[Pipeline], object]]] = {
    "a sync": (prepare_nothing, read_all),
    "a second sync": (read_all, read_all),
    "a backfill": (prepare_nothing, lambda one: backfill(one, select(one, LONG_AGO, TODAY), workers=2)),
    "a list": (read_all, lambda one: read_list(one, PEOPLE)),
    "the initial load of a delta": (prepare_nothing, lambda one: poll(one, CLOCKINGS)),
    "a poll of a delta": (have_a_delta, lambda one: poll(one, CLOCKINGS)),
    "a comparison": (read_all, lambda one: verify(one, CLOCKINGS, FIRST, TODAY)),
    "a repair": (read_all, repair_days),
    "a proof": (read_all, lambda one: prove(one, requests=50)),
}


def change(world: World) -> None:
    """Let there be something to read, to find, and to mark."""
    world.edit(0, 601)
    world.hard_delete(1)
    world.add(1, 0)


def held(world: World) -> dict[str, int]:
    with world.engine.connect() as connection:
        return held_of(connection, world.name)


def acting(world: World, act: Callable[[], object]) -> tuple[threading.Thread, bool]:
    """The act in a thread, and whether it waits for another session."""
    thread = threading.Thread(target=act, daemon=True)
    thread.start()
    waiting = sa.text(
        "SELECT EXISTS (SELECT FROM pg_locks AS l JOIN pg_database AS d ON d.oid = l.database"
        " WHERE d.datname = current_database() AND NOT l.granted AND l.mode = 'ExclusiveLock')"
    )
    while thread.is_alive():
        with world.engine.connect() as connection:
            if connection.scalar(waiting):
                return thread, True
        thread.join(0.02)
    return thread, False


@pytest.mark.parametrize("inside", [True, False], ids=["before a commit", "between transactions"])
@pytest.mark.parametrize("name", ["a sync", *in_long_form(name for name in VERBS if name != "a sync")])
def test_what_is_forgotten_stays_so_whatever_is_under_way(
    warehouse: URL, name: str, inside: bool, request: pytest.FixtureRequest
) -> None:
    prepare, verb = VERBS[name]
    held_at = ends = 0
    for at in range(1, MOST + 1) if request.config.getoption("--long") else SOME:
        world = World(warehouse)
        try:
            with open_pipeline(world.settings, warehouse) as pipeline:
                prepare(pipeline)
            change(world)
            with open_pipeline(world.settings, warehouse) as pipeline:
                one = Held(pipeline, verb, at, inside=inside)
                if not one.stands():
                    assert one.error is None, one.error
                    break
                forgetting_it, waits = acting(world, lambda one=world: forget_tenant(one.engine, one.name))  # type: ignore[misc]
                assert waits is inside, "a transaction is waited for, and nothing else is"
                one.go()
                forgetting_it.join(STEP_SECONDS)
            held_at += 1
            assert held(world) == {}, f"it is back, from transaction {at} on"
            if one.error is not None:
                assert isinstance(one.error, OvertakenError), one.error
                assert f"{world.name} " in one.error.message
                assert "forgotten while this command r" in one.error.message
                ends += 1
        finally:
            world.close()
    else:
        pytest.fail("it has too many transactions to be held at each")
    assert held_at
    assert ends or held_at == 1, "what was held in its last transaction has come to its end, all others have not"


class Named(Observer):
    """Keeps the units that are said to have failed."""

    def __init__(self) -> None:
        self.units: list[Unit] = []

    def failed(self, unit: Unit, error: ProtimeError) -> None:
        """Keep it."""
        del error
        self.units.append(unit)


def test_workers_say_it_once_and_of_no_unit(world: World) -> None:
    observer = Named()
    with open_pipeline(world.settings, world.warehouse) as pipeline:
        request = select(pipeline, FIRST, TODAY)
        with pipeline.transaction() as connection:
            planned = [Slice([world.person(index)], FIRST, TODAY, "clockings") for index in range(3)]
            run_id, units = open_run(connection, world.name, RunKind.SYNC, request, planned)
        forget_tenant(world.engine, world.name)
        with RunLease(pipeline.engine, run_id) as lease, pytest.raises(OvertakenError, match=rf"^{world.name} was"):
            run_units(pipeline, run_id, units, 2, observer, lease)
    assert observer.units == []


def test_a_tenant_that_was_forgotten_can_be_read_again(world: World) -> None:
    with open_pipeline(world.settings, world.warehouse) as pipeline:
        read_all(pipeline)
    for _ in range(2):
        forget_tenant(world.engine, world.name)
        assert held(world) == {}
        with open_pipeline(world.settings, world.warehouse) as pipeline:
            read_all(pipeline)
            assert pipeline.to_look_at == []
    world.converge()


def test_another_source_does_not_get_in_among_what_goes_on(world: World) -> None:
    """A sandbox is let in after the first source was forgotten; what was under way of the first one stays out."""
    sandbox = world.settings.model_copy(update={"environment": "sandbox"})
    with open_pipeline(world.settings, world.warehouse) as pipeline:
        one = Held(pipeline, read_all, 4, inside=False)
        assert one.stands()
        forget_tenant(world.engine, world.name)
        with open_pipeline(sandbox, world.warehouse) as other:
            read_all(other)
        before = held(world)
        one.go()
    assert isinstance(one.error, OvertakenError)
    assert held(world) == before


def test_a_time_zone_that_changes_ends_what_goes_on_with_the_one_before(world: World) -> None:
    with open_pipeline(world.settings, world.warehouse) as pipeline:
        read_all(pipeline)
    for inside in (True, False):
        with open_pipeline(world.settings, world.warehouse) as pipeline:
            one = Held(pipeline, read_all, 4, inside=inside)
            assert one.stands()
            zone = "Pacific/Auckland" if inside else "Europe/Brussels"
            act, waits = acting(world, lambda zone=zone: set_zone(world.engine, world.name, zone))  # type: ignore[misc]
            assert waits is inside
            one.go()
            act.join(STEP_SECONDS)
        assert isinstance(one.error, OvertakenError)
        assert "another time zone while this command r" in one.error.message


def test_an_upgrade_waits_for_what_is_under_way_and_ends_it(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    older = "UPDATE protime_etl.alembic_version SET version_num = '0002'"
    try:
        with open_pipeline(world.settings, world.warehouse) as pipeline:
            one = Held(pipeline, read_all, 4, inside=True)
            assert one.stands()
            next_version(monkeypatch, tmp_path, "SELECT 1", "SELECT 1")
            execute(world.warehouse, older)
            with pytest.raises(LockedError, match="Held by session"):
                upgrade_schema(world.engine)
            one.go()
    finally:
        execute(world.warehouse, "UPDATE protime_etl.alembic_version SET version_num = '0001'")
    assert isinstance(one.error, SchemaError)
    assert "while this command ran" in one.error.message


def test_a_time_zone_that_stays_ends_nothing(world: World) -> None:
    with open_pipeline(world.settings, world.warehouse) as pipeline:
        read_all(pipeline)
        set_zone(world.engine, world.name, "Europe/Brussels")
        read_all(pipeline)


@pytest.mark.parametrize("missing", ["the look", "the lock"])
def test_without_the_look_or_the_lock_it_is_back(world: World, monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    """The two that keep it out, each taken out."""
    if missing == "the look":
        monkeypatch.setattr("protime_etl.sync.pipeline.require_unchanged", lambda *_: None)
    else:
        monkeypatch.setattr("protime_etl.postgres.ledger.acts.lock_tenant_exclusive", lambda *_: None)
    for at in range(1, MOST):
        with open_pipeline(world.settings, world.warehouse) as pipeline:
            one = Held(pipeline, read_all, at, inside=True)
            if not one.stands():
                break
            act, _ = acting(world, lambda: forget_tenant(world.engine, world.name))
            one.go()
            act.join(STEP_SECONDS)
            if held(world):
                return
    pytest.fail("nothing of it is back")
