"""What a delta brings into its table: as any load, and besides deletions."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from psycopg import sql

from protime_etl.postgres.book.coverage import lock_coverage
from protime_etl.postgres.load.merge import Load
from protime_etl.postgres.server.statements import query
from protime_etl.postgres.server.stored import Stored

__all__ = ["DeltaLoad", "unresolved_deletions"]


def unresolved_deletions(stored: Stored, deletions: Mapping[int, str]) -> dict[int, str]:
    """Those deletions that say something new: the row or tombstone is older, or there is neither."""
    target = sql.Identifier("protime", stored.collection.table)
    statement = query("unresolved_deletions", target=target).as_string()
    values = {**stored.key, "ids": list(deletions), "versions": list(deletions.values())}
    return {row[0]: row[1] for row in stored.connection.exec_driver_sql(statement, values)}


class DeltaLoad(Load):
    """One answer of a delta or a page of its initial load, inside the transaction that moves its link."""

    by_delta = True

    def __init__(self, stored: Stored, began: dt.datetime | None = None) -> None:
        super().__init__(stored, began)
        self._create_tables()  # also for an answer that has deletions alone

    def lock_people(self, deletions: Mapping[int, str]) -> None:
        """Let no other process finish a unit of these people until this transaction ends (see `lock_coverage`)."""
        if "person_id" not in self._columns:
            return
        people = self._driver.execute(self._query("people_of_delta"), self._values(ids=list(deletions)))
        lock_coverage(self._stored, (row[0] for row in people))

    def delete(self, deletions: Mapping[int, str]) -> None:
        """Mark the rows of deleted records with the version of the deletion; without a row, leave a tombstone."""
        if not deletions:
            return
        values = self._values(ids=list(deletions), versions=list(deletions.values()))
        statement = self._query("delete_by_delta", row_day=self._cell_day("t"), row_person=self._cell_person("t"))
        row = self._driver.execute(statement, values).fetchone()
        assert row is not None  # noqa: S101 - an aggregate without GROUP BY always gives a row
        self.counts.deleted += row[0]
        if self.changed is not None:
            self.changed += zip(row[1] or (), row[2] or (), strict=True)
        self.counts.unchanged += len(deletions) - row[0]
        self._driver.execute(self._query("insert_tombstones"), values)
