"""`protime-etl forget` and `protime-etl db timezone`: what the warehouse holds of a tenant as a whole."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from protime_etl.cli import console
from protime_etl.cli.options import Json
from protime_etl.cli.place import warehouse
from protime_etl.cli.tables import print_table
from protime_etl.config import PlaceSettings
from protime_etl.errors import SettingsError
from protime_etl.postgres.forget import forget_tenant, held_of
from protime_etl.postgres.ledger.sources import set_zone
from protime_etl.postgres.schema.upgrade import require_schema
from protime_etl.postgres.server.connection import create_engine
from protime_etl.postgres.server.transactions import transaction
from protime_etl.setting_values import check_timezone

__all__ = ["db_timezone", "forget"]


def forget(
    tenant: Annotated[str, typer.Argument(help="Tenant, spelt as the warehouse holds it.")],
    yes: Annotated[bool, typer.Option("--yes", help="Remove without confirmation.")] = False,
    as_json: Json = False,
) -> None:
    """Remove everything that the warehouse holds of a tenant. Protime's own data stays; running commands end."""
    with warehouse(there=True) as url:
        engine = create_engine(url)
        try:
            require_schema(engine)
            with transaction(engine) as connection:
                held = held_of(connection, tenant)
            if not held:
                raise SettingsError(f"The warehouse holds nothing of {tenant}.", guidance="See: protime-etl status")
            print_table("rows", ["table", "rows"], list(held.items()))
            if not (yes or _agreed(tenant)):
                raise SettingsError("Nothing was removed.", guidance="Pass --yes to remove it without confirmation.")
            removed = forget_tenant(engine, tenant)
        finally:
            engine.dispose()
    console.print_line(f"{tenant}: {sum(removed.values())} rows removed")
    if as_json:
        console.print_json({"tenant": tenant, "removed": removed})


def _agreed(tenant: str) -> bool:
    return sys.stdin.isatty() and typer.confirm(f"Remove all rows of {tenant}?", err=True)


def db_timezone(
    zone: Annotated[str, typer.Argument(help="IANA time zone, such as Europe/Brussels.")],
    tenant: Annotated[str | None, typer.Option(help="Tenant; default: PROTIME_TENANT.")] = None,
) -> None:
    """Change the time zone of a tenant's minutes.

    The stored minutes stay; the moments in the views move. Running commands end.
    """
    chosen = tenant or PlaceSettings().tenant
    if not chosen:
        raise SettingsError("No tenant is named.", guidance="Pass --tenant, or set PROTIME_TENANT.")
    try:
        check_timezone(zone)
    except ValueError as error:
        raise SettingsError(f"{error}.") from None
    with warehouse(there=True) as url:
        engine = create_engine(url)
        try:
            require_schema(engine)
            before = set_zone(engine, chosen, zone)
        finally:
            engine.dispose()
    console.print_line(f"{chosen}: minutes are read in {zone}, previously in {before}")
