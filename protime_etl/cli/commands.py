"""The commands. Exit status: 0 done, 1 failed, 2 wrong usage or settings, 3 done with something to look at."""

from __future__ import annotations

import gc
import logging
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache, cached_property
from importlib import import_module
from typing import Annotated, Any

import typer

from protime_etl.cli import console
from protime_etl.cli.streams import prepared_streams
from protime_etl.errors import ProtimeError, SettingsError
from protime_etl.machine import machine_fault

__all__ = ["LateCommand", "command", "main"]

COLLECTED_AFTER = 100_000
"""New objects after which Python looks for unreachable cycles."""

USAGE_ERROR: type[Exception] = typer.BadParameter.__bases__[0]
"""What typer raises for options and commands; where it lies depends on typer's version."""
COMMENT = re.compile(r"--[^=\s]*\s")
EVERYWHERE = ("--debug", "--quiet", "--verbose")
"""Options that may stand before a command and after it."""

COMMANDS: Mapping[str, tuple[str, str]] = {
    "demo": ("demo:demo", "Show yesterday's clockings of a made-up company."),
    "init": ("init:init", "Ask for the settings of your tenant and write .env."),
    "check": ("setup:check", "Check credentials, scopes, API, database and schema."),
    "sync": ("pulls:sync", "Pull the clockings of these days."),
    "backfill": ("pulls:backfill_command", "Pull a long range of days."),
    "changes": ("changes:changes", "Poll the delta: what changed since the last poll."),
    "verify": ("verify:verify", "Compare tenant and table id by id; repair on request."),
    "prove": ("prove:prove", "Compare again what was compared longest ago."),
    "status": ("status:status", "Show whether all is well, and what the warehouse holds."),
    "due": ("due:due", "Show which days are due, or give some up."),
    "resume": ("resume:resume", "Lift a pause that the API asked for."),
    "sql": ("sql:sql", "Run a query and print its rows, or open psql."),
    "forget": ("tenants:forget", "Remove everything that the warehouse holds of a tenant."),
    "simulate": ("simulate:simulate", "Serve a simulated tenant until Ctrl-C."),
    "support-bundle": ("support:support_bundle", "Write a file to attach to a bug report."),
}
"""Where each command is, and the first sentence of its help: a list of commands imports none of them."""
DB_COMMANDS: Mapping[str, tuple[str, str]] = {
    "upgrade": ("setup:db_upgrade", "Bring the schema up to date."),
    "timezone": ("tenants:db_timezone", "Change the time zone of a tenant's minutes."),
}


class LateCommand(typer.core.TyperCommand):
    """A command whose module is imported when it is used."""

    @cached_property
    def real(self) -> Any:
        """The command itself, with its options."""
        module, function = {**COMMANDS, **DB_COMMANDS}[str(self.name)][0].split(":")
        one = _typer()
        one.command(self.name)(getattr(import_module(f"protime_etl.cli.{module}"), function))
        return typer.main.get_command(one)

    def make_context(self, *arguments: Any, **more: Any) -> Any:
        """Parse the options of the command itself."""
        real = self.real
        gc.freeze()  # what was imported stays; listing the commands alone imports little
        return real.make_context(*arguments, **more)


def _typer(text: str | None = None, *, completion: bool = False) -> typer.Typer:
    return typer.Typer(
        help=text,
        no_args_is_help=text is not None,
        add_completion=completion,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )


app = _typer(
    "Every Protime clocking in your own PostgreSQL. Settings come from PROTIME_* and from a .env file here.",
    completion=True,
)
db = _typer("The schema of the warehouse.")
app.add_typer(db, name="db")
for group, commands in ((app, COMMANDS), (db, DB_COMMANDS)):
    for name, (_, sentence) in commands.items():
        group.command(name, cls=LateCommand, help=sentence)(lambda: None)


def _version(asked: bool) -> None:
    if asked:
        from protime_etl.cli.versions import versions  # noqa: PLC0415 - it takes longer than a help text

        for name, version in versions().items():
            console.print_line(f"{name} {version}")
        raise typer.Exit


@app.callback()
def _options(
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks of errors.")] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", help="Print results and errors only: no progress, no notes, no warnings.")
    ] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", help="Log each request to stderr, without its parameters and its answer.")
    ] = False,
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the versions that a bug report needs, and exit.", is_eager=True, callback=_version
        ),
    ] = False,
) -> None:
    del debug, quiet, verbose, version  # read by main: they may stand after the command, too


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
    gc.set_threshold(COLLECTED_AFTER)
    given = sys.argv[1:]
    end = given.index("--") if "--" in given else len(given)
    everywhere = {one for one in given[:end] if one in EVERYWHERE}
    with prepared_streams():
        arguments = [one for one in given[:end] if one not in EVERYWHERE] + given[end:]
        status = _run([_as_argument(one) for one in arguments], everywhere)
    if status:
        sys.exit(status)


def _run(arguments: list[str], everywhere: set[str]) -> int:
    try:
        with _chosen_messages(quiet="--quiet" in everywhere, verbose="--verbose" in everywhere):
            status = command()(arguments, standalone_mode=False)
        sys.stdout.flush()  # here it can still be said that it failed
    except typer.Abort:
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # who reads it has seen enough
        return 1
    except USAGE_ERROR as error:
        return _misused(error)
    except Exception as error:
        if "--debug" in everywhere:
            raise
        known = error if isinstance(error, ProtimeError) else machine_fault(error)
        known = known or ProtimeError(
            f"Unexpected error ({type(error).__name__}).",
            guidance="Run it again with --debug and report what it prints.",
        )
        console.print_error(known)
        return known.exit_status
    return status if isinstance(status, int) else 0


@contextmanager
def _chosen_messages(*, quiet: bool, verbose: bool) -> Iterator[None]:
    """Say beside results and errors what is wanted: nothing, notes, or each request.

    Raises:
        SettingsError: both were given.
    """
    if quiet and verbose:
        raise SettingsError("Both --quiet and --verbose were given.", guidance="Use one of them.")
    console.messages.quiet = quiet
    log, handler = logging.getLogger("protime_etl"), logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    before = log.level
    if quiet or verbose:
        log.setLevel(logging.ERROR if quiet else logging.DEBUG)
    if verbose:
        log.addHandler(handler)
    try:
        yield
    finally:
        log.setLevel(before)
        log.removeHandler(handler)


def _misused(error: Any) -> int:
    """Say what is wrong with the options; returns the exit status."""
    text = str(error.format_message())
    if "\n" in text:  # a group without a command: its help
        console.errors.print(text, markup=False)
    else:
        asked = f"{error.ctx.command_path if error.ctx else 'protime-etl'} --help"
        console.print_error(SettingsError(f"{text.rstrip('.')}.", guidance=f"See: {asked}"))
    return SettingsError.exit_status
