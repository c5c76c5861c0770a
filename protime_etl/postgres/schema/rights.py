"""Whether the database user may do what a sync does, tried and rolled back."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from protime_etl.errors import SchemaError
from protime_etl.postgres.server.statements import text
from protime_etl.postgres.server.transactions import reading
from protime_etl.postgres.tables.all import metadata

__all__ = ["require_all_rows", "require_creation", "require_own_schemas", "require_rights"]

ALL = "all tables of protime-etl"


def require_all_rows(connection: Connection) -> None:
    """Make sure that no policy of row-level security hides a row: what is not seen would be taken for missing.

    Raises:
        SchemaError: a policy may hide some; the message says of which tables.
    """
    if hidden := connection.scalar(text("hidden_tables"), {"names": sorted(metadata.tables)}):
        raise SchemaError(
            f"Row-level security may hide rows from the database user: {hidden}.",
            guidance="Give this user a policy for all rows, CREATE POLICY ... TO ... USING (true) WITH CHECK (true),"
            " and no restrictive one; or NO FORCE ROW LEVEL SECURITY for the owner; or ALTER ROLE ... BYPASSRLS.",
        )


def require_own_schemas(connection: Connection, schemas: Sequence[str]) -> None:
    """Make sure that no other user can drop what lies in these schemas, or put a function of theirs there.

    Raises:
        SchemaError: one can; the message says who.
    """
    for found in connection.execute(text("owners_of_schemas"), {"schemas": list(schemas)}):
        if found.owner:
            raise SchemaError(
                f"The schema {found.name} belongs to {found.owner}, who could remove or replace what is kept in it.",
                guidance=f"Use that user; or, as a superuser, ALTER SCHEMA {found.name} OWNER TO the user of"
                " PROTIME_DATABASE_URL; or name another database.",
            )
        if found.makers:
            makers = ", ".join(found.makers)
            raise SchemaError(
                f"{makers} may create functions and tables in the schema {found.name}.",
                guidance=f"Run: REVOKE CREATE ON SCHEMA {found.name} FROM {makers}",
            )


def require_creation(engine: Engine) -> None:
    """Make a schema and a temporary table, in a transaction that is rolled back.

    Raises:
        SchemaError: the user lacks the right, or the server takes no writes.
        DatabaseError: PostgreSQL cannot be reached.
    """
    with reading(engine) as connection:
        user, database, may = connection.execute(text("may_create")).one()
        if not may:
            raise SchemaError(
                f"The database user {user} may not create schemas and temporary tables in {database}.",
                guidance=f"Let its owner run: GRANT CREATE, TEMPORARY ON DATABASE {database} TO {user}",
            )
        connection.execute(sa.schema.CreateSchema("protime_etl_tried"))
        connection.execute(sa.text("CREATE TEMPORARY TABLE written ON COMMIT DROP AS SELECT 1 AS one"))
        connection.rollback()


def require_rights(engine: Engine) -> None:
    """Make a temporary table, and write and remove a row, in a transaction that is rolled back.

    Raises:
        SchemaError: the user lacks a right, does not see every row, or the server takes no writes; the message says
            which.
        DatabaseError: PostgreSQL cannot be reached.
    """
    names = sorted(metadata.tables)
    with reading(engine) as connection:
        if not connection.scalar(sa.text("SELECT has_database_privilege(current_database(), 'TEMPORARY')")):
            raise SchemaError(
                "The database user may not create temporary tables.",
                guidance="Run: GRANT TEMPORARY ON DATABASE ... TO the user of PROTIME_DATABASE_URL.",
            )
        missing = connection.execute(text("missing_rights"), {"names": names}).all()
        if missing:
            lacking = "; ".join(
                f"{right} on {ALL if found.count(',') + 1 == len(names) else found}" for right, found in missing
            )
            raise SchemaError(
                f"The database user lacks rights: {lacking}.",
                guidance="Grant them, or name the user who ran protime-etl db upgrade.",
            )
        require_all_rows(connection)
        connection.execute(sa.text("CREATE TEMPORARY TABLE written ON COMMIT DROP AS SELECT 1 AS one"))
        for table in metadata.sorted_tables:
            connection.execute(sa.delete(table).where(sa.false()))
        tenants = metadata.tables["protime_etl.tenants"]
        connection.execute(tenants.insert().values(tenant="(check)", timezone="UTC"))
        connection.rollback()
