"""`make data-page`: docs/data.md, every table and column that users query, from the code."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from protime_etl.collections.collection import Collection, Privacy
from protime_etl.collections.registry import COLLECTIONS
from protime_etl.postgres.schema.relations import relations
from protime_etl.postgres.schema.versions import type_name
from protime_etl.postgres.tables.records import RECORD_TABLES

__all__ = ["data_page"]

READ = {
    "dated by people": "by people and days",
    "dated by days": "by days",
    "whole": "as its complete list",
}
VERSIONS = {
    "all": "All rows that were replaced are kept in `protime.{versions}`; `protime.{table}_as_of(moment)` shows them.",
    "closed days": "Rows that were replaced are kept in `protime.{versions}` where the day was closed for the person"
    " (`period_closing_date`); `protime.{table}_as_of(moment)` shows them.",
    "none": "Rows that were replaced are not kept.",
}
PRIVACY: dict[Privacy, str] = {
    "none": "nothing about people",
    "personal": "personal",
    "sensitive": "personal (working pattern, location)",
    "special": "personal (may concern health)",
}
INTRODUCTION = """# Data

Every table of records in schema `protime`, as `db upgrade` makes it. Generated from the code by `make data-page`; the
same comments are in the database. The key of each table is `(tenant, id)`. A row whose record is deleted in Protime
stays, with `deleted_at` and `deleted_by`; `written_at` is when the row was last written, and `extra` holds fields
that are not documented (except where they may be personal). Under `other form`, `extra` also holds documented fields
that could not be read; their columns are null. On PostgreSQL 18 and later, a column that refers to another table is a
foreign key that is not enforced. Views: README.
"""
SAME = {"tenant", "extra", "deleted_at", "deleted_by", "written_at"}


def _collection(collection: Collection) -> Iterator[str]:
    table = RECORD_TABLES[collection.path]
    yield f"\n## {collection.table}\n\n`protime.{collection.table}`: {collection.comment}\n"
    yield (
        f"Collection `{collection.path}`, read {READ[collection.shape]} with the scope `{collection.scope}`."
        f" Privacy: {PRIVACY[collection.privacy]}. "
        + VERSIONS[collection.versions].format(table=collection.table, versions=collection.versions_table)
        + "\n"
    )
    yield "| column | type | holds |\n|---|---|---|"
    for column in table.columns:
        if column.name not in SAME:
            required = "" if column.nullable else ", required"
            yield f"| `{column.name}` | {type_name(column)}{required} | {column.comment} |"


def data_page() -> str:
    """The page."""
    lines = [INTRODUCTION]
    lines.append("| table | collection | privacy |\n|---|---|---|")
    lines += [
        f"| [{one.table}](#{one.table}) | `{path}` | {PRIVACY[one.privacy]} |" for path, one in COLLECTIONS.items()
    ]
    for collection in COLLECTIONS.values():
        lines += _collection(collection)
    lines.append("\n## Relations\n\n| from | to |\n|---|---|")
    lines += [f"| `{table}.{column}` | `{other}.id` |" for table, column, other in relations()]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(data_page())
