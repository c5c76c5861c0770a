"""Records straight into their table, where nothing is there yet: the first load of people on days never read.

Without staging and merge it costs what COPY costs. It is only begun for a scope of which the table holds no row, with
the coverage of its people locked, so that no other pull stores rows of the same people meanwhile. A record that is in
the table elsewhere, or comes twice, ends it: the unit is then loaded in the ordinary way.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import psycopg
from psycopg import sql
from psycopg.types.json import set_json_dumps
from sqlalchemy.engine import Connection

from protime_etl.postgres.load import MOMENT_TYPE, Load, LoadedCollection, Scope

__all__ = ["CollisionError", "DirectLoad", "is_empty"]


class CollisionError(Exception):
    """A record is in the table already, or another process writes it."""


def is_empty(connection: Connection, tenant: str, scope: Scope) -> bool:
    """Whether the table of clockings holds no row of these people on these days, not even a deleted one."""
    driver: psycopg.Connection[Any] = connection.connection.driver_connection  # type: ignore[assignment]
    row = driver.execute(
        "SELECT NOT EXISTS (SELECT FROM protime.clockings"
        " WHERE tenant = %s AND person_id = ANY(%s) AND date BETWEEN %s AND %s)",
        (tenant, list(scope.person_ids or ()), scope.first, scope.last),
    ).fetchone()
    return row is not None and row[0]


class DirectLoad(Load):
    """A load of records none of which is in the table."""

    def __init__(self, connection: Connection, tenant: str, collection: LoadedCollection) -> None:
        super().__init__(connection, tenant, collection)
        self._statement = sql.SQL(
            "COPY {} (tenant, {}, deleted_at, deleted_by, written_at) FROM STDIN (FORMAT BINARY)"
        ).format(self._target, self._names())
        self._all_types = ["text", *self._types, MOMENT_TYPE, "text", MOMENT_TYPE]
        self._status_at = self._columns.index("status") if collection.soft_delete_status else None

    def copy(self, rows: Sequence[tuple[Any, ...]], asked: float | None = None) -> None:
        """Send rows to the table itself, as `Load.copy` sends them to the staging table.

        Raises:
            CollisionError: one of them is there.
        """
        moment = self._moment(asked)
        tenant, status_at, deleted = self._tenant, self._status_at, self._collection.soft_delete_status
        try:
            with self._driver.cursor() as cursor:
                set_json_dumps(msgspec.json.encode, cursor)
                with cursor.copy(self._statement) as copy:
                    copy.set_types(self._all_types)
                    write_row = copy.write_row
                    for row in rows:
                        if status_at is not None and row[status_at] == deleted:
                            write_row((tenant, *row, moment, "status", moment))
                        else:
                            write_row((tenant, *row, None, None, moment))
        except (psycopg.errors.UniqueViolation, psycopg.errors.DeadlockDetected):
            raise CollisionError from None
        self.counts.rows_read += len(rows)
        self.copied += len(rows)

    def absent(self, scope: Scope) -> Sequence[int]:
        """Nothing: there was nothing in the scope."""
        del scope
        return []
