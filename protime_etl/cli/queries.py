"""`protime-etl sql`: one query with its rows printed, or psql."""

from __future__ import annotations

import os
import shutil
import subprocess

import sqlalchemy as sa
from sqlalchemy.engine import URL

from protime_etl.cli.console import print_line, print_table
from protime_etl.errors import SettingsError
from protime_etl.postgres.connection import create_engine, database_errors

__all__ = ["open_shell", "run_query"]


def run_query(url: URL, query: str) -> None:
    """Run one statement, commit it, and print its rows.

    Raises:
        DatabaseError: PostgreSQL refuses it.
    """
    engine = create_engine(url)
    try:
        with database_errors(url), engine.begin() as connection:
            connection.execute(sa.text("SET LOCAL search_path TO DEFAULT"))  # names as this user writes them elsewhere
            result = connection.execute(sa.text(query.replace(":", "\\:")))
            if result.returns_rows:
                print_table("", list(result.keys()), [tuple(row) for row in result])
            else:
                print_line(f"{result.rowcount} rows" if result.rowcount >= 0 else "done")
    finally:
        engine.dispose()


def open_shell(url: URL) -> None:
    """Open psql on the warehouse; the password goes by the environment, where no process list shows it.

    Raises:
        SettingsError: there is no psql.
    """
    psql = shutil.which("psql")
    if psql is None:
        raise SettingsError("There is no psql here.", guidance="Give the query: protime-etl sql 'SELECT ...'.")
    environment = {**os.environ, "PGOPTIONS": "-c search_path=protime,protime_etl,public"}
    if url.password:
        environment["PGPASSWORD"] = str(url.password)
    target = url.set(drivername="postgresql", password=None).render_as_string(hide_password=False)
    subprocess.run(  # noqa: S603 - psql of the user's own path
        [psql, target], env=environment, check=False
    )
