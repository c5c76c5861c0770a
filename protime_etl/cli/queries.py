"""`protime-etl sql QUERY`: one statement, in a transaction that may only read unless asked otherwise."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from itertools import chain
from typing import Any

import msgspec
import psycopg
import sqlalchemy as sa
from psycopg import adapt, generators
from psycopg.pq import ExecStatus, TransactionStatus
from psycopg.pq.abc import PGresult
from psycopg.types.bool import BoolLoader
from psycopg.types.string import TextLoader
from sqlalchemy.engine import URL, Engine

from protime_etl.cli.console import print_line
from protime_etl.cli.tables import Form, print_rows
from protime_etl.config import PlaceSettings
from protime_etl.counted import counted
from protime_etl.errors import ProtimeError, QueryError, SettingsError
from protime_etl.postgres.schema.upgrade import schema_state
from protime_etl.postgres.server.connection import STOPPING, create_engine, database_errors

__all__ = ["run_query"]

# Names are those that this user writes elsewhere; how values are written follows from nothing that a role or a
# database is set to.
SAME_EVERYWHERE = """
SET LOCAL search_path TO DEFAULT; SET LOCAL datestyle TO ISO, YMD; SET LOCAL intervalstyle TO postgres;
SET LOCAL bytea_output TO hex; SET LOCAL extra_float_digits TO 1
"""
LOCAL_TIME = """
SELECT set_config('timezone', min(timezone), true) FROM protime.tenants WHERE :tenant IN ('', tenant)
HAVING count(DISTINCT timezone) = 1
"""
# No right holds a superuser. Rows that a policy then hides are an error, and not missing.
GIVE_UP_POWER = """
SELECT set_config('row_security', 'off', true), set_config('role', 'pg_read_all_data', true)
WHERE current_setting('is_superuser') = 'on'
"""
# The comments before it are read once: read again in another way, many of them would take for ever.
BEYOND = re.compile(r"(?>\s+|--[^\n]*\n|/\*.*?\*/)*+(COPY|PREPARE\s+TRANSACTION)\b", re.IGNORECASE | re.DOTALL)
"""In any transaction they write files of the server and start programs there, for roles that may, or outlast it."""
NUMBERS = ("int2", "int4", "int8", "oid", "float4", "float8", "numeric")
WHITE_SPACE = bytes.maketrans(b"\t\r\n", b"   ")


class _WrittenBool(TextLoader):
    def load(self, data: Any) -> str:
        return "true" if bytes(data) == b"t" else "false"


class _JsonNumber(TextLoader):
    def load(self, data: Any) -> Any:  # digit by digit; infinity is no number of JSON
        written = bytes(data)
        return msgspec.Raw(written) if written[-1:].isdigit() else written.decode()


class _JsonDocument(adapt.Loader):
    def load(self, data: Any) -> msgspec.Raw:
        return msgspec.Raw(bytes(data).translate(WHITE_SPACE))


TEXT = {"bool": _WrittenBool}
JSON = {"bool": BoolLoader, "json": _JsonDocument, "jsonb": _JsonDocument, **dict.fromkeys(NUMBERS, _JsonNumber)}


def run_query(url: URL, query: str, *, write: bool = False, form: Form = "") -> None:
    """Run one statement and print its rows as they come; with `write` it may change something and is committed.

    Without, it is kept from changing something by mistake: by a transaction that may only read and is rolled back, and
    for a superuser, whom no right holds, by another role. It does not stop a deliberate change.

    Raises:
        SettingsError: it is no statement, or more than one, or one that this program has no rows for.
        QueryError: PostgreSQL refuses it.
        DatabaseError: PostgreSQL cannot be reached.
    """
    if not write and (found := BEYOND.match(query)):
        if found[1].upper() == "COPY":
            raise _no_copy()
        raise SettingsError(
            "A prepared transaction stays in the warehouse.", guidance="Pass --write if it is meant to."
        )
    engine = create_engine(url)
    try:
        with database_errors(url), engine.connect().execution_options(postgresql_readonly=not write) as connection:
            connection.exec_driver_sql(SAME_EVERYWHERE)
            with suppress(sa.exc.DBAPIError), connection.begin_nested():  # there may be no schema, or no right to look
                connection.execute(sa.text(LOCAL_TIME), {"tenant": PlaceSettings().tenant})
            if not write:
                connection.execute(sa.text(GIVE_UP_POWER))
            driver = connection.connection.driver_connection
            assert isinstance(driver, psycopg.Connection)  # noqa: S101 - no other driver is asked for
            try:
                _print_result(driver, query, form)
            except psycopg.Error as error:
                if error.sqlstate is None or isinstance(error, STOPPING):
                    raise
                connection.rollback()
                raise _refused(engine, error, query) from None
            finally:
                if driver.info.transaction_status == TransactionStatus.ACTIVE:
                    connection.invalidate()  # rows that no one takes are on their way
            if write:
                connection.commit()
            else:  # older servers let a transaction that may only read make large objects
                connection.rollback()
    finally:
        engine.dispose()


def _print_result(driver: psycopg.Connection[Any], query: str, form: Form) -> None:
    results = _results(driver, query.encode(driver.info.encoding))
    first = next(results)
    if first.status == ExecStatus.EMPTY_QUERY:
        raise SettingsError("The query is empty.", guidance="Pass one: protime-etl sql 'SELECT ...'")
    if first.status in (ExecStatus.COPY_IN, ExecStatus.COPY_OUT):
        raise _no_copy()
    if not first.nfields:
        *_, last = first, *results
        print_line("done" if last.command_tuples is None else counted(last.command_tuples, "row"))
        return
    # Values as PostgreSQL writes them, as Python has no infinity of days; for JSON, those that JSON has a form for.
    cursor = driver.cursor()
    for known in psycopg.adapters.types:
        cursor.adapters.register_loader(known.oid, (JSON if form == "json" else TEXT).get(known.name, TextLoader))
        if known.array_oid and form != "json":
            cursor.adapters.register_loader(known.array_oid, TextLoader)
    values = adapt.Transformer(cursor)
    values.set_pgresult(first)

    def rows() -> Iterator[tuple[Any, ...]]:
        for result in chain([first], results):
            values.set_pgresult(result, set_loaders=False)
            yield from values.load_rows(0, result.ntuples, tuple)

    names = [(first.fname(at) or b"").decode(driver.info.encoding) for at in range(first.nfields)]
    oids = {psycopg.adapters.types[name].oid for name in NUMBERS}
    print_rows(names, rows(), form, numbers=[first.ftype(at) in oids for at in range(first.nfields)])


def _results(driver: psycopg.Connection[Any], query: bytes) -> Iterator[PGresult]:
    """A result for each row, so that no more than one is in memory, and one at the end.

    psycopg's `stream` keeps that to itself: it has the columns where there are no rows, and the number of changed rows.
    """
    driver.pgconn.send_query_params(query, None)  # unlike send_query, it takes one statement only
    driver.pgconn.set_single_row_mode()
    driver.wait(generators.send(driver.pgconn))
    failed = None
    while (result := driver.wait(generators.fetch(driver.pgconn))) is not None:
        if result.status == ExecStatus.FATAL_ERROR:
            failed = result
        else:
            yield result
    if failed is not None:
        raise psycopg.errors.error_from_result(failed, encoding=driver.info.encoding)


def _no_copy() -> SettingsError:
    return SettingsError(
        "COPY from or to this program is not possible here.",
        guidance="For rows in a file: protime-etl sql --csv 'SELECT ...'. In psql there is \\copy.",
    )


def _refused(engine: Engine, error: psycopg.Error, query: str) -> ProtimeError:
    """What PostgreSQL says of the statement, and where."""
    if query.lstrip().startswith("\\"):
        return SettingsError(
            f"{query.split(maxsplit=1)[0]} is a psql command, not a query.",
            guidance="Open psql for it: protime-etl sql",
        )
    if isinstance(error, psycopg.errors.SyntaxError) and error.diag.source_function == "exec_parse_message":
        return SettingsError(
            "There are several statements.", guidance="Pass one, or let psql run them: protime-etl sql < FILE"
        )
    message, *excerpt = str(error).split("\n")
    guidance = ""
    no_table = isinstance(error, (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName))
    if isinstance(error, psycopg.errors.ReadOnlySqlTransaction):
        guidance = "Pass --write if it is meant to change the warehouse."
    elif no_table and schema_state(engine).current is None:
        guidance = "This database has no protime-etl schema. Run: protime-etl db upgrade"
    return QueryError(f"{message}.", guidance=guidance, excerpt=excerpt)
