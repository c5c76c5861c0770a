"""`protime-etl resume`: lift a pause that the API asked for."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

import typer

from protime_etl.cli import console
from protime_etl.cli.options import Json
from protime_etl.cli.place import warehouse
from protime_etl.config import load_place
from protime_etl.errors import SettingsError
from protime_etl.postgres.schema.upgrade import require_schema
from protime_etl.postgres.server.connection import create_engine
from protime_etl.postgres.shared.pause import KnownPause, lift_pause, read_pauses

__all__ = ["resume"]


def resume(
    yes: Annotated[bool, typer.Option("--yes", help="Lift it without confirmation.")] = False, as_json: Json = False
) -> None:
    """Lift a pause that the API asked for. For PROTIME_TENANT, or for every tenant here if it is not set."""
    with warehouse(there=True) as url:
        engine = create_engine(url)
        try:
            require_schema(engine)
            pauses = read_pauses(engine, load_place().tenant or None)
            if not pauses:
                console.print_line("There is no pause: nothing to lift.")
            for pause in pauses:
                console.print_line(_line(pause))
            if pauses and not yes:
                _confirm()
            for pause in pauses:
                lift_pause(engine, pause.tenant)
                console.print_line(f"{pause.tenant}: lifted. Waiting processes resume within seconds.")
        finally:
            engine.dispose()
    if as_json:
        console.print_json({"lifted": [{"tenant": one.tenant, "until": one.until} for one in pauses]})


def _line(pause: KnownPause) -> str:
    now = dt.datetime.now(dt.UTC)
    line = f"{pause.tenant}: all requests are paused until {pause.until.astimezone():%Y-%m-%d %H:%M:%S%z}"
    line += f", for {dt.timedelta(seconds=max(0, round((pause.until - now).total_seconds())))}"
    if pause.asked_until is not None and pause.asked_until > pause.until:
        line += f" (the API asked for {pause.asked_until - pause.until} more; PROTIME_MAX_PAUSE limits that)"
    return line


def _confirm() -> None:
    """Ask whether to go on.

    Raises:
        SettingsError: there is no terminal to ask at.
        typer.Exit: the answer is no.
    """
    try:
        lift = typer.confirm("The API may refuse earlier requests, or ask for a longer wait. Lift the pause?")
    except typer.Abort:
        raise SettingsError(
            "No answer; the pause stays.", guidance="Pass --yes to lift it without confirmation."
        ) from None
    if not lift:
        console.print_line("The pause stays.")
        raise typer.Exit(1)
