"""What the warehouse says of itself: the facts that `health` judges and `status` shows, each a query."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa
from psycopg.errors import QueryCanceled
from sqlalchemy.engine import Connection

from protime_etl.collections.registry import COLLECTIONS
from protime_etl.postgres.book.days import complete_ranges, gaps, late, plans, proofs
from protime_etl.postgres.health.other_forms import other_forms
from protime_etl.postgres.server.statements import text_of
from protime_etl.postgres.shared.locks import RUN_LOCK, UNIT_LOCK

__all__ = ["Facts", "Row", "RowCount", "count_rows", "read_facts", "rows_until", "tenants_of"]

Row = Mapping[str, Any]
Facts = Mapping[str, Sequence[Row]]

OVERDUE_HOURS = 36
"""A night has that long to read the last day that is over: also one that begins late in the evening, and the next."""
SIZE = "SELECT reltuples FROM pg_class WHERE oid = CAST(:table AS regclass)"
ESTIMATE = "EXPLAIN (FORMAT JSON) SELECT FROM protime.{table} WHERE tenant = :tenant AND deleted_at {which}"
IMPOSSIBLE = (sa.exc.DataError, sa.exc.NotSupportedError)
"""What PostgreSQL says of a value that it cannot calculate with, such as an infinite moment."""
MOST_COUNTED = 1_000_000
"""Rows of a table that are counted; a second takes a few times as many."""
QUERIES = ("runs", "wrong", "deltas", "pauses", "not_asked_for", "tenants", "asked", "proof_days", "coverage", "book")
"""Facts that are a statement each; what takes longest comes last."""


class RowCount(NamedTuple):
    """Rows of a tenant in a table."""

    rows: int
    deleted: int
    is_exact: bool
    """Counted, and not estimated."""


def read_facts(
    connection: Connection, collections: Sequence[str], *, within: float | None = None
) -> dict[str, list[dict[str, Any]]]:
    """Every kind of fact about all tenants and these collections, by its name; no table of records is counted.

    `within`: seconds for all of them. What could not be read in time is empty, and named in `too_slow`; so is what
    cannot be read of one tenant, as by a time zone that PostgreSQL does not know, with the tenant and the reason.
    """
    values = {
        "run_lock": RUN_LOCK,
        "unit_lock": UNIT_LOCK,
        "collections": list(collections),
        "overdue": OVERDUE_HOURS,
    }
    queries = {
        "collections": _of_each("last_read", collections) + " ORDER BY tenant, collection",
        **{name: text_of(name) for name in QUERIES},
        "other_forms": other_forms(collections),
    }
    end = None if within is None else time.monotonic() + within
    facts: dict[str, list[dict[str, Any]]] = {"too_slow": []}
    for name, query in queries.items():
        # None takes more than half of what is left, so that there is something for the others.
        until = None if end is None else (time.monotonic() + end) / 2
        failed: dict[str, str] = {}
        rows = _rows_of_each(connection, until, query, values, failed)
        facts[name] = rows or []
        facts["too_slow"] += [{"fact": name, "tenant": tenant, "why": why} for tenant, why in failed.items()]
        if rows is None:
            facts["too_slow"].append({"fact": name})
    return _derived(facts)


def tenants_of(facts: Facts) -> list[str]:
    """All tenants of the warehouse, also those of which something cannot be read."""
    return sorted({row["tenant"] for name in ("tenants", "too_slow") for row in facts[name] if "tenant" in row})


def _rows_of_each(
    connection: Connection, end: float | None, query: str, values: Mapping[str, Any], failed: dict[str, str]
) -> list[dict[str, Any]] | None:
    """As `rows_until`; of a query that fails by a value of one tenant the rows of the others; notes who failed why."""
    try:
        return rows_until(connection, end, query, values)
    except IMPOSSIBLE:
        pass
    found: list[dict[str, Any]] = []
    for tenant in connection.scalars(sa.text("SELECT tenant FROM protime_etl.tenants ORDER BY tenant")).all():
        try:
            rows = rows_until(
                connection, end, f"SELECT * FROM ({query}) AS every WHERE tenant = :only", {**values, "only": tenant}
            )
        except IMPOSSIBLE as error:
            failed[tenant] = (
                getattr(getattr(error.orig, "diag", None), "message_primary", None) or "an impossible value"
            )
            continue
        if rows is None:
            return None
        found += rows
    return found


def _derived(facts: dict[str, list[dict[str, Any]]]) -> dict[str, list[dict[str, Any]]]:
    """The facts, and what follows from the book."""
    book, asked = facts["book"], facts["asked"]
    now = asked[0]["now"] if asked else dt.datetime.now(dt.UTC)
    return facts | {
        "complete": complete_ranges(book, asked),
        "gaps": gaps(book, asked) + late(book, asked),
        "plans": plans(book, asked),
        "proof": proofs(book, facts["proof_days"], now),
    }


def rows_until(
    connection: Connection, end: float | None, query: str, values: Mapping[str, Any]
) -> list[dict[str, Any]] | None:
    """The rows of a query, or None if they could not be read until a moment of the monotonic clock, if one is given."""
    milliseconds = None if end is None else int((end - time.monotonic()) * 1000)
    if milliseconds is not None and milliseconds <= 0:
        return None
    try:
        with connection.begin_nested():
            if milliseconds is not None:
                limit = sa.text("SELECT set_config('statement_timeout', :milliseconds, true)")
                connection.execute(limit, {"milliseconds": str(milliseconds)})
            return [dict(row) for row in connection.execute(sa.text(query), values).mappings()]
    except sa.exc.OperationalError as error:
        if not isinstance(error.orig, QueryCanceled):
            raise
        return None


def count_rows(
    connection: Connection, tenants: Sequence[str], collections: Iterable[str]
) -> dict[tuple[str, str], RowCount]:
    """The rows of each tenant and collection: counted, or as PostgreSQL estimates them where counting takes seconds."""
    sizes = {
        path: connection.scalar(sa.text(SIZE), {"table": f"protime.{COLLECTIONS[path].table}"}) for path in collections
    }
    small = [path for path, size in sizes.items() if size <= MOST_COUNTED]
    rows = connection.execute(sa.text(_of_each("row_counts", small))) if small else ()
    found = {(row.tenant, row.collection): RowCount(row.rows, row.deleted, is_exact=True) for row in rows}
    for path in sorted(sizes.keys() - {*small}):
        for tenant in tenants:
            here, deleted = (_estimate(connection, tenant, path, which) for which in ("IS NULL", "IS NOT NULL"))
            found[tenant, path] = RowCount(here, deleted, is_exact=False)
    return found


def _estimate(connection: Connection, tenant: str, path: str, which: str) -> int:
    """How many rows PostgreSQL expects."""
    query = sa.text(ESTIMATE.format(table=COLLECTIONS[path].table, which=which))
    ((plan,),) = connection.scalars(query, {"tenant": tenant}).all()
    return int(plan["Plan"]["Plan Rows"])


def _of_each(name: str, collections: Iterable[str]) -> str:
    return " UNION ALL ".join(text_of(name, path=path, table=COLLECTIONS[path].table) for path in collections)
