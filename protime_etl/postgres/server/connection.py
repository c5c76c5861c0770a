"""Engines for the warehouse, and PostgreSQL's errors turned into ours."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import sqlalchemy as sa
from psycopg.types.datetime import DateLoader, TimestamptzLoader
from sqlalchemy.engine import URL, Connection, Engine
from sqlalchemy.engine.interfaces import IsolationLevel

from protime_etl.errors import ConnectionLostError, DatabaseError, LockedError, SchemaError
from protime_etl.postgres.server.address import place_of
from protime_etl.postgres.server.liveness import ping_after_rest
from protime_etl.postgres.server.lock_watch import LockWatch
from protime_etl.postgres.server.session import set_up_transactions

__all__ = ["create_engine", "database_errors"]

# What a connection asks for unless the address says otherwise. The client's sockets notice within a minute that the
# server is gone; `session` does the same for the server's.
PARAMETERS: dict[str, str | int | None] = {
    "fallback_application_name": "protime-etl",
    "connect_timeout": 10,
    "client_encoding": "utf8",
    "keepalives_idle": 20,
    "keepalives_interval": 5,
    "keepalives_count": 4,
    "tcp_user_timeout": 40_000,
    # In transaction pooling the next transaction does not know what was prepared on another connection.
    "prepare_threshold": None,
}
ISOLATION_LEVEL: IsolationLevel = "READ COMMITTED"
"""Said with each BEGIN: role or database may have another default."""
STOPPING = (
    psycopg.errors.AdminShutdown,
    psycopg.errors.CrashShutdown,
    psycopg.errors.CannotConnectNow,
    psycopg.errors.ConnectionException,
)


NOT_FOUND = (
    psycopg.errors.UndefinedTable,
    psycopg.errors.UndefinedFunction,
    psycopg.errors.UndefinedColumn,
    psycopg.errors.UndefinedObject,
    psycopg.errors.InvalidSchemaName,
)
OF_STATEMENTS = {"0A", "22", "23", "2F", "38", "39", "3F", "42", "P0"}
"""Classes of what a statement itself does wrong: the server and its locks have no part in it."""
# How the server says in which function something failed, in its languages; what follows may hold data of a row.
FUNCTION = re.compile(
    r"^(?:(?:SQL|PL/\w+)[ -])?f[uo]n[ckzç]\S*(?: (?:SQL|PL/\w+))? "
    r"(?:((?:[\w.$]|\"[^\"\n]+\")+\([^()\n]*\))|[\"«»„“]\s*([\w$]+))",
    re.MULTILINE | re.IGNORECASE,
)


class _DateLoader(DateLoader):
    """Days that Python does not know, such as infinity, as the first or the last one: no row may fail for all."""

    def load(self, data: Any) -> dt.date:
        try:
            return super().load(data)
        except psycopg.DataError:
            written = bytes(data)
            return dt.date.min if written.startswith(b"-") or written.endswith(b"BC") else dt.date.max


class _MomentLoader(TimestamptzLoader):
    """The same for moments; a day from the ends of what Python knows, so that they can be shown in any time zone."""

    FIRST = dt.datetime.min.replace(tzinfo=dt.UTC) + dt.timedelta(days=1)
    LAST = dt.datetime.max.replace(tzinfo=dt.UTC) - dt.timedelta(days=1)

    def load(self, data: Any) -> dt.datetime:
        try:
            return min(max(super().load(data), self.FIRST), self.LAST)
        except psycopg.DataError:
            written = bytes(data)
            return self.FIRST if written.startswith(b"-") or written.endswith(b"BC") else self.LAST


def create_engine(url: URL) -> Engine:
    """An engine whose transactions begin with the settings of `session` and whose pooled connections are checked."""
    engine = sa.create_engine(
        url,
        max_overflow=-1,  # workers hold one each for the time of a unit: their number is the limit
        hide_parameters=True,
        isolation_level=ISOLATION_LEVEL,
        use_native_hstore=False,  # looked up in a transaction, and this has none
        connect_args={name: value for name, value in PARAMETERS.items() if name not in url.query},
    )
    _initialize_without_transaction(engine)
    ping_after_rest(engine)
    watch = LockWatch(engine)
    set_up_transactions(engine, watch.begun)
    sa.event.listen(engine, "connect", _know_all_days)
    sa.event.listen(engine, "commit", watch.ended)
    sa.event.listen(engine, "rollback", watch.ended)
    return engine


def _know_all_days(driver: psycopg.Connection[Any], _record: object) -> None:
    driver.adapters.register_loader("date", _DateLoader)
    driver.adapters.register_loader("timestamptz", _MomentLoader)


def _initialize_without_transaction(engine: Engine) -> None:
    """Let SQLAlchemy get to know the server outside a transaction.

    Its first transaction would begin before any setting of ours holds, and a time-out of role or database could end it.
    """
    initialize = engine.dialect.initialize

    def initialize_in_autocommit(connection: Connection) -> None:
        driver: psycopg.Connection[Any] = connection.connection.dbapi_connection  # type: ignore[assignment]
        driver.autocommit = True
        initialize(connection)
        driver.autocommit = False
        engine.dialect.default_isolation_level = ISOLATION_LEVEL  # not what role or database have

    engine.dialect.initialize = initialize_in_autocommit  # type: ignore[method-assign]


@contextmanager
def database_errors(url: URL) -> Iterator[None]:
    """Raise PostgreSQL's errors as `DatabaseError`, with the host and what to do, never the password or a row."""
    try:
        yield
    except (sa.exc.DBAPIError, psycopg.Error) as error:
        cause = error.orig if isinstance(error, sa.exc.DBAPIError) else error
        # Not chained: the text of these errors holds parameters and rows, and a log of the chain would show them.
        raise _explain(url, cause) from None


def _explain(url: URL, cause: BaseException | None) -> DatabaseError:
    where = place_of(url)
    return _of_a_function(where, cause) or _not_allowed(where, cause) or _broken(where, cause) or _refused(where, cause)


def _of_a_function(where: str, cause: BaseException | None) -> DatabaseError | None:
    """What failed in a function of the database's owner, which a trigger, an index or a policy calls."""
    if not isinstance(cause, psycopg.Error) or (cause.sqlstate or "")[:2] not in OF_STATEMENTS:
        return None
    called = FUNCTION.search(cause.diag.context or "")
    name = called and (called[1] or called[2])
    if not name or name.startswith("protime_etl."):
        return None
    message = f"The function {name} failed on {where} ({_reason(cause)})."
    guidance = (
        "It does not belong to protime-etl: a trigger, an event trigger, an index or a policy calls it. Correct it."
    )
    if isinstance(cause, NOT_FOUND):
        guidance = (
            "It does not belong to protime-etl, which finds names without a schema in pg_catalog only: name the schema"
            f" in it, or ALTER FUNCTION {name} SET search_path = public, or wherever its names are."
        )
    # A name is not found the next time either; what a function refuses now it may take later.
    kind = DatabaseError if (cause.sqlstate or "")[:2] in {"22", "23", "P0"} else SchemaError
    return kind(message, guidance=guidance)


def _not_allowed(where: str, cause: BaseException | None) -> SchemaError | None:
    """What no repetition cures."""
    if isinstance(cause, NOT_FOUND):
        return SchemaError(
            f"The database {where} has no protime-etl schema, or not all of it ({cause.diag.message_primary}).",
            guidance="Run: protime-etl db upgrade. If that changes nothing, restore what was removed from a backup.",
        )
    if isinstance(cause, psycopg.errors.DependentObjectsStillExist):
        return SchemaError(
            f"Other objects of {where} depend on what has to be replaced ({_dependents(cause)}).",
            guidance="Keep their definitions (pg_get_viewdef, pg_get_functiondef), drop them, run the same command"
            " again, and create them again; nothing was changed.",
        )
    if isinstance(cause, psycopg.errors.ReadOnlySqlTransaction):
        return SchemaError(
            f"PostgreSQL at {where} lets this user read only.",
            guidance="It is a standby, or the role or database has default_transaction_read_only: name the primary"
            " server, or ALTER ROLE ... SET default_transaction_read_only = off.",
        )
    if isinstance(cause, psycopg.errors.InsufficientPrivilege):
        primary = cause.diag.message_primary or ""
        return SchemaError(
            f"The database user may not do this on {where} ({primary}).",
            guidance="Use the role that ran protime-etl db upgrade; for others see docs/settings.md, Rights.",
        )
    return None


def _broken(where: str, cause: BaseException | None) -> ConnectionLostError | None:
    if isinstance(cause, psycopg.OperationalError) and cause.sqlstate is None:
        first = str(cause).strip().splitlines()[0][:300] if str(cause).strip() else type(cause).__name__
        return ConnectionLostError(
            f"PostgreSQL at {where} cannot be reached ({first}).",
            guidance="Check PROTIME_DATABASE_URL.",
        )
    if isinstance(cause, STOPPING):
        return ConnectionLostError(
            f"PostgreSQL at {where} is stopping or starting ({_reason(cause)}).",
            guidance="What was committed is complete; run the same command again when it is back.",
        )
    if isinstance(cause, psycopg.errors.IdleSessionTimeout):
        return ConnectionLostError(
            f"PostgreSQL at {where} ended an idle session ({_reason(cause)}).",
            guidance="Run the same command again; if it happens often, the role or database has an idle_session_timeout"
            " that is shorter than this machine takes between two statements.",
        )
    return None


def _refused(where: str, cause: BaseException | None) -> DatabaseError:
    if isinstance(cause, psycopg.errors.LockNotAvailable):
        return LockedError(
            f"Another session has held a lock that this needs on {where} for too long.",
            guidance="Run the same command again when it has ended.",
        )
    if isinstance(cause, (psycopg.errors.DiskFull, psycopg.errors.OutOfMemory)):
        return DatabaseError(
            f"PostgreSQL at {where} has no room left ({_reason(cause)}).",
            guidance="Make room on that server, then run the same command again; what was committed is complete.",
        )
    return DatabaseError(
        f"PostgreSQL at {where} refused a statement ({_reason(cause)}).",
        guidance="What was committed is complete; run the same command again.",
    )


def _dependents(cause: psycopg.Error) -> str:
    """Which objects depend on which, as the server says it, in one line."""
    return "; ".join((cause.diag.message_detail or "").splitlines())[:1000]


def _reason(cause: BaseException | None) -> str:
    detail = getattr(getattr(cause, "diag", None), "message_primary", None) or ""
    return f"{type(cause).__name__}{f': {detail}' if detail else ''}"
