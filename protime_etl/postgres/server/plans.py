"""What keeps a statement from being as fast as PostgreSQL's statistics happen to be good.

Right after a load nothing has looked at the table yet: autovacuum comes after a minute, or when it has time, or never.
The planner then believes that a table of millions has no row of a tenant or of a day, and joins it with what was staged
row by row, which takes hours. So:

- a tenant is compared with `(SELECT CAST(:tenant AS text))`, of which the planner only knows that it is one of those
  that are there. With the name itself it may find that the statistics have never heard of it;
- two sides that may both be large are joined with `no_nested_loops`: by hashing or sorting, which costs what it costs;
- what was staged, and any few records, are looked up in an index one by one: `LATERAL (... OFFSET 0)` leaves no other
  way, and it costs what these records cost, however large the table is;
- a process that has loaded much has the table analysed (`refresh_statistics`), for those who query it.

`tests/postgres/test_plans.py` holds that for every statement, whatever the statistics say.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import psycopg
import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from protime_etl.postgres.server.statements import text

__all__ = ["WORTH_STATISTICS", "no_nested_loops", "refresh_statistics"]

WORTH_STATISTICS = 10_000
"""Rows at once from which the statistics are checked."""
SAMPLE = 10
"""A tenth of the usual sample: enough to plan by, and a twentieth of a second. Autovacuum takes its own in its time."""
LOCK_TIMEOUT = "100ms"


@contextmanager
def no_nested_loops(session: psycopg.Connection[Any] | Connection) -> Iterator[None]:
    """Let statements of this block join by hashing or sorting only; for joins of two sides that may both be large."""
    run = session.exec_driver_sql if isinstance(session, Connection) else session.execute
    run("SET LOCAL enable_nestloop = off")
    yield
    run("SET LOCAL enable_nestloop = DEFAULT")  # after an error there is no transaction left to set it in


def refresh_statistics(engine: Engine, written: int, growth: float = 1.1) -> None:
    """Analyse tables that have grown by the factor `growth` since their last analysis, if `written` rows are worth it.

    What this user may not analyse, or another process is at, is left to autovacuum.
    """
    if written < WORTH_STATISTICS:
        return
    with suppress(sa.exc.DBAPIError), engine.begin() as connection:
        for table in connection.scalars(text("outgrown"), {"factor": growth}).all():
            _analyse(connection, table)


def _analyse(connection: Connection, table: str) -> None:
    connection.execute(sa.text(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'"))
    connection.execute(sa.text(f"SET LOCAL default_statistics_target = {SAMPLE}"))
    savepoint = connection.begin_nested()
    try:
        connection.execute(sa.text(f"ANALYZE {table}"))
    except sa.exc.OperationalError as error:
        savepoint.rollback()
        if not isinstance(error.orig, psycopg.errors.LockNotAvailable):
            raise
    else:
        savepoint.commit()
