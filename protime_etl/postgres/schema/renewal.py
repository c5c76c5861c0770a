"""Views and functions made again where they have changed, so that what others made of them stays as far as it can.

What did not change is not touched. What can be replaced is replaced: views of users on it stay. Only what has other
columns is dropped first; if something of a user depends on it, PostgreSQL refuses that and names it. Rights that were
granted on what was dropped are granted on what takes its place.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import psycopg
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from protime_etl.postgres.server.statements import text

__all__ = ["keeping_grants", "renew"]

Kind = Literal["VIEW", "FUNCTION"]
OTHER_COLUMNS = (psycopg.errors.InvalidTableDefinition, psycopg.errors.InvalidFunctionDefinition)
EXISTS = {"VIEW": "to_regclass", "FUNCTION": "to_regproc"}


@contextmanager
def keeping_grants(connection: Connection, schemas: tuple[str, ...]) -> Iterator[None]:
    """Grant on views and functions that are made again inside of the block what was granted on them before."""
    values = {"schemas": list(schemas)}
    before = connection.execute(text("grants"), values).all()
    yield
    after = {row.object: row.oid for row in connection.execute(text("grants"), values)}
    for row in before:
        if row.grants is not None and after.get(row.object) not in (None, row.oid):
            for statement in (f"REVOKE ALL ON {row.object} FROM PUBLIC", *row.grants):
                connection.exec_driver_sql(statement.replace("%", "%%"))


def renew(connection: Connection, kind: Kind, name: str, statements: str) -> None:
    """Replace a view or function if these are not the statements that it was last made from (protime_etl.views)."""
    digest = hashlib.sha256(statements.encode()).hexdigest()
    made_from = connection.scalar(
        sa.text(f"SELECT sha256 FROM protime_etl.views WHERE name = :name AND {EXISTS[kind]}(:name) IS NOT NULL"),
        {"name": name},
    )
    if made_from == digest:
        return
    escaped = statements.replace("%", "%%")
    try:
        with connection.begin_nested():
            connection.exec_driver_sql(escaped)
    except sa.exc.DBAPIError as error:
        if not isinstance(error.orig, OTHER_COLUMNS):
            raise
        _drop(connection, kind, name)
        connection.exec_driver_sql(escaped)
    connection.execute(text("note_made_from"), {"name": name, "digest": digest})


def _drop(connection: Connection, kind: Kind, name: str) -> None:
    """Drop it, and the views of ours on it, which are all renewed after it."""
    for view in connection.scalars(text("views_on"), {"name": name}).all() if kind == "VIEW" else ():
        _drop(connection, "VIEW", view)
    connection.execute(sa.text(f"DROP {kind} IF EXISTS {name}"))
