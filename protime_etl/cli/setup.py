"""`protime-etl check` and `protime-etl db upgrade`."""

from __future__ import annotations

import typer

from protime_etl.cli import console
from protime_etl.cli.checks import run_checks
from protime_etl.cli.options import Json
from protime_etl.cli.place import tenant_settings, warehouse
from protime_etl.postgres.connection import create_engine
from protime_etl.postgres.schema import upgrade_schema

__all__ = ["check", "db_upgrade"]


def check(as_json: Json = False) -> None:
    """Look at credentials, scopes, API, database and schema. Each with a yes or what to do."""
    settings = tenant_settings()
    with warehouse() as url:
        results = run_checks(settings, url)
    for name, problem in results.items():
        console.print_line(f"{name:<12} {'yes' if problem is None else 'NO  ' + problem}")
    if as_json:
        console.print_json({name: problem is None for name, problem in results.items()})
    if any(results.values()):
        raise typer.Exit(1)


def db_upgrade(as_json: Json = False) -> None:
    """Bring the schema up to date. Safe to repeat."""
    with warehouse() as url:
        engine = create_engine(url)
        try:
            state = upgrade_schema(engine)
        finally:
            engine.dispose()
    console.print_line(f"schema version {state.current} on PostgreSQL {state.server}")
    if as_json:
        console.print_json({"schema": state.current, "server": state.server})
