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

__all__ = ["UNWATCHED", "LockWatch", "holders"]

log = logging.getLogger(__name__)
PATIENCE_SECONDS = 5.0
UNWATCHED = {"unwatched": True}
"""Execution option of an engine whose transactions are only there to hold a lock."""
# The moment as text: no setting of a role says how it looks. What other roles do is hidden from most users.
SESSION = """
b.pid, b.usename, coalesce(nullif(b.application_name, ''), 'unnamed') AS application,
    coalesce(', ' || b.state || to_char(b.xact_start AT TIME ZONE 'UTC', '" since "YYYY-MM-DD HH24:MI" UTC"'), '')
    AS doing
"""
BLOCKING = f"""
SELECT DISTINCT l.pid AS waiting, {SESSION}
FROM pg_locks AS l, unnest(pg_blocking_pids(l.pid)) AS blocking JOIN pg_stat_activity AS b ON b.pid = blocking
WHERE NOT l.granted AND l.pid = ANY(:pids) AND b.pid <> ALL(:pids)
    AND l.waitstart < clock_timestamp() - make_interval(secs => :patience)
"""
HOLDING = f"""
SELECT DISTINCT {SESSION}
FROM pg_locks AS l JOIN pg_class AS c ON c.oid = l.relation JOIN pg_database AS d ON d.oid = l.database
    JOIN pg_stat_activity AS b ON b.pid = l.pid
WHERE l.granted AND d.datname = current_database() AND b.pid <> pg_backend_pid()
    AND CAST(CAST(c.relnamespace AS regnamespace) AS text) IN ('protime', 'protime_etl')
ORDER BY b.pid LIMIT 5
"""


def holders(connection: Connection) -> list[str]:
    """The other sessions that hold locks on tables of ours, five at most."""
    return [_described(row) for row in connection.execute(sa.text(HOLDING))]


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
            for row in connection.execute(sa.text(BLOCKING), {"pids": pids, "patience": PATIENCE_SECONDS}):
                if (row.waiting, row.pid) not in self._reported:
                    self._reported.add((row.waiting, row.pid))
                    log.warning("Waiting for a lock of %s. This continues when that session ends.", _described(row))
