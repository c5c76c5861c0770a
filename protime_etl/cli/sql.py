"""`protime-etl sql`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from protime_etl.cli.place import warehouse
from protime_etl.cli.queries import open_shell, run_query
from protime_etl.errors import SettingsError

__all__ = ["sql"]


def sql(
    query: Annotated[str | None, typer.Argument(help="A query; none: an interactive psql shell.")] = None,
    file: Annotated[Path | None, typer.Option(help="A file with the query, such as sql/queries/open_days.sql.")] = None,
) -> None:
    """Run a query and print its rows, or open a shell."""
    if query is not None and file is not None:
        raise SettingsError("A query and a file were given.", guidance="Give one of them.")
    if file is not None:
        try:
            query = file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(f"{file} cannot be read ({type(error).__name__}).") from None
    with warehouse() as url:
        if query is None:
            open_shell(url)
        else:
            run_query(url, query)
