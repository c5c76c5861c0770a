"""`protime-etl demo`: a night's clockings of made-up people; and the parts of it that `make run` shows, too."""

from __future__ import annotations

import datetime as dt
import os
import shlex
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy.engine import URL

from protime_etl.cli import console
from protime_etl.cli.checks import run_checks
from protime_etl.cli.place import interruptible, warehouse
from protime_etl.cli.queries import run_query
from protime_etl.config import ENV_FILE, PREFIX, Settings, load_settings
from protime_etl.counted import counted
from protime_etl.errors import ProtimeError, SettingsError
from protime_etl.postgres.forget import forget_tenant
from protime_etl.postgres.server.connection import create_engine
from protime_etl.sync.pipeline import open_pipeline
from protime_etl.sync.plan.days import local_day
from protime_etl.sync.pull import runs
from protime_etl.trial import HOW_TO_INSTALL, only_trial

__all__ = ["demo", "require_checks", "show_presence", "simulated_tenant"]

FOLDER = Path("protime-demo")
HOME = Path(".protime")
LOOKBACK_DAYS = 7
"""As the nightly DAG: late corrections of the last week arrive every night."""
PRESENCE = """
SELECT tenant, date, employee_number AS employee, last_name, to_char(first_in, 'HH24:MI') AS "in",
    to_char(last_out, 'HH24:MI') AS out, present_minutes AS minutes, is_open AS open
FROM protime.daily_presence WHERE {which} ORDER BY date DESC, tenant, employee_number LIMIT 10
"""
LAST_DAY = (
    "date = (SELECT max(date) FROM protime.daily_presence JOIN protime.tenants USING (tenant) WHERE date < today)"
)
"""Yesterday, or the last day before it on which people worked."""


def demo(
    folder: Annotated[
        Path, typer.Argument(help="Folder for the demo's own database; created if it does not exist.")
    ] = FOLDER,
) -> None:
    """Show yesterday's clockings of a made-up company.

    The demo has its own simulated tenant and PostgreSQL, in its own folder. It does not read your settings, and sends
    nothing to your tenant or database. Both stop with the command; the folder stays.
    """
    started = time.monotonic()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # meant for the server that was started, too
    with interruptible(), simulated_tenant() as settings:
        unread = _move_to(folder)
        with only_trial(HOME), warehouse() as url:
            console.print_line(f"PostgreSQL: embedded, in {folder / HOME / 'postgres'}")
            console.print_line(f"Tenant: simulated, at {settings.api_base}")
            require_checks(settings, url)
            _read_the_night(settings, url)
            console.print_line("\nprotime.daily_presence of yesterday, or of the last day before it with clockings:\n")
            show_presence(url, LAST_DAY)
    _show_next(folder, unread, time.monotonic() - started)


def _move_to(folder: Path) -> list[str]:
    """Go where neither settings nor a warehouse of anything else are; returns the names of those left behind.

    Raises:
        SettingsError: the folder cannot be used.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        os.chdir(folder)
    except OSError as error:
        raise SettingsError(
            f"The folder {folder} cannot be used ({error.strerror}).",
            guidance="Name another one: protime-etl demo FOLDER",
        ) from None
    unread = sorted(name for name in os.environ if name.upper().startswith(PREFIX))
    for name in unread:
        del os.environ[name]
    if unread:
        console.print_note(f"Not used by the demo: {', '.join(unread)}.")
    if ENV_FILE.exists():
        raise SettingsError(
            f"The folder {folder} has settings ({ENV_FILE}).", guidance="Name another one: protime-etl demo FOLDER"
        )
    return unread


@contextmanager
def simulated_tenant(collections: Sequence[str] | None = None) -> Iterator[Settings]:
    """Serve a tenant of made-up people as long as the `with` block lasts; gives the settings that reach it.

    Raises:
        SettingsError: the package lacks its extra `local`.
    """
    try:
        from protime_etl.simulator.day import passing, wall_clock  # noqa: PLC0415
        from protime_etl.simulator.server import SimulatedTenant  # noqa: PLC0415 - an optional dependency
        from protime_etl.simulator.state import Tenant  # noqa: PLC0415
    except ImportError:
        raise SettingsError("The simulated tenant is not installed.", guidance=HOW_TO_INSTALL) from None
    now = wall_clock()
    with (
        SimulatedTenant(Tenant(today=now.date(), until=now, planned_days=120)) as simulated,
        passing(simulated.tenant),
    ):
        yield load_settings(
            from_environment=False,
            tenant=simulated.options.tenant_name,
            client_id=simulated.client_id,
            client_secret=simulated.client_secret,
            api_url=simulated.url,
            auth_url=simulated.url,
            **({} if collections is None else {"collections": collections}),
        )


def require_checks(settings: Settings, url: URL) -> None:
    """Try all that a sync needs, and say so.

    Raises:
        ProtimeError: something does not work: the first of it.
    """
    results = run_checks(settings, url)
    for name, problem in results.items():
        if problem is not None:
            raise ProtimeError(f"{name}: {problem}", guidance="For every check: protime-etl check")
    console.print_line(f"Checked: {', '.join(results)}")


def show_presence(url: URL, which: str = "true") -> None:
    """Print the first rows of the view, newest first, of which the condition is true."""
    run_query(url, PRESENCE.format(which=which))


def _read_the_night(settings: Settings, url: URL) -> None:
    engine = create_engine(url)
    try:
        # The people of another day are other people, with the same ids.
        forget_tenant(engine, settings.tenant)
    finally:
        engine.dispose()
    today = local_day(settings, dt.datetime.now(dt.UTC))
    first = today - dt.timedelta(days=LOOKBACK_DAYS)
    with open_pipeline(settings, url) as pipeline:
        counts, _ = runs.sync(pipeline, first, today)
        for error in pipeline.to_look_at:
            raise error
    console.print_line(
        f"Read: {counted(counts.rows_read, 'record')} with {counted(counts.requests, 'request')}:"
        f" people, and the clockings of {first}..{today}"
    )


def _show_next(folder: Path, unread: Sequence[str], seconds: float) -> None:
    """What to type now."""
    place, program = shlex.quote(str(folder)), console.program()
    lines = [
        (f"cd {place}", "to run commands on the database of the demo"),
        *([(f"unset {' '.join(unread)}", "in this terminal: they point elsewhere")] if unread else []),
        (f"{program} sql --query hours_by_week", "one of the bundled queries: sql --queries"),
        (f"{program} status", "what the warehouse holds, and how fresh it is"),
        (f"cd - && {program} init", "your own tenant"),
        (f"rm -r {place}", "removes the demo"),
    ]
    width = max(len(typed) for typed, _ in lines)
    console.print_line(f"\nDone in {seconds:.0f} s; nothing keeps running. Next:")
    for typed, why in lines:
        console.print_line(f"  {typed:<{width}}  {why}")
