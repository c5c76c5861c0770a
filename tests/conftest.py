"""Real servers for all tests: PostgreSQL in a folder, and the simulated tenant over HTTP."""

from __future__ import annotations

import datetime as dt
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
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
LONGEST = {"end_to_end", "test_warehouses.py", "test_kills.py", "chaos", "convergence", "test_outages.py"}
"""Files and folders whose single tests take long."""
# Settings of whoever runs the tests must not reach them, nor what says how wide and how colourful a terminal is.
TERMINAL = ("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "CLICOLOR", "TTY_")
for name in [name for name in os.environ if name.startswith(("PROTIME_", "AIRFLOW", *TERMINAL))]:
    del os.environ[name]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--long", action="store_true", help="Run the long form of the tests that have one.")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let what takes longest begin first, so that no process is left alone with it at the end."""
    items.sort(key=lambda item: not LONGEST.intersection(item.path.parts))


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


def in_memory() -> str | None:
    """A folder of which nothing reaches a disk, where there is one with room for some databases."""
    memory = Path("/dev/shm")
    there = memory.is_dir() and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > 4 * 2**30
    return str(memory) if there else None


@pytest.fixture(scope="session")
def servers() -> Iterator[Callable[[str], URL]]:
    """Servers by name, started when first asked for; each with a database `template` that has the schema."""
    started: dict[str, URL] = {}
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="protime-etl-test-", dir=in_memory())))
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
                execute(url, "CREATE DATABASE template")
                engine = create_engine(url.set(database="template"))
                upgrade_schema(engine)
                engine.dispose()
                started[name] = url
            return started[name]

        yield server


@pytest.fixture(scope="module")
def airflow_server(servers: Callable[[str], URL]) -> Iterator[URL]:
    """The server where a local Airflow keeps its metadata; the next module's Airflow finds nothing of it."""
    server = servers("embedded")
    yield server
    execute(server, "DROP DATABASE IF EXISTS airflow WITH (FORCE)")


def execute(url: URL, statement: str) -> None:
    engine = create_engine(url).execution_options(isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(sa.text(statement))
    engine.dispose()


@contextmanager
def database(server: URL, name: str, template: str | None = None) -> Iterator[URL]:
    """A database for the length of the block."""
    copied = f"TEMPLATE {template}" if template else ""
    if template and _version(server) >= 15:
        copied += " STRATEGY file_copy"  # as before 15: twice as fast where no disk is waited for
    execute(server, f"CREATE DATABASE {name} {copied}")
    yield server.set(database=name)
    execute(server, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@cache
def _version(server: URL) -> int:
    engine = create_engine(server)
    with engine.connect() as connection:
        number = int(str(connection.scalar(sa.text("SHOW server_version_num"))))
    engine.dispose()
    return number // 10_000


@pytest.fixture
def empty_database(servers: Callable[[str], URL]) -> Iterator[URL]:
    """A database without the schema."""
    with database(servers("embedded"), f"empty_{next(NUMBERS)}") as url:
        yield url


@pytest.fixture(params=["embedded"])
def warehouse(servers: Callable[[str], URL], request: pytest.FixtureRequest) -> Iterator[URL]:
    """A fresh warehouse; tests of SQL ask for both servers with `both_servers`."""
    with database(servers(request.param), f"warehouse_{next(NUMBERS)}", "template") as url:
        yield url


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
