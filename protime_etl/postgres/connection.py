"""Engines for the warehouse, and PostgreSQL's errors turned into ours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import sqlalchemy as sa
from sqlalchemy.engine import URL, Engine, make_url

from protime_etl.errors import ConnectionLostError, DatabaseError, SchemaError, SettingsError

__all__ = ["create_engine", "database_errors", "parse_url"]

# PostgreSQL notices within a minute that the other end is gone, and drops its transaction and its locks: a process
# that died is noticed at once, a machine that went away by probes. Units wait for the API inside a transaction, so
# nothing else would end it. https://www.postgresql.org/docs/current/runtime-config-connection.html
SESSION_OPTIONS = {
    "timezone": "UTC",
    "client_connection_check_interval": "10s",
    "tcp_keepalives_idle": "20",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "4",
    "temp_buffers": "32MB",  # a unit of a hundred pages is staged in memory
}
STOPPING = (
    psycopg.errors.AdminShutdown,
    psycopg.errors.CrashShutdown,
    psycopg.errors.CannotConnectNow,
    psycopg.errors.ConnectionException,
)


def parse_url(text: str) -> URL:
    """A SQLAlchemy URL for psycopg 3 from what users write (`postgres://`, `postgresql://`).

    Raises:
        SettingsError: it is no PostgreSQL URL. The message does not repeat it: it may hold a password.
    """
    try:
        url = make_url(text)
    except (sa.exc.ArgumentError, ValueError):
        url = URL.create("unreadable")
    if url.drivername.split("+")[0] not in ("postgresql", "postgres"):
        raise SettingsError(
            "PROTIME_DATABASE_URL is not a PostgreSQL URL.",
            guidance="It looks like postgresql://user:password@host:5432/database.",
        )
    return url.set(drivername="postgresql+psycopg")


def create_engine(url: URL) -> Engine:
    """An engine whose sessions name themselves, check a pooled connection before use and keep UTC."""
    return sa.create_engine(
        url,
        pool_pre_ping=True,
        max_overflow=-1,  # workers hold one each for the time of a unit: their number is the limit
        hide_parameters=True,
        connect_args={
            "application_name": "protime-etl",
            "connect_timeout": 10,
            "options": " ".join(f"-c {name}={value}" for name, value in SESSION_OPTIONS.items()),
        },
    )


@contextmanager
def database_errors(url: URL) -> Iterator[None]:
    """Raise PostgreSQL's errors as `DatabaseError`, with the host and what to do, never the password or a row."""
    try:
        yield
    except (sa.exc.DBAPIError, psycopg.Error) as error:
        cause = error.orig if isinstance(error, sa.exc.DBAPIError) else error
        # Not chained: the text of these errors holds parameters and rows, and whoever logs a chain logs them.
        raise _explain(url, cause) from None


def _explain(url: URL, cause: BaseException | None) -> DatabaseError:
    where = f"{url.query.get('host') or url.host or 'localhost'}/{url.database or ''}"
    if isinstance(cause, (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName)):
        return SchemaError(f"The database {where} has no protime-etl schema.", guidance="Run: protime-etl db upgrade")
    if isinstance(cause, psycopg.errors.InsufficientPrivilege):
        primary = cause.diag.message_primary or ""
        return SchemaError(
            f"The database user may not do this on {where} ({primary}).",
            guidance="Grant it (README: Connect your tenant), then try again.",
        )
    if isinstance(cause, psycopg.OperationalError) and cause.sqlstate is None:
        first = str(cause).strip().splitlines()[0][:300] if str(cause).strip() else type(cause).__name__
        return ConnectionLostError(
            f"PostgreSQL at {where} cannot be reached ({first}).",
            guidance="Check PROTIME_DATABASE_URL.",
        )
    detail = getattr(getattr(cause, "diag", None), "message_primary", None) or ""
    reason = f"{type(cause).__name__}{f': {detail}' if detail else ''}"
    if isinstance(cause, STOPPING):
        return ConnectionLostError(
            f"PostgreSQL at {where} stops or starts ({reason}).",
            guidance="What was committed before is whole; run the same command again when it is back.",
        )
    if isinstance(cause, (psycopg.errors.DiskFull, psycopg.errors.OutOfMemory)):
        return DatabaseError(
            f"PostgreSQL at {where} has no room left ({reason}).",
            guidance="Make room on that server, then run the same command again; what was committed before is whole.",
        )
    return DatabaseError(
        f"PostgreSQL at {where} refused a statement ({reason}).",
        guidance="What was committed before is whole; run the same command again.",
    )
