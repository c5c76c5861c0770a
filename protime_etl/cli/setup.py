"""`protime-etl check` and `protime-etl db upgrade`."""

from __future__ import annotations

from typing import Annotated

import typer

from protime_etl.cli import console
from protime_etl.cli.checks import run_checks
from protime_etl.cli.options import Json
from protime_etl.cli.place import tenant_settings, warehouse
from protime_etl.config import ENV_FILE
from protime_etl.postgres.schema.upgrade import upgrade_schema
from protime_etl.postgres.server.connection import create_engine
from protime_etl.private import closing
from protime_etl.sync.exploration import Finding
from protime_etl.sync.exploration import explore as exploring
from protime_etl.sync.pipeline import open_pipeline

__all__ = ["check", "db_upgrade"]


def check(
    explore: Annotated[
        bool, typer.Option("--explore", help="Ask the tenant what the API's documentation leaves open.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Check credentials, scopes, API, database and schema. Prints yes for each, or what to do."""
    settings = tenant_settings()
    findings: list[Finding] = []
    with warehouse() as url:
        results = run_checks(settings, url)
        width = max(12, *map(len, results))
        for name, problem in results.items():
            console.print_line(f"{name:<{width}} {'yes' if problem is None else 'NO  ' + problem}")
        for path in (ENV_FILE, settings.home):
            if command := closing(path):
                console.print_note(f"Other users of this machine can read {path}. Run: {command}")
        if explore and not any(results[name] for name in ("credentials", "database", "schema")):
            console.print_line("")
            with open_pipeline(settings, url) as pipeline:
                for finding in exploring(pipeline):
                    findings.append(finding)
                    console.print_line(f"{finding.question} {finding.answer}")
    if as_json:
        answers = {"explore": {one.question: one.answer for one in findings}} if explore else {}
        console.print_json({name: problem is None for name, problem in results.items()} | answers)
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
