"""`protime-etl status`: what is there, how fresh it is, and what needs a look."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import typer
from sqlalchemy.engine import URL

from protime_etl.cli.console import print_json, print_line
from protime_etl.cli.options import Collections, Json
from protime_etl.cli.place import chosen_collections, warehouse
from protime_etl.cli.status_details import print_details
from protime_etl.config import load_place
from protime_etl.postgres.connection import create_engine
from protime_etl.postgres.facts import Facts, Row, count_rows, read_facts
from protime_etl.postgres.health import judge
from protime_etl.postgres.schema import require_schema
from protime_etl.postgres.transactions import reading

__all__ = ["print_status", "status"]


def print_status(url: URL, *, collections: Sequence[str], as_json: bool) -> bool:
    """Print what the warehouse says of itself and these collections; tells whether all is well.

    Raises:
        DatabaseError: it cannot be reached, or has no schema.
    """
    engine = create_engine(url)
    try:
        require_schema(engine)
        with reading(engine) as connection:
            facts = _with_rows(
                read_facts(connection, collections), count_rows(connection, {*collections, "clockings", "people"})
            )
    finally:
        engine.dispose()
    found = [judge(row["tenant"], facts, collections) for row in facts["tenants"]]
    for health in found:
        for line in health.lines:
            print_line(line)
    if not found:
        print_line("Nothing has been read yet. Next: protime-etl sync --from DATE --to DATE")
    else:
        print_details(facts)
    if as_json:
        print_json({"verdict": [health.as_dict() for health in found], **_shown(facts)})
    return all(health.ok for health in found)


def _with_rows(facts: Facts, rows: Mapping[tuple[str, str], tuple[int, int]]) -> Facts:
    """The facts with the number of rows of each tenant and collection."""

    def of(row: Row, path: str) -> tuple[int, int]:
        return rows.get((row["tenant"], path), (0, 0))

    tenants = [
        {
            **row,
            "clockings": of(row, "clockings")[0],
            "deleted": of(row, "clockings")[1],
            "people": of(row, "people")[0],
        }
        for row in facts["tenants"]
    ]
    held = [
        {**row, "rows": of(row, row["collection"])[0], "deleted": of(row, row["collection"])[1]}
        for row in facts["collections"]
    ]
    return {**facts, "tenants": tenants, "collections": held}


def _shown(facts: Facts) -> dict[str, object]:
    return {name: rows for name, rows in facts.items() if name not in ("complete", "not_asked_for", "asked")}


def status(collections: Collections = None, as_json: Json = False) -> None:
    """Whether all is well, and what is here. Exit status 3 if something needs a look."""
    chosen = load_place().collections if collections is None else chosen_collections(collections)
    with warehouse() as url:
        all_is_well = print_status(url, collections=chosen, as_json=as_json)
    if not all_is_well:
        raise typer.Exit(3)
