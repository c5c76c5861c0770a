"""Transactions with the warehouse, and PostgreSQL's errors turned into ours.

A server may end a session between two statements: it rests for longer than `idle_session_timeout` allows, or was ended
together with a pooled connection that looked alive a moment ago. As long as the transaction has not begun, nothing is
lost by that, and it begins on another connection.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager

import psycopg
import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine
from tenacity import Retrying, retry_if_exception, stop_after_attempt

from protime_etl.postgres.connection import database_errors

__all__ = ["reading", "transaction"]

ATTEMPTS = 3


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


def _entered(begin: Callable[[], AbstractContextManager[Connection]], opened: ExitStack) -> Connection:
    again = Retrying(retry=retry_if_exception(_was_ended), stop=stop_after_attempt(ATTEMPTS), reraise=True)
    return again(lambda: opened.enter_context(begin()))


def _was_ended(error: BaseException) -> bool:
    """Whether a session that there was has come to its end; a server that cannot be reached had none."""
    return isinstance(error, sa.exc.DBAPIError) and (
        error.connection_invalidated or isinstance(error.orig, psycopg.errors.IdleSessionTimeout)
    )
