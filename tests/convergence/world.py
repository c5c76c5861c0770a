"""A tenant that changes and pulls that overlap, stop and go on step by step, so that every interleaving can be had.

A pull stands before each request, with the answer in its hand, and once more between its merge and its commit.

What must hold after each step: once a pull has been committed, every record that it covers and that did not change
since the pull began is in the table as it is in the tenant, until it changes again, whatever else is committed.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from itertools import count
from typing import Any, ClassVar

import psycopg
import pytest
import sqlalchemy as sa
from sqlalchemy.engine import URL, Connection, Engine

from protime_etl.collections.clockings import CLOCKINGS, Clocking
from protime_etl.collections.people import PEOPLE as PEOPLE_LIST
from protime_etl.collections.record import Reference
from protime_etl.config import Settings
from protime_etl.errors import ProtimeError
from protime_etl.postgres.ledger.runs import open_run
from protime_etl.postgres.ledger.sources import register_source
from protime_etl.postgres.load.merge import Load
from protime_etl.postgres.server.connection import create_engine
from protime_etl.protime.client import Exchange, ProtimeClient
from protime_etl.simulator.faults import Fault, FaultKind, FaultPlan
from protime_etl.simulator.options import Options
from protime_etl.simulator.server import SimulatedTenant
from protime_etl.simulator.state import Tenant
from protime_etl.sync.delta.poll import PollResult, poll
from protime_etl.sync.pipeline import Pipeline, open_pipeline
from protime_etl.sync.pull import worker_pool as workers
from protime_etl.sync.pull.lists import read_list, read_people
from protime_etl.sync.pull.runs import sync
from protime_etl.work import Counts, Request, RunKind, Slice, Unit
from tests.support.tenant import TODAY, settings_for
from tests.support.truth import Rows, table_rows, tenant_rows

PEOPLE = 3
DAYS = 3
FIRST = TODAY - dt.timedelta(days=DAYS - 1)
STEP_SECONDS = 60.0
LOOK_SECONDS = 0.02
WORLDS = count()
COMMIT = "commit"
MERGED = "merged"
"""What a connection remembers of a merge in its transaction."""
Place = tuple[int, dt.date]


class KilledError(BaseException):
    """Stands for the end of a process: nothing of ours handles it, and its connection closes."""


class Gate:
    """Lets a thread go on one step at a time."""

    def __init__(self) -> None:
        self.at = ""
        """The address of the request that it stands before or after; `COMMIT` between a merge and its commit."""
        self.answer = b""
        """The body of the last answer."""
        self._may_go = threading.Semaphore(0)
        self._stands = threading.Semaphore(0)
        self._kill = False

    def wait(self) -> None:
        """In the thread: stand here until the next step."""
        self._stands.release()
        self._may_go.acquire()
        if self._kill:
            raise KilledError

    def over(self) -> None:
        """In the thread: there are no more steps."""
        self._stands.release()

    def go(self, *, kill: bool = False) -> None:
        """From outside: let the thread go on."""
        self._kill = kill
        self._may_go.release()

    def reach(self, seconds: float = STEP_SECONDS) -> bool:
        """From outside: wait until the thread stands again or is at its end; returns whether it is."""
        return self._stands.acquire(timeout=seconds)


@contextlib.contextmanager
def stepping(transaction: AbstractContextManager[Connection], gate: Gate) -> Iterator[Connection]:
    """A transaction that stands at the gate once more before it is committed, if it has merged something."""
    with transaction as connection:
        connection.info.pop(MERGED, None)
        yield connection
        if connection.info.pop(MERGED, False):
            gate.at = COMMIT
            gate.wait()


@contextlib.contextmanager
def remembered_merges() -> Iterator[None]:
    """Let a connection remember that something was merged in its transaction, be it that nothing differed."""
    usual = Load.merge

    def merge(load: Load, *arguments: Any) -> Counts:
        load._stored.connection.info[MERGED] = True
        return usual(load, *arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Load, "merge", merge)
        yield


class SteppingClient(ProtimeClient):
    """Stands at a gate before each request and again with the answer in its hand."""

    gate: Gate

    def _exchange(self, uri: str, token: str) -> Exchange:
        self.gate.at = uri
        self.gate.wait()
        answer = super()._exchange(uri, token)
        self.gate.answer = answer.body
        self.gate.wait()
        return answer


@dataclass
class Pull:
    """One unit under way in a thread."""

    number: int
    pipeline: Pipeline
    unit: Unit
    began: int
    gate: Gate = field(default_factory=Gate)
    blocked: bool = False
    """Whether it waits for a lock that another pull holds."""
    done: bool = False
    committed: bool = False
    error: BaseException | None = None
    infers: ClassVar[bool] = True
    """Whether it concludes from what it did not find."""
    sessions: set[int] = field(default_factory=set)
    """Process numbers of its sessions of PostgreSQL."""

    def __post_init__(self) -> None:
        sa.event.listen(self.pipeline.engine, "checkout", self._notice)

    def _notice(self, connection: psycopg.Connection[Any], *_: object) -> None:
        self.sessions.add(connection.info.backend_pid)

    def start(self) -> None:
        client = SteppingClient(self.pipeline.settings, self.pipeline.tokens)
        client.gate = self.gate
        self.pipeline.client.close()
        self.pipeline.client = client
        usual = self.pipeline.transaction
        self.pipeline.transaction = lambda: stepping(usual(), self.gate)  # type: ignore[method-assign]
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def carry_out(self) -> None:
        workers.pull(self.pipeline, self.unit)

    @property
    def claims(self) -> bool:
        """Whether the table has to agree now with what it read."""
        return self.committed

    def _run(self) -> None:
        try:
            self.carry_out()
            self.committed = True
        except (ProtimeError, KilledError) as error:
            self.error = error
        except BaseException as error:  # noqa: BLE001 - shown by the thread that checks
            self.error = error
        finally:
            self.done = True
            self.gate.over()

    def covers(self, row: dict[str, Any] | None) -> bool:
        """Whether the unit reads the place of that row."""
        return row is not None and self.reads((row["person_id"], dt.date.fromisoformat(str(row["date"]))))

    def reads(self, place: Place) -> bool:
        """Whether the unit reads that person on that day."""
        return place[0] in self.unit.person_ids and self.unit.first <= place[1] <= self.unit.last


@dataclass
class PullOfCircles(Pull):
    """A pull of who is in circles; a record that is not there means nothing to it."""

    infers: ClassVar[bool] = False

    def reads(self, place: Place) -> bool:
        return place[0] % 10 + 1 in self.unit.circles and self.unit.first <= place[1] <= self.unit.last


@dataclass
class PollOfDelta(Pull):
    """A poll of the delta under way in a thread; it reads every day there is."""

    result: PollResult | None = None

    def carry_out(self) -> None:
        self.result = poll(self.pipeline, CLOCKINGS)

    @property
    def claims(self) -> bool:
        """Whether it reported all that had changed; an initial load may have begun long before it, or watch others."""
        return self.committed and self.result is not None and not self.result.initial

    def reads(self, place: Place) -> bool:
        del place
        return True


@dataclass
class ReadOfList(Pull):
    """A reading of the complete list of people under way in a thread; it says nothing about clockings."""

    def carry_out(self) -> None:
        read_list(self.pipeline, PEOPLE_LIST)

    @property
    def claims(self) -> bool:
        return False


class World:
    """One tenant, one warehouse, any number of pulls, and polls of the delta among them."""

    def __init__(self, warehouse: URL, seed: int = 1) -> None:
        self.stack = contextlib.ExitStack()
        self.stack.enter_context(remembered_merges())
        name = f"world-{next(WORLDS)}"
        self.tenant = Tenant(seed=seed, people=PEOPLE, first_day=FIRST, last_day=TODAY)
        self.simulated = self.stack.enter_context(
            SimulatedTenant(self.tenant, Options(tenant_name=name, page_size=5, empty_page_every=3))
        )
        self.settings: Settings = settings_for(self.simulated, tenant=name, max_wait_in_task=0)
        self.warehouse = warehouse
        self.engine: Engine = create_engine(warehouse)
        self.stack.callback(self.engine.dispose)
        self.pulls: list[Pull] = []
        self.history: list[str] = []
        self._numbers = count(1)
        self._clock = 0
        self._changed: dict[int, int] = {}
        self._settled: set[int] = set()
        self._places: dict[int, set[Place]] = {}
        for one in self.tenant.truth():
            self._stands_at(one)
        with open_pipeline(self.settings, warehouse) as pipeline:
            read_people(pipeline)

    @property
    def name(self) -> str:
        return self.settings.tenant

    def person(self, index: int) -> int:
        return self.tenant.person_ids()[index % PEOPLE]

    def day(self, index: int) -> dt.date:
        return FIRST + dt.timedelta(days=index % DAYS)

    def clocking(self, index: int, *, deleted: bool = False) -> Clocking | None:
        """One of the clockings that are, or are not, softly deleted."""
        found = [one for one in self.tenant.truth() if (one.status == "Deleted") is deleted]
        return found[index % len(found)] if found else None

    def _note(self, text: str) -> None:
        self._clock += 1
        self.history.append(text)

    def _stands_at(self, one: Clocking) -> None:
        self._places.setdefault(one.id, set()).add((one.person.id, one.date))

    def _change(self, text: str, clocking_id: int) -> None:
        self._note(text)
        self._changed[clocking_id] = self._clock
        self._settled.discard(clocking_id)

    def add(self, person: int, day: int) -> None:
        added = self.tenant.add(self.person(person), self.day(day), 600)
        self._stands_at(added)
        self._change(f"add {added.id}", added.id)

    def edit(self, index: int, minutes: int) -> None:
        if (one := self.clocking(index)) is not None:
            self.tenant.edit(one.id, time_of_day_in_minutes=minutes)
            self._change(f"edit {one.id}", one.id)

    def move_day(self, index: int, day: int) -> None:
        if (one := self.clocking(index)) is not None:
            self._stands_at(self.tenant.edit(one.id, date=self.day(day)))
            self._change(f"move {one.id} to {self.day(day)}", one.id)

    def move_person(self, index: int, person: int) -> None:
        if (one := self.clocking(index)) is not None:
            self._stands_at(self.tenant.edit(one.id, person=Reference(id=self.person(person))))
            self._change(f"move {one.id} to person {self.person(person)}", one.id)

    def soft_delete(self, index: int) -> None:
        if (one := self.clocking(index)) is not None:
            self.tenant.soft_delete(one.id)
            self._change(f"soft delete {one.id}", one.id)

    def revive(self, index: int) -> None:
        if (one := self.clocking(index, deleted=True)) is not None:
            self.tenant.edit(one.id, status="Active")
            self._change(f"revive {one.id}", one.id)

    def hard_delete(self, index: int) -> None:
        if (one := self.clocking(index)) is not None:
            self.tenant.hard_delete(one.id)
            self._change(f"hard delete {one.id}", one.id)

    def begin_pull(self, people: list[int], first: int, last: int) -> Pull:
        """Plan a unit and go to where its first request is about to be sent."""
        first, last = sorted((first % DAYS, last % DAYS))
        pipeline = self.stack.enter_context(open_pipeline(self.settings, self.warehouse))
        ids = tuple(sorted({self.person(index) for index in people}))
        unit = self._one_unit(Request(self.day(first), self.day(last), ("clockings",), ids))
        return self._begin(Pull(next(self._numbers), pipeline, unit, self._clock), unit.label)

    def _begin(self, pull: Pull, label: str) -> Pull:
        self._note(f"pull {pull.number} begins: {label}")
        pull.start()
        pull.blocked = not self._reaches(pull)
        self.pulls.append(pull)
        return pull

    def begin_pull_of_circles(self, people: list[int], first: int, last: int) -> Pull:
        """The same by the circles of these people."""
        first, last = sorted((first % DAYS, last % DAYS))
        pipeline = self.stack.enter_context(open_pipeline(self.settings, self.warehouse))
        circles = sorted({self.person(index) % 10 + 1 for index in people})
        unit = self._one_unit(Request(self.day(first), self.day(last), ("clockings",), circles=tuple(circles)))
        return self._begin(PullOfCircles(next(self._numbers), pipeline, unit, self._clock), unit.label)

    def _one_unit(self, asked: Request) -> Unit:
        """One unit for all that is asked for: a plan would cut it, as pages are so small here."""
        with self.engine.begin() as connection:
            register_source(connection, self.settings)
            planned = [Slice(asked.person_ids or (), asked.first, asked.last, "clockings")]
            _, (unit,) = open_run(connection, self.name, RunKind.SYNC, asked, planned)
        return unit

    @property
    def polling(self) -> bool:
        """Whether a poll of the delta is under way; a second one would be refused."""
        return any(isinstance(pull, PollOfDelta) for pull in self.pulls)

    def begin_poll(self) -> Pull:
        """Begin a poll of the delta and go to where its first request is about to be sent."""
        pipeline = self.stack.enter_context(open_pipeline(self.settings, self.warehouse))
        polled = PollOfDelta(next(self._numbers), pipeline, self._nothing, self._clock)
        return self._begin(polled, "a poll of the delta")

    def begin_list(self) -> Pull:
        """Begin to read the list of people and go to where its request is about to be sent, or to where it waits."""
        pipeline = self.stack.enter_context(open_pipeline(self.settings, self.warehouse))
        return self._begin(ReadOfList(next(self._numbers), pipeline, self._nothing, self._clock), "the list of people")

    @property
    def _nothing(self) -> Unit:
        """The unit of what is no pull of one."""
        return Unit(0, 0, self.name, "clockings", (), FIRST, TODAY)

    def merge(self, pull: Pull) -> None:
        """Let a pull go on until it has merged what it read, and is about to commit it."""
        while pull.gate.at != COMMIT:
            self.step(pull)
            assert pull in self.pulls, "it ended without a merge:\n" + "\n".join(self.history)
            assert not pull.blocked, "it waits for another:\n" + "\n".join(self.history)

    def step(self, pull: Pull) -> None:
        """Let a pull go on by one step, and check what must hold."""
        before = table_rows(self.engine, tenant=self.name)
        waited = pull.blocked
        if not waited:
            pull.gate.go()
        pull.blocked = not self._reaches(pull)
        if pull.done and not pull.blocked:
            self._finished(pull, before)
        elif not (waited and pull.blocked):
            self._note(f"pull {pull.number} {'waits for another' if pull.blocked else 'steps'}")

    def _reaches(self, pull: Pull) -> bool:
        """Wait until a pull stands at its gate or is at its end; False if it waits for a lock of another."""
        until = time.monotonic() + STEP_SECONDS
        waiting = sa.text(
            "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE pid = ANY(:pids) AND wait_event_type = 'Lock')"
        )
        while not pull.gate.reach(LOOK_SECONDS):
            with self.engine.connect() as connection:
                if connection.scalar(waiting, {"pids": list(pull.sessions)}):
                    return False
            assert time.monotonic() < until, "a pull hangs:\n" + "\n".join(self.history)
        return True

    def kill(self, pull: Pull) -> None:
        """End a pull where it stands."""
        if pull.blocked:
            return  # inside a statement of PostgreSQL, where a thread cannot be stopped
        self._note(f"pull {pull.number} is killed")
        pull.gate.go(kill=True)
        assert pull.gate.reach()
        assert pull.done
        self.pulls.remove(pull)
        pull.pipeline.close()
        self.check()

    def finish(self, pull: Pull) -> None:
        """Let a pull go to its end."""
        until = time.monotonic() + STEP_SECONDS
        while pull in self.pulls:
            self.step(pull)
            if pull.blocked:
                # Those that waited may be the ones that are waited for now.
                for other in [one for one in self.pulls if one is not pull]:
                    self.step(other)
            assert time.monotonic() < until, "pulls wait for each other:\n" + "\n".join(self.history)

    def _finished(self, pull: Pull, before: Rows) -> None:
        pull.thread.join(STEP_SECONDS)
        self.pulls.remove(pull)
        pull.pipeline.close()
        self._note(f"pull {pull.number} {'is committed' if pull.committed else f'fails: {pull.error!r}'}")
        if pull.error is not None and not isinstance(pull.error, ProtimeError):
            raise pull.error
        if pull.claims:
            truth = tenant_rows(self.tenant)
            for record_id in (truth.keys() | self._changed.keys()) - self._left_to_the_next_poll():
                covered = pull.covers(truth.get(record_id)) or (pull.infers and pull.covers(before.get(record_id)))
                if pull.infers and record_id not in truth and record_id not in before:  # gone before it was ever seen
                    covered = all(map(pull.reads, self._places[record_id]))
                if covered and self._changed.get(record_id, -1) <= pull.began:
                    self._settled.add(record_id)
        self.check()

    def _left_to_the_next_poll(self) -> set[int]:
        """Records that a poll of the delta could not ask for, and says so."""
        with self.engine.connect() as connection:
            left = sa.text("SELECT id FROM protime_etl.delta_unconfirmed WHERE tenant = :tenant")
            return set(connection.scalars(left, {"tenant": self.name}))

    def fault(self, kind: FaultKind, nth: int, status: int = 503) -> None:
        """Let the n-th request from now go wrong."""
        self._note(f"fault {kind} at request {nth}")
        fault = Fault(kind=kind, at=(nth,), status=status, seconds=0.01, on=("clockings",))
        self.simulated.served.misbehaviour.follow(FaultPlan(fault=(fault,)))

    def check(self) -> None:
        """What must hold now.

        Raises:
            AssertionError: it does not; the history of this world is in the message.
        """
        truth = tenant_rows(self.tenant)
        table = table_rows(self.engine, tenant=self.name)
        for record_id in sorted(self._settled):
            row, true = table.get(record_id), truth.get(record_id)
            right = (row is None or row["is_deleted"]) if true is None else row == true
            assert right, f"clocking {record_id} is {row} and should be {true}, after:\n" + "\n".join(self.history)

    def converge(self) -> None:
        """End everything, sync once more, and compare all that there is."""
        while self.pulls:
            self.finish(self.pulls[0])
        self.simulated.served.misbehaviour.follow(FaultPlan())
        with open_pipeline(self.settings, self.warehouse) as pipeline:
            while poll(pipeline, CLOCKINGS).initial:
                pass
            self._compare()  # the delta alone is enough ...
            sync(pipeline, FIRST, TODAY)
            self._compare()  # ... and a sync breaks nothing

    def _compare(self) -> None:
        truth = tenant_rows(self.tenant)
        live = {key: row for key, row in table_rows(self.engine, tenant=self.name).items() if key in truth}
        gone = {key: row for key, row in table_rows(self.engine, tenant=self.name).items() if key not in truth}
        found = "the table is not as the tenant, after:\n" + "\n".join(self.history)
        assert live == truth, found
        assert all(row["is_deleted"] for row in gone.values()), found

    def close(self) -> None:
        """Give everything back."""
        until = time.monotonic() + STEP_SECONDS
        while self.pulls and time.monotonic() < until:
            for pull in list(self.pulls):
                pull.blocked = pull.blocked and not self._reaches(pull)
                if pull.blocked:
                    continue  # one of the others holds its lock
                if not pull.done:
                    pull.gate.go(kill=True)
                pull.thread.join(STEP_SECONDS)
                pull.pipeline.close()
                self.pulls.remove(pull)
        self.stack.close()
