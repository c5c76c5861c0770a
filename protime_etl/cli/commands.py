"""The commands. Exit status: 0 done, 1 failed, 2 wrong usage or settings, 3 done with something to look at."""

from __future__ import annotations

import gc
import re
import sys
from collections.abc import Callable
from functools import cache
from typing import Annotated, Any

import typer

from protime_etl import __version__
from protime_etl.cli import console
from protime_etl.cli.changes import changes
from protime_etl.cli.due import due
from protime_etl.cli.prove import prove
from protime_etl.cli.pulls import backfill_command, sync
from protime_etl.cli.resume import resume
from protime_etl.cli.setup import check, db_upgrade
from protime_etl.cli.simulate import simulate
from protime_etl.cli.sql import sql
from protime_etl.cli.status import status
from protime_etl.cli.streams import prepared_streams
from protime_etl.cli.tenants import db_timezone, forget
from protime_etl.cli.verify import verify
from protime_etl.errors import ProtimeError, SettingsError
from protime_etl.machine import machine_fault

__all__ = ["main"]

COLLECTED_AFTER = 100_000
"""New objects after which Python looks for unreachable cycles."""

USAGE_ERROR: type[Exception] = typer.BadParameter.__bases__[0]
"""What typer raises for options and commands; where it lies depends on typer's version."""
COMMENT = re.compile(r"--[^=\s]*\s")

app = typer.Typer(
    help="Every Protime clocking in your own PostgreSQL. Settings come from PROTIME_* and from a .env file here.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
db = typer.Typer(help="The schema of the warehouse.", no_args_is_help=True)
app.add_typer(db, name="db")

app.command()(check)
app.command()(sync)
app.command("backfill")(backfill_command)
app.command()(changes)
app.command()(verify)
app.command()(prove)
app.command()(status)
app.command()(due)
app.command()(resume)
app.command()(sql)
app.command()(forget)
app.command()(simulate)
db.command("upgrade")(db_upgrade)
db.command("timezone")(db_timezone)


def _version(asked: bool) -> None:
    if asked:
        console.print_line(__version__)
        raise typer.Exit


@app.callback()
def _options(
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks of errors.")] = False,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and stop.", is_eager=True, callback=_version)
    ] = False,
) -> None:
    del debug, version  # the first is read by main, which sees the error


def _as_argument(text: str) -> str:
    """An argument in UTF-8 whatever the locale; a blank before a query that begins with a comment: it is no option."""
    text = text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return f" {text}" if COMMENT.match(text) else text


@cache
def command() -> Callable[..., Any]:
    """The commands with their options, put together once in a process: that takes longer than many a query."""
    return typer.main.get_command(app)


def main() -> None:
    """Run the command line; every error becomes one line and the promised exit status."""
    # Records come by the hundred thousand and are never part of a cycle: looking for cycles takes a fifth of the time.
    gc.freeze()
    gc.set_threshold(COLLECTED_AFTER)
    with prepared_streams():
        status = _run(debug="--debug" in sys.argv[1:])
    if status:
        sys.exit(status)


def _run(*, debug: bool) -> int:
    try:
        status = command()([_as_argument(one) for one in sys.argv[1:] if one != "--debug"], standalone_mode=False)
        sys.stdout.flush()  # here it can still be said that it failed
    except typer.Abort:
        return 1
    except BrokenPipeError:  # who reads it has seen enough
        return 1
    except USAGE_ERROR as error:
        return _misused(error)
    except Exception as error:
        if debug:
            raise
        known = error if isinstance(error, ProtimeError) else machine_fault(error)
        known = known or ProtimeError(
            f"Something unforeseen happened ({type(error).__name__}).",
            guidance="Run it again with --debug and report what it prints.",
        )
        console.print_error(known)
        return known.exit_status
    return status if isinstance(status, int) else 0


def _misused(error: Any) -> int:
    """Say what is wrong with the options; returns the exit status."""
    text = str(error.format_message())
    if "\n" in text:  # a group without a command: its help
        console.print_note(text)
    else:
        asked = f"{error.ctx.command_path if error.ctx else 'protime-etl'} --help"
        console.print_error(SettingsError(f"{text.rstrip('.')}.", guidance=f"See: {asked}"))
    return SettingsError.exit_status
