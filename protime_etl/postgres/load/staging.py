"""Records into temporary tables, before anything is decided about them: one binary COPY, and what was rejected."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import msgspec
import psycopg
from psycopg import sql
from psycopg.types.json import set_json_dumps

from protime_etl.collections.collection import OTHER_FORM
from protime_etl.collections.page import Page, RejectedRecord, Rows
from protime_etl.errors import ProtimeError
from protime_etl.postgres.load.unknown_columns import UnknownColumns
from protime_etl.postgres.server.clock import database_clock
from protime_etl.postgres.server.liveness import has_spoken
from protime_etl.postgres.server.plans import WORTH_STATISTICS, no_nested_loops
from protime_etl.postgres.server.statements import query
from protime_etl.postgres.server.stored import Stored
from protime_etl.postgres.tables.records import COPY_TYPES
from protime_etl.work import EVERYONE, Counts, Slice, whole_list

__all__ = ["Staging"]

MERGE_MEMORY = "64MB"
MERGE_PAGE_COST = "1.1"
COPY_ROWS = 50_000
"""Rows after which a COPY ends and the next one begins, so that an undetected failure is met then."""


class Staging:
    """Records of one collection in temporary tables, inside the transaction of `stored`.

    `began` is a moment of the database's clock before the first request; left out: now.
    """

    def __init__(self, stored: Stored, began: dt.datetime | None = None) -> None:
        collection = stored.collection
        self._stored = stored
        self._driver: psycopg.Connection[Any] = stored.connection.connection.driver_connection  # type: ignore[assignment]
        self._collection = collection
        self._columns = [*collection.column_names, "extra"]
        self._unknown = UnknownColumns(self._columns, collection.delta_lacks)
        self._types = [*(COPY_TYPES[column.type] for column in collection.columns), COPY_TYPES["jsonb"]]
        self._staging = sql.Identifier("pg_temp", f"staging_{collection.table}")
        self._rejected = sql.Identifier("pg_temp", f"rejected_{collection.table}")
        self._target = sql.Identifier("protime", collection.table)
        self.counts = Counts()
        self.staged = 0
        """Rows that went into the staging table."""
        self.rejected_days: set[dt.date] | None = set()
        """Days of records that could not be understood; None: of one of them not even that is known."""
        self._driver.execute(self._query("create_staging"))
        self.began = began or database_clock(stored.connection)

    def _query(self, name: str, **parts: sql.Composable) -> sql.Composed:
        return query(
            name, target=self._target, staging=self._staging, rejected=self._rejected, names=self._names(), **parts
        )

    def _names(self, source: str = "") -> sql.Composed:
        """The columns, as they are called or as those of the table or alias `source`."""
        return sql.SQL(", ").join(
            sql.Identifier(source, name) if source else sql.Identifier(name) for name in self._columns
        )

    def _compared(self, source: str) -> sql.Composed:
        """What a difference is judged by: the columns of the table or alias `source`, and what of them was unreadable.

        Not the properties that the documentation does not know: one that the API adds would change every row.
        """
        columns = sql.SQL(", ").join(sql.Identifier(source, name) for name in self._collection.column_names)
        return sql.SQL("{}, {} -> {}").format(columns, sql.Identifier(source, "extra"), sql.Literal(OTHER_FORM))

    def _is_deleted(self, source: str) -> sql.Composable:
        """Whether the record of `source` says of itself that it is deleted."""
        if self._collection.deleted_status is None:
            return sql.SQL("false")
        return query("is_deleted", read=sql.Identifier(source))

    def _day(self, source: str) -> sql.Identifier:
        """The day of a record of the table or alias `source`."""
        return sql.Identifier(source, self._collection.day)

    def _cell_day(self, source: str) -> sql.Composable:
        """The day of a record, null where the collection has none."""
        return self._day(source) if self._collection.is_dated else sql.SQL("NULL::date")

    def _cell_person(self, source: str) -> sql.Composable:
        """Whose record it is, null where the collection is not read by people."""
        by_people = self._collection.by_people
        return sql.Identifier(source, "person_id") if by_people else sql.SQL("NULL::bigint")

    def _values(self, **more: Any) -> dict[str, Any]:
        """What statements are given: those name what they need of it."""
        return {
            **self._stored.key,
            "deleted_status": self._collection.deleted_status,
            "began": self.began,
            **more,
        }

    def stage(self, pages: Iterable[Page]) -> None:
        """Send pages to the staging table in PostgreSQL's binary form, and keep what was rejected, each record once.

        One COPY for many pages, so that PostgreSQL stores a page while the next one is prepared. It ends where a record
        is rejected, and where PostgreSQL has said something: that it failed, as a rule, and then this raises. When
        `pages` ends with an error of ours, what came before it is staged and the transaction can go on.
        """
        arriving = iter(pages)
        rejected: Sequence[RejectedRecord] | None = ()
        while rejected is not None:
            self._reject(rejected)
            rejected = self._copy(arriving)

    def _copy(self, pages: Iterator[Page]) -> Sequence[RejectedRecord] | None:
        """Copy pages until the COPY has to end; returns what was rejected, or None when there are no more pages."""
        failure: ProtimeError | None = None
        before = self.counts.rows_read
        with self._copying() as send:
            try:
                for page in pages:
                    send(page.rows)
                    self._unknown.look(page.rows)
                    self.counts.rows_read += len(page.rows)
                    if page.rejected or has_spoken(self._driver) or self.counts.rows_read - before > COPY_ROWS:
                        return page.rejected
            except ProtimeError as error:
                failure = error
        if failure is not None:
            raise failure
        return None

    @contextmanager
    def _copying(self) -> Iterator[Callable[[Rows], None]]:
        """A COPY into the staging table, and the function that sends rows to it."""
        statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(self._staging, self._names())
        with self._binary_copy(statement, self._types) as write_row:

            def send(rows: Rows) -> None:
                for row in rows:
                    write_row(row)
                self.staged += len(rows)

            yield send

    @contextmanager
    def _binary_copy(self, statement: sql.Composed, types: Sequence[str]) -> Iterator[Callable[[Sequence[Any]], None]]:
        with self._driver.cursor() as cursor:
            set_json_dumps(msgspec.json.encode, cursor)  # typed records as they are, at C speed
            with cursor.copy(statement) as copy:
                copy.set_types(types)
                yield copy.write_row

    def _reject(self, rejected: Sequence[RejectedRecord]) -> None:
        if rejected:
            statement = sql.SQL("COPY {} FROM STDIN (FORMAT BINARY)").format(self._rejected)
            with self._binary_copy(statement, ["text", "int8", "text", "text", "int8", "date"]) as write_row:
                for record in rejected:
                    place = _place_of(record)
                    write_row((record.fingerprint, record.record_id, record.reason, record.record, *place))
        for record in rejected:
            _, day = _place_of(record)
            if day is None or self.rejected_days is None:
                self.rejected_days = None
            else:
                self.rejected_days.add(day)
        self.counts.rejected += len(rejected)
        self.counts.rows_read += len(rejected)

    def people(self) -> set[int]:
        """Whose coverage the merge of what was staged touches: the people of the records, or all of them as one."""
        if not self._collection.by_people:
            return {EVERYONE}
        statement = sql.SQL("SELECT DISTINCT person_id FROM {staging}").format(staging=self._staging)
        return {row[0] for row in self._driver.execute(statement)}

    def drop(self, ids: Sequence[int]) -> None:
        """Take records out of what was staged."""
        statement = sql.SQL("DELETE FROM {staging} WHERE id = ANY(%(ids)s::bigint[])").format(staging=self._staging)
        self._driver.execute(statement, {"ids": list(ids)})

    def _fill_unknown(self) -> None:
        """Take what the answers lacked from the rows of the table."""
        for column, (kind, ids) in self._unknown.lacking.items():
            statement = self._query("fill_unknown", column=sql.Identifier(column), kind=sql.Identifier(kind))
            self._driver.execute(statement, self._values(ids=ids))

    def _not_staged(self, columns: Sequence[str], read: Slice, ids: Sequence[int] | None = None) -> list[Any]:
        """Live rows that were not staged, nor rejected, of what was read; or of the records with these ids."""
        limits = ["scope_ids"] if ids is not None else []
        if ids is None and EVERYONE not in read.person_ids:
            limits.append("scope_people")
        if ids is None and read != whole_list(self._collection.path):
            limits.append("scope_days")
        statement = self._query(
            "missing_from_pull",
            wanted=sql.SQL(", ").join(sql.Identifier("t", column) for column in columns),
            scope=sql.SQL(" AND ").join(query(name, day=self._day("t")) for name in limits or ["scope_all"]),
        )
        values = self._values(ids=list(ids or ()), people=list(read.person_ids), first=read.first, last=read.last)
        with no_nested_loops(self._driver):
            return self._driver.execute(statement, values).fetchall()

    def _prepare_planner(self) -> None:
        """Let the planner know what was staged, and what it may take to look it up."""
        self._driver.execute(query("raise_memory"), {"memory": MERGE_MEMORY})
        self._driver.execute(query("lower_page_cost"), {"cost": MERGE_PAGE_COST})
        # Autovacuum never looks at a temporary table, and the planner would think that ids repeat.
        if self.staged >= WORTH_STATISTICS:
            self._driver.execute(sql.SQL("ANALYZE {} (id)").format(self._staging))


def _place_of(record: RejectedRecord) -> tuple[int | None, dt.date | None]:
    """Person and day of a record that could not be understood, each if at least that can be read."""
    person = day = None
    with suppress(ValueError, AttributeError, RecursionError, TypeError):
        given = msgspec.json.decode(record.record)
        with suppress(ValueError):
            day = dt.date.fromisoformat(str(given.get("date") or given.get("fromDate"))[:10])
        whose = given.get("person")
        number = whose.get("id") if isinstance(whose, dict) else None
        person = number if isinstance(number, int) and not isinstance(number, bool) and 0 < number < 2**63 else None
    return person, day
