"""`protime-etl sql QUERY`: one statement, in a transaction that may only read unless asked otherwise."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import psycopg
import sqlalchemy as sa
from psycopg import generators
from psycopg.pq import ExecStatus
from psycopg.pq.abc import PGresult
from psycopg.types.string import TextLoader
from rich.cells import cell_len
from sqlalchemy.engine import URL, Connection, Engine

from protime_etl.cli.console import output, print_line
from protime_etl.cli.printable import one_line
from protime_etl.cli.tables import Aligned, Column, Json, Kind, RowWriter, TabSeparated
from protime_etl.config import PlaceSettings
from protime_etl.counted import counted
from protime_etl.errors import QueryError, SettingsError
from protime_etl.postgres.schema.upgrade import schema_state
from protime_etl.postgres.server.connection import STOPPING, create_engine, database_errors

__all__ = ["run_query"]

# How values are written follows from this and from nothing that a role or a database is set to.
WRITTEN_SO = {"datestyle": "ISO, YMD", "intervalstyle": "postgres", "bytea_output": "hex", "extra_float_digits": "1"}
KINDS: dict[str, Kind] = {
    **dict.fromkeys(("int2", "int4", "int8", "oid", "float4", "float8", "numeric", "money"), "number"),
    **dict.fromkeys(("timestamp", "timestamptz", "time", "timetz"), "moment"),
    **dict.fromkeys(("json", "jsonb"), "json"),
    "bool": "bool",
}
SHOWN_OF_A_LINE = 60
LEAVING = re.compile(r"PREPARE\s+TRANSACTION\b", re.IGNORECASE)
COPY = re.compile(r"COPY\b", re.IGNORECASE)
"""It writes files of the server and starts programs there, for roles that may, in any transaction."""
# No right holds a superuser. Rows that a policy then hides are an error, and not missing.
GIVE_UP_POWER = """
SELECT set_config('row_security', 'off', true), set_config('role', 'pg_read_all_data', true)
WHERE current_setting('is_superuser') = 'on'
"""
COMMENTS = re.compile(r"(\s|--[^\n]*(\n|$)|/\*.*?\*/)*", re.DOTALL)


class _BoolLoader(TextLoader):
    def load(self, data: Any) -> str:
        return "true" if bytes(data) == b"t" else "false"


def run_query(url: URL, query: str, *, write: bool = False, writer: RowWriter | None = None) -> None:
    """Run one statement and print its rows as they come; with `write` it may change something and is committed.

    Without, it is kept from changing something by mistake: by a transaction that may only read and is rolled back, and
    for a superuser, whom no right holds, by another role. It does not stop a deliberate change.

    Raises:
        SettingsError: it is no statement, or more than one, or would leave this transaction.
        QueryError: PostgreSQL refuses it.
        DatabaseError: PostgreSQL cannot be reached.
    """
    start = COMMENTS.match(query)
    rest = query[start.end() :] if start else query
    if not rest:
        raise SettingsError("The query is empty.", guidance="Pass one: protime-etl sql 'SELECT ...'")
    if rest.startswith("\\"):
        raise SettingsError(
            f"{rest.split()[0]} is a psql command, not a query.", guidance="Open psql for it: protime-etl sql"
        )
    if not write and LEAVING.match(rest):
        raise SettingsError(
            "A prepared transaction stays in the warehouse.", guidance="Pass --write if it is meant to."
        )
    if not write and COPY.match(rest):
        raise _no_copy()
    writer = writer or (Aligned(counted=True) if output.is_terminal else TabSeparated())
    engine = create_engine(url)
    try:
        with (
            database_errors(url),
            engine.connect().execution_options(postgresql_readonly=not write) as connection,
            connection.begin() as transaction,
        ):
            _settle(connection)
            if not write:
                connection.execute(sa.text(GIVE_UP_POWER))
            with _query_errors(engine, connection, query):
                _run(_driver(connection), query, writer)
            if not write:  # older servers let a transaction that may only read make large objects
                transaction.rollback()
    finally:
        engine.dispose()


def _driver(connection: Connection) -> psycopg.Connection[Any]:
    driver = connection.connection.driver_connection
    assert isinstance(driver, psycopg.Connection)  # noqa: S101 - no other driver is asked for
    return driver


def _settle(connection: Connection) -> None:
    """Make what the statement sees and prints the same everywhere; days and moments are those of the tenant's zone."""
    connection.execute(sa.text("SET LOCAL search_path TO DEFAULT"))  # names as this user writes them elsewhere
    for name, value in WRITTEN_SO.items():
        connection.execute(sa.text("SELECT set_config(:name, :value, true)"), {"name": name, "value": value})
    with suppress(sa.exc.DBAPIError), connection.begin_nested():  # there may be no schema, or no right to look
        zones = connection.scalars(
            sa.text("SELECT DISTINCT timezone FROM protime.tenants WHERE :tenant IN ('', tenant)"),
            {"tenant": PlaceSettings().tenant},
        ).all()
        if len(zones) == 1:
            connection.execute(sa.text("SELECT set_config('timezone', :zone, true)"), {"zone": zones[0]})


def _run(driver: psycopg.Connection[Any], query: str, writer: RowWriter) -> None:
    text = query.encode(driver.info.encoding)
    columns = _describe(driver, text)
    cursor = driver.cursor()
    if not columns:
        cursor.execute(text)
        print_line(counted(cursor.rowcount, "row") if cursor.rowcount >= 0 else "done")
        return
    kinds = _load_as_written(cursor, lists=isinstance(writer, Json))
    names = [Column(name, kinds.get(oid, "text")) for name, oid in columns]
    begun = False
    for row in cursor.stream(text):
        if not begun:  # not before: the first row may be what fails
            writer.begin(names)
            begun = True
        writer.row(row)
    if not begun:
        writer.begin(names)
    writer.end()


def _describe(driver: psycopg.Connection[Any], text: bytes) -> Sequence[tuple[str, int]]:
    """Names and types of the columns, before the first row comes; a statement that gives no rows has none."""
    connection, encoding = driver.pgconn, driver.info.encoding
    connection.send_prepare(b"", text)
    _checked(driver)
    connection.send_describe_prepared(b"")
    described = _checked(driver)
    return [((described.fname(at) or b"").decode(encoding), described.ftype(at)) for at in range(described.nfields)]


def _checked(driver: psycopg.Connection[Any]) -> PGresult:
    result: PGresult = driver.wait(generators.execute(driver.pgconn))[0]
    if result.status == ExecStatus.FATAL_ERROR:
        raise psycopg.errors.error_from_result(result, encoding=driver.info.encoding)
    return result


def _load_as_written(cursor: psycopg.Cursor[Any], *, lists: bool) -> dict[int, Kind]:
    """Let the cursor give values as PostgreSQL writes them: Python has no infinity of days; returns kinds by type."""
    kinds = {}
    for known in psycopg.adapters.types:
        kind = KINDS.get(known.name, "text")
        cursor.adapters.register_loader(known.oid, _BoolLoader if kind == "bool" else TextLoader)
        kinds[known.oid] = kind
        if lists:
            kinds[known.array_oid] = kind
        elif known.array_oid:
            cursor.adapters.register_loader(known.array_oid, TextLoader)
    return kinds


def _no_copy() -> SettingsError:
    return SettingsError(
        "COPY from or to this program is not possible here.",
        guidance="For rows in a file: protime-etl sql --csv 'SELECT ...'. In psql there is \\copy.",
    )


@contextmanager
def _query_errors(engine: Engine, connection: Connection, query: str) -> Iterator[None]:
    """Say what PostgreSQL says of the statement, and where."""
    try:
        yield
    except psycopg.Error as error:
        if error.sqlstate is None and not isinstance(error, psycopg.OperationalError):
            connection.invalidate()  # it waits for the rows of a COPY
            raise _no_copy() from None
        if error.sqlstate is None or isinstance(error, STOPPING):
            raise
        if isinstance(error, psycopg.errors.SyntaxError) and error.diag.source_function == "exec_parse_message":
            raise SettingsError(
                "There are several statements.", guidance="Pass one, or let psql run them: protime-etl sql < FILE"
            ) from None
        connection.rollback()
        raise _refused(engine, error, query) from None


def _refused(engine: Engine, error: psycopg.Error, query: str) -> QueryError:
    message = f"{error.diag.message_primary or type(error).__name__}"
    excerpt = _excerpt(query, int(error.diag.statement_position)) if error.diag.statement_position else []
    if error.diag.message_hint:
        excerpt.append(f"HINT:  {one_line(error.diag.message_hint)}")
    guidance = ""
    no_table = isinstance(error, (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName))
    if isinstance(error, psycopg.errors.ReadOnlySqlTransaction):
        guidance = "Pass --write if it is meant to change the warehouse."
    elif no_table and schema_state(engine).current is None:
        guidance = "This database has no protime-etl schema. Run: protime-etl db upgrade"
    return QueryError(f"{message}.", guidance=guidance, excerpt=excerpt)


def _excerpt(query: str, position: int) -> list[str]:
    """The line of the query that holds this character (1 is the first), and a caret below it."""
    before = query[: position - 1]
    start = before.rfind("\n") + 1
    line = one_line(query[start:].split("\n", 1)[0].replace("\t", " "))
    at = len(before) - start
    left = max(0, at - SHOWN_OF_A_LINE)
    label = f"LINE {before.count(chr(10)) + 1}: {'...' if left else ''}"
    right = "..." if len(line) > at + SHOWN_OF_A_LINE else ""
    return [
        f"{label}{line[left : at + SHOWN_OF_A_LINE]}{right}",
        " " * (cell_len(label) + cell_len(line[left:at])) + "^",
    ]
