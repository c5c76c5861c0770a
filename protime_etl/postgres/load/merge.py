"""Staged records into their table, in the caller's transaction.

Guarantees, whatever runs at the same time:

- what was read changes its row as the ten cases of docs/correctness.md say (`sql/engine/merge.sql`): an older
  `change_version` never overwrites a newer one unless that is accepted, and an equal version overwrites only what was
  written before this pull began, so that a slow pull cannot undo what a later one learnt;
- an equal row is not touched: most are found equal before anything is staged (`held_rows`), the rest is filtered out
  before `ON CONFLICT`, whose path locks and writes WAL even when its condition says no; what another transaction makes
  of a row that was found equal is newer than what was read;
- a record that is missing from a complete pull of its scope is given to the caller, who asks for it by its id: it may
  have moved elsewhere. One confirmed missing is marked deleted, except if another transaction has written it since it
  was asked for or is writing it now (`SKIP LOCKED`), which also means that this step never waits;
- a record that was deleted before the table had it (`protime_etl.tombstones`) comes in only with a newer version;
- what an answer lacks (`delta_lacks`) stays as it is, and is taken from an answer of the same version that has it,
  whenever that was read;
- rows are written in id order, so that two merges cannot deadlock.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Container, Sequence
from typing import Any

from psycopg import sql

from protime_etl.postgres.book.coverage import end_proofs
from protime_etl.postgres.ledger.written_days import note_written
from protime_etl.postgres.load.staging import Staging
from protime_etl.postgres.server.clock import database_clock
from protime_etl.postgres.server.plans import no_nested_loops
from protime_etl.postgres.server.statements import query
from protime_etl.postgres.server.stored import Stored
from protime_etl.work import Counts, Slice

__all__ = ["Load"]

MOST_CELLS = 5000
NOTHING_WRITTEN: Sequence[Any] = (0, 0, 0, None, None, 0, None)
"""What the merge says of nothing."""


class Load(Staging):
    """One load of one collection, inside the transaction of `stored`."""

    by_delta = False
    """Whether the delta brought what it writes."""

    def __init__(self, stored: Stored, began: dt.datetime | None = None, *, read: Slice | None = None) -> None:
        super().__init__(stored, began, read=read)
        self.copied = 0
        """Rows that went straight into the table."""
        self.copied_days: set[dt.date] = set()
        """Their days."""
        self.changed: list[tuple[int | None, dt.date]] | None = []
        """Whose days differed from the table, written or not; None is all people. None instead of all: too many, or it
        is not known."""
        self.older: dict[int, str] = {}
        """Records that came with an older changeVersion than the table has since before the reading, or that are back
        although they were deleted: their versions. None of them is written."""
        self._asked_at = self.began
        """When it was asked what the table has that was not staged."""

    @property
    def in_question(self) -> list[tuple[int | None, dt.date]] | None:
        """Whose days the load has not found equal, those of rejected records included; None: it is not known."""
        if self.changed is None or self.rejected_days is None:
            return None
        return self.changed + [(None, day) for day in self.rejected_days]

    def note_written(self, window: tuple[dt.date, dt.date] | None = None, own: Container[int | None] = ()) -> None:
        """Keep on which days the merge has written something, for events of assets, and end what was proven of them.

        Where they are not known one by one it is each day of the window that was read, if there is one. Of people in
        `own` the caller enters itself what it has read.
        """
        if not self.counts.written:
            return
        if self._collection.is_dated:
            written = self.changed if self.changed is not None else self._staged_cells()
            cells = [(person, day) for person, day in written if person not in own]
            end_proofs(self._stored, cells)
        days = {day for _, day in self.changed or ()} | self.copied_days
        if self.changed is None and window is not None and self.counts.written > self.copied:
            first, last = window
            days |= {first + dt.timedelta(days=n) for n in range((last - first).days + 1)}
        # What is new was nowhere before; what was changed may have been on any day.
        moved = self.counts.updated + self.counts.deleted > 0
        all_days = self.changed is not None or (window is not None and not moved)
        note_written(self._stored.connection, self._stored.tenant, days, all_days=all_days, by_delta=self.by_delta)

    def _staged_cells(self) -> list[tuple[int | None, dt.date]]:
        """Whose days were staged, each once."""
        if not self._has_tables:
            return []
        statement = sql.SQL("SELECT DISTINCT {}, {} FROM {} AS s").format(
            self._cell_person("s"), self._cell_day("s"), self._staging
        )
        return self._driver.execute(statement).fetchall()

    def missing_from_pull(self, asked_at: dt.datetime | None = None) -> Sequence[int]:
        """Ids that the table has in the slice and this complete pull of it did not bring: deleted, or moved elsewhere.

        Empty when a record without a readable id came: it might be any of them. What others wrote after the pull began
        is among them: what they read may be older than this pull. `asked_at`: when it was first asked for one of them,
        if that was before now. The caller holds the coverage of the people locked: from now on only deltas write here.
        """
        self._asked_at = asked_at or database_clock(self._stored.connection)
        return sorted(one.id for one in self.missing())

    def unconfirmed(self) -> list[int]:
        """Ids that were staged and are not in the table although a unit of their person and day was done meanwhile.

        Only asking again shows whether they are there. The caller holds the coverage of these people locked.
        """
        if not self._has_tables:
            return []
        finished = self._driver.execute(query("finished_meanwhile"), self._values()).fetchall()
        if not finished:
            return []
        read = [(person, first, last) for people, first, last in finished for person in people]
        people, firsts, lasts = (list(column) for column in zip(*read, strict=True))
        values = self._values(people=people, firsts=firsts, lasts=lasts)
        with no_nested_loops(self._driver):
            by_people = self._collection.by_people
            same_person = sql.SQL("u.person_id = s.person_id" if by_people else "true")
            statement = self._query("unconfirmed", same_person=same_person, day=self._day("s"))
            return [row[0] for row in self._driver.execute(statement, values)]

    def merge(self, confirmed_missing: Sequence[int] = ()) -> Counts:
        """Write what was staged and rejected, and mark `confirmed_missing` as deleted.

        Those that another transaction has written since they were asked for, or is writing now, stay as they are.
        """
        self._stage_held()  # of a slice that was not compared
        if confirmed_missing:
            self._create_tables()  # what was written is looked up there (`note_drift`)
        *numbers, people, days, differing, older = self._write_staged() if self._has_tables else NOTHING_WRITTEN
        self.older = {int(record_id): version for record_id, version in (older or {}).items()}
        self.counts.inserted, self.counts.updated, self.counts.deleted = numbers
        self.counts.unchanged = self.staged - sum(numbers)
        self.counts.inserted += self.copied
        changed = list(zip(people or (), days or (), strict=True))
        if confirmed_missing:
            values = self._values(asked_at=self._asked_at, ids=list(confirmed_missing))
            statement = self._query("delete_missing", row_day=self._cell_day("t"), row_person=self._cell_person("t"))
            gone = self._driver.execute(statement, values).fetchall()
            self.counts.deleted += len(gone)
            changed += gone
        unmarked = len(confirmed_missing) > self.counts.deleted - numbers[2]
        self.changed = None if self.copied or differing > MOST_CELLS or unmarked else changed
        self._forget_tombstones()
        if self._has_tables:
            self._driver.execute(self._query("keep_rejected"), self._values())
        if self.staged:
            self._forget_rejected()
        return self.counts

    def accept(self, ids: Sequence[int]) -> None:
        """Write those of `older` that have these ids, after the merge: case 10.

        What was written since the reading began stays.
        """
        if not ids:
            return
        written = self._write_staged(ids)[:3]
        self.counts += Counts(inserted=written[0], updated=written[1], deleted=written[2], unchanged=-sum(written))
        self._forget_tombstones(ids)

    def cells_of(self, ids: Sequence[int]) -> list[tuple[int | None, dt.date]]:
        """Whose days these records of `older` are on, and their rows; None is all people."""
        statement = self._query(
            "cells_of",
            read_person=self._cell_person("s"),
            read_day=self._cell_day("s"),
            row_person=self._cell_person("t"),
            row_day=self._cell_day("t"),
        )
        return self._driver.execute(statement, self._values(ids=list(ids))).fetchall()

    def _write_staged(self, accepted: Sequence[int] | None = None) -> Sequence[Any]:
        """What was staged; or of it what has these ids, of which an older version is accepted."""
        if accepted is None:
            self._fill_unknown()
            self._prepare_planner()
        values = self._values(most_cells=MOST_CELLS, accepted=accepted)
        statement = self._merge_statement(accepts_older=accepted is not None)
        row: Sequence[Any] | None = self._driver.execute(statement, values).fetchone()
        assert row is not None  # noqa: S101 - an aggregate without GROUP BY always gives a row
        return row

    def _forget_tombstones(self, accepted: Sequence[int] = ()) -> None:
        if self._has_tables and self.counts.inserted:
            with no_nested_loops(self._driver):
                self._driver.execute(self._query("forget_tombstones"), self._values(accepted=list(accepted)))

    def _forget_rejected(self) -> None:
        """Forget what was rejected before and has come as it should be."""
        if self._has_tables:
            self._driver.execute(self._query("forget_rejected"), self._values())
        if self._understood:
            self._driver.execute(query("forget_rejected_ids"), self._values(ids=self._understood))

    def forget_rejected_of_list(self) -> None:
        """Forget what was rejected before, as the complete list that is merged has it no more."""
        self._driver.execute(self._query("forget_rejected_of_list"), self._values())

    def _merge_statement(self, *, accepts_older: bool) -> sql.Composed:
        older = sql.SQL("true" if accepts_older else "false")
        # Not columns that had to be taken from the table itself: what was taken may be out of date by now.
        fillable = [name for name in self._collection.delta_lacks if name not in self._unknown.lacking]
        only_fills = query("merge_only_fills") if fillable else sql.SQL("false")
        return self._query(
            "merge",
            read_values=self._compared("s"),
            row_values=self._compared("t"),
            read_day=self._cell_day("candidate"),
            read_person=self._cell_person("candidate"),
            day_before=self._cell_day("t"),
            person_before=self._cell_person("t"),
            chosen=sql.SQL("s.id = ANY(%(accepted)s::bigint[])" if accepts_older else "true"),
            accepts_older=older,
            is_deleted=self._is_deleted("s"),
            guard=self._guard("s", self._is_deleted("s"), fillable, older),
            conflict_guard=self._guard("excluded", sql.SQL("excluded.deleted_at IS NOT NULL"), fillable, older),
            only_fills=only_fills,
            assignments=sql.SQL(", ").join(
                query(
                    "merge_set_or_fill" if name in fillable else "merge_set",
                    column=sql.Identifier(name),
                    only_fills=only_fills,
                )
                for name in self._columns
                if name != "id"
            ),
        )

    def _guard(
        self, source: str, is_deleted: sql.Composable, fillable: Sequence[str], accepts_older: sql.Composable
    ) -> sql.Composed:
        """Whether the record of `source` changes its row; it may fill these columns of a row written since."""
        read = sql.Identifier(source)
        fills = [query("merge_fills", read=read, column=sql.Identifier(name)) for name in fillable]
        return query(
            "merge_guard",
            read=read,
            accepts_older=accepts_older,
            read_values=self._compared(source),
            read_is_deleted=is_deleted,
            row_values=self._compared("t"),
            fills=sql.SQL(" OR ").join(fills) if fills else sql.SQL("false"),
        )
