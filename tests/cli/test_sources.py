"""One source a tenant: another environment, host, spelling or time zone does not get into what is stored."""

from __future__ import annotations

import re
import shutil
import subprocess
import threading
import time
from importlib.util import find_spec
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import URL, Engine

from protime_etl.config import load_settings
from protime_etl.postgres.forget import held_of
from protime_etl.postgres.server.connection import create_engine
from protime_etl.simulator.faults import read_plan
from protime_etl.simulator.options import Options
from protime_etl.simulator.server import SimulatedTenant
from protime_etl.simulator.state import Tenant
from protime_etl.sync.pipeline import open_pipeline
from protime_etl.sync.pull.lists import read_people
from tests.cli.shell import Shell, last_json
from tests.support.databases import execute
from tests.support.long_form import in_long_form
from tests.support.tenant import TODAY, settings_for
from tests.support.truth import table_rows, tenant_rows

DATES = ("--from", "2026-03-07", "--to", str(TODAY))
YEARS = ("--from", "2018-01-01", "--to", str(TODAY))
"""Enough to take several units."""


def source(engine: Engine) -> tuple[str | None, ...]:
    with engine.connect() as connection:
        row = connection.execute(
            sa.text("SELECT tenant, environment, api_host, timezone FROM protime_etl.tenants WHERE tenant <> 'shadow'")
        )
        return tuple(row.one())


@pytest.mark.long
def test_a_sandbox_does_not_get_into_the_rows_of_production(
    shell: Shell, engine: Engine, simulated: SimulatedTenant
) -> None:
    assert shell("sync", *DATES).returncode == 0
    assert source(engine) == ("simulated", "production", "localhost", "Europe/Brussels")
    sandbox = Tenant(seed=9, people=20, first_day=simulated.tenant.first_day, last_day=TODAY)
    with SimulatedTenant(sandbox, Options(page_size=100)) as other:
        elsewhere = {"api_url": other.url, "auth_url": other.url, "environment": "sandbox"}
        for command in (("sync", *DATES), ("changes",), ("verify", *DATES, "--repair"), ("backfill", *DATES)):
            refused = shell(*command, **elsewhere)
            assert refused.returncode == 2, refused.stderr
            assert "holds simulated of production (localhost); these settings name sandbox" in refused.stderr
            assert "protime-etl forget simulated" in refused.stderr
        checked = shell("check", **elsewhere)
        assert checked.returncode == 1
        assert "holds simulated of production" in checked.stdout
    assert table_rows(engine) == tenant_rows(simulated.tenant)


def test_another_host_is_refused_and_another_port_of_this_machine_is_not(
    warehouse: URL, engine: Engine, simulated: SimulatedTenant
) -> None:
    with open_pipeline(settings_for(simulated), warehouse) as pipeline:
        read_people(pipeline)
    with SimulatedTenant(simulated.tenant) as again, open_pipeline(settings_for(again), warehouse) as pipeline:
        read_people(pipeline)
    assert source(engine)[2] == "localhost"


@pytest.mark.parametrize(
    ("given", "host"),
    [
        ({}, "acme.myprotime.eu"),
        ({"environment": "sandbox"}, "acme.myprotimesandbox.eu"),
        ({"api_url": "https://Gateway.example:8443/"}, "gateway.example:8443"),
        ({"api_url": "https://gateway.example:443"}, "gateway.example"),
        ({"api_url": "http://[::1]:9000"}, "localhost"),
    ],
)
def test_what_names_a_source(given: dict[str, str], host: str) -> None:
    settings = load_settings(from_environment=False, tenant="acme", client_id="c", client_secret="s", **given)
    assert settings.api_host == host


def test_another_spelling_is_refused(shell: Shell, engine: Engine) -> None:
    assert shell("sync", *DATES).returncode == 0
    refused = shell("sync", *DATES, tenant="Simulated")
    assert refused.returncode == 2
    assert "holds this tenant as simulated, PROTIME_TENANT is Simulated" in refused.stderr
    with engine.connect() as connection:
        assert (
            connection.scalar(sa.text("SELECT count(DISTINCT tenant) FROM protime.people WHERE tenant <> 'shadow'"))
            == 1
        )


def test_a_first_try_with_wrong_settings_decides_nothing(shell: Shell, engine: Engine) -> None:
    assert shell("sync", *DATES, environment="sandbox", client_secret="wrong").returncode == 1
    assert shell("sync", *DATES).returncode == 0
    assert source(engine)[1] == "production"


@pytest.mark.long
def test_a_default_time_zone_gives_way_and_another_one_is_refused(shell: Shell, engine: Engine) -> None:
    assert shell("sync", *DATES, timezone="Europe/Lisbon").returncode == 0
    assert shell("sync", *DATES).returncode == 0
    assert source(engine)[3] == "Europe/Lisbon"
    refused = shell("changes", timezone="Europe/Brussels")
    assert refused.returncode == 2
    assert "read in Europe/Lisbon; PROTIME_TIMEZONE names Europe/Brussels" in refused.stderr
    assert "protime-etl db timezone Europe/Brussels" in refused.stderr
    decided = shell("db", "timezone", "Europe/Brussels")
    assert decided.stdout == "simulated: minutes are read in Europe/Brussels, previously in Europe/Lisbon\n"
    assert shell("sync", *DATES, timezone="Europe/Brussels").returncode == 0
    assert shell("db", "timezone", "Brussels").returncode == 2
    assert shell("db", "timezone", "Europe/Brussels", "--tenant", "unknown").returncode == 2


@pytest.mark.long
def test_a_time_zone_that_postgresql_does_not_know(shell: Shell, engine: Engine, tmp_path: Path) -> None:
    spec = find_spec("tzdata.zoneinfo")
    assert spec is not None
    assert spec.submodule_search_locations
    (tmp_path / "zones" / "Made").mkdir(parents=True)
    shutil.copy(Path(spec.submodule_search_locations[0]) / "Europe" / "Brussels", tmp_path / "zones" / "Made" / "Up")
    shell.environment["PYTHONTZPATH"] = str(tmp_path / "zones")
    refused = shell("sync", *DATES, timezone="Made/Up")
    assert refused.returncode == 2
    assert "This PostgreSQL does not know the time zone Made/Up." in refused.stderr
    with engine.connect() as connection:
        assert connection.scalar(sa.text("SELECT count(*) FROM protime_etl.tenants WHERE tenant <> 'shadow'")) == 0


def test_forgetting_a_tenant(shell: Shell, engine: Engine, simulated: SimulatedTenant) -> None:
    assert shell("sync", *DATES).returncode == 0
    assert shell("changes").returncode == 0
    with engine.begin() as connection:
        connection.execute(sa.text("INSERT INTO protime.people (tenant, id, change_version) VALUES ('acme', 1, '')"))
    kept = shell("forget", "simulated")
    assert kept.returncode == 2
    assert f"protime.clockings\t{len(simulated.tenant.truth())}\n" in kept.stdout
    assert "Pass --yes" in kept.stderr
    assert len(table_rows(engine)) == len(simulated.tenant.truth())
    done = shell("forget", "simulated", "--yes", "--json")
    assert done.returncode == 0, done.stderr
    assert last_json(done)["removed"]["protime.people"] == 20
    assert table_rows(engine) == {}
    with engine.connect() as connection:
        assert connection.scalars(sa.text("SELECT tenant FROM protime.people WHERE tenant <> 'shadow'")).all() == [
            "acme"
        ]
        assert (
            connection.scalar(sa.text("SELECT count(*) FROM protime_etl.units WHERE error IS DISTINCT FROM 'shadow'"))
            == 0
        )
    assert shell("forget", "simulated", "--yes").returncode == 2
    assert shell("sync", *DATES, environment="sandbox").returncode == 0, "nothing is held of another environment"


@pytest.mark.parametrize(
    "command",
    [
        ("sync", *YEARS, "--workers", "2"),
        *in_long_form(
            [(("backfill", *YEARS, "--workers", "1"),), (("changes",),), (("verify", *DATES, "--repair"),)],
        ),
    ],
    ids=lambda command: command[0],
)
def test_a_command_under_way_ends_in_one_line_when_its_tenant_is_forgotten(
    shell: Shell, engine: Engine, simulated: SimulatedTenant, command: tuple[str, ...]
) -> None:
    assert shell("sync", *DATES).returncode == 0
    execute(engine.url, "UPDATE protime.clockings SET change_version = '' WHERE tenant = 'simulated'")
    simulated.served.misbehaviour.follow(read_plan('fault = [{kind = "slow", seconds = 0.3, rate = 1.0}]'))
    before = simulated.served.requests.total()
    ended: list[subprocess.CompletedProcess[str]] = []
    under_way = threading.Thread(target=lambda: ended.append(shell(*command)))
    under_way.start()
    while simulated.served.requests.total() < before + 3:
        assert under_way.is_alive()
        time.sleep(0.02)

    assert shell("forget", "simulated", "--yes").returncode == 0

    under_way.join(60)
    assert ended[0].returncode == 1
    said = [line for line in ended[0].stderr.splitlines() if "error" in line or "failed" in line]
    assert len(said) == 1, said
    assert re.match(r"error: simulated (was|is being) forgotten while this command r[au]ns?: nothing more", said[0])
    with engine.connect() as connection:
        assert held_of(connection, "simulated") == {}


@pytest.mark.long
def test_a_publication_of_all_tables_lets_each_be_written(shell: Shell, warehouse: URL) -> None:
    publishing = create_engine(warehouse)
    execute(warehouse, "CREATE PUBLICATION everything FOR ALL TABLES")
    with publishing.connect() as connection:
        bare = connection.scalars(
            sa.text(
                "SELECT CAST(c.oid AS regclass) FROM pg_class AS c WHERE c.relkind = 'r'"
                " AND CAST(CAST(c.relnamespace AS regnamespace) AS text) IN ('protime', 'protime_etl')"
                " AND NOT EXISTS (SELECT FROM pg_index AS i WHERE i.indrelid = c.oid AND i.indisprimary)"
            )
        ).all()
    publishing.dispose()
    assert bare == []
    for command in (("sync", *DATES), ("changes",), ("changes", "--restart"), ("forget", "simulated", "--yes")):
        result = shell(*command)
        assert result.returncode == 0, (command, result.stderr)
