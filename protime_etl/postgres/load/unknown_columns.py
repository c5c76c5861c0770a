"""Columns that an answer lacks: their values are unknown, and neither overwrite nor count as a difference.

The documentation gives lists a property that deltas lack, and an answer may lack it whatever it is: a page of an
initial load, a single record, a list. So presence decides, not where the answer comes from. A property that records of
some kind always have, and that no record of an answer has, is lacking in that answer; where some have it, null means
null.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

__all__ = ["Lacking", "UnknownColumns"]


class Lacking(NamedTuple):
    """Staged records whose answer lacked a column."""

    kind: str
    """The column that says which records always have it."""
    ids: list[int]


class UnknownColumns:
    """Which of the staged records have a column that their answer lacked."""

    def __init__(self, columns: Sequence[str], delta_lacks: Mapping[str, tuple[str, str]]) -> None:
        self._identity = columns.index("id")
        self._places = {
            name: (columns.index(name), columns.index(kind), kind, value) for name, (kind, value) in delta_lacks.items()
        }
        self.lacking: dict[str, Lacking] = {}
        """By column; only columns that some records lack."""

    def look(self, rows: Sequence[tuple[Any, ...]]) -> None:
        """Note which of the rows of one answer have a column that the answer lacks."""
        for name, (place, kind_at, kind, value) in self._places.items():
            lacking = [row[self._identity] for row in rows if row[kind_at] == value and row[place] is None]
            if lacking and all(row[place] is None for row in rows):
                self.lacking.setdefault(name, Lacking(kind, [])).ids.extend(lacking)
