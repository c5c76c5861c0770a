"""Every form of an address that PostgreSQL's own client takes, wherever an address is given."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest
from sqlalchemy.engine import URL

from protime_etl.airflow.connections import connections
from protime_etl.config import load_settings
from protime_etl.errors import SettingsError
from protime_etl.postgres.schema.upgrade import upgrade_schema
from protime_etl.postgres.server.address import parse_url
from protime_etl.postgres.server.connection import create_engine
from tests.cli.shell import Shell
from tests.support.long_form import in_long_form
from tests.support.servers import postgres_server, server_programs

PASSWORD = "p@ss/w:rd"


@pytest.fixture(scope="module")
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def server(port: int) -> Iterator[URL]:
    """A server that listens on a socket, 127.0.0.1 and ::1, with a password for the role `loader` there."""
    listening = {"listen_addresses": "127.0.0.1,::1", "port": str(port)}
    with postgres_server(server_programs(), listening) as running:
        hba = running.folder / "data" / "pg_hba.conf"
        hba.write_text("local all all trust\nhost all all all scram-sha-256\n")
        url = running.url.set(port=port)
        with psycopg.connect(host=str(running.folder), port=port, user="postgres", autocommit=True) as session:
            session.execute(f"CREATE ROLE loader SUPERUSER LOGIN PASSWORD '{PASSWORD}'")
            session.execute("SELECT pg_reload_conf()")
            session.execute("CREATE DATABASE house OWNER loader")
        engine = create_engine(url.set(username="loader", database="house"))
        upgrade_schema(engine)
        engine.dispose()
        yield url


@pytest.fixture
def form(server: URL, port: int, tmp_path: Path, shell: Shell) -> Callable[[str], str]:
    """Fills a form of an address for the database `house`; the client's files are where the environment says."""
    folder = str(server.query["host"])
    (tmp_path / "services").write_text(
        f"[house]\nhost=127.0.0.1\nport={port}\ndbname=house\nuser=loader\npassword={PASSWORD}\n"
    )
    (tmp_path / "pass").write_text("*:*:house:loader:p@ss/w\\:rd\n")
    (tmp_path / "pass").chmod(0o600)
    shell.environment = {"PGSERVICEFILE": str(tmp_path / "services")}
    named = {
        "port": port,
        "socket": folder,
        "escaped": quote(folder, safe=""),
        "pass": tmp_path / "pass",
        "password": quote(PASSWORD, safe=""),
        "half": PASSWORD.replace("@", "%40"),
        "raw": PASSWORD,
    }
    return lambda text: text.format(**named)


FORMS = [
    "postgresql://loader:{password}@127.0.0.1:1,127.0.0.1:{port}/house",
    "postgresql://loader@/house?host={socket}&port={port}",
    "service=house",
    "host=127.0.0.1,127.0.0.1 port=1,{port} dbname=house user=loader password='{raw}'",
    *in_long_form(
        [
            "postgres://loader:{half}@127.0.0.1:1,[::1]:{port}/house?target_session_attrs=read-write",
            "postgresql://loader:{password}@[::1]:{port}/house",
            "postgresql://loader@127.0.0.1:{port}/house?passfile={pass}",
            "postgresql://loader@{escaped}:{port}/house",
            "postgresql+psycopg://loader@/house?host=/nowhere,{socket}&port={port}",
            "postgresql://loader@localhost/house?hostaddr=127.0.0.1&port={port}&password={password}",
            "postgresql://?service=house",
            "postgresql://loader@{escaped}:{port}/house?options=-c%20work_mem%3D5MB%20-c%20statement_timeout%3D9s",
        ]
    ),
]


@pytest.mark.parametrize("text", FORMS)
def test_commands_psql_and_airflow_reach_it(
    text: str, form: Callable[[str], str], shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow.providers.postgres.hooks.postgres import PostgresHook

    from protime_etl.airflow.hook import warehouse_url

    shell.settings["PROTIME_DATABASE_URL"] = address = form(text)
    done = shell("db", "upgrade")
    assert done.returncode == 0, done.stderr
    done = shell("sql", stdin="SELECT 'in ' || current_database() || ' as ' || session_user;\n")
    assert "in house as loader" in done.stdout, done.stderr

    monkeypatch.setenv("PGSERVICEFILE", shell.environment["PGSERVICEFILE"])
    settings = load_settings(from_environment=False, tenant="simulated", client_id="c", client_secret="s")
    printed = json.loads(json.dumps(connections(settings, parse_url(address))))["protime_warehouse"]
    monkeypatch.setenv("AIRFLOW_CONN_PROTIME_WAREHOUSE", json.dumps(printed))
    assert warehouse_url("protime_warehouse") == parse_url(address)
    with closing(PostgresHook(postgres_conn_id="protime_warehouse").get_conn()) as connection:
        assert connection.cursor().execute("SELECT current_database(), session_user").fetchone() == ("house", "loader")


@pytest.mark.parametrize("text", FORMS)
def test_what_is_written_for_others_is_the_same_address(text: str, form: Callable[[str], str]) -> None:
    url = parse_url(form(text))
    assert parse_url(url.render_as_string(hide_password=False)) == url


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("postgresql://u:hidden@/w?host=h1:5432&host=h2:5432", "has host more than once. Write several hosts as"),
        ("postgresql://u:hidden@/w?host=h1:5432", "has a port in its parameter host. Write several hosts as"),
        ("postgresql://u:hidden@h1:1,h2:2,h3/w?port=1,2", "not one port for each host"),
        ("postgresql://u:hidden@h1:99999/w", "has an invalid port"),
        ("host=h password=hid den", "is not an address of PostgreSQL. It looks like"),
        ("host=h hidden=1", "is not an address of PostgreSQL. It looks like"),
        ("jdbc:postgresql://h/w?password=hidden", "is not an address of PostgreSQL. It looks like"),
    ],
)
def test_another_spelling_is_answered_with_the_right_one(text: str, message: str, shell: Shell) -> None:
    done = shell("status", database_url=text)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert message in done.stderr
    assert "hid" not in done.stderr


def test_a_message_names_the_place_that_was_tried(shell: Shell, tmp_path: Path) -> None:
    shell.environment = {"PGSERVICEFILE": str(tmp_path / "services"), "PGHOST": "127.0.0.1", "PGPORT": "1"}
    for address, place in (
        ("postgresql://u@127.0.0.1:1,127.0.0.2:1/w", "127.0.0.1,127.0.0.2/w"),
        ("postgresql:///w?service=none", "service none/w"),
        ("postgresql:///w", "127.0.0.1/w"),
        ("postgresql://u@127.0.0.1:2/w", "127.0.0.1:2/w"),
    ):
        done = shell("status", database_url=address)
        assert (done.returncode, f"PostgreSQL at {place} cannot be reached" in done.stderr) == (1, True), done.stderr


def test_a_connection_of_airflow_that_it_cannot_read_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    from protime_etl.airflow.hook import warehouse_url

    monkeypatch.setenv("AIRFLOW_CONN_PROTIME_WAREHOUSE", "postgresql://u:hidden@h1:5432,h2:5433/w")
    with pytest.raises(SettingsError, match=r"postgresql://user:password@host1,host2/database\?port=5432%2C5432"):
        warehouse_url("protime_warehouse")
    monkeypatch.setenv("AIRFLOW_CONN_PROTIME_WAREHOUSE", "postgresql://u:hidden@h1,h2/w?port=5432%2C5433")
    assert warehouse_url("protime_warehouse") == parse_url("postgresql://u:hidden@h1:5432,h2:5433/w")
