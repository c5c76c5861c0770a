"""Records into temporary tables, before anything is decided about them: one binary COPY, and what was rejected.

Of a slice that is read whole only what the table has otherwise comes so far (`held_rows`): one that is unchanged needs
no temporary table.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from itertools import chain
from operator import itemgetter
from typing import Any

import msgspec
import psycopg
from psycopg import sql
from psycopg.types.json import set_json_dumps

from protime_etl.collections.collection import OTHER_FORM
from protime_etl.collections.page import Page, RejectedRecord, Rows
from protime_etl.errors import ProtimeError
from protime_etl.postgres.load.held_rows import EPOCH, SIGNATURE, TRAILER, HeldRows, Missing, rows_of
from protime_etl.postgres.load.unknown_columns import UnknownColumns
from protime_etl.postgres.server.clock import database_clock
from protime_etl.postgres.server.liveness import has_spoken
from protime_etl.postgres.server.plans import WORTH_STATISTICS, no_nested_loops
from protime_etl.postgres.server.statements import query
from protime_etl.postgres.server.stored import Stored
from protime_etl.postgres.tables.records import COPY_TYPES
from protime_etl.work import EVERYONE, Counts, Slice

__all__ = ["Staging"]

MERGE_MEMORY = "64MB"
MERGE_PAGE_COST = "1.1"
COPY_ROWS = 50_000
"""Rows after which a COPY ends and the next one begins, so that an undetected failure is met then."""


class Staging:
    """Records of one collection in temporary tables, inside the transaction of `stored`.

    `began` is a moment of the database's clock before the first request; left out: now. `read`: the slice, or list,
    that is read whole: its records are held until `missing` compares them with the table. Others are staged at once.
    """

    def __init__(self, stored: Stored, began: dt.datetime | None = None, *, read: Slice | None = None) -> None:
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
        """Rows that were held, or went into the staging table."""
        self._in_table = 0
        """Those that went into it."""
        self._has_tables = False
        self._read = read
        self._held = None if read is None else HeldRows(self._driver, self._types)
        self._equal: Mapping[dt.date, int] = {}
        """How many of the rows that were held were equal, by day."""
        self._understood: Sequence[int] = ()
        """Records that were held, and rejected before."""
        self._people: set[int] = set()
        self._rejected_ids: set[int | None] = set()
        """Records that could not be understood; None among them may be any."""
        self.rejected_days: set[dt.date] | None = set()
        """Days of records that could not be understood; None: of one of them not even that is known."""
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
        """Hold the records of pages, or send them to the staging table; keep what was rejected, each record once.

        They are staged by one COPY for many pages in PostgreSQL's binary form, so that PostgreSQL stores a page while
        the next one is prepared. It ends where a record is rejected, and where PostgreSQL has said something: that it
        failed, as a rule, and then this raises. When `pages` ends with an error of ours, what came before it is taken
        and the transaction can go on.
        """
        arriving = iter(pages)
        rejected: Sequence[RejectedRecord] | None = ()
        while rejected is not None:
            self._reject(rejected)
            rejected = self._copy(arriving) if self._held is None else self._hold(arriving, self._held)

    def _hold(self, pages: Iterator[Page], held: HeldRows) -> Sequence[RejectedRecord] | None:
        """Hold pages until records are rejected, which it returns, or there are too many; None: no more pages."""
        for page in pages:
            held.take(page.rows)
            self.staged += len(page.rows)
            self._take(page.rows)
            if held.is_full:
                self._stage_held()
            if page.rejected or held.is_full:
                return page.rejected
        return None

    def _copy(self, pages: Iterator[Page]) -> Sequence[RejectedRecord] | None:
        """Copy pages until the COPY has to end; returns what was rejected, or None when there are no more pages."""
        failure: ProtimeError | None = None
        before = self.counts.rows_read
        if (first := next(pages, None)) is None:
            return None
        with self._copying() as send:
            try:
                for page in chain([first], pages):
                    send(page.rows)
                    self._take(page.rows)
                    if page.rejected or has_spoken(self._driver) or self.counts.rows_read - before > COPY_ROWS:
                        return page.rejected
            except ProtimeError as error:
                failure = error
        if failure is not None:
            raise failure
        return None

    def _take(self, rows: Rows) -> None:
        self._unknown.look(rows)
        self.counts.rows_read += len(rows)
        if self._collection.by_people:
            self._people.update(map(itemgetter(self._columns.index("person_id")), rows))

    @contextmanager
    def _copying(self) -> Iterator[Callable[[Rows], None]]:
        """A COPY into the staging table, and the function that sends rows to it."""
        self._create_tables()
        with self._binary_copy(self._copy_statement, self._types) as write_row:

            def send(rows: Rows) -> None:
                for row in rows:
                    write_row(row)
                self._in_table += len(rows)
                self.staged += len(rows)

            yield send

    @property
    def _copy_statement(self) -> sql.Composed:
        return sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(self._staging, self._names())

    def _stage_held(self) -> None:
        """Stage what is held, and hold nothing any more."""
        held, self._held = self._held, None
        if held:
            self._create_tables()
            with self._driver.cursor() as cursor, cursor.copy(self._copy_statement) as copy:
                copy.write(SIGNATURE)
                for image in held.rest():
                    copy.write(image)
                copy.write(TRAILER)
            self._in_table += len(held)

    def _create_tables(self) -> None:
        if not self._has_tables:
            self._driver.execute(self._query("create_staging"))
            self._has_tables = True

    @contextmanager
    def _binary_copy(self, statement: sql.Composed, types: Sequence[str]) -> Iterator[Callable[[Sequence[Any]], None]]:
        with self._driver.cursor() as cursor:
            set_json_dumps(msgspec.json.encode, cursor)  # typed records as they are, at C speed
            with cursor.copy(statement) as copy:
                copy.set_types(types)
                yield copy.write_row

    def _reject(self, rejected: Sequence[RejectedRecord]) -> None:
        if rejected:
            self._create_tables()
            statement = sql.SQL("COPY {} FROM STDIN (FORMAT BINARY)").format(self._rejected)
            with self._binary_copy(statement, ["text", "int8", "text", "text", "int8", "date"]) as write_row:
                for record in rejected:
                    place = _place_of(record)
                    write_row((record.fingerprint, record.record_id, record.reason, record.record, *place))
        for record in rejected:
            self._rejected_ids.add(record.record_id)
            _, day = _place_of(record)
            if day is None or self.rejected_days is None:
                self.rejected_days = None
            else:
                self.rejected_days.add(day)
        self.counts.rejected += len(rejected)
        self.counts.rows_read += len(rejected)

    def people(self) -> set[int]:
        """Whose coverage the merge of what was taken touches: the people of the records, or all of them as one."""
        return {*self._people} if self._collection.by_people else {EVERYONE}

    def drop(self, ids: Sequence[int]) -> None:
        """Take records out of what was staged."""
        if ids:
            statement = sql.SQL("DELETE FROM {staging} WHERE id = ANY(%(ids)s::bigint[])").format(staging=self._staging)
            self._driver.execute(statement, {"ids": list(ids)})

    def _fill_unknown(self) -> None:
        """Take what the answers lacked from the rows of the table."""
        for column, (kind, ids) in self._unknown.lacking.items():
            statement = self._query("fill_unknown", column=sql.Identifier(column), kind=sql.Identifier(kind))
            self._driver.execute(statement, self._values(ids=ids))

    def missing(self, ids: Sequence[int] | None = None) -> list[Missing]:
        """Live rows that were neither read nor rejected, of the slice that was read; or of the records with these ids.

        What was held is compared with the table by this: of it only what differs, or is new, is staged.
        """
        whole = self._read if ids is None else None
        limits = ["scope_ids"] if whole is None else []
        if whole is not None and EVERYONE not in whole.person_ids:
            limits.append("scope_people")
        if whole is not None and self._collection.is_dated:
            limits.append("scope_days")
        values = self._values(ids=list(ids or ()))
        if whole is not None:
            values |= {"people": list(whole.person_ids), "first": whole.first, "last": whole.last}
        held, statement = self._held, "rows_missing" if self._held is None else "rows_of_scope"
        rows = self._query(
            statement,
            place=self._place(),
            compared=self._compared("t"),
            deleted=self._is_deleted("t"),
            scope=sql.SQL(" AND ").join(query(name, day=self._day("t")) for name in limits or ["scope_all"]),
        )
        if held is None:
            self._create_tables()
            with no_nested_loops(self._driver):
                return [Missing(*row) for row in self._driver.execute(rows, values)]
        before = self._driver.execute(query("rejected_ids"), self._values())
        self._understood = [one for (one,) in before if held.has_read(one) and one not in self._rejected_ids]
        with self._driver.cursor() as cursor, cursor.copy(rows, values) as copy:
            found = held.leave_out_equal(rows_of(copy, self._driver), self._rejected_ids)
        self._equal = held.equal
        self._stage_held()
        return found

    def _place(self) -> sql.Composed:
        """Id, person and day of a row, 0 and any day where the collection has none."""
        has_person = "person_id" in self._collection.column_names
        person = sql.SQL("t.person_id") if has_person else sql.NULL
        day = self._day("t") if self._collection.is_dated else sql.NULL
        return sql.SQL("t.id, coalesce({}, 0)::int8, coalesce({}, {})::date").format(person, day, EPOCH)

    def _prepare_planner(self) -> None:
        """Let the planner know what was staged, and what it may take to look it up."""
        self._driver.execute(query("raise_memory"), {"memory": MERGE_MEMORY})
        self._driver.execute(query("lower_page_cost"), {"cost": MERGE_PAGE_COST})
        # Autovacuum never looks at a temporary table, and the planner would think that ids repeat.
        if self._in_table >= WORTH_STATISTICS:
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
