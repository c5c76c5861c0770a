"""Warehouses that cannot be written, or not by this package: reported in one line, before anything is read."""

from __future__ import annotations

import logging
import threading
import time

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import URL, Engine

from protime_etl.config import Settings
from protime_etl.errors import LockedError, SchemaError, SettingsError
from protime_etl.postgres.schema import upgrade as schema
from protime_etl.postgres.schema.rights import require_rights
from protime_etl.postgres.schema.upgrade import upgrade_schema
from protime_etl.postgres.server import lock_watch
from protime_etl.postgres.server.address import parse_url
from protime_etl.postgres.server.connection import create_engine
from protime_etl.simulator.server import SimulatedTenant
from protime_etl.sync.pipeline import open_pipeline
from protime_etl.sync.pull.runs import sync
from tests.cli.shell import Shell, last_json
from tests.support.databases import execute
from tests.support.tenant import TODAY

DATES = ("--from", "2026-03-19", "--to", str(TODAY))


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("postgresql://me:se@cret@db.invalid:5432/w", "In user, password and parameters write @ as %40"),
        ("postgresql://me:se@cr/et@db.invalid/w", "write @ as %40"),
        ("postgresql://me:se@cr:et@db.invalid/w", "write @ as %40"),
        ("postgresql://me:cret%@db.invalid/w", "write % as %25"),
        ("postgresql://me:cret@db.invalid/w?schema=public&pgbouncer=true", "does not know: pgbouncer, schema"),
        ("postgresql://me:cret@db.invalid/w?options=-c%20timezone%3DJapan", "sets timezone by its parameter options"),
    ],
)
def test_an_address_is_refused_without_a_part_of_the_password(url: str, message: str) -> None:
    with pytest.raises(SettingsError, match=message) as caught:
        parse_url(url)
    assert not any(part in str(caught.value) for part in ("cr/et", "cret", "db.invalid"))


def test_a_raw_at_sign_ends_a_command_at_once(shell: Shell) -> None:
    result = shell("status", database_url="postgresql://me:pass@word@localhost:1/w")
    assert result.returncode == 2
    assert "write @ as %40" in result.stderr
    assert "word@" not in result.stderr


def test_other_characters_of_a_password_need_no_escape() -> None:
    assert parse_url("postgresql://me:a:b/c?d#e f@h/w").password == "a:b/c?d#e f"
    assert parse_url("postgresql://me@corp:p%40%25@h/w").password == "p@%"


def test_what_a_user_writes_into_the_address_wins(warehouse: URL) -> None:
    given = {
        "application_name": "payroll",
        "options": "-c lock_timeout=7s -c work_mem=5MB",
        "connect_timeout": "3",
        "keepalives_idle": "9",
    }
    engine = create_engine(warehouse.update_query_dict(given))
    with engine.begin() as connection:
        found = connection.execute(
            sa.text(
                "SELECT current_setting('application_name'), current_setting('lock_timeout'),"
                " current_setting('work_mem'), current_setting('timezone')"
            )
        ).one()
        driver = connection.connection.driver_connection
        assert driver is not None
        assert driver.info.get_parameters().items() >= {"connect_timeout": "3", "keepalives_idle": "9"}.items()
    engine.dispose()
    assert tuple(found) == ("payroll", "7s", "5MB", "UTC")


def test_the_clients_own_sockets_notice_a_lost_server(engine: Engine) -> None:
    with engine.connect() as connection:
        driver = connection.connection.driver_connection
        assert driver is not None
        probed = {"keepalives_idle": "20", "keepalives_interval": "5", "keepalives_count": "4"}
        assert driver.info.get_parameters().items() >= (probed | {"tcp_user_timeout": "40000"}).items()


def test_a_newer_schema_asks_for_a_newer_package(shell: Shell, engine: Engine) -> None:
    with engine.begin() as connection:
        wanted = connection.scalar(sa.text("SELECT version_num FROM protime_etl.alembic_version"))
        connection.execute(sa.text("UPDATE protime_etl.alembic_version SET version_num = '9999'"))
    for command in (("db", "upgrade"), ("sync", *DATES)):
        result = shell(*command)
        assert result.returncode == 1
        assert f"error: The schema is newer (9999) than this protime-etl ({wanted}). Upgrade the package here" in (
            result.stderr
        )


@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII"])
def test_a_database_that_is_not_in_utf_8(encoding: str, warehouse: URL) -> None:
    name = f"{warehouse.database}_{encoding.lower()}"
    execute(warehouse, f"CREATE DATABASE {name} ENCODING '{encoding}' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0")
    engine = create_engine(warehouse.set(database=name))
    with pytest.raises(SchemaError, match=rf"{name} is in {encoding}.*CREATE DATABASE \.\.\. ENCODING 'UTF8'"):
        upgrade_schema(engine)
    with pytest.raises(SchemaError, match=encoding):
        schema.require_schema(engine)
    engine.dispose()


def test_check_shows_what_right_is_missing(shell: Shell, warehouse: URL, engine: Engine) -> None:
    role = f"reader_{warehouse.database}"
    execute(warehouse, f"CREATE ROLE {role} LOGIN")
    execute(warehouse, f"REVOKE TEMPORARY ON DATABASE {warehouse.database} FROM PUBLIC")
    limited = create_engine(warehouse.set(username=role))
    result = shell("check", "--json", database_url=warehouse.set(username=role).render_as_string(hide_password=False))
    assert result.returncode == 1
    assert last_json(result)["schema"] is False
    execute(warehouse, f"GRANT USAGE ON SCHEMA protime, protime_etl TO {role}")
    execute(warehouse, f"GRANT SELECT ON ALL TABLES IN SCHEMA protime, protime_etl TO {role}")
    with pytest.raises(SchemaError, match="GRANT TEMPORARY ON DATABASE"):
        require_rights(limited)
    execute(warehouse, f"GRANT TEMPORARY ON DATABASE {warehouse.database} TO {role}")
    execute(warehouse, f"GRANT INSERT, UPDATE ON ALL TABLES IN SCHEMA protime, protime_etl TO {role}")
    with pytest.raises(SchemaError, match="lacks rights: DELETE on all tables of protime-etl"):
        require_rights(limited)
    execute(warehouse, f"GRANT DELETE ON ALL TABLES IN SCHEMA protime, protime_etl TO {role}")
    execute(warehouse, f"REVOKE UPDATE ON protime.people FROM {role}")
    with pytest.raises(SchemaError, match=r"lacks rights: UPDATE on protime\.people\."):
        require_rights(limited)
    execute(warehouse, f"GRANT UPDATE ON protime.people TO {role}")
    require_rights(limited)
    execute(warehouse, f"ALTER ROLE {role} SET default_transaction_read_only = on")
    limited.dispose()
    with pytest.raises(SchemaError, match=r"lets this user read only.*default_transaction_read_only"):
        require_rights(limited)
    limited.dispose()
    with engine.connect() as connection:
        assert connection.scalar(sa.text("SELECT count(*) FROM protime_etl.tenants WHERE tenant <> 'shadow'")) == 0


def test_an_upgrade_gives_up_behind_a_forgotten_session(warehouse: URL, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema, "PATIENCE", "200ms")
    forgotten = create_engine(warehouse.update_query_dict({"application_name": "forgotten"}))
    engine = create_engine(warehouse)
    with engine.begin() as connection:  # something is to be done
        connection.execute(sa.text("DELETE FROM protime_etl.views"))
    with forgotten.begin() as connection:
        connection.execute(sa.text("SELECT FROM protime.clockings WHERE tenant <> 'shadow'"))
        connection.execute(sa.text("SELECT FROM protime.daily_presence WHERE tenant <> 'shadow'"))
        with pytest.raises(LockedError, match=r"Held by session \d+ \(user postgres, application forgotten, idle in"):
            upgrade_schema(engine)
    upgrade_schema(engine)
    forgotten.dispose()
    engine.dispose()


def test_a_sync_says_whom_it_waits_for(
    settings: Settings,
    warehouse: URL,
    simulated: SimulatedTenant,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(lock_watch, "PATIENCE_SECONDS", 0.1)
    forgotten = create_engine(warehouse.update_query_dict({"application_name": "forgotten"}))

    def read() -> None:
        with open_pipeline(settings, warehouse) as pipeline:
            sync(pipeline, simulated.tenant.first_day, simulated.tenant.last_day)

    with caplog.at_level(logging.WARNING), forgotten.begin() as connection:
        connection.execute(sa.text("LOCK TABLE protime_etl.coverage IN SHARE MODE"))
        thread = threading.Thread(target=read)
        thread.start()
        deadline = time.monotonic() + 60
        while "Waiting for a lock" not in caplog.text and time.monotonic() < deadline:
            time.sleep(0.02)
    thread.join(60)
    forgotten.dispose()
    assert "application forgotten, idle in transaction since" in caplog.text
    assert caplog.text.count("Waiting for a lock") == 1
