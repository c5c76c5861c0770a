"""What holds in every transaction of ours, whatever role, database, pooler or address say.

Nothing is asked for at the start of a connection: poolers refuse the parameter `options`, and in transaction pooling
the next transaction may be on another connection of the server. So each transaction sets what it needs by itself, in
one statement, and takes nothing with it when it ends.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import psycopg
import sqlalchemy as sa
from sqlalchemy.engine import URL, Connection, Engine

__all__ = ["DECISIVE", "options_given", "set_up_transactions"]

# What a value means or looks like, and which names are found: correctness hangs on it.
DECISIVE = {
    "timezone": "UTC",
    "datestyle": "ISO, MDY",
    "intervalstyle": "postgres",
    "bytea_output": "hex",
    "extra_float_digits": "1",
    "standard_conforming_strings": "on",
    "search_path": "pg_catalog",
}
# A unit waits for the API inside its transaction, and what it has read is lost when that is cut short. `lock_watch`
# logs waits for locks.
PATIENT = {
    "lock_timeout": "0",
    "statement_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
}
# PostgreSQL notices within a minute that the other end is gone, and drops its transaction and its locks: a process
# that died is noticed at once, a machine that went away by probes. Nothing else would end its transaction.
# https://www.postgresql.org/docs/current/runtime-config-connection.html
# Older servers do not have all of these, servers on Windows refuse some: then the network's own time-outs have to do.
WELCOME = {
    "transaction_timeout": "0",
    "client_connection_check_interval": "10s",
    "tcp_keepalives_idle": "20",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "4",
    # While an answer is on its way to a machine that is gone nothing is probed, and it is sent again for 15 minutes.
    "tcp_user_timeout": "40s",
}
OPTION = re.compile(r"(?:-c\s*|--)([A-Za-z_.]+)\s*=")
STATEMENT = "begin"
"""Where a connection's `info` keeps the statement that its transactions begin with."""


def options_given(url: URL) -> set[str]:
    """Names of the server's settings that the parameter `options` of the address sets."""
    given = url.query.get("options", "")
    text = given if isinstance(given, str) else " ".join(given)
    return {name.lower() for name in OPTION.findall(text)}


def set_up_transactions(engine: Engine, begun: Callable[[Connection, int], None]) -> None:
    """Let each transaction of the engine begin with these settings; what the address sets itself stays.

    `begun` is called with each transaction and the server's process that it is in.
    """
    given = options_given(engine.url)
    needed = DECISIVE | {name: value for name, value in PATIENT.items() if name not in given}
    welcome = {name: value for name, value in WELCOME.items() if name not in given}

    def connected(driver: psycopg.Connection[Any], record: sa.pool.ConnectionPoolEntry) -> None:
        record.info[STATEMENT] = _statement(needed | _accepted(driver, welcome))

    def begin(connection: Connection) -> None:
        driver: psycopg.Connection[Any] = connection.connection.dbapi_connection  # type: ignore[assignment]
        if not driver.autocommit:  # there are no transactions to set anything for
            begun(connection, connection.exec_driver_sql(connection.info[STATEMENT]).scalar_one())

    sa.event.listen(engine, "connect", connected)
    sa.event.listen(engine, "begin", begin)


def _accepted(driver: psycopg.Connection[Any], settings: dict[str, str]) -> dict[str, str]:
    """Those of the settings that this server takes; tried in transactions of their own, so that nothing stays."""
    autocommit = driver.autocommit
    driver.autocommit = True
    try:
        return settings if _takes(driver, settings) else {n: v for n, v in settings.items() if _takes(driver, {n: v})}
    finally:
        driver.autocommit = autocommit


def _takes(driver: psycopg.Connection[Any], settings: dict[str, str]) -> bool:
    try:
        driver.execute(_statement(settings))
    except psycopg.DatabaseError:
        if driver.broken:
            raise
        return False
    return True


def _statement(settings: dict[str, str]) -> str:
    """The number of the server's process, and the settings made for this transaction alone."""
    calls = (f"pg_catalog.set_config('{name}', '{value}', true)" for name, value in settings.items())
    return f"SELECT pg_catalog.pg_backend_pid(), {', '.join(calls)}"
