"""Real servers for all tests: PostgreSQL in a folder, and the simulated tenant over HTTP."""

from __future__ import annotations

import datetime as dt
import os
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import URL, Engine

from protime_etl.config import Settings, load_settings
from protime_etl.postgres.connection import create_engine
from protime_etl.postgres.embedded import embedded_postgres
from protime_etl.postgres.schema import upgrade_schema
from protime_etl.simulator.options import Options
from protime_etl.simulator.server import SimulatedTenant
from protime_etl.simulator.state import Tenant
from protime_etl.sync.pipeline import Pipeline, open_pipeline
from tests.servers import older_server, system_postgres

TODAY = dt.date(2026, 3, 20)
NUMBERS = count()
# Settings of whoever runs the tests must not reach them, nor what says how wide and how colourful a terminal is.
TERMINAL = ("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "CLICOLOR", "TTY_")
for name in [name for name in os.environ if name.startswith(("PROTIME_", "AIRFLOW", *TERMINAL))]:
    del os.environ[name]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--long", action="store_true", help="Run the long form of the tests that have one.")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the longest begin first, so that none is left alone at the end."""
    items.sort(key=lambda item: "end_to_end" not in item.path.parts)


@pytest.fixture
def amount(request: pytest.FixtureRequest) -> Callable[[int, int], int]:
    """Of a short and a long form, the one that is asked for."""
    return lambda short, long: long if request.config.getoption("--long") else short


@pytest.fixture
def long_form(request: pytest.FixtureRequest) -> None:
    """Skip what has no short form."""
    if not request.config.getoption("--long"):
        pytest.skip("long form only")


@pytest.fixture
def tmp_path(tmp_path: Path) -> Iterator[Path]:
    """A folder of the test's own; for root one that the embedded server's user may enter, as pytest's is private."""
    if os.geteuid() != 0:
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(prefix="protime-etl-test-") as folder:
        Path(folder).chmod(0o711)
        yield Path(folder)


@pytest.fixture(scope="session")
def servers() -> Iterator[Callable[[str], URL]]:
    """Servers by name, started when first asked for; each with a database `template` that has the schema."""
    started: dict[str, URL] = {}
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="protime-etl-test-")))
        home.chmod(0o711)  # as root, the server runs as another user

        def server(name: str) -> URL:
            if name not in started:
                programs = older_server()
                url = stack.enter_context(
                    embedded_postgres(home) if name == "embedded" or programs is None else system_postgres(programs)
                )
                # No test outlives the machine, and hundreds of databases take minutes to reach the disk.
                for setting in ("fsync", "full_page_writes", "synchronous_commit"):
                    execute(url, f"ALTER SYSTEM SET {setting} = off")
                execute(url, "SELECT pg_reload_conf()")
                if name == "embedded":
                    stack.callback(_end_at_once, url)
                execute(url, "CREATE DATABASE template")
                engine = create_engine(url.set(database="template"))
                upgrade_schema(engine)
                engine.dispose()
                started[name] = url
            return started[name]

        yield server


def _end_at_once(url: URL) -> None:
    """End the embedded server without the checkpoint that an ordered end writes for hundreds of databases."""
    engine = create_engine(url)
    with engine.connect() as connection:
        data = Path(str(connection.scalar(sa.text("SHOW data_directory"))))
    engine.dispose()
    pid = int((data / "postmaster.pid").read_text().splitlines()[0])
    os.kill(pid, signal.SIGQUIT)
    until = time.monotonic() + 30
    while (data / "postmaster.pid").exists() and time.monotonic() < until:
        time.sleep(0.01)


def execute(url: URL, statement: str) -> None:
    engine = create_engine(url).execution_options(isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(sa.text(statement))
    engine.dispose()


@pytest.fixture
def empty_database(servers: Callable[[str], URL]) -> URL:
    """A database without the schema."""
    name = f"empty_{next(NUMBERS)}"
    execute(servers("embedded"), f"CREATE DATABASE {name}")
    return servers("embedded").set(database=name)


@pytest.fixture(params=["embedded"])
def warehouse(servers: Callable[[str], URL], request: pytest.FixtureRequest) -> URL:
    """A fresh warehouse; tests of SQL ask for both servers with `both_servers`."""
    name = f"warehouse_{next(NUMBERS)}"
    server = servers(request.param)
    execute(server, f"CREATE DATABASE {name} TEMPLATE template")
    return server.set(database=name)


both_servers = pytest.mark.parametrize(
    "warehouse", ["embedded", *(["system"] if older_server() is not None else [])], indirect=True
)


@pytest.fixture
def engine(warehouse: URL) -> Iterator[Engine]:
    engine = create_engine(warehouse)
    yield engine
    engine.dispose()


@pytest.fixture
def simulated() -> Iterator[SimulatedTenant]:
    tenant = Tenant(seed=1, people=20, first_day=TODAY - dt.timedelta(days=13), last_day=TODAY)
    with SimulatedTenant(tenant, Options(page_size=100)) as served:
        yield served


def settings_for(served: SimulatedTenant, **changes: object) -> Settings:
    given: dict[str, object] = {
        "tenant": "simulated",
        "client_id": served.client_id,
        "client_secret": served.client_secret,
        "api_url": served.url,
        "auth_url": served.url,
    }
    return load_settings(from_environment=False, **(given | changes))


@pytest.fixture
def settings(simulated: SimulatedTenant) -> Settings:
    return settings_for(simulated)


@pytest.fixture
def pipeline(settings: Settings, warehouse: URL) -> Iterator[Pipeline]:
    with open_pipeline(settings, warehouse) as pipeline:
        yield pipeline
