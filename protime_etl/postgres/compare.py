"""The staged records of a complete pull against the table, id by id, without writing to it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Literal, NamedTuple

import sqlalchemy as sa
from psycopg import sql
from sqlalchemy.engine import Connection

from protime_etl.postgres.load import Load, Scope
from protime_etl.postgres.planning import BOUND_TENANT, TENANT, no_nested_loops

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
    query = sa.text(f"SELECT coalesce(max(change_version), '') FROM protime.clockings WHERE tenant = {BOUND_TENANT}")
    return str(connection.scalar(query, {"tenant": tenant}))


class Comparison(Load):
    """Stages as a load does; nothing is merged, and the caller rolls back."""

    def compare(self, scope: Scope, ids: Sequence[int] | None = None) -> tuple[list[Difference], dict[dt.date, int]]:
        """Differences, and how many are equal by day; in `scope`, or of the records with these ids."""
        self.complete()
        gone = sql.SQL("s.status IS NOT DISTINCT FROM {}").format(sql.Literal(self._collection.deleted_status))
        statement = sql.SQL("""
            WITH judged AS (
                SELECT s.id, s.date, s.change_version AS version, ARRAY[s.person_id, t.person_id] AS people,
                    ARRAY[s.date, t.date] AS dates,
                    CASE WHEN t.id IS NULL OR (t.deleted_at IS NOT NULL AND NOT ({gone})) THEN 'missing'
                        WHEN ({theirs}, {gone}) IS DISTINCT FROM ({ours}, t.deleted_at IS NOT NULL) THEN 'stale'
                    END AS kind
                FROM (SELECT DISTINCT ON (id) * FROM {staging} ORDER BY id, change_version DESC) AS s {looked_up}
            )
            SELECT kind, id, date, version, array_remove(people, NULL), array_remove(dates, NULL), 1 FROM judged
            WHERE kind IS NOT NULL
            UNION ALL
            SELECT NULL, NULL, date, NULL, NULL, NULL, count(*) FROM judged WHERE kind IS NULL GROUP BY date
        """).format(
            staging=self._staging,
            looked_up=self._looked_up(),
            gone=gone,
            theirs=self._names("s"),
            ours=self._names("t"),
        )
        self._know_staged()
        differences, equal = self._extra(scope, ids), {}
        for kind, record_id, date, version, people, dates, number in self._driver.execute(
            statement, {"tenant": self._tenant}
        ):
            if kind is None:
                equal[date] = number
            else:
                differences.append(Difference(record_id, kind, date, version, tuple(people), tuple(dates)))
        return sorted(differences), equal

    def _extra(self, scope: Scope, ids: Sequence[int] | None) -> list[Difference]:
        """What the table has and the tenant has not."""
        days = "t.date BETWEEN (SELECT %(first)s::date) AND (SELECT %(last)s::date)"
        if ids is not None:
            within = sql.SQL("t.id = ANY(%(ids)s::bigint[])")
        elif scope.person_ids is None:
            within = sql.SQL(days)
        else:
            within = sql.SQL(f"t.person_id = ANY(%(people)s::bigint[]) AND {days}")
        statement = sql.SQL("""
            SELECT t.id, t.date, t.person_id FROM {target} AS t
            WHERE t.tenant = {tenant} AND t.deleted_at IS NULL AND {within}
                AND NOT EXISTS (SELECT FROM {rejected} AS r WHERE r.record_id IS NULL)
                AND NOT EXISTS (SELECT FROM {rejected} AS r WHERE r.record_id = t.id)
                AND NOT EXISTS (SELECT FROM {staging} AS s WHERE s.id = t.id)
        """).format(staging=self._staging, rejected=self._rejected, target=self._target, tenant=TENANT, within=within)
        parameters = {
            "tenant": self._tenant,
            "ids": list(ids or ()),
            "people": list(scope.person_ids or ()),
            "first": scope.first,
            "last": scope.last,
        }
        with no_nested_loops(self._driver):
            rows = self._driver.execute(statement, parameters)
            return [Difference(one, "extra", date, None, (person,), (date,)) for one, date, person in rows]
