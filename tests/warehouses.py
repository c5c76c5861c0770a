"""`make warehouses`: the commands on every server, pooler and inherited setting that users have, and a table of it.

What cannot be had here is said and left out. `python -m tests.warehouses` ends with status 1 if anything failed.
"""

from __future__ import annotations

import datetime as dt
import logging
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path

import pytest
import sqlalchemy as sa
from rich.console import Console
from rich.table import Table
from sqlalchemy.engine import URL, Engine

from protime_etl.postgres.schema.upgrade import upgrade_schema
from protime_etl.postgres.server.connection import create_engine
from protime_etl.postgres.server.embedded import embedded_postgres
from protime_etl.simulator.faults import FaultPlan, read_plan
from protime_etl.simulator.options import Options
from protime_etl.simulator.server import SimulatedTenant
from protime_etl.simulator.state import Tenant
from tests.cli.shell import COMMAND, Shell, last_json
from tests.fetch_servers import RELEASES
from tests.support.pgbouncer import pgbouncer
from tests.support.servers import installed_servers, postgres_server
from tests.support.truth import table_rows, tenant_rows

__all__ = ["COLUMNS", "Trial", "warehouses"]

LAST = dt.date(2026, 3, 20)
FIRST = LAST - dt.timedelta(days=13)
DATES = ("--from", str(FIRST), "--to", str(LAST))
STALLED = read_plan('[[fault]]\nkind = "slow"\nseconds = 20\nrate = 1.0\non = ["clockings"]')
COLUMNS = ("sync", "changes", "backfill", "verify", "kill")
EMBEDDED = 18
INHERITED = {
    "transaction_timeout": "'300ms'",
    "idle_in_transaction_session_timeout": "'100ms'",
    "idle_session_timeout": "'100ms'",
    "lock_timeout": "'1ms'",
    "statement_timeout": "'300ms'",
    "DateStyle": "'German, DMY'",
    "IntervalStyle": "'sql_standard'",
    "default_transaction_isolation": "'serializable'",
    "TimeZone": "'Australia/Lord_Howe'",
    "search_path": "''",
}
DEATH_SECONDS = 30
NUMBERS = count(1)


class Trial:
    """All commands, one after the other, on one warehouse with a tenant of its own."""

    def __init__(self, url: URL, folder: Path, served: SimulatedTenant) -> None:
        self._served = served
        self._url = url
        self._shell = Shell(
            folder,
            tenant="simulated",
            client_id=served.client_id,
            client_secret=served.client_secret,
            api_url=served.url,
            auth_url=served.url,
            database_url=url.render_as_string(hide_password=False),
        )

    def run(self, column: str) -> str:
        """`ok`, or what failed."""
        try:
            getattr(self, f"_{column}")()
        except AssertionError as error:
            return (str(error).strip().splitlines() or ["failed"])[0][:160]
        return "ok"

    def _command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        result = self._shell(*arguments)
        assert result.returncode == 0, f"{arguments[0]}: {(result.stderr or result.stdout).strip().splitlines()[-1:]}"
        return result

    def _assert_equal(self) -> None:
        truth = tenant_rows(self._served.tenant)
        with self._engine() as engine:
            table = table_rows(engine)
        assert {key: row for key, row in table.items() if key in truth} == truth, "the table is not equal to the tenant"
        gone = [row for key, row in table.items() if key not in truth]
        assert all(row["is_deleted"] for row in gone), "a removed record is not deleted"

    @contextmanager
    def _engine(self) -> Iterator[Engine]:
        engine = create_engine(self._url)
        try:
            yield engine
        finally:
            engine.dispose()

    def _sync(self) -> None:
        self._command("sync", *DATES)
        self._assert_equal()

    def _changes(self) -> None:
        self._command("changes")
        edited, removed, *_ = (one for one in self._served.tenant.truth() if one.status != "Deleted")
        self._served.tenant.edit(edited.id, time_of_day_in_minutes=601)
        self._served.tenant.hard_delete(removed.id)
        self._command("changes")
        self._assert_equal()

    def _backfill(self) -> None:
        self._served.tenant.hard_delete(self._served.tenant.truth()[-1].id)
        self._command("backfill", *DATES, "--fresh", "--workers", "4")
        self._assert_equal()

    def _verify(self) -> None:
        found = last_json(self._command("verify", *DATES, "--json"))
        assert found["equal"] >= len(self._served.tenant.truth()), "verify has not seen all"

    def _kill(self) -> None:
        before = self._served.served.requests["clockings"]
        self._served.served.misbehaviour.follow(STALLED)
        command = [str(COMMAND), "backfill", *DATES, "--fresh", "--workers", "2"]
        process = subprocess.Popen(
            command,
            env={**os.environ, **self._shell.settings},
            cwd=self._shell.folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            while self._served.served.requests["clockings"] == before:
                assert process.poll() is None, "the backfill ended before it was killed"
                time.sleep(0.02)
        finally:
            process.kill()
            process.wait(30)
        self._served.served.misbehaviour.follow(FaultPlan())
        with self._engine() as engine:
            _wait_until_dead(engine)
        self._command("backfill", *DATES)
        self._assert_equal()


def _wait_until_dead(engine: Engine) -> None:
    locks = (
        "SELECT count(*) FROM pg_locks AS l JOIN pg_database AS d ON d.oid = l.database"
        " WHERE l.locktype = 'advisory' AND d.datname = current_database()"
    )
    deadline = time.monotonic() + DEATH_SECONDS
    with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        while connection.scalar(sa.text(locks)):
            assert time.monotonic() < deadline, "what was killed still holds locks"
            time.sleep(0.05)


def _fresh(server: URL, settings: Iterable[str] = ()) -> URL:
    """A new database with the schema; the settings are the database's and so those of each session."""
    name = f"trial_{next(NUMBERS)}"
    _execute(server, f"CREATE DATABASE {name}")
    url = server.set(database=name)
    engine = create_engine(url)
    upgrade_schema(engine)
    engine.dispose()
    for setting in settings:
        _execute(server, f"ALTER DATABASE {name} SET {setting} = {INHERITED[setting]}")
    return url


def _execute(url: URL, statement: str) -> None:
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(sa.text(statement))
    engine.dispose()


def warehouses(say: Callable[[str], None], *, short: bool = False) -> Iterator[tuple[str, URL]]:
    """Name and address of each warehouse, while it runs; `say` gets what cannot be had."""
    installed = installed_servers()
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="protime-etl-test-")))
        home.chmod(0o755)  # the server runs as a user of its own where root runs the tests
        embedded = stack.enter_context(embedded_postgres(home))
        for version in sorted({*RELEASES, *installed}):
            if version not in installed:
                say(f"PostgreSQL {version} is left out: it is not here.")
                continue
            if short and version != min(installed):
                continue
            server = stack.enter_context(postgres_server(installed[version])).url
            yield f"PostgreSQL {version}", _fresh(server)
            if version == min(installed):
                for mode in ("transaction",) if short else ("session", "transaction"):
                    try:
                        pooled = stack.enter_context(pgbouncer(_fresh(server), mode))
                    except pytest.skip.Exception:
                        say(f"PgBouncer ({mode}) is left out: it is not here.")
                    else:
                        yield f"PgBouncer, {mode}", pooled
        if short:
            yield f"PostgreSQL {EMBEDDED}, all settings at once", _fresh(embedded, INHERITED)
            return
        yield f"PostgreSQL {EMBEDDED}", _fresh(embedded)
        for setting, value in INHERITED.items():
            yield f"{setting} = {value}", _fresh(embedded, [setting])


def results(say: Callable[[str], None], *, short: bool = False) -> Iterator[tuple[str, dict[str, str]]]:
    """Name of each warehouse, and what became of each command."""
    for name, url in warehouses(say, short=short):
        tenant = Tenant(seed=1, people=20, first_day=FIRST, last_day=LAST)
        with tempfile.TemporaryDirectory() as folder, SimulatedTenant(tenant, Options(page_size=100)) as served:
            trial = Trial(url, Path(folder), served)
            yield name, {column: trial.run(column) for column in COLUMNS}


def main() -> None:
    """Try all and print the table."""
    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)  # of requests of what was killed
    console = Console(width=None if sys.stdout.isatty() else 160)
    table = Table("warehouse", *COLUMNS)
    failed = False
    for name, found in results(console.print):
        console.print(f"{name}: {', '.join(f'{column} {found[column]}' for column in COLUMNS)}", markup=False)
        table.add_row(name, *found.values())
        failed = failed or set(found.values()) != {"ok"}
    console.print(table)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
