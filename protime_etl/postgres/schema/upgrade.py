"""Brings the schema of a warehouse up to date, and checks whether it is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from protime_etl.collections.registry import COLLECTIONS
from protime_etl.errors import DatabaseError, LockedError, SchemaError
from protime_etl.postgres.schema.relations import add_relations
from protime_etl.postgres.schema.renewal import keeping_grants, renew
from protime_etl.postgres.schema.rights import require_own_schemas
from protime_etl.postgres.schema.versions import versions_of
from protime_etl.postgres.server.lock_watch import holders
from protime_etl.postgres.server.statements import sql_folder
from protime_etl.postgres.server.transactions import reading, transaction
from protime_etl.postgres.shared.locks import UPGRADE_LOCK

if TYPE_CHECKING:
    from alembic.config import Config

__all__ = [
    "SCHEMAS",
    "SchemaState",
    "migration_config",
    "require_schema",
    "schema_state",
    "upgrade_schema",
    "versions",
]

SCHEMAS = ("protime", "protime_etl")

MINIMUM_SERVER = 140000
ENCODING = "UTF8"
PATIENCE = "5s"
"""How long an upgrade waits for a table: a query of it waits behind the upgrade meanwhile."""
MIGRATIONS = Path(__file__).parents[1] / "migrations"


@dataclass(frozen=True)
class SchemaState:
    """What a database has and what this version of the package wants."""

    server: str
    """PostgreSQL's version, such as 18.1."""
    current: str | None
    wanted: str

    @property
    def newer(self) -> bool:
        """Whether the database has what this version of the package does not know yet."""
        return self.current is not None and self.current.isdigit() and int(self.current) > int(self.wanted)

    @property
    def up_to_date(self) -> bool:
        """Whether the two are the same."""
        return self.current == self.wanted


def migration_config() -> Config:
    """Alembic's configuration; `attributes["connection"]` is to be filled in."""
    from alembic.config import Config  # noqa: PLC0415 - only an upgrade needs it

    config = Config()
    # The folder may hold a percent sign, which the ini format would interpolate.
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    return config


def versions() -> list[str]:
    """The versions of the schema, the oldest first."""
    # Without Alembic, whose import would cost every command a tenth of a second.
    return sorted(path.name.partition("_")[0] for path in (MIGRATIONS / "versions").glob("[0-9]*.py"))


def _state(connection: Connection) -> SchemaState:
    encoding = connection.scalar(sa.text("SHOW server_encoding"))
    if encoding != ENCODING:
        raise SchemaError(
            f"The database {connection.engine.url.database} is in {encoding}, which cannot hold every name.",
            guidance=f"Create one with CREATE DATABASE ... ENCODING '{ENCODING}' TEMPLATE template0, and name that.",
        )
    there = connection.scalar(sa.text("SELECT to_regclass('protime_etl.alembic_version') IS NOT NULL"))
    current = connection.scalar(sa.text("SELECT version_num FROM protime_etl.alembic_version")) if there else None
    server = str(connection.scalar(sa.text("SHOW server_version"))).split()[0]
    return SchemaState(server, current, versions()[-1])


def schema_state(engine: Engine) -> SchemaState:
    """Look, without changing anything.

    Raises:
        DatabaseError: PostgreSQL cannot be reached.
    """
    with reading(engine) as connection:
        return _state(connection)


def require_schema(engine: Engine) -> None:
    """Make sure that the schema is there.

    Raises:
        SchemaError: it is missing or of another version.
    """
    state = schema_state(engine)
    _refuse_newer(state)
    if not state.up_to_date:
        raise SchemaError(
            "The database has no protime-etl schema."
            if state.current is None
            else f"The schema has version {state.current}, this protime-etl needs {state.wanted}.",
            guidance="Run: protime-etl db upgrade",
        )


def _refuse_newer(state: SchemaState) -> None:
    if state.newer:
        raise SchemaError(
            f"The schema is newer ({state.current}) than this protime-etl ({state.wanted}).",
            guidance="Upgrade the package here: a newer one is in use elsewhere.",
        )


def upgrade_schema(engine: Engine) -> SchemaState:
    """Run the missing migrations and renew functions and views, in one transaction; a second call changes nothing.

    Raises:
        SchemaError: the server is older than 14, the database is not in UTF-8, its schema is newer than this package
            or of none of its versions, the user may not create schemas, or another user has rights on them.
        DatabaseError: PostgreSQL cannot be reached, or another session holds the tables.
    """
    with _giving_up(engine), transaction(engine) as connection:
        number = connection.scalar(sa.text("SELECT current_setting('server_version_num')::int"))
        if number is None or number < MINIMUM_SERVER:
            raise SchemaError("PostgreSQL is older than 14.", guidance="Use PostgreSQL 14 or later.")
        connection.execute(sa.text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": UPGRADE_LOCK})
        connection.execute(sa.text("SELECT set_config('lock_timeout', :patience, true)"), {"patience": PATIENCE})
        state = _state(connection)
        _refuse_newer(state)
        if state.current not in (None, *versions()):
            raise SchemaError(
                f"The schema has version {state.current}, which no version of this package made.",
                guidance="Name another database, or restore this one from a backup.",
            )
        if state.current is not None and not state.up_to_date:
            # Every writer has read this table: this waits for them, and they end when they look again.
            connection.execute(sa.text("LOCK TABLE protime_etl.alembic_version"))
        for schema in SCHEMAS:
            # CREATE ... IF NOT EXISTS needs the right to create even when there is nothing to do.
            if not connection.scalar(sa.text("SELECT to_regnamespace(:name) IS NOT NULL"), {"name": schema}):
                connection.execute(sa.schema.CreateSchema(schema))
        require_own_schemas(connection, SCHEMAS)
        with keeping_grants(connection, SCHEMAS):
            _migrate(connection, number)
        return _state(connection)


def _migrate(connection: Connection, server: int) -> None:
    """Run the missing migrations, and renew functions and views."""
    from alembic import command  # noqa: PLC0415

    config = migration_config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
    for path in _files("functions"):
        renew(connection, "FUNCTION", _name_of(path), path.read_text(encoding="utf-8"))
    add_relations(connection, server)
    for collection in COLLECTIONS.values():
        if collection.versions != "none":
            for name, statements in versions_of(collection):
                renew(connection, "FUNCTION", name, statements)
    for path in _files("views"):
        renew(connection, "VIEW", _name_of(path), path.read_text(encoding="utf-8"))


@contextmanager
def _giving_up(engine: Engine) -> Iterator[None]:
    """Say who holds the tables that an upgrade waited for in vain."""
    try:
        yield
    except LockedError as error:
        with suppress(DatabaseError), transaction(engine) as connection:
            error.message += f" Held by {' and '.join(holders(connection)) or 'a session that has ended meanwhile'}."
        error.guidance = "Let it end or end it, then run protime-etl db upgrade again; nothing was changed."
        raise


def _files(folder: str) -> list[Path]:
    return sorted((sql_folder() / folder).glob("*.sql"))


def _name_of(path: Path) -> str:
    name = path.stem.split("_", 1)[1]
    return name if "." in name else f"protime.{name}"
