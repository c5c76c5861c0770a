"""What pulls repair while a delta is active, so that an operator sees whether the delta can be trusted.

A pull may simply be faster than the delta: what the delta brings later, with the same or a newer version, is taken out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from protime_etl.collections.collection import Collection
from protime_etl.postgres.server.plans import BOUND_TENANT, no_nested_loops

__all__ = ["clear_drift", "note_drift"]

# Rows that this transaction has written are those whose xmin is its own. What a delta lacks, and a pull completes
# (isOpen), is no drift.
NOTE = """
INSERT INTO protime_etl.drift_candidates AS c (tenant, collection, id, change_version, action, found_at)
SELECT :tenant, :collection, t.id, t.change_version, t.action, clock_timestamp()
FROM (SELECT id FROM pg_temp.staging_{table} UNION SELECT unnest(CAST(:vanished AS bigint[]))) AS s
CROSS JOIN LATERAL (
    SELECT t.id, t.change_version,
        CASE WHEN t.deleted_at IS NOT NULL THEN 'deleted' WHEN v.id IS NULL THEN 'inserted' ELSE 'updated' END AS action
    FROM protime.{table} AS t
    LEFT JOIN protime.{versions} AS v
        ON v.tenant = {tenant} AND v.id = s.id AND v.valid_to = t.written_at
    WHERE t.tenant = {tenant} AND t.id = s.id
        AND t.xmin = CAST(pg_current_xact_id() AS xid) AND t.date >= :first
        AND NOT (v.id IS NOT NULL AND v.change_version = t.change_version
            AND to_jsonb(v) - CAST(:version_columns AS text[])
                = to_jsonb(t) - CAST(:row_columns AS text[]))
    OFFSET 0
) AS t
ON CONFLICT (tenant, collection, id) DO UPDATE
SET change_version = excluded.change_version, action = excluded.action, found_at = excluded.found_at
"""


def note_drift(connection: Connection, tenant: str, collection: Collection, vanished: Sequence[int] = ()) -> None:
    """Keep which records this transaction's pull has written, if a delta is active that should have brought them."""
    first = connection.scalar(
        sa.text(
            "SELECT date_from FROM protime_etl.deltas"
            " WHERE tenant = :tenant AND collection = :collection AND status = 'active'"
        ),
        {"tenant": tenant, "collection": collection.path},
    )
    if first is None or collection.versions == "none":
        return  # without versions it is not known what the row was before
    lacking = list(collection.delta_lacks)
    connection.execute(
        sa.text(NOTE.format(table=collection.table, versions=collection.versions_table, tenant=BOUND_TENANT)),
        {
            "tenant": tenant,
            "collection": collection.path,
            "vanished": list(vanished),
            "first": first,
            "version_columns": [*lacking, "valid_from", "valid_to"],
            "row_columns": [*lacking, "written_at"],
        },
    )


def clear_drift(connection: Connection, tenant: str, collection: str, changed: Mapping[int, str]) -> None:
    """The delta has brought these records with these versions."""
    statement = sa.text(
        "DELETE FROM protime_etl.drift_candidates AS c"
        " USING unnest(CAST(:ids AS bigint[]), CAST(:versions AS text[])) AS d (id, version)"
        " WHERE c.tenant = :tenant AND c.collection = :collection AND c.id = d.id"
        " AND (d.version = '' OR c.change_version <= d.version COLLATE \"C\")"
    )
    parameters = {"tenant": tenant, "collection": collection, "ids": list(changed), "versions": list(changed.values())}
    with no_nested_loops(connection):
        connection.execute(statement, parameters)
