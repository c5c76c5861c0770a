"""Plans of the statements that a piece of work really runs, each explained just before it runs, with its own values."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
import sqlalchemy as sa
from psycopg import sql
from sqlalchemy.engine import Engine

__all__ = ["Explained", "explaining"]

CLOCKINGS = re.compile(r"\bclockings?(_\w+)?\b")
READS = re.compile(r"\s*(--.*\n\s*)*(SELECT|WITH|INSERT|UPDATE|DELETE)\b", re.IGNORECASE)
COPIED = re.compile(r"\s*COPY \((.*)\) TO STDOUT.*", re.DOTALL)
# Relations that are large; of a small one PostgreSQL knows by its file that it is small.
LARGE = {"clockings", "clocking_versions", "staging_clockings"}
KEYS = re.compile(r"\b(id|person_id|date|valid_to)\b")
SCANS = {"Seq Scan", "Index Scan", "Index Only Scan", "Bitmap Heap Scan", "Tid Scan"}


@dataclass(frozen=True)
class Explained:
    """A statement and its plan."""

    statement: str
    plan: dict[str, Any]

    def nested_loops_over_large_sides(self) -> list[str]:
        """Nested loops that read a large relation again and again, rather than look a record up in an index."""
        return [
            f"{_describe(outer)} x {_describe(inner)}"
            for node in _walk(self.plan)
            if node["Node Type"] == "Nested Loop"
            for outer, inner in [node["Plans"][:2]]
            if _may_be_large(outer) and _is_read_whole(inner)
        ]

    def read_whole(self) -> list[str]:
        """Scans of all clockings."""
        return [
            _describe(node)
            for node in _walk(self.plan)
            if node.get("Relation Name") == "clockings" and node["Node Type"] in SCANS and not _is_looked_up(node)
        ]


@contextmanager
def explaining() -> Iterator[list[Explained]]:
    """Explain every statement on clockings that any engine runs in this process during the block."""
    found: list[Explained] = []

    class Explaining(psycopg.Cursor[Any]):
        def execute(self, query: Any, params: Any = None, **options: Any) -> Explaining:
            self._explain(query, params)
            return super().execute(query, params, **options)

        def copy(self, query: Any, params: Any = None, **options: Any) -> Any:  # type: ignore[override]
            self._explain(query, params)
            return super().copy(query, params, **options)

        def _explain(self, query: Any, params: Any) -> None:
            text = query.as_string(self.connection) if isinstance(query, sql.Composable) else str(query)
            copied = COPIED.fullmatch(text)
            read = copied.group(1) if copied else text
            if CLOCKINGS.search(text) and READS.match(read):
                with psycopg.Cursor(self.connection) as cursor:
                    row = cursor.execute(f"EXPLAIN (FORMAT JSON, VERBOSE) {read}".encode(), params).fetchone()
                assert row is not None
                found.append(Explained(text, row[0][0]["Plan"]))

    def connected(connection: psycopg.Connection[Any], _: object) -> None:
        connection.cursor_factory = Explaining

    sa.event.listen(Engine, "connect", connected)
    try:
        yield found
    finally:
        sa.event.remove(Engine, "connect", connected)


def _walk(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for child in node.get("Plans", []):
        yield from _walk(child)


def _is_looked_up(scan: dict[str, Any]) -> bool:
    conditions = [one.get("Index Cond", "") for one in _walk(scan)]
    # An index of next to no rows is not all of them.
    few = any(one.get("Index Name", "").endswith("_other_form") for one in _walk(scan))
    return few or any(KEYS.search(one) for one in conditions)


def _of_rows(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """What a node takes its rows from, without values that are computed once."""
    yield node
    if node.get("Strategy") == "Plain":  # an aggregate of everything is one row
        return
    for child in node.get("Plans", []):
        if child.get("Parent Relationship") not in ("InitPlan", "SubPlan"):
            yield from _of_rows(child)


def _is_const_array(node: dict[str, Any]) -> bool:
    return node["Node Type"] == "Function Scan" and re.search(r"'\{|\$\d", node.get("Function Call", "")) is not None


def _may_be_large(node: dict[str, Any]) -> bool:
    return any(
        one.get("Relation Name") in LARGE or one["Node Type"] == "CTE Scan" or _is_const_array(one)
        for one in _of_rows(node)
        if node["Node Type"] != "Limit"
    )


def _is_read_whole(node: dict[str, Any]) -> bool:
    return any(
        (one.get("Relation Name") in LARGE and one["Node Type"] in SCANS and not _is_looked_up(one))
        or _is_const_array(one)
        or (one["Node Type"] == "CTE Scan" and one.get("CTE Name") != "recent")
        for one in _of_rows(node)
    )


def _describe(node: dict[str, Any]) -> str:
    name = node.get("Relation Name") or node.get("CTE Name") or node.get("Function Name") or ""
    within = ", ".join(_describe(one) for one in node.get("Plans", []))
    condition = node.get("Index Cond", "")
    return f"{node['Node Type']} {name} {condition}".strip() + (f" ({within})" if within else "")
