"""`protime-etl sql`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from protime_etl.cli.console import print_line
from protime_etl.cli.place import interruptible, warehouse
from protime_etl.cli.psql import open_psql
from protime_etl.cli.queries import run_query
from protime_etl.cli.tables import Form
from protime_etl.errors import SettingsError
from protime_etl.postgres.server.statements import sql_folder

__all__ = ["sql"]


def sql(  # noqa: PLR0917 - one parameter an option
    query: Annotated[str | None, typer.Argument(help="A query; without one, psql opens.")] = None,
    file: Annotated[Path | None, typer.Option(metavar="FILE", help="A file with the query.")] = None,
    name: Annotated[str | None, typer.Option("--query", metavar="NAME", help="One of the bundled queries.")] = None,
    queries: Annotated[bool, typer.Option("--queries", help="List the bundled queries.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print the rows as CSV.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the rows as one JSON array of objects.")] = False,
    write: Annotated[bool, typer.Option("--write", help="Allow it to change the warehouse.")] = False,
) -> None:
    """Run a query and print its rows, or open psql. It may only read, unless --write is given."""
    if sum((query is not None, file is not None, name is not None, queries)) > 1:
        raise SettingsError(
            "More than one of a query, --file, --query and --queries was given.", guidance="Use one of them."
        )
    if as_csv and as_json:
        raise SettingsError("Both --csv and --json were given.", guidance="Use one of them.")
    form: Form = "csv" if as_csv else "json" if as_json else ""
    bundled = {path.stem: path for path in sorted((sql_folder() / "queries").glob("*.sql"))}
    if queries:
        for stem, path in bundled.items():
            purpose = path.read_text(encoding="utf-8").splitlines()[0].removeprefix("--").strip()
            print_line(f"{stem:<20} {purpose}")
        return
    if name is not None:
        file = bundled.get(name.removesuffix(".sql"))
        if file is None:
            raise SettingsError(f"There is no query {name!r}.", guidance="See them: protime-etl sql --queries")
    if file is not None:
        try:
            query = file.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(f"{file} cannot be read ({type(error).__name__}).") from None
    if query is None and form:
        raise SettingsError("There is no query.", guidance=f"Pass one: protime-etl sql --{form} 'SELECT ...'")
    with interruptible(), warehouse() as url:
        if query is None:
            raise typer.Exit(open_psql(url, write=write))
        run_query(url, query, write=write, form=form)
