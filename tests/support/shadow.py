"""A second tenant in the warehouse of every test, and a second collection of the tests' own tenant.

They have the same ids, other contents, and all that a tenant and a collection can have.

A statement that does not name its tenant and collection changes these rows, too: the fixture `warehouse` compares them
when a test ends. What counts or shows rows without naming these counts and shows the shadow's, so that the test finds
more than it expects. The rows follow from the tables: a new table or column gets some without a line here.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import sqlalchemy as sa
from psycopg import sql
from psycopg.types.json import Jsonb
from sqlalchemy.dialects.postgresql import ARRAY, DATEMULTIRANGE, INT8MULTIRANGE, JSONB
from sqlalchemy.engine import URL

from protime_etl.collections.registry import COLLECTIONS
from protime_etl.postgres.tables.all import metadata
from protime_etl.postgres.tables.records import RECORD_TABLES, VERSION_TABLES
from protime_etl.simulator.state import Tenant
from tests.support.databases import connect
from tests.support.tenant import TODAY

__all__ = ["SHADOW", "cast_shadow", "shadow_of"]

SHADOW = "shadow"
"""Its name, that of the collection, and every text of it that is free."""
OWN = "simulated"
"""The tenant of nearly all tests, which has the second collection."""
ROWS = 24
OTHERS = 4
"""Rows of each table with ids that no other tenant has."""
FIRST_DAY = TODAY - dt.timedelta(days=13)
OF_NO_TENANT = {"views"}
"""Tables that belong to the warehouse as a whole."""
LATER = {"until", "asked_until", "next_slot", "expires_at"}
"""Moments that matter as long as they are to come."""
FORM = {
    "timezone": "UTC",
    "datestyle": "ISO",
    "extra_float_digits": "1",
    "bytea_output": "hex",
    "statement_timeout": "0",
}
"""What decides how a row looks as a text, and may be set otherwise for a database."""
ZONE = "Asia/Tokyo"
PATHS = ("clockings", "people", *(path for path in COLLECTIONS if path not in ("clockings", "people")))


def cast_shadow(url: URL) -> None:
    """Put the shadow tenant into a warehouse."""
    numbers: dict[str, list[int]] = {}
    with connect(url) as session, session.transaction():
        for table in metadata.sorted_tables:
            if table.name in OF_NO_TENANT:
                continue
            columns = [column for column in table.columns if not _is_null(column)]
            statement = sql.SQL(
                "INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE VALUES ({}) ON CONFLICT DO NOTHING"
            ).format(
                _name(table),
                sql.SQL(", ").join(sql.Identifier(column.name) for column in columns),
                sql.SQL(", ").join([sql.Placeholder()] * len(columns)),
            )
            for number in range(ROWS):
                row = {column.name: _value(column, number, numbers) for column in columns}
                session.execute(statement, list(row.values()))
                for column in table.primary_key:
                    if column.identity is not None:
                        numbers.setdefault(f"{table.fullname}.{column.name}", []).append(row[column.name])
                if _is_of_collections(table):
                    row |= {"tenant": OWN, "collection": SHADOW}
                    row |= {one.name: row[one.name] * 2 for one in table.primary_key if one.identity is not None}
                    if "person_id" in row:  # of people who are in every tenant: who has been read is known
                        row["person_id"] = _person(number % OTHERS)
                    session.execute(statement, list(row.values()))


def shadow_of(url: URL) -> Mapping[str, str]:
    """What is there of the shadow, by table: equal as long as no row of it was touched.

    The collection goes with its tenant, if that is forgotten.
    """
    with connect(url) as session:
        for name, value in FORM.items():
            session.execute(sql.SQL("SET {} TO {}").format(sql.Identifier(name), value))
        found = session.execute(_fingerprints()).fetchall()
    forgotten = all(not rows for _, whose, rows, _ in found if whose == OWN)
    return {
        f"{table} of {whose}": f"{rows} {sum_}" for table, whose, rows, sum_ in found if not forgotten or whose != OWN
    }


@cache
def _fingerprints() -> sql.Composed:
    """How many rows each table has of the shadow, and a sum of their contents."""
    each = sql.SQL("SELECT {}, {}, count(*), sum(hashtextextended(ROW({})::text, 0)) FROM {} AS t WHERE {}")
    tables = [table for table in metadata.sorted_tables if table.name not in OF_NO_TENANT]
    conditions = [(table, SHADOW, _is_of_shadow(table)) for table in tables]
    own = sql.SQL("(t.tenant, t.collection) = ({}, {})").format(OWN, SHADOW)
    conditions += [(table, OWN, own) for table in tables if _is_of_collections(table)]
    return sql.SQL(" UNION ALL ").join(
        each.format(
            sql.Literal(table.fullname),
            sql.Literal(whose),
            sql.SQL(", ").join(sql.Identifier("t", column.name) for column in table.columns),
            _name(table),
            condition,
        )
        for table, whose, condition in conditions
    )


def _is_of_shadow(table: sa.Table, alias: str = "t") -> sql.Composable:
    """A condition on its rows: the tenant, or that of the row that they refer to, or the text that it is known by."""
    if "tenant" in table.c:
        return sql.SQL("{} = {}").format(sql.Identifier(alias, "tenant"), SHADOW)
    owners = [
        (column, key.column) for column in table.c for key in column.foreign_keys if key.column.table is not table
    ]
    for column, owner in owners:
        return sql.SQL("{} IN (SELECT {} FROM {} AS o WHERE {})").format(
            sql.Identifier(alias, column.name),
            sql.Identifier("o", owner.name),
            _name(owner.table),
            _is_of_shadow(owner.table, "o"),
        )
    text = next(column for column in table.primary_key if isinstance(column.type, sa.Text))
    return sql.SQL("{} LIKE {}").format(sql.Identifier(alias, text.name), f"{SHADOW}%")


def _is_of_collections(table: sa.Table) -> bool:
    return "tenant" in table.c and "collection" in table.c


def _name(table: sa.Table) -> sql.Identifier:
    assert table.schema is not None
    return sql.Identifier(table.schema, table.name)


def _is_null(column: sa.Column[Any]) -> bool:
    """Left out: references within a table, which would have to be in order."""
    return any(key.column.table is column.table for key in column.foreign_keys)


def _value(column: sa.Column[Any], number: int, numbers: Mapping[str, list[int]]) -> Any:
    for key in column.foreign_keys:
        given = numbers[f"{key.column.table.fullname}.{key.column.name}"]
        return given[number % len(given)]
    if column.identity is not None:  # before and after all that a test can get
        return 9_000_000_000 + number if number % 2 else -1 - number
    if allowed := _allowed(column):
        return allowed[(number + 1) % len(allowed)]  # a delta that is active, a run that is done
    if column.name in RESERVED:
        return RESERVED[column.name](column, number)
    return _by_type(column, number)


def _allowed(column: sa.Column[Any]) -> list[str]:
    """The texts that a constraint allows."""
    for one in column.table.constraints:
        if isinstance(one, sa.CheckConstraint) and (found := re.match(rf"{column.name} IN \((.*)\)", str(one.sqltext))):
            return re.findall(r"'([^']*)'", found[1])
    return []


def _collection(column: sa.Column[Any], number: int) -> str:
    """Of a table with a row a collection each has its own; of others most are clockings."""
    keys = {one.name for one in column.table.primary_key}
    return PATHS[number] if keys == {"tenant", "collection"} else PATHS[number % 3 if number % 4 == 0 else 0]


def _id(column: sa.Column[Any], number: int) -> int:
    return _ids(_path(column.table))[number]


def _path(table: sa.Table) -> str:
    tables = {**{one.name: path for path, one in RECORD_TABLES.items()}}
    tables |= {one.name: path for path, one in VERSION_TABLES.items()}
    return tables.get(table.name, "clockings")


@cache
def _tenant() -> Tenant:
    return Tenant(seed=1, people=ROWS, first_day=FIRST_DAY, last_day=TODAY)


@cache
def _ids(path: str) -> list[int]:
    """The first ids that the simulated tenant gives, and some that it does not have."""
    found: list[int] = [one.id for one in _tenant().records(path)]
    same = found[: ROWS - OTHERS]
    return same + [900_000_000 + number for number in range(ROWS - len(same))]


def _person(number: int) -> int:
    return 100_001 + number


RESERVED: Mapping[str, Any] = {
    "tenant": lambda _column, _number: SHADOW,
    "timezone": lambda _column, _number: ZONE,
    "collection": _collection,
    "collections": lambda _column, _number: ["clockings", "absences"],
    "kind": lambda column, number: ["sync", "nightly"][number % 2] if column.table.name != "wrong" else "failed",
    "started_by": lambda _column, number: ["cli", "airflow"][number % 2],
    "dag_id": lambda _column, number: [None, f"{SHADOW}_clockings_nightly"][number % 2],
    "dag_run_id": lambda _column, number: [None, f"scheduled__{number}"][number % 2],
    "id": _id,
    "person_id": lambda _column, number: _person(number),
    "person_ids": lambda column, number: None if number % 2 == 0 and column.nullable else [_person(number)],
    "circles": lambda _column, _number: None,
    # Newer and older than all that a tenant gives.
    "change_version": lambda _column, number: "~" if number % 2 else "0",
    "date_from": lambda _column, _number: FIRST_DAY,
    "date_to": lambda _column, _number: TODAY,
    "deleted_at": lambda column, number: None if number % 4 and column.nullable else _moment(number),
}


def _moment(number: int) -> dt.datetime:
    return dt.datetime.now(dt.UTC) - dt.timedelta(hours=number, minutes=5)


def _by_type(column: sa.Column[Any], number: int) -> Any:
    kinds: Iterator[tuple[type, Any]] = iter(
        (
            (sa.DateTime, dt.datetime.now(dt.UTC) + dt.timedelta(days=1) if column.name in LATER else _moment(number)),
            (sa.Date, FIRST_DAY + dt.timedelta(days=number % 14)),
            (sa.Boolean, number % 2 == 0),
            (sa.Integer, number + 1),
            (sa.Double, number + 0.5),
            (sa.LargeBinary, SHADOW.encode()),
            (sa.Text, f"{SHADOW}{number}" if column.primary_key else SHADOW),
            (JSONB, Jsonb({SHADOW: number})),
            (DATEMULTIRANGE, f"{{[{FIRST_DAY},{FIRST_DAY + dt.timedelta(days=1 + number % 14)})}}"),
            (INT8MULTIRANGE, "{(,)}" if number % 2 else f"{{[{_person(number)},{_person(number + 5)}]}}"),
        )
    )
    type_ = column.type
    if isinstance(type_, (ARRAY, sa.ARRAY)):
        of_days = isinstance(type_.item_type, sa.Date)
        return [FIRST_DAY + dt.timedelta(days=number % 14)] if of_days else [SHADOW]
    return next(value for kind, value in kinds if isinstance(type_, kind))
