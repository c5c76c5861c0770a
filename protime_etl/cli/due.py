"""`protime-etl due`: what was asked for of all people, and how to take days back."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Annotated

import typer
from sqlalchemy.engine import Connection

from protime_etl.cli.console import print_json, print_line
from protime_etl.cli.options import Collections, Json
from protime_etl.cli.place import chosen_collections, warehouse
from protime_etl.cli.tables import print_table
from protime_etl.collections.registry import COLLECTIONS
from protime_etl.config import load_place
from protime_etl.errors import BusyError, SettingsError
from protime_etl.postgres.book.promises import promised_ranges, runs_at, take_back_promise
from protime_etl.postgres.book.wrong import give_up as forget_failures
from protime_etl.postgres.ledger.acts import require_unchanged
from protime_etl.postgres.schema.upgrade import require_schema
from protime_etl.postgres.server.connection import create_engine
from protime_etl.postgres.server.stored import Stored
from protime_etl.postgres.server.transactions import transaction
from protime_etl.sync.arguments import parse_date
from protime_etl.trial import tenant_of_trial

__all__ = ["due"]


def due(  # noqa: PLR0917 - one parameter an option
    first: Annotated[
        dt.date | None, typer.Option("--from", parser=parse_date, metavar="DATE", help="First day to give up.")
    ] = None,
    last: Annotated[
        dt.date | None, typer.Option("--to", parser=parse_date, metavar="DATE", help="Last day to give up, included.")
    ] = None,
    collections: Collections = None,
    give_up: Annotated[
        bool, typer.Option("--give-up", help="Give these days up: they are no longer due. What was read stays.")
    ] = False,
    tenant: Annotated[str | None, typer.Option(help="Tenant; default: PROTIME_TENANT.")] = None,
    as_json: Json = False,
) -> None:
    """Show which days are due, or give some up.

    A day is due if a run for all people requested it. Each day since then is due, too.
    """
    if give_up and (first is None or last is None):
        raise SettingsError("--give-up needs a range of days.", guidance="Name them: --from DATE --to DATE --give-up")
    if not give_up and (first is not None or last is not None):
        raise SettingsError(
            "--from and --to need --give-up.", guidance="Without them, everything that is due is shown."
        )
    if first is not None and last is not None and first > last:
        raise SettingsError(f"The range ends ({last}) before it begins ({first}).", guidance="Swap the two dates.")
    place = load_place()
    whose = tenant or place.tenant or tenant_of_trial(place.home).get("tenant")
    if not whose:
        raise SettingsError("No tenant is named.", guidance="Pass --tenant, or set PROTIME_TENANT.")
    chosen = place.collections if collections is None else chosen_collections(collections)
    dated = [path for path in chosen if COLLECTIONS[path].is_dated]
    with warehouse(there=True) as url:
        engine = create_engine(url)
        try:
            require_schema(engine)
            with transaction(engine) as connection:
                if give_up and first is not None and last is not None:
                    given_up = _give_up(connection, whose, dated, first, last)
                    print_line(f"{whose}: {first}..{last}, no longer due: {', '.join(given_up) or 'nothing'}")
                ranges = promised_ranges(connection, whose, dated)
        finally:
            engine.dispose()
    if ranges:
        print_table("due", ["collection", "from", "to"], ranges)
    else:
        print_line(f"{whose}: nothing is due. Next: protime-etl sync --from DATE --to DATE")
    if as_json:
        shown = [{"collection": path, "date_from": start, "date_to": end} for path, start, end in ranges]
        print_json({"tenant": whose, "due": shown})


def _give_up(connection: Connection, tenant: str, dated: Sequence[str], first: dt.date, last: dt.date) -> list[str]:
    """Take the days back; returns the collections of which any were due.

    Raises:
        BusyError: a run is at them: what fails of it would be named again.
        OvertakenError: the tenant is being forgotten.
    """
    require_unchanged(connection, tenant)
    if at_it := runs_at(connection, tenant, dated, first, last):
        raise BusyError(
            f"Run {', '.join(map(str, at_it))} is working on these days now.",
            guidance="Wait for it, or stop it, then give them up. See: protime-etl status",
        )
    given_up = take_back_promise(connection, tenant, dated, first, last)
    for path in given_up:
        forget_failures(Stored(connection, tenant, COLLECTIONS[path]), first, last)
    return given_up
