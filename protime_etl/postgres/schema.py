"""Brings the schema of a warehouse up to date, and tells whether it is."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from protime_etl.errors import SchemaError
from protime_etl.postgres.connection import database_errors
from protime_etl.postgres.locks import UPGRADE_LOCK
from protime_etl.postgres.statements import sql_folder

if TYPE_CHECKING:
    from alembic.config import Config

__all__ = ["SchemaState", "require_schema", "schema_state", "upgrade_schema"]

MINIMUM_SERVER = 140000
MIGRATIONS = Path(__file__).parent / "migrations"


@dataclass(frozen=True)
class SchemaState:
    """What a database has and what this version of the package wants."""

    server: str
    """PostgreSQL's version, such as 18.1."""
    current: str | None
    wanted: str

    @property
    def up_to_date(self) -> bool:
        """Whether the two are the same."""
        return self.current == self.wanted


def _config() -> Config:
    from alembic.config import Config  # noqa: PLC0415 - only an upgrade needs it

    config = Config()
    # The folder may hold a percent sign, which the ini format would interpolate.
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    return config


def _state(connection: Connection) -> SchemaState:
    # Without Alembic, whose import would cost every command a tenth of a second.
    there = connection.scalar(sa.text("SELECT to_regclass('protime_etl.alembic_version') IS NOT NULL"))
    current = connection.scalar(sa.text("SELECT version_num FROM protime_etl.alembic_version")) if there else None
    wanted = max(path.name.partition("_")[0] for path in (MIGRATIONS / "versions").glob("[0-9]*.py"))
    server = str(connection.scalar(sa.text("SHOW server_version"))).split()[0]
    return SchemaState(server, current, wanted)


def schema_state(engine: Engine) -> SchemaState:
    """Look, without changing anything.

    Raises:
        DatabaseError: PostgreSQL cannot be reached.
    """
    with database_errors(engine.url), engine.connect() as connection:
        return _state(connection)


def require_schema(engine: Engine) -> None:
    """Make sure that the schema is there.

    Raises:
        SchemaError: it is missing or of another version.
    """
    state = schema_state(engine)
    if not state.up_to_date:
        raise SchemaError(
            "The database has no protime-etl schema."
            if state.current is None
            else f"The schema has version {state.current}, this protime-etl needs {state.wanted}.",
            guidance="Run: protime-etl db upgrade",
        )


def upgrade_schema(engine: Engine) -> SchemaState:
    """Run the missing migrations and renew functions and views, in one transaction; a second call changes nothing.

    Raises:
        DatabaseError: PostgreSQL cannot be reached, is older than 14, or the user may not create schemas.
    """
    with database_errors(engine.url), engine.begin() as connection:
        number = connection.scalar(sa.text("SELECT current_setting('server_version_num')::int"))
        if number is None or number < MINIMUM_SERVER:
            raise SchemaError("PostgreSQL is older than 14.", guidance="Use PostgreSQL 14 or later.")
        connection.execute(sa.text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": UPGRADE_LOCK})
        for schema in ("protime", "protime_etl"):
            # CREATE ... IF NOT EXISTS needs the right to create even when there is nothing to do.
            if not connection.scalar(sa.text("SELECT to_regnamespace(:name) IS NOT NULL"), {"name": schema}):
                connection.execute(sa.schema.CreateSchema(schema))
        from alembic import command  # noqa: PLC0415

        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        _renew(connection, "functions", "to_regproc")
        _renew(connection, "views", "to_regclass")
        return _state(connection)


def _renew(connection: Connection, folder: str, exists: str) -> None:
    """Replace each view or function whose file is not the one that it was last made from (protime_etl.views)."""
    for path in sorted((sql_folder() / folder).glob("*.sql")):
        text = path.read_text(encoding="utf-8")
        digest = hashlib.sha256(text.encode()).hexdigest()
        name = path.stem.split("_", 1)[1]
        if "." not in name:
            name = f"protime.{name}"
        made_from = connection.scalar(
            sa.text(f"SELECT sha256 FROM protime_etl.views WHERE name = :name AND {exists}(:name) IS NOT NULL"),
            {"name": name},
        )
        if made_from != digest:
            connection.exec_driver_sql(text.replace("%", "%%"))
            connection.execute(
                sa.text(
                    "INSERT INTO protime_etl.views (name, sha256) VALUES (:name, :digest)"
                    " ON CONFLICT (name) DO UPDATE SET sha256 = excluded.sha256"
                ),
                {"name": name, "digest": digest},
            )
