"""Records straight into their table, where nothing is there yet: the first load of people on days never read.

Without staging and merge it costs what COPY costs. It is only begun for a scope of which the table holds no row, with
the coverage of its people locked, so that no other pull stores rows of the same people meanwhile. A record that is in
the table elsewhere, or comes twice, ends it: the unit is then loaded in the ordinary way.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from operator import itemgetter

import psycopg
from psycopg import sql

from protime_etl.collections.page import Rows
from protime_etl.postgres.book.coverage import try_lock_coverage
from protime_etl.postgres.load.merge import Load
from protime_etl.postgres.server.statements import query
from protime_etl.postgres.server.stored import Stored
from protime_etl.postgres.shared.locks import lock_merges_shared
from protime_etl.work import Unit

__all__ = ["CollisionError", "DirectLoad", "may_copy"]


# In the binary form a timestamptz is an eight-byte integer like any other, microseconds since the year 2000: as one
# it is written at C speed.
EPOCH = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)
MICROSECOND = dt.timedelta(microseconds=1)
MOMENT_TYPE = "int8"


class CollisionError(Exception):
    """A record is in the table already, or another process writes it, or may write it meanwhile."""


def may_copy(stored: Stored, unit: Unit) -> bool:
    """Whether rows may go straight into the table; then no other process finishes a unit of these people meanwhile.

    Not if the table holds a row of these people on these days, even a deleted one; nor if another process is at these
    people; nor once there was a delta, which knows deletions that the merge has to heed and of which it keeps account;
    nor where policies of row-level security hold for the user, which COPY does not obey.
    """
    if not (stored.collection.by_people and unit.person_ids) or not _is_untouched(stored, unit):
        return False
    lock_merges_shared(stored.connection, stored.tenant)
    return try_lock_coverage(stored, unit.person_ids) and _is_untouched(stored, unit)


def _is_untouched(stored: Stored, unit: Unit) -> bool:
    table = stored.collection.table
    statement = query("holds_scope", target=sql.Identifier("protime", table)).as_string()
    values = {
        "table": f"protime.{table}",
        **stored.key,
        "people": list(unit.person_ids),
        "first": unit.first,
        "last": unit.last,
    }
    return not stored.connection.exec_driver_sql(statement, values).scalar_one()


class DirectLoad(Load):
    """A load of records none of which is in the table."""

    locked_people: frozenset[int] = frozenset()
    """Whose coverage is locked: a record of another person ends it."""

    def __init__(self, stored: Stored) -> None:
        super().__init__(stored)
        self._statement = sql.SQL(
            "COPY {} (tenant, {}, deleted_at, deleted_by, written_at) FROM STDIN (FORMAT BINARY)"
        ).format(self._target, self._names())
        self._all_types = ["text", *self._types, MOMENT_TYPE, "text", MOMENT_TYPE]
        self._clock_offset = (self.began - EPOCH) // MICROSECOND - time.monotonic_ns() // 1000
        self._status_at = self._columns.index("status") if self._collection.deleted_status else None

    @contextmanager
    def _copying(self) -> Iterator[Callable[[Rows], None]]:
        """COPY into the table itself, as a load otherwise does into the staging table.

        Raises:
            CollisionError: a record is there, or it is one of another person.
        """
        person = itemgetter(self._columns.index("person_id"))
        day = itemgetter(self._columns.index(self._collection.day))
        tenant, status_at, deleted = self._stored.tenant, self._status_at, self._collection.deleted_status
        try:
            with self._binary_copy(self._statement, self._all_types) as write_row:

                def send(rows: Rows) -> None:
                    if not self.locked_people.issuperset(map(person, rows)):
                        raise CollisionError
                    self.copied_days.update(map(day, rows))
                    moment = self._clock_offset + time.monotonic_ns() // 1000
                    for row in rows:
                        if status_at is not None and row[status_at] == deleted:
                            write_row((tenant, *row, moment, "status", moment))
                        else:
                            write_row((tenant, *row, None, None, moment))
                    self.copied += len(rows)

                yield send
        except (psycopg.errors.UniqueViolation, psycopg.errors.DeadlockDetected):
            raise CollisionError from None

    def missing_from_pull(self, asked_at: dt.datetime | None = None) -> Sequence[int]:
        """Nothing: there was nothing in the slice."""
        del asked_at
        return []
