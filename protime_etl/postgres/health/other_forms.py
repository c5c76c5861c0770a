"""How many documented fields could not be read: counted from what the rows keep of them."""

from __future__ import annotations

from collections.abc import Iterable

from protime_etl.collections.collection import OTHER_FORM
from protime_etl.collections.registry import COLLECTIONS
from protime_etl.postgres.server.statements import text_of

__all__ = ["SHOWN", "other_forms"]

SHOWN = f"SELECT id, extra -> '{OTHER_FORM}' AS fields FROM protime.{{table}} WHERE extra ? '{OTHER_FORM}'"
"""The query of the values themselves, for a user."""


def other_forms(collections: Iterable[str]) -> str:
    """The query of all tenants and these collections: a row a field, with an example of what it looks like."""
    whose = ((path, COLLECTIONS[path].table) for path in collections)
    rows = " UNION ALL ".join(text_of("rows_of_other_forms", path=path, table=table) for path, table in whose)
    return text_of("other_forms", rows=rows)
