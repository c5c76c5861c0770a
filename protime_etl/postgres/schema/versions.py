"""Functions that keep the versions of a collection's rows and show them as they were: templates of `sql`, rendered."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from psycopg import sql
from sqlalchemy import Column
from sqlalchemy.dialects import postgresql

from protime_etl.collections.collection import Collection
from protime_etl.postgres.server.statements import sql_folder
from protime_etl.postgres.tables.records import RECORD_TABLES

__all__ = ["type_name", "versions_of"]

DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]


def type_name(column: Column[Any]) -> str:
    """PostgreSQL's name of a column's type."""
    # The result of a function takes no collation.
    return str(column.type.compile(DIALECT)).partition(" COLLATE")[0]


def _template(name: str) -> str:
    """A template without its comments, which a trigger need not repeat."""
    return (sql_folder() / "templates" / f"{name}.sql").read_text(encoding="utf-8")


def versions_of(collection: Collection) -> Iterator[tuple[str, str]]:
    """The functions of a collection that keeps versions: the name of each, and the statements that make it."""
    table = RECORD_TABLES[collection.path]
    columns = [column for column in table.columns if column.name != "written_at"]
    names = [sql.Identifier(column.name) for column in columns]
    keep_versions, as_of = f"keep_{collection.table}_versions", f"{collection.table}_as_of"

    def of(source: str) -> sql.Composed:
        return sql.SQL(", ").join(sql.Identifier(source, column.name) for column in columns)

    kept = "00_kept_of_closed_days" if collection.versions == "closed days" else "00_kept_all"
    parts: dict[str, sql.Composable] = {
        "is_kept": sql.SQL(_template(kept)).format(day=sql.Identifier(collection.day)),
        "table": sql.Identifier("protime", collection.table),
        "versions": sql.Identifier("protime", collection.versions_table),
        "keep_versions": sql.Identifier("protime_etl", keep_versions),
        "as_of": sql.Identifier("protime", as_of),
        "columns": sql.SQL(", ").join(names),
        "replaced": of("o"),
        "current": of("t"),
        "former": of("v"),
        "typed_columns": sql.SQL(", ").join(
            sql.SQL("{} {}").format(name, sql.SQL(type_name(column)))
            for name, column in zip(names, columns, strict=True)
        ),
        "comment": sql.Literal(
            f"protime.{collection.table} as it was at that moment"
            f"{', on days that were closed' if collection.versions == 'closed days' else ''}."
        ),
    }
    for name, template in ((f"protime_etl.{keep_versions}", "10_keep_versions"), (f"protime.{as_of}", "20_as_of")):
        yield name, sql.SQL(_template(template)).format(**parts).as_string()
