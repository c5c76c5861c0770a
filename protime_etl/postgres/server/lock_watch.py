"""Says who is in the way when a transaction waits for a lock: a forgotten session would stop it without a word."""

from __future__ import annotations

import logging
import threading
import time
from contextlib import suppress
from typing import Any
from weakref import WeakKeyDictionary

import psycopg
import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine, Row

from protime_etl.postgres.server.statements import text

__all__ = ["UNWATCHED", "LockWatch", "holders"]

log = logging.getLogger(__name__)
PATIENCE_SECONDS = 5.0
UNWATCHED = {"unwatched": True}
"""Execution option of an engine whose transactions are only there to hold a lock."""


def holders(connection: Connection) -> list[str]:
    """The other sessions that hold locks on tables of ours, five at most."""
    return [_described(row) for row in connection.execute(text("who_holds"))]


def _described(row: Row[Any]) -> str:
    return f"session {row.pid} (user {row.usename}, application {row.application}{row.doing})"


class LockWatch:
    """Looks every few seconds at the engine's transactions, in a thread that lives as long as there are any."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._lock = threading.Lock()
        self._pids: WeakKeyDictionary[Connection, int] = WeakKeyDictionary()
        self._watched = False
        self._reported: set[tuple[int, int]] = set()

    def begun(self, connection: Connection, pid: int) -> None:
        """A transaction has begun in the server's process `pid`."""
        if connection.get_execution_options().get("unwatched"):
            return
        with self._lock:
            self._pids[connection] = pid
            if not self._watched:
                self._watched = True
                threading.Thread(target=self._watch, name="protime-etl lock watch", daemon=True).start()

    def ended(self, connection: Connection) -> None:
        """It was committed or rolled back."""
        with self._lock:
            self._pids.pop(connection, None)

    def _watch(self) -> None:
        while True:
            time.sleep(PATIENCE_SECONDS)
            with self._lock:
                pids = list(self._pids.values())
                self._watched = bool(pids)
            if not pids:
                return
            with suppress(sa.exc.SQLAlchemyError, psycopg.Error):
                self._look(pids)

    def _look(self, pids: list[int]) -> None:
        with self._engine.connect() as connection:
            connection.detach()  # the engine may be closed meanwhile, and would not know of it
            for row in connection.execute(text("who_blocks"), {"pids": pids, "patience": PATIENCE_SECONDS}):
                if (row.waiting, row.pid) not in self._reported:
                    self._reported.add((row.waiting, row.pid))
                    log.warning("Waiting for a lock of %s. This continues when that session ends.", _described(row))
