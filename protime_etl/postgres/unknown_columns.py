"""Columns that an answer does not tell: what it lacks is not known, and neither overwrites nor counts as a difference.

The documentation gives lists a property that deltas lack, and an answer may lack it whatever it is: a page of an
initial load, a single record, a list. So presence decides, not where the answer comes from. A property that records of
some kind always have, and that no record of an answer has, is not told by that answer; where some have it, null means
null.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import psycopg
from psycopg import sql

from protime_etl.postgres.planning import TENANT

__all__ = ["UnknownColumns"]


class UnknownColumns:
    """Which of the staged records have a column that their answer did not tell."""

    def __init__(self, columns: Sequence[str], delta_lacks: Mapping[str, tuple[str, str]]) -> None:
        self._identity = columns.index("id")
        self._places = {
            name: (columns.index(name), columns.index(decides), value) for name, (decides, value) in delta_lacks.items()
        }
        self._decides = {name: decides for name, (decides, _) in delta_lacks.items()}
        self._ids: dict[str, list[int]] = {}

    def __bool__(self) -> bool:
        return bool(self._ids)

    def look(self, rows: Sequence[tuple[Any, ...]]) -> None:
        """Note which of the rows of one answer have a column that the answer does not tell."""
        for name, (place, decides, value) in self._places.items():
            lacking = [row[self._identity] for row in rows if row[decides] == value and row[place] is None]
            if lacking and all(row[place] is None for row in rows):
                self._ids.setdefault(name, []).extend(lacking)

    def complete(
        self, driver: psycopg.Connection[Any], tenant: str, staging: sql.Identifier, target: sql.Identifier
    ) -> None:
        """Take what is not told from the rows of the table, as long as the kind of the record stays."""
        for name, ids in self._ids.items():
            statement = sql.SQL("""
                UPDATE {staging} AS s SET {column} = coalesce(s.{column}, (
                    SELECT t.{column} FROM {target} AS t
                    WHERE t.tenant = {known} AND t.id = s.id AND t.{decides} = s.{decides}
                ))
                WHERE s.id = ANY(%(ids)s::bigint[])
            """).format(
                known=TENANT,
                staging=staging,
                target=target,
                column=sql.Identifier(name),
                decides=sql.Identifier(self._decides[name]),
            )
            driver.execute(statement, {"tenant": tenant, "ids": ids})
