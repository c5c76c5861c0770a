"""Advisory locks of PostgreSQL: they belong to a session, so what dies holds nothing and is seen to be dead."""

from __future__ import annotations

from contextlib import suppress
from typing import Self

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

__all__ = ["RUN_LOCK", "UNIT_LOCK", "Lifeline", "is_alive", "lock_backfill", "lock_people", "mark_under_way"]

# First halves of the locks' keys; the second half is a number or a hash.
RUN_LOCK = 7_262_002
UNIT_LOCK = 7_262_003
PEOPLE_LOCK = 7_262_004
BACKFILL_LOCK = 7_262_005


class Lifeline:
    """Lets others see that the process of a run lives: a lock that PostgreSQL drops when the process dies.

    It never fails: when the connection breaks, the lock is taken again at the next `hold`.
    """

    def __init__(self, engine: Engine, run_id: int) -> None:
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._key = {"lock": RUN_LOCK, "run": run_id % 2**31}
        self._connection: Connection | None = None

    def hold(self) -> None:
        """Take the lock, or make sure that it is still there."""
        with suppress(sa.exc.DBAPIError):
            if self._connection is not None:
                try:
                    self._connection.execute(sa.text("SELECT 1"))
                except sa.exc.DBAPIError:
                    self._let_go()
            if self._connection is None:
                self._connection = self._engine.connect()
                self._connection.execute(sa.text("SELECT pg_advisory_lock_shared(:lock, :run)"), self._key)

    def _let_go(self) -> None:
        if self._connection is not None:
            with suppress(sa.exc.SQLAlchemyError):
                if not self._connection.invalidated:
                    self._connection.detach()  # not back to the pool: closing it is what drops the lock
                self._connection.close()
            self._connection = None

    def __enter__(self) -> Self:
        self.hold()
        return self

    def __exit__(self, *_: object) -> None:
        self._let_go()


def mark_under_way(connection: Connection, unit_id: int) -> None:
    """Let others see that this transaction works on the unit."""
    key = {"lock": UNIT_LOCK, "unit": unit_id % 2**31}
    connection.execute(sa.text("SELECT pg_advisory_xact_lock_shared(:lock, :unit)"), key)


def lock_people(connection: Connection, tenant: str) -> None:
    """Let nobody else read the tenant's people until this transaction ends: it is short, and so none is outdated."""
    connection.execute(
        sa.text("SELECT pg_advisory_xact_lock(:lock, hashtext(:tenant))"), {"lock": PEOPLE_LOCK, "tenant": tenant}
    )


def lock_backfill(connection: Connection, what: str) -> None:
    """Let nobody else look for or enter a backfill of the same `what` until this transaction ends."""
    parameters = {"lock": BACKFILL_LOCK, "what": what}
    connection.execute(sa.text("SELECT pg_advisory_xact_lock(:lock, hashtext(:what))"), parameters)


def is_alive(connection: Connection, run_id: int) -> bool:
    """Whether a process holds the lifeline of that run."""
    parameters = {"lock": RUN_LOCK, "run": run_id % 2**31}
    # Given back at once: the caller's own lifeline is another session and would wait for it.
    statement = "SELECT CASE WHEN pg_try_advisory_lock(:lock, :run) THEN pg_advisory_unlock(:lock, :run) END"
    return connection.scalar(sa.text(statement), parameters) is None
