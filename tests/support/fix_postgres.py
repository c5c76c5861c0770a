"""Fixtures: PostgreSQL servers, and a fresh warehouse for each test."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from functools import cache
from pathlib import Path

import pytest
from sqlalchemy.engine import URL, Engine, make_url

from protime_etl.postgres.schema.upgrade import upgrade_schema
from protime_etl.postgres.server.connection import create_engine
from protime_etl.postgres.server.embedded import embedded_postgres
from tests.support.databases import NUMBERS, database, execute, in_memory
from tests.support.moving_clock import MovingClock, moved_template
from tests.support.servers import older_server, system_postgres
from tests.support.shadow import cast_shadow, shadow_of

PREPARED = "SERVER_OF_TESTS"
"""In the environment: the URL of a server that `prepare` was called for; it takes the place of the embedded one."""


def prepare(server: URL) -> None:
    """Make the databases that those of the tests are copies of."""
    # No test outlives the machine, and hundreds of databases take minutes to reach the disk.
    for setting in ("fsync", "full_page_writes", "synchronous_commit"):
        execute(server, f"ALTER SYSTEM SET {setting} = off")
    execute(server, "SELECT pg_reload_conf()")
    execute(server, "CREATE DATABASE template")
    engine = create_engine(server.set(database="template"))
    upgrade_schema(engine)
    engine.dispose()
    execute(server, "CREATE DATABASE template_alone TEMPLATE template")
    cast_shadow(server.set(database="template"))


@cache
def _shadow_at_first(server: URL) -> Mapping[str, str]:
    return shadow_of(server.set(database="template"))


@pytest.fixture(scope="session")
def servers() -> Iterator[Callable[[str], URL]]:
    """Servers by name, started when first asked for; each with a database `template` that has the schema."""
    started: dict[str, URL] = {}
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="protime-etl-test-", dir=in_memory())))
        home.chmod(0o711)  # as root, the server runs as another user

        def server(name: str) -> URL:
            if name == "embedded" and PREPARED in os.environ:
                return make_url(os.environ[PREPARED])
            if name not in started:
                programs = older_server()
                url = stack.enter_context(
                    embedded_postgres(home) if name == "embedded" or programs is None else system_postgres(programs)
                )
                prepare(url)
                started[name] = url
            return started[name]

        yield server


@pytest.fixture(scope="module")
def airflow_server(servers: Callable[[str], URL]) -> Iterator[URL]:
    """The server where a local Airflow keeps its metadata; the next module's Airflow finds nothing of it."""
    server = servers("embedded")
    yield server
    execute(server, "DROP DATABASE IF EXISTS airflow WITH (FORCE)")


@pytest.fixture
def empty_database(servers: Callable[[str], URL]) -> Iterator[URL]:
    """A database without the schema."""
    with database(servers("embedded"), f"empty_{os.getpid()}_{next(NUMBERS)}") as url:
        yield url


@pytest.fixture(params=["embedded"])
def warehouse(servers: Callable[[str], URL], request: pytest.FixtureRequest) -> Iterator[URL]:
    """A fresh warehouse; tests of SQL ask for both servers with `both_servers`.

    Another tenant has rows there, which no test may change (`shadow`), unless the test is marked `alone`. Of a test
    that moves the clock it follows that clock, and engines are made after it.
    """
    server = servers(request.param)
    clock: MovingClock | None = request.getfixturevalue("clock") if "clock" in request.fixturenames else None
    alone = clock is not None or request.node.get_closest_marker("alone") is not None
    template = "template_alone" if alone else "template"
    if clock is not None:
        template = moved_template(server)
    with database(server, f"warehouse_{os.getpid()}_{next(NUMBERS)}", template) as url:
        if clock is not None:
            clock.follow(url)
        yield url
        if not alone:
            left = shadow_of(url)
            before = {whose: rows for whose, rows in _shadow_at_first(server).items() if whose in left}
            assert left == before, "rows of another tenant or collection were changed"


@pytest.fixture
def engine(warehouse: URL) -> Iterator[Engine]:
    engine = create_engine(warehouse)
    yield engine
    engine.dispose()
