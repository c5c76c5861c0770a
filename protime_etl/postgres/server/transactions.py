"""Transactions with the warehouse, and PostgreSQL's errors turned into ours.

A server may end a session between two statements: it rests for longer than `idle_session_timeout` allows, or was ended
together with a pooled connection that looked alive a moment ago. As long as the transaction has not begun, nothing is
lost by that, and it begins on another connection.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any, TypeVar

import psycopg
import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine
from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt

from protime_etl.postgres.server.connection import database_errors

__all__ = ["read_alone", "reading", "transaction"]

log = logging.getLogger(__name__)
ATTEMPTS = 3
Result = TypeVar("Result")


@contextmanager
def transaction(engine: Engine) -> Iterator[Connection]:
    """A transaction of the warehouse, committed at its end.

    Raises:
        DatabaseError: PostgreSQL cannot be reached or refused it; a subclass says how.
    """
    with database_errors(engine.url), ExitStack() as opened:
        yield _entered(engine.begin, opened)


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A transaction that is rolled back at its end.

    Raises:
        DatabaseError: as `transaction`.
    """

    @contextmanager
    def begun() -> Iterator[Connection]:
        with engine.connect() as connection:
            connection.begin()
            yield connection

    with database_errors(engine.url), ExitStack() as opened:
        yield _entered(begun, opened)


def read_alone(engine: Engine, query: sa.TextClause, values: dict[str, Any]) -> Any:
    """One value by one query that is a transaction by itself; `engine` commits each statement at once.

    Raises:
        DatabaseError: as `transaction`.
    """

    def ask() -> Any:
        with engine.connect() as connection:
            return connection.scalar(query, values)

    with database_errors(engine.url):
        return _again(ask)


def _entered(begin: Callable[[], AbstractContextManager[Connection]], opened: ExitStack) -> Connection:
    return _again(lambda: opened.enter_context(begin()))


def _again(call: Callable[[], Result]) -> Result:
    again = Retrying(
        retry=retry_if_exception(_was_ended), stop=stop_after_attempt(ATTEMPTS), before_sleep=_log_restart, reraise=True
    )
    return again(call)


def _log_restart(_: RetryCallState) -> None:
    log.info("PostgreSQL ended an idle session; a new one is started.")


def _was_ended(error: BaseException) -> bool:
    """Whether a session that there was has come to its end; a server that cannot be reached had none."""
    return isinstance(error, sa.exc.DBAPIError) and (
        error.connection_invalidated or isinstance(error.orig, psycopg.errors.IdleSessionTimeout)
    )
