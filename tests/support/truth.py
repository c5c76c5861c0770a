"""The tenant's truth and the table's content in one form, to be compared row by row."""

from __future__ import annotations

from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from protime_etl.collections.collection import Collection
from protime_etl.collections.registry import COLLECTIONS
from protime_etl.simulator.state import Tenant
from tests.support.shadow import SHADOW

Rows = dict[int, dict[str, Any]]


def tenant_rows(tenant: Tenant, name: str = "clockings") -> Rows:
    """What the table should hold: the documented columns, nothing else, and whether the row is deleted."""
    collection = COLLECTIONS[name]
    rows = {}
    for record in tenant.records(name):
        row = dict(zip([*collection.column_names, "extra"], msgspec.to_builtins(collection.row(record)), strict=True))
        row["is_deleted"] = row.get("status") == "Deleted"
        rows[row["id"]] = row
    return rows


def table_rows(engine: Engine, name: str = "clockings", tenant: str | None = None) -> Rows:
    """What the table holds of all tenants but the shadow, or of that tenant."""
    collection: Collection = COLLECTIONS[name]
    columns = ", ".join([*collection.column_names, "extra"])
    with engine.connect() as connection:
        result = connection.execute(
            sa.text(
                f"SELECT {columns}, deleted_at IS NOT NULL AS is_deleted FROM protime.{collection.table}"
                " WHERE CASE WHEN :tenant = '' THEN tenant <> :shadow ELSE tenant = :tenant END"
            ),
            {"tenant": tenant or "", "shadow": SHADOW},
        )
        return {row["id"]: msgspec.to_builtins(dict(row)) for row in result.mappings()}
