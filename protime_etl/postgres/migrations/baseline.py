"""`make baseline`: the first version of the schema as SQL, from what the code says now; until the first release.

Afterwards a change of the tables is a migration of its own (`make migration`), and this file goes.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateIndex, CreateTable, DDLElement, SetColumnComment, SetTableComment

from protime_etl.postgres.tables.all import metadata

__all__ = ["baseline"]

FILE = Path(__file__).parent / "versions" / "0001_baseline.sql"

# SQLAlchemy 2.0 has no word for it.
STORAGE = "ALTER TABLE protime_etl.coverage SET (fillfactor = 50)"


def baseline() -> Iterator[str]:
    """Each statement of it, in an order in which they can be run."""
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    for element in _elements():
        lines = str(element.compile(dialect=dialect)).strip().expandtabs(4).splitlines()
        yield "\n".join(line.rstrip() for line in lines)
    yield STORAGE


def _elements() -> Iterator[DDLElement]:
    for table in metadata.sorted_tables:
        yield CreateTable(table)
        yield from (CreateIndex(index) for index in sorted(table.indexes, key=lambda one: str(one.name)))
        yield SetTableComment(table)
        yield from map(SetColumnComment, table.columns)


if __name__ == "__main__":
    FILE.write_text("".join(f"{statement};\n" for statement in baseline()), encoding="utf-8")
