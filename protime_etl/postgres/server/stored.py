"""A collection of a tenant as the warehouse has it, through a connection: what statements about it are run by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, CursorResult

from protime_etl.collections.collection import Collection
from protime_etl.postgres.server.statements import text

__all__ = ["Stored"]


@dataclass(frozen=True, slots=True)
class Stored:
    """One collection of one tenant, in the transaction of `connection`."""

    connection: Connection
    tenant: str
    collection: Collection

    @property
    def key(self) -> dict[str, Any]:
        """What its rows have in the tables of the engine, and what is bound in every statement."""
        return {"tenant": self.tenant, "collection": self.collection.path}

    def execute(self, statement: str | sa.TextClause, /, **values: Any) -> CursorResult[*tuple[Any, ...]]:
        """Run a statement, or that of `sql/engine` with this name; `{table}` in it is the collection's own."""
        clause = text(statement, table=self.collection.table) if isinstance(statement, str) else statement
        return self.connection.execute(clause, self.key | values)
