"""One absurd value breaks its own row alone: every query, view and function that comes along runs, and so do commands.

In every table of records stand rows with the ends of what their columns can hold, as the API may send them, and as an
earlier version or another program may have left them there.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from protime_etl.collections.registry import COLLECTIONS
from protime_etl.postgres.server.statements import sql_folder
from protime_etl.postgres.tables.records import RECORD_TABLES
from tests.cli.shell import Shell
from tests.support.databases import both_in_long_form
from tests.support.long_form import in_long_form
from tests.support.tenant import TODAY

FIRST = TODAY - dt.timedelta(days=3)
DATES = ("--from", str(FIRST), "--to", str(TODAY))
ABSURD_PERSON = 999
ENDS: dict[str, tuple[str, str, str, str]] = {
    "bigint": ("-9223372036854775808", "9223372036854775807", "0", "NULL"),
    "integer": ("-2147483648", "2147483647", "2147483646", "2147483645"),
    "double": ("'NaN'", "'Infinity'", "1.7976931348623157e308", "-5e-324"),
    "boolean": ("true", "false", "NULL", "true"),
    "date": ("'0001-01-01'", "'9999-12-31'", "'infinity'", "'10000-01-01'"),
    "text": ("''", "repeat('x', 500)", "E'\\x01\\x1b[31m'", "NULL"),
    "version": ("''", "repeat('~', 500)", "'0'", "'1'"),
    "jsonb": ("'[]'", "'7'", "'{\"a\": 1e400}'", "NULL"),
}
"""Of each type."""


def absurd_rows(path: str) -> Iterator[dict[str, str]]:
    """Rows of a table by the SQL of their values: each end with each other day, and days of today among them."""
    collection = COLLECTIONS[path]
    for number in range(4):
        for day in (None, f"'{TODAY}'", f"'{TODAY - dt.timedelta(days=1)}'"):
            row = {column.name: ENDS[column.type][number] for column in collection.columns}
            row |= {"person_id": str(ABSURD_PERSON)} if "person_id" in row else {}
            row |= {"kind": "'InOut'"} if path == "clockings" else {}
            if day is not None and collection.day in row:
                row[collection.day] = day
            yield row


def insert_absurd(engine: Engine) -> None:
    with engine.begin() as connection:
        for path, collection in COLLECTIONS.items():
            table = RECORD_TABLES[path]
            for number, row in enumerate(absurd_rows(path)):
                row["id"] = str(ABSURD_PERSON if path == "people" and number == 0 else 7_000 + number)
                row["extra"] = ("NULL", "'{\"other form\": 7}'", '\'{"other form": {"kind": ""}}\'')[number % 3]
                names, values = ", ".join(row), ", ".join(row.values())
                connection.exec_driver_sql(
                    f"INSERT INTO protime.{table.name} (tenant, {names}) VALUES ('simulated', {values})"
                )
                if collection.versions != "none":
                    connection.exec_driver_sql(
                        f"INSERT INTO protime.{collection.versions_table} (tenant, {names}, valid_from, valid_to)"
                        f" VALUES ('simulated', {values}, now() - interval '{number + 1} days', now())"
                    )


def shipped(engine: Engine) -> dict[str, str]:
    """Everything that a user may run: queries, views and functions of schema `protime` and of the engine's own."""
    found = {
        path.stem: path.read_text(encoding="utf-8").rstrip().rstrip(";")
        for path in (sql_folder() / "queries").glob("*.sql")
    }
    with engine.connect() as connection:
        for schema, view in connection.execute(
            sa.text("SELECT schemaname, viewname FROM pg_views WHERE schemaname IN ('protime', 'protime_etl')")
        ):
            found[f"{schema}.{view}"] = f"SELECT * FROM {schema}.{view}"
    for collection in COLLECTIONS.values():
        if collection.versions != "none":
            found[f"{collection.table}_as_of"] = f"SELECT * FROM protime.{collection.table}_as_of(now())"
    return found


def rows_of(engine: Engine, query: str) -> set[str]:
    """The rows as text, but for those of the absurd person and of sums over all people."""
    statement = f"SELECT to_jsonb(q) FROM ({query}) AS q".replace("%", "%%")
    with engine.begin() as connection:
        rows: list[dict[str, Any]] = list(connection.exec_driver_sql(statement).scalars())
    return {
        str(sorted((key, str(value)) for key, value in row.items() if key not in CHANGING))
        for row in rows
        if row["tenant"] == "simulated" and row.get("person_id") != ABSURD_PERSON and row.get("id", 0) < 100_000
    }


CHANGING = {"people_missing", "people_not_read", "people_unproven", "days"}  # the absurd person is one of them


@both_in_long_form
def test_every_query_view_and_function_runs_beside_absurd_rows(shell: Shell, engine: Engine) -> None:
    assert shell("sync", *DATES, collections="all").returncode == 0
    queries = shipped(engine)
    before = {name: rows_of(engine, query) for name, query in queries.items()}
    insert_absurd(engine)
    for name, query in queries.items():
        after = rows_of(engine, query)
        assert before[name] - after == set(), name
    for path in (sql_folder() / "queries").glob("*.sql"):
        for form in ("--json", "--csv"):
            result = shell("sql", "--query", path.stem, form)
            assert result.returncode == 0, (path.stem, result.stderr)


@pytest.mark.parametrize("command", ["sync", *in_long_form(["status", "verify", "prove", "backfill", "changes"])])
def test_every_command_goes_on_beside_absurd_rows(shell: Shell, engine: Engine, command: str) -> None:
    assert shell("sync", *DATES, collections="all").returncode == 0
    insert_absurd(engine)
    options = DATES if command in ("sync", "verify", "backfill") else DATES[:2] if command == "changes" else ()
    more = {} if command == "changes" else {"collections": "all"}
    result = shell(command, *options, **more)
    assert result.returncode in (0, 3), result.stderr
    assert "Traceback" not in result.stderr
    assert "nexpected error" not in result.stderr
