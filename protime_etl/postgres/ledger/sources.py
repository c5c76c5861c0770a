"""What a warehouse knows of each tenant's source: where it is, how it is spelt, and in which zone its minutes are.

All of a tenant's rows are kept under its name alone. So the environment and the host of the API are kept with the first
thing that is stored, and another source of that name is refused: its versions would win over those of the right one.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.engine import Connection, Engine, Row

from protime_etl.config import Settings
from protime_etl.errors import SettingsError
from protime_etl.postgres.ledger.acts import act_on
from protime_etl.postgres.server.transactions import reading
from protime_etl.postgres.tables.engine import tenants
from protime_etl.postgres.tables.records import RECORD_TABLES

__all__ = ["register_source", "require_source", "require_zone", "set_zone"]

# As a text: put together and compiled it would take as long as all else that each command and each task begins with.
HOLDS = " OR ".join(f"EXISTS (SELECT FROM {table.fullname} WHERE tenant = :tenant)" for table in RECORD_TABLES.values())


def require_source(connection: Connection, settings: Settings) -> str:
    """Make sure that what is stored of the tenant came from where the settings point; returns its time zone.

    Raises:
        SettingsError: it came from elsewhere, is spelt otherwise or is read in another time zone than one that was
            set; or PostgreSQL does not know the time zone.
    """
    tenant = settings.tenant
    named_so = sa.select(tenants).where(sa.func.lower(tenants.c.tenant) == tenant.lower())
    rows = connection.execute(named_so).all()
    if [(row.tenant, *_source(row)) for row in rows] == [(tenant, *_source(settings))]:
        return settings.timezone
    known = {row.tenant: row for row in rows if _holds(connection, row.tenant)}
    if tenant in known:
        _compare(known[tenant], settings)
        zone = str(known[tenant].timezone)
        if zone != settings.timezone and "timezone" in settings.model_fields_set:
            raise SettingsError(
                f"The minutes of {tenant} are read in {zone}; PROTIME_TIMEZONE names {settings.timezone}, which would"
                " shift every stored moment.",
                guidance=f"Leave it out, or change it for good: protime-etl db timezone {settings.timezone}",
            )
        return zone
    if known:
        raise SettingsError(
            f"The warehouse holds this tenant as {next(iter(known))}, PROTIME_TENANT is {tenant}.",
            guidance="Spell it in the same way: each spelling would be a tenant of its own.",
        )
    require_zone(connection, settings.timezone)
    return settings.timezone


def _source(known: Row[Any] | Settings) -> tuple[str, str, str]:
    return known.environment, known.api_host, known.timezone


def _compare(row: Row[Any], settings: Settings) -> None:
    held = (row.environment or settings.environment, row.api_host or settings.api_host)
    if held != (settings.environment, settings.api_host):
        raise SettingsError(
            f"The warehouse holds {row.tenant} of {held[0]} ({held[1]}); these settings name {settings.environment}"
            f" ({settings.api_host}), whose records would replace them.",
            guidance="Use another database for it (PROTIME_DATABASE_URL), or remove what is held with:"
            f" protime-etl forget {row.tenant}",
        )


def _holds(connection: Connection, tenant: str) -> bool:
    """Whether anything of the tenant is stored; a first try with wrong settings must not decide for later ones."""
    return bool(connection.scalar(sa.text(f"SELECT ({HOLDS})"), {"tenant": tenant}))


def register_source(connection: Connection, settings: Settings) -> None:
    """Keep where the tenant is read from, and for SQL in which time zone its minutes are.

    Raises:
        SettingsError: see `require_source`.
    """
    values = {
        "timezone": require_source(connection, settings),
        "environment": settings.environment,
        "api_host": settings.api_host,
    }
    statement = insert(tenants).values(tenant=settings.tenant, **values)
    differs = sa.or_(*(statement.excluded[name].is_distinct_from(tenants.c[name]) for name in values))
    connection.execute(statement.on_conflict_do_update(index_elements=["tenant"], set_=values, where=differs))


def require_zone(connection: Connection, zone: str) -> None:
    """Make sure that PostgreSQL knows a time zone: the views would fail otherwise.

    Raises:
        SettingsError: it does not.
    """
    known = sa.text("SELECT EXISTS (SELECT FROM pg_timezone_names WHERE name = :zone)")
    if not connection.scalar(known, {"zone": zone}):
        raise SettingsError(
            f"This PostgreSQL does not know the time zone {zone}.",
            guidance="Use an older name of it, or update the server's time zone data.",
        )


def set_zone(engine: Engine, tenant: str, zone: str) -> str:
    """Read a tenant's minutes in another time zone from now on; returns the one before.

    Commands that are under way with the one before end: they would take days for over that are not.

    Raises:
        SettingsError: there is no such tenant here, or PostgreSQL does not know the zone.
    """
    with reading(engine) as connection:
        before = connection.scalar(sa.select(tenants.c.timezone).where(tenants.c.tenant == tenant))
        if before is None:
            raise SettingsError(f"Nothing of {tenant} is stored here.", guidance="Set PROTIME_TIMEZONE, then sync.")
        require_zone(connection, zone)
    if zone != before:
        during = "is being set to another time zone while this command runs"
        done = "was set to another time zone while this command ran"
        with act_on(engine, tenant, during, done) as connection:
            connection.execute(tenants.update().where(tenants.c.tenant == tenant).values(timezone=zone))
    return str(before)
