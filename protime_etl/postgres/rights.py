"""Whether the database user may do what a sync does, tried and rolled back."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from protime_etl.errors import SchemaError
from protime_etl.postgres.tables import metadata
from protime_etl.postgres.transactions import reading

__all__ = ["require_rights"]

MISSING = """
SELECT right_name, string_agg(name, ', ' ORDER BY name)
FROM unnest(CAST(:names AS text[])) AS name, unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) AS right_name
WHERE NOT has_table_privilege(name, right_name)
GROUP BY right_name ORDER BY right_name
"""
ALL = "all tables of protime-etl"


def require_rights(engine: Engine) -> None:
    """Make a temporary table, and write and remove a row, in a transaction that is rolled back.

    Raises:
        SchemaError: the user lacks a right, or the server takes no writes; the message says which.
        DatabaseError: PostgreSQL cannot be reached.
    """
    names = sorted(metadata.tables)
    with reading(engine) as connection:
        if not connection.scalar(sa.text("SELECT has_database_privilege(current_database(), 'TEMPORARY')")):
            raise SchemaError(
                "The database user may not make temporary tables.",
                guidance="Run: GRANT TEMPORARY ON DATABASE ... TO the user of PROTIME_DATABASE_URL.",
            )
        missing = connection.execute(sa.text(MISSING), {"names": names}).all()
        if missing:
            lacking = "; ".join(
                f"{right} on {ALL if found.count(',') + 1 == len(names) else found}" for right, found in missing
            )
            raise SchemaError(
                f"The database user lacks rights: {lacking}.",
                guidance="Grant them, or name the user who ran protime-etl db upgrade.",
            )
        connection.execute(sa.text("CREATE TEMPORARY TABLE written ON COMMIT DROP AS SELECT 1 AS one"))
        for table in metadata.sorted_tables:
            connection.execute(sa.delete(table).where(sa.false()))
        tenants = metadata.tables["protime_etl.tenants"]
        connection.execute(tenants.insert().values(tenant="(check)", timezone="UTC"))
        connection.rollback()
