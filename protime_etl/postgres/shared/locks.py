"""Advisory locks of PostgreSQL: they belong to a transaction, so what dies holds nothing and is seen to be dead.

None belongs to a session: behind a pooler a session is a connection of the server that outlives the process. What has
to be held for long is held by a transaction that is left open for it, on a connection of its own. Between statements
it has no snapshot (read committed), so it keeps no vacuum from its work.
"""

from __future__ import annotations

from contextlib import ExitStack, suppress
from typing import Self

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from protime_etl.errors import BusyError, DatabaseError
from protime_etl.postgres.server.lock_watch import UNWATCHED
from protime_etl.postgres.server.statements import text
from protime_etl.postgres.server.stored import Stored
from protime_etl.postgres.server.transactions import reading

__all__ = [
    "RUN_LOCK",
    "UNIT_LOCK",
    "UPGRADE_LOCK",
    "DeltaLock",
    "RunLease",
    "is_alive",
    "lock_backfill",
    "lock_list",
    "lock_merges_exclusive",
    "lock_merges_shared",
    "lock_tenant_exclusive",
    "lock_wrong",
    "mark_under_way",
    "try_lock_tenant_shared",
]

# All numbers in one place, each a different one. First halves of the locks' keys, with what the second half is; a
# transaction takes them in this order, and all of them before it locks rows.
RUN_LOCK = 7_262_002  # number of the run; shared; by the process of a run as long as it lives
DELTA_LOCK = 7_262_007  # hash of tenant and collection; by the process that reads a delta, for a poll
TENANT_LOCK = 7_262_009  # hash of the tenant; shared by transactions that write of it, exclusive for acts on all of it
BACKFILL_LOCK = 7_262_005  # hash of what a backfill asks for; while it is looked for and entered
LIST_LOCK = 7_262_004  # hash of tenant and collection; while a collection is read whole
UNIT_LOCK = 7_262_003  # number of the unit; shared; for the transaction that works on it
MERGE_LOCK = 7_262_006  # hash of the tenant; shared by merges, exclusive for new tombstones
WRONG_LOCK = 7_262_008  # hash of the tenant; while parts of entries of the book are taken out: after all rows
# One number as a whole key.
UPGRADE_LOCK = 7_262_001_001  # two upgrades at once would both create the first table


class RunLease:
    """Lets others see that the process of a run lives: a lock that PostgreSQL drops when the process dies.

    It never fails: when the connection breaks, the lock is taken again at the next `renew`.
    """

    def __init__(self, engine: Engine, run_id: int) -> None:
        self._engine = engine.execution_options(**UNWATCHED)
        self._key = {"lock": RUN_LOCK, "run": run_id % 2**31}
        self._connection: Connection | None = None

    def renew(self) -> None:
        """Take the lock, or make sure that it is still there."""
        with suppress(sa.exc.DBAPIError):
            if self._connection is not None:
                try:
                    self._connection.execute(sa.text("SELECT 1"))
                except sa.exc.DBAPIError:
                    self._let_go()
            if self._connection is None:
                self._connection = self._engine.connect()
                self._connection.execute(sa.text("SELECT pg_advisory_xact_lock_shared(:lock, :run)"), self._key)
                _end_statement(self._connection)

    def _let_go(self) -> None:
        if self._connection is not None:
            with suppress(sa.exc.SQLAlchemyError):
                self._connection.close()
            self._connection = None

    def __enter__(self) -> Self:
        self.renew()
        return self

    def __exit__(self, *_: object) -> None:
        self._let_go()


def _end_statement(connection: Connection) -> None:
    """A statement with parameters keeps its snapshot until the next one; one without gives it back at its end."""
    connection.exec_driver_sql("SELECT 1")


class DeltaLock:
    """Only one process on any machine works on a delta; PostgreSQL drops the lock when the process dies.

    Raises:
        BusyError: another one does.
    """

    def __init__(self, engine: Engine, tenant: str, collection: str) -> None:
        self._engine = engine.execution_options(**UNWATCHED)
        self._collection = collection
        self._key = {"lock": DELTA_LOCK, "name": f"{tenant}/{collection}"}

    def __enter__(self) -> Self:
        statement = sa.text("SELECT pg_try_advisory_xact_lock(:lock, hashtext(:name))")
        with ExitStack() as opened:
            connection = opened.enter_context(reading(self._engine))
            if not connection.scalar(statement, self._key):
                raise BusyError(
                    f"Another process is working on the delta of {self._collection}.",
                    guidance="Let it finish: what it reads will be in the table.",
                )
            _end_statement(connection)
            self._held = opened.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(sa.exc.SQLAlchemyError, DatabaseError):
            self._held.close()


def try_lock_tenant_shared(connection: Connection, tenant: str) -> bool:
    """Let no act on all that is held of the tenant begin until this transaction ends; False while one waits or runs.

    It never waits: the act may wait for a transaction of the same process.
    """
    statement = sa.text("SELECT pg_try_advisory_xact_lock_shared(:lock, hashtext(:tenant))")
    return bool(connection.scalar(statement, {"lock": TENANT_LOCK, "tenant": tenant}))


def lock_tenant_exclusive(connection: Connection, tenant: str) -> None:
    """Wait for the transactions that write of a tenant, and let none begin until this one ends."""
    _lock(connection, TENANT_LOCK, tenant)


def mark_under_way(connection: Connection, unit_id: int) -> None:
    """Let others see that this transaction works on the unit."""
    key = {"lock": UNIT_LOCK, "unit": unit_id % 2**31}
    connection.execute(sa.text("SELECT pg_advisory_xact_lock_shared(:lock, :unit)"), key)


def lock_list(stored: Stored) -> None:
    """Let no other process read this whole collection until this transaction ends: no older list is stored after it."""
    _lock(stored.connection, LIST_LOCK, f"{stored.tenant}/{stored.collection.path}")


def lock_backfill(connection: Connection, what: str) -> None:
    """Let no other process look for or enter a backfill of the same `what` until this transaction ends."""
    _lock(connection, BACKFILL_LOCK, what)


def lock_merges_shared(connection: Connection, tenant: str) -> None:
    """Let no tombstone be made until this transaction ends: its merge would not see it."""
    parameters = {"lock": MERGE_LOCK, "tenant": tenant}
    connection.execute(sa.text("SELECT pg_advisory_xact_lock_shared(:lock, hashtext(:tenant))"), parameters)


def lock_merges_exclusive(connection: Connection, tenant: str) -> None:
    """Wait for the merges under way, and let none begin until this transaction ends."""
    _lock(connection, MERGE_LOCK, tenant)


def lock_wrong(connection: Connection, tenant: str) -> None:
    """Let no other process change what is known to be wrong until this transaction ends; its last lock."""
    _lock(connection, WRONG_LOCK, tenant)


def _lock(connection: Connection, number: int, what: str) -> None:
    parameters = {"lock": number, "what": what}
    connection.execute(sa.text("SELECT pg_advisory_xact_lock(:lock, hashtext(:what))"), parameters)


def is_alive(connection: Connection, run_id: int) -> bool:
    """Whether a process holds the lease of that run."""
    return bool(connection.scalar(text("is_alive"), {"lock": RUN_LOCK, "run": run_id % 2**31}))
