"""A clock that a test can move, for Python and PostgreSQL at once; the code under test knows nothing of it.

Python's clock is moved by time-machine and goes on ticking; what measures durations (`time.monotonic`) is left alone,
as on a machine whose clock is set. PostgreSQL's clock cannot be moved, but the functions that read it are found by
`search_path`, which each transaction of ours sets by itself (`postgres/server/session.py`): here a schema comes
before `pg_catalog` whose functions add as much as the table in it says. Views, defaults and triggers take them as well,
as the schema of the warehouse is made under that path. The database has the same path for statements that no
transaction of ours surrounds.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
import time_machine
from sqlalchemy.engine import URL

from protime_etl.postgres.schema.upgrade import upgrade_schema
from protime_etl.postgres.server.connection import create_engine
from protime_etl.postgres.server.session import DECISIVE
from tests.support.databases import database_exists, execute

__all__ = ["MovingClock", "moved_search_path", "moved_template", "moving_clock"]

SEARCH_PATH = "moved, pg_catalog"
READERS = {
    "now": "STABLE",
    "transaction_timestamp": "STABLE",
    "statement_timestamp": "STABLE",
    "clock_timestamp": "VOLATILE",
}
TEMPLATE = "template_moved"


class MovingClock:
    """The time of this process and of the databases that follow it."""

    def __init__(self, traveller: time_machine.Traveller) -> None:
        self._traveller = traveller
        self._databases: list[str] = []

    @property
    def ahead(self) -> float:
        """Seconds that it is ahead of the machine's clock."""
        return dt.datetime.now(dt.UTC).timestamp() - time_machine.escape_hatch.time.time()

    def now(self) -> dt.datetime:
        """The moment now."""
        return dt.datetime.now(dt.UTC)

    def set(self, moment: dt.datetime) -> None:
        """Let it be that moment, which needs a time zone."""
        assert moment.tzinfo is not None, "a moment needs a time zone"
        self._traveller.move_to(moment.astimezone(dt.UTC))
        for address in self._databases:
            self._move(address)

    def move(self, **by: float) -> None:
        """Let this time pass; the arguments are those of `datetime.timedelta`."""
        self.set(self.now() + dt.timedelta(**by))

    def follow(self, url: URL) -> None:
        """Let a database that was made from `moved_template` follow."""
        execute(url, f"ALTER DATABASE {url.database} SET search_path = {SEARCH_PATH}, public")
        address = url.set(drivername="postgresql").render_as_string(hide_password=False)
        self._databases.append(address)
        self._move(address)

    def _move(self, address: str) -> None:
        with psycopg.connect(address, autocommit=True) as session:
            session.execute("UPDATE moved.clock SET ahead = make_interval(secs => %s)", [self.ahead])


@contextmanager
def moving_clock(ahead: float = 0.0) -> Iterator[MovingClock]:
    """A clock that can be moved for the length of the block, at first this many seconds ahead.

    Engines are to be made inside.
    """
    begin = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=ahead)
    with moved_search_path(), time_machine.travel(begin, tick=True) as traveller:
        yield MovingClock(traveller)


@contextmanager
def moved_search_path() -> Iterator[None]:
    """Let engines that are made inside find the functions of the moved clock."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(DECISIVE, "search_path", SEARCH_PATH)
        yield


def moved_template(server: URL) -> str:
    """The name of a database on that server with the schema of the warehouse on a clock that can be moved."""
    if not database_exists(server, TEMPLATE):
        execute(server, f"CREATE DATABASE {TEMPLATE}")
        url = server.set(database=TEMPLATE)
        execute(url, "CREATE SCHEMA moved")
        execute(url, "CREATE TABLE moved.clock AS SELECT interval '0' AS ahead")
        for name, volatility in READERS.items():
            execute(
                url,
                f"CREATE FUNCTION moved.{name}() RETURNS timestamptz LANGUAGE sql {volatility} PARALLEL SAFE AS"
                f" $$ SELECT pg_catalog.{name}() + ahead FROM moved.clock $$",
            )
        with moved_search_path():
            engine = create_engine(url)
            try:
                upgrade_schema(engine)
            finally:
                engine.dispose()
    return TEMPLATE
