"""The staged records of a complete pull against the table, id by id, without writing to it."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Sequence
from typing import Literal, NamedTuple

from psycopg import sql

from protime_etl.postgres.load.staging import Staging
from protime_etl.postgres.server.stored import Stored

__all__ = ["Comparison", "Difference", "newest_version"]

Kind = Literal["missing", "extra", "stale"]


class Difference(NamedTuple):
    """A record of which the tenant and the table say something else."""

    id: int
    kind: Kind
    """missing: the tenant has it and the table not, or as deleted; extra: the reverse; stale: both, not the same."""
    date: dt.date | None
    """The tenant's day, or the table's if the tenant has none; None where the collection knows no days."""
    version: str | None
    """The tenant's changeVersion."""
    people: tuple[int, ...]
    dates: tuple[dt.date, ...]
    """The people and days of both sides: where a repair has to look."""
    is_older: bool = False
    """Whether the tenant's version is older than the stored one, or than that of the deletion."""


def newest_version(stored: Stored) -> str:
    """The newest changeVersion that the table has; what is newer was never read."""
    return str(stored.execute("newest_version").scalar())


class Comparison(Staging):
    """Stages as a load does; nothing is merged, and the caller rolls back."""

    def compare(self, ids: Sequence[int] | None = None) -> tuple[list[Difference], Counter[dt.date | None]]:
        """Differences, and how many are equal by day; in the slice that was read, or of the records with these ids."""
        missing = self.missing(ids)
        dated, has_person = self._collection.is_dated, "person_id" in self._collection.column_names
        day = [sql.Identifier(source, self._collection.day) if dated else sql.SQL("NULL::date") for source in "st"]
        person = [sql.Identifier(source, "person_id") if has_person else sql.SQL("NULL::bigint") for source in "st"]
        statement = self._query(
            "compare",
            is_deleted=self._is_deleted("s"),
            read_values=self._compared("s"),
            row_values=self._compared("t"),
            read_day=day[0],
            row_day=day[1],
            read_person=person[0],
            row_person=person[1],
            accepts_older=sql.SQL("false"),
        )
        differences = [
            Difference(one.id, "extra", one.day, None, tuple(filter(None, [one.person])), (one.day,))
            if dated
            else Difference(one.id, "extra", None, None, (), ())
            for one in missing
        ]
        equal: Counter[dt.date | None] = Counter(self._equal)
        if not dated:
            equal = Counter({None: equal.total()})
        if not self._has_tables:
            return sorted(differences, key=lambda one: one.id), equal
        self._fill_unknown()
        self._prepare_planner()
        for row in self._driver.execute(statement, self._values()):
            kind, record_id, date, version, people, dates, number, is_older = row
            if kind is None:
                equal[date] += number
            else:
                differences.append(Difference(record_id, kind, date, version, tuple(people), tuple(dates), is_older))
        return sorted(differences, key=lambda one: one.id), equal
