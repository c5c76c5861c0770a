"""The staged records of a complete pull against the table, id by id, without writing to it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Literal, NamedTuple

import sqlalchemy as sa
from psycopg import sql
from sqlalchemy.engine import Connection

from protime_etl.postgres.load import Load, Scope

__all__ = ["Comparison", "Difference", "newest_version"]

Kind = Literal["missing", "extra", "stale"]


class Difference(NamedTuple):
    """A record of which the tenant and the table say something else."""

    id: int
    kind: Kind
    """missing: the tenant has it and the table not, or as deleted; extra: the reverse; stale: both, not the same."""
    date: dt.date
    """The tenant's day, or the table's if the tenant has none."""
    version: str | None
    """The tenant's changeVersion."""
    people: tuple[int, ...]
    dates: tuple[dt.date, ...]
    """The people and days of both sides: where a repair has to look."""


def newest_version(connection: Connection, tenant: str) -> str:
    """The newest changeVersion that the table has of any clocking; what is newer was never read."""
    query = sa.text("SELECT coalesce(max(change_version), '') FROM protime.clockings WHERE tenant = :tenant")
    return str(connection.scalar(query, {"tenant": tenant}))


class Comparison(Load):
    """Stages as a load does; nothing is merged, and the caller rolls back."""

    def compare(self, scope: Scope, ids: Sequence[int] | None = None) -> tuple[list[Difference], dict[dt.date, int]]:
        """Differences, and how many are equal by day; in `scope`, or of the records with these ids."""
        self.complete()
        gone = sql.SQL("s.status IS NOT DISTINCT FROM {}").format(sql.Literal(self._collection.soft_delete_status))
        if ids is not None:
            within = sql.SQL("t.id = ANY(%(ids)s::bigint[])")
        elif scope.person_ids is None:
            within = sql.SQL("t.date BETWEEN %(first)s AND %(last)s")
        else:
            within = sql.SQL("t.person_id = ANY(%(people)s::bigint[]) AND t.date BETWEEN %(first)s AND %(last)s")
        statement = sql.SQL("""
            WITH s AS (SELECT DISTINCT ON (id) * FROM {staging} ORDER BY id, change_version DESC),
            judged AS (
                SELECT s.id, s.date, s.change_version AS version, ARRAY[s.person_id, t.person_id] AS people,
                    ARRAY[s.date, t.date] AS dates,
                    CASE WHEN t.id IS NULL OR (t.deleted_at IS NOT NULL AND NOT ({gone})) THEN 'missing'
                        WHEN ({theirs}, {gone}) IS DISTINCT FROM ({ours}, t.deleted_at IS NOT NULL) THEN 'stale'
                    END AS kind
                FROM s LEFT JOIN {target} AS t ON t.tenant = %(tenant)s AND t.id = s.id
                UNION ALL
                SELECT t.id, t.date, NULL, ARRAY[t.person_id], ARRAY[t.date], 'extra'
                FROM {target} AS t
                WHERE t.tenant = %(tenant)s AND t.deleted_at IS NULL AND {within}
                    AND NOT EXISTS (SELECT FROM {rejected} AS r WHERE r.record_id IS NULL OR r.record_id = t.id)
                    AND NOT EXISTS (SELECT FROM s WHERE s.id = t.id)
            )
            SELECT kind, id, date, version, array_remove(people, NULL), array_remove(dates, NULL), 1 FROM judged
            WHERE kind IS NOT NULL
            UNION ALL
            SELECT NULL, NULL, date, NULL, NULL, NULL, count(*) FROM judged WHERE kind IS NULL GROUP BY date
        """).format(
            staging=self._staging,
            rejected=self._rejected,
            target=self._target,
            gone=gone,
            theirs=self._names("s"),
            ours=self._names("t"),
            within=within,
        )
        parameters = {
            "tenant": self._tenant,
            "ids": list(ids or ()),
            "people": list(scope.person_ids or ()),
            "first": scope.first,
            "last": scope.last,
        }
        differences, equal = [], {}
        for kind, record_id, date, version, people, dates, number in self._driver.execute(statement, parameters):
            if kind is None:
                equal[date] = number
            else:
                differences.append(Difference(record_id, kind, date, version, tuple(people), tuple(dates)))
        return sorted(differences), equal

    def people(self) -> set[int]:
        """Ids of all whose records were staged."""
        statement = sql.SQL("SELECT DISTINCT person_id FROM {staging}").format(staging=self._staging)
        return {row[0] for row in self._driver.execute(statement)}
