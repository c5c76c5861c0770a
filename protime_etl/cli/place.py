"""Where a command works: the warehouse of the settings, and what Ctrl-C says."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import typer
from sqlalchemy.engine import URL

from protime_etl.cli import console
from protime_etl.config import Settings, load_place, load_settings
from protime_etl.errors import ProtimeError, SettingsError
from protime_etl.postgres.schema.upgrade import upgrade_schema
from protime_etl.postgres.server.address import parse_url
from protime_etl.postgres.server.connection import create_engine
from protime_etl.postgres.server.embedded import embedded_postgres
from protime_etl.setting_values import choose_collections
from protime_etl.trial import tenant_of_trial

__all__ = ["chosen_collections", "interruptible", "tenant_settings", "warehouse"]


def tenant_settings(collections: str | None = None) -> Settings:
    """The settings of the environment; with neither tenant nor database there, the tenant of the trial that runs here.

    `collections` replaces those of the settings, if it is given.

    Raises:
        SettingsError: a setting is missing or wrong.
    """
    place = load_place()
    trial: dict[str, Any] = {} if place.tenant or place.database_url else tenant_of_trial(place.home)
    if trial:
        console.print_note(f"Tenant: the simulated one of the trial in {place.home}. Set PROTIME_TENANT for your own.")
    if collections is None:
        return load_settings(**trial)
    return load_settings(**trial, collections=chosen_collections(collections))


def chosen_collections(given: str) -> tuple[str, ...]:
    """The collections that the option names.

    Raises:
        SettingsError: no collection has that name.
    """
    try:
        return choose_collections(given)
    except ValueError as error:
        raise SettingsError(f"--collections: {error}.") from None


@contextmanager
def warehouse(*, there: bool = False) -> Iterator[URL]:
    """The URL of the warehouse: PROTIME_DATABASE_URL, or the embedded PostgreSQL while the command runs.

    `there`: only one that there is; a command that shows something makes none.

    Raises:
        SettingsError: there is no place here.
    """
    place = load_place()  # a query needs a database and no credentials
    if place.database_url is not None:
        yield parse_url(place.database_url.get_secret_value())
        return
    if there and not (place.home / "postgres").is_dir():
        raise SettingsError(
            f"There is no warehouse here: PROTIME_DATABASE_URL is not set, and {place.home} holds no PostgreSQL.",
            guidance="Go to the folder of your .env, or set PROTIME_DATABASE_URL (docs/settings.md).",
        )
    with embedded_postgres(place.home) as url:
        upgrade_schema_of(url)  # it has no other administrator
        yield url


@contextmanager
def interruptible() -> Iterator[None]:
    """Ctrl-C says what became of the work."""
    try:
        yield
    except KeyboardInterrupt:
        console.print_error(ProtimeError("Interrupted.", guidance="What was committed stays; run it again to resume."))
        raise typer.Exit(130) from None


def upgrade_schema_of(url: URL) -> None:
    """Bring the schema of that database up to date."""
    engine = create_engine(url)
    try:
        upgrade_schema(engine)
    finally:
        engine.dispose()
