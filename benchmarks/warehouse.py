"""The PostgreSQL that all contenders share, its databases, and what it counts of each run.

It is the embedded PostgreSQL 18 with the settings of its `initdb`: fsync, full page writes and data checksums on,
128 MB of shared buffers. Each round has a database of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psycopg
from sqlalchemy.engine import URL

from benchmarks.measured import cpu_seconds
from benchmarks.server import TENANT_NAME
from protime_etl.postgres.schema.upgrade import upgrade_schema
from protime_etl.postgres.server.connection import create_engine
from protime_etl.postgres.server.embedded import embedded_postgres

__all__ = ["Counters", "Server", "database_server", "dsn"]

TEMPLATE = "with_schema"


@dataclass(frozen=True)
class Counters:
    """What PostgreSQL has counted so far."""

    wal_bytes: int
    cpu_seconds: float
    """Of the server and all its processes, background ones included."""
    written: int
    """Tuples inserted, updated or deleted in the table of clockings."""
    dead: int
    """Tuples updated or deleted in all tables; each leaves a dead one. What is dead at this moment would depend on when
    autovacuum last came by."""


class Server:
    """A running PostgreSQL."""

    def __init__(self, url: URL, data: Path) -> None:
        self.url = url
        self._postmaster = int((data / "postmaster.pid").read_text().split()[0])
        self._numbers = count(1)
        self.version = str(self.query("postgres", "SHOW server_version")[0][0])

    def query(self, database: str, statement: str) -> list[tuple[Any, ...]]:
        """Run one statement outside a transaction."""
        with psycopg.connect(dsn(self.url.set(database=database)), autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def prepare_template(self) -> None:
        """A database with this project's schema, from which others are copied."""
        self.query("postgres", f"CREATE DATABASE {TEMPLATE}")
        engine = create_engine(self.url.set(database=TEMPLATE))
        upgrade_schema(engine)
        engine.dispose()

    @contextmanager
    def database(self, template: str | None = TEMPLATE) -> Iterator[URL]:
        """A fresh database until the end of the `with`: a copy of `template`, or an empty one."""
        name = f"bench_{next(self._numbers)}"
        copied = f"TEMPLATE {template} STRATEGY file_copy" if template else ""
        self.query("postgres", f"CREATE DATABASE {name} {copied}")
        try:
            yield self.url.set(database=name)
        finally:
            self.query("postgres", f"DROP DATABASE {name} WITH (FORCE)")

    def fill(self, database: str, rows: int) -> None:
        """Multiply the clockings that a database has into about `rows`, all older, and forget the original ones."""
        row = self.query(database, "SELECT count(*), max(id) - min(id) + 1, min(id), max(id) FROM protime.clockings")[0]
        present, span, first, last = map(int, row)
        copies = -(-rows // present)
        if first - copies * span < 0:
            raise ValueError(f"{copies} copies of {span} ids do not fit below {first}")
        names = [
            name
            for (name,) in self.query(
                database,
                "SELECT column_name FROM information_schema.columns WHERE table_schema = 'protime'"
                " AND table_name = 'clockings' AND column_name <> 'tenant' ORDER BY ordinal_position",
            )
        ]
        # Oldest first, as they were clocked.
        for copy in range(copies, 0, -1):
            shifted = {"id": f"id - {copy * span}", "date": f"date - {copy * 98}"}
            values = ", ".join(shifted.get(name, name) for name in names)
            wanted = f"WHERE tenant = '{TENANT_NAME}' AND id BETWEEN {first} AND {last} ORDER BY id"
            self.query(
                database,
                f"INSERT INTO protime.clockings (tenant, {', '.join(names)})"
                f" SELECT tenant, {values} FROM protime.clockings {wanted}",
            )
        self.query(database, f"DELETE FROM protime.clockings WHERE id BETWEEN {first} AND {last}")
        for table in ("coverage", "units", "runs"):
            self.query(database, f"TRUNCATE protime_etl.{table} CASCADE")

    def settle(self, database: str) -> None:
        """What autovacuum does between two nights; without it that work would fall on the next run."""
        self.query(database, "VACUUM (ANALYZE)")

    def checkpoint(self) -> None:
        """From here on the first change of each page writes it whole into the WAL, for all contenders alike."""
        self.query("postgres", "CHECKPOINT")

    def counters(self, database: str, table: str) -> Counters:
        """What is counted now, once all sessions of the database have ended."""
        self._wait_for_sessions(database)
        statement = (
            "SELECT (pg_current_wal_insert_lsn() - '0/0')::bigint, coalesce(sum(n_tup_upd + n_tup_del), 0)::bigint,"
            " coalesce(sum(n_tup_ins + n_tup_upd + n_tup_del)"
            f" FILTER (WHERE relid = to_regclass('{table}')), 0)::bigint FROM pg_stat_user_tables"
        )
        wal, dead, written = self.query(database, statement)[0]
        return Counters(wal, cpu_seconds(self._postmaster), written, dead)

    def brought(self, database: str, table: str) -> tuple[int, int]:
        """Rows of the table of clockings, and the sum of their times."""
        rows, minutes = self.query(
            database, f"SELECT count(*), coalesce(sum(time_of_day_in_minutes), 0)::bigint FROM {table}"
        )[0]
        return int(rows), int(minutes)

    def _wait_for_sessions(self, database: str) -> None:
        # A session hands in its counts when it ends, which is a moment after its client has.
        statement = (
            f"SELECT count(*) FROM pg_stat_activity WHERE datname = '{database}' AND backend_type = 'client backend'"
        )
        for _ in range(100):
            if self.query("postgres", statement) == [(0,)]:
                return
            self.query("postgres", "SELECT pg_sleep(0.05)")
        raise RuntimeError(f"sessions of {database} do not end")


def dsn(url: URL) -> str:
    """The form of libpq, as every contender takes it."""
    return url.set(drivername="postgresql").render_as_string(hide_password=False)


@contextmanager
def database_server(home: Path) -> Iterator[Server]:
    """The server, in a folder below `home` that is removed at the end."""
    home.mkdir(exist_ok=True)
    with TemporaryDirectory(dir=home, prefix="postgres-") as name:
        folder = Path(name)
        folder.chmod(0o711)  # started by root, the server runs as a user of its own
        with embedded_postgres(folder) as url:
            server = Server(url, folder / "postgres")
            server.prepare_template()
            yield server
