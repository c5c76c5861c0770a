"""`protime-etl status`: what is there, how fresh it is, and what needs a look."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import typer
from sqlalchemy.engine import URL

from protime_etl.cli.console import print_json, print_line
from protime_etl.cli.options import Collections, Json
from protime_etl.cli.place import chosen_collections, warehouse
from protime_etl.cli.status_details import print_details
from protime_etl.config import load_place
from protime_etl.postgres.health.facts import count_rows, read_facts, tenants_of
from protime_etl.postgres.health.verdict import Health, judge
from protime_etl.postgres.schema.upgrade import require_schema
from protime_etl.postgres.server.connection import create_engine
from protime_etl.postgres.server.transactions import reading

__all__ = ["print_status", "read_status", "status"]

INNER = ("asked", "book", "complete", "not_asked_for", "plans", "proof_days")
"""Facts that others follow from."""


def print_status(url: URL, *, collections: Sequence[str], as_json: bool) -> bool:
    """Print what the warehouse says of itself and these collections; returns whether all is well.

    Raises:
        DatabaseError: as `read_status`.
    """
    facts, found = read_status(url, collections)
    for health in found:
        for line in health.lines:
            print_line(line)
    if not found:
        print_line("Nothing has been read yet. Next: protime-etl sync --from DATE --to DATE")
    else:
        print_details(facts)
    if as_json:
        print_json({"verdict": [health.as_dict() for health in found], **facts})
    return all(health.ok for health in found)


def read_status(url: URL, collections: Sequence[str]) -> tuple[dict[str, list[dict[str, Any]]], list[Health]]:
    """The facts of the warehouse about itself and these collections, and the health of each tenant.

    Raises:
        DatabaseError: it cannot be reached, or has no schema.
    """
    engine = create_engine(url)
    try:
        require_schema(engine)
        with reading(engine) as connection:
            facts = read_facts(connection, collections)
            tenants = tenants_of(facts)
            rows = count_rows(connection, tenants, {row["collection"] for row in facts["collections"]})
    finally:
        engine.dispose()
    facts["collections"] = [{**row, **rows[row["tenant"], row["collection"]]._asdict()} for row in facts["collections"]]
    found = [judge(tenant, facts, collections) for tenant in tenants]
    return {name: rows for name, rows in facts.items() if name not in INNER}, found


def status(collections: Collections = None, as_json: Json = False) -> None:
    """Show whether all is well, and what the warehouse holds. Exit status 3 if something needs attention."""
    chosen = load_place().collections if collections is None else chosen_collections(collections)
    with warehouse(there=True) as url:
        all_is_well = print_status(url, collections=chosen, as_json=as_json)
    if not all_is_well:
        raise typer.Exit(3)
