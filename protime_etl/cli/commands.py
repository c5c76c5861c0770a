"""The commands. Exit status: 0 done, 1 failed, 2 wrong usage or settings, 3 done with something to look at."""

from __future__ import annotations

import datetime as dt
import gc
import math
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy.engine import URL

from protime_etl import __version__
from protime_etl.cli import console
from protime_etl.cli.changes import print_turn, print_verification
from protime_etl.cli.checks import run_checks
from protime_etl.cli.queries import open_shell, run_query
from protime_etl.cli.status import print_status
from protime_etl.config import PlaceSettings, load_settings
from protime_etl.errors import ProtimeError, SettingsError
from protime_etl.postgres.connection import create_engine, parse_url
from protime_etl.postgres.embedded import embedded_postgres
from protime_etl.postgres.load import Counts
from protime_etl.postgres.schema import upgrade_schema
from protime_etl.sync.backfill import BackfillPlan, backfill, plan_backfill
from protime_etl.sync.given import day_given, ids_given
from protime_etl.sync.pipeline import open_pipeline

__all__ = ["main"]

COLLECTED_AFTER = 100_000
"""New objects after which Python looks for unreachable cycles."""

app = typer.Typer(
    help="Every Protime clocking in your own PostgreSQL. Settings come from PROTIME_* and from a .env file here.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode=None,
)
db = typer.Typer(help="The schema of the warehouse.", no_args_is_help=True)
app.add_typer(db, name="db")

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object as the last line of stdout.")]


@contextmanager
def warehouse() -> Iterator[URL]:
    """The URL of the warehouse: PROTIME_DATABASE_URL, or the embedded PostgreSQL while the command runs."""
    place = PlaceSettings()  # a query needs a database and no credentials
    if place.database_url is not None:
        yield parse_url(place.database_url.get_secret_value())
        return
    with embedded_postgres(place.home) as url:
        upgrade_schema_of(url)  # nobody else administers this one
        yield url


@contextmanager
def interruptible() -> Iterator[None]:
    """Ctrl-C says what became of the work."""
    try:
        yield
    except KeyboardInterrupt:
        console.print_error(ProtimeError("Interrupted.", guidance="What was committed stays; run it again to go on."))
        raise typer.Exit(130) from None


def upgrade_schema_of(url: URL) -> None:
    """Bring the schema of that database up to date."""
    engine = create_engine(url)
    try:
        upgrade_schema(engine)
    finally:
        engine.dispose()


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


@app.command()
def check(as_json: Json = False) -> None:
    """Look at credentials, scopes, API, database and schema: each with a yes or what to do."""
    settings = load_settings()
    with warehouse() as url:
        results = run_checks(settings, url)
    for name, problem in results.items():
        console.print_line(f"{name:<12} {'yes' if problem is None else 'NO  ' + problem}")
    if as_json:
        console.print_json({name: problem is None for name, problem in results.items()})
    if any(results.values()):
        raise typer.Exit(1)


@db.command("upgrade")
def db_upgrade(as_json: Json = False) -> None:
    """Bring the schema up to date. Safe to repeat."""
    with warehouse() as url:
        engine = create_engine(url)
        try:
            state = upgrade_schema(engine)
        finally:
            engine.dispose()
    console.print_line(f"schema version {state.current} on PostgreSQL {state.server}")
    if as_json:
        console.print_json({"schema": state.current, "server": state.server})


From = Annotated[dt.date, typer.Option("--from", parser=day_given, metavar="DATE", help="First day, YYYY-MM-DD.")]
To = Annotated[dt.date, typer.Option("--to", parser=day_given, metavar="DATE", help="Last day, included.")]
People = Annotated[str | None, typer.Option(metavar="IDS", help="Only these people, such as 1,2,3.")]
Circles = Annotated[str | None, typer.Option(metavar="IDS", help="People in these circles, such as 2,8.")]
Workers = Annotated[int, typer.Option(min=1, max=64, help="Units that are read at the same time.")]


@app.command()
def sync(  # noqa: PLR0917 - one parameter an option
    first: From,
    last: To,
    people: People = None,
    circles: Circles = None,
    workers: Workers = 2,
    as_json: Json = False,
) -> None:
    """Pull the clockings of these days, both included, for all people or those. Safe to repeat at any time."""
    settings = load_settings()
    person_ids = None if people is None else ids_given("--people", people)
    with (
        interruptible(),
        warehouse() as url,
        open_pipeline(settings, url) as pipeline,
        console.SyncProgress(pipeline.pause) as progress,
    ):
        counts, units = pipeline.sync(
            "cli",
            first,
            last,
            person_ids,
            circles=ids_given("--circles", circles) if circles else (),
            workers=workers,
            observer=progress,
        )
        token_requests = pipeline.tokens.requests
    report(f"{first}..{last}", counts, units, token_requests, as_json=as_json)


@app.command("backfill")
def backfill_command(  # noqa: PLR0917
    first: From,
    last: To,
    people: People = None,
    circles: Circles = None,
    only_missing: Annotated[
        bool, typer.Option("--only-missing", help="Only days that were never completely read for somebody.")
    ] = False,
    workers: Workers = 4,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the plan and read nothing.")] = False,
    fresh: Annotated[bool, typer.Option("--fresh", help="Begin anew instead of going on where it was left.")] = False,
    as_json: Json = False,
) -> None:
    """Read a long range. Stopped in whatever way, the same command goes on where it was left."""
    # Nobody else schedules this process, so it sits out any wait itself.
    settings = load_settings().model_copy(update={"max_wait_in_task": math.inf})
    person_ids = None if people is None else ids_given("--people", people)
    with interruptible(), warehouse() as url, open_pipeline(settings, url) as pipeline:
        selection = pipeline.select(
            first,
            last,
            person_ids,
            circles=ids_given("--circles", circles) if circles else (),
            only_missing=only_missing,
        )
        if selection.last < last:
            console.print_note(f"The range ends in the future; it is read up to today, {selection.last}.")
        if dry_run:
            show_plan(plan_backfill(pipeline, selection, fresh=fresh), as_json=as_json)
            return
        with console.SyncProgress(pipeline.pause) as progress:
            counts, units = backfill(pipeline, selection, workers=workers, fresh=fresh, observer=progress)
        token_requests = pipeline.tokens.requests
    report(f"{selection.first}..{selection.last}", counts, units, token_requests, as_json=as_json)


def report(what: str, counts: Counts, units: int, token_requests: int, *, as_json: bool) -> None:
    """Say what was done; ends with status 3 if there is something to look at."""
    console.print_line(
        f"{what}: {counts.rows_read} records read in {units} units with {counts.requests} requests:"
        f" {counts.inserted} inserted, {counts.updated} updated, {counts.deleted} deleted,"
        f" {counts.unchanged} unchanged, {counts.rejected} rejected"
    )
    if counts.rejected:
        console.print_line("Look at the rejected ones: protime-etl sql 'SELECT * FROM protime_etl.rejected_record'")
    if as_json:
        console.print_json({**counts.as_dict(), "token_requests": token_requests, "units": units})
    if counts.rejected:
        raise typer.Exit(3)


def show_plan(plan: BackfillPlan, *, as_json: bool) -> None:
    """Print what a backfill would do."""
    if plan.resumes is not None:
        console.print_line(f"This goes on with run {plan.resumes}: what is listed is left to do.")
    console.print_table(
        "units",
        ["from", "to", "people"],
        [(unit.first, unit.last, len(unit.person_ids) or "circles") for unit in plan.units],
    )
    time = "unknown: nothing was read yet"
    if plan.seconds is not None:
        time = f"about {dt.timedelta(seconds=round(plan.seconds))} with one worker at the pace of the latest units"
    console.print_line(f"{len(plan.units)} units, about {plan.requests} requests; time: {time}")
    if as_json:
        console.print_json({"units": len(plan.units), "requests": plan.requests, "seconds": plan.seconds})


@app.command()
def changes(
    first: Annotated[
        dt.date | None,
        typer.Option(
            "--from", parser=day_given, metavar="DATE", help="First day of an initial load; left out: the earliest."
        ),
    ] = None,
    restart: Annotated[bool, typer.Option("--restart", help="Give the delta up and load all anew.")] = False,
    as_json: Json = False,
) -> None:
    """One turn of the delta: what changed since the last turn, or the initial load that comes before."""
    settings = load_settings()
    with (
        interruptible(),
        warehouse() as url,
        open_pipeline(settings, url) as pipeline,
        console.SyncProgress(pipeline.pause) as progress,
    ):
        turn = pipeline.changes(first, restart=restart, on_page=progress.page)
        token_requests = pipeline.tokens.requests
    print_turn(turn, first, token_requests, as_json=as_json)
    if turn.counts.rejected:
        raise typer.Exit(3)


@app.command()
def verify(
    first: From,
    last: To,
    people: People = None,
    repair: Annotated[bool, typer.Option("--repair", help="Pull what differs, then compare again.")] = False,
    as_json: Json = False,
) -> None:
    """Compare tenant and table id by id, without writing. Exit status 3 on any difference."""
    settings = load_settings()
    person_ids = None if people is None else ids_given("--people", people)
    with interruptible(), warehouse() as url, open_pipeline(settings, url) as pipeline:
        found = pipeline.verify(first, last, person_ids)
        repaired = None
        if repair and found.differences:
            before = len(found.differences)
            pipeline.repair("cli", found)
            found = pipeline.verify(first, last, person_ids)
            repaired = before - len(found.differences)
        token_requests = pipeline.tokens.requests
    print_verification(found, token_requests, as_json=as_json, repaired=repaired)
    if not found.agrees:
        raise typer.Exit(3)


@app.command()
def status(as_json: Json = False) -> None:
    """Freshness, coverage, last runs and what needs a look."""
    with warehouse() as url:
        print_status(url, as_json=as_json)


@app.command()
def sql(
    query: Annotated[str | None, typer.Argument(help="A query; none: an interactive psql shell.")] = None,
    file: Annotated[Path | None, typer.Option(help="A file with the query, such as sql/queries/open_days.sql.")] = None,
) -> None:
    """Run a query and print its rows, or open a shell."""
    if query is not None and file is not None:
        raise SettingsError("A query and a file were given.", guidance="Give one of them.")
    if file is not None:
        try:
            query = file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(f"{file} cannot be read ({type(error).__name__}).") from None
    with warehouse() as url:
        if query is None:
            open_shell(url)
        else:
            run_query(url, query)


@app.command()
def simulate(  # noqa: PLR0917 - one parameter an option
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 takes a free one.")] = 8400,
    people: Annotated[int, typer.Option(min=1, max=100_000, help="How many people.")] = 50,
    days: Annotated[int, typer.Option(min=1, max=3660, help="How many days, up to today.")] = 30,
    seed: Annotated[int, typer.Option(help="The same seed gives the same tenant.")] = 1,
    page_size: Annotated[int, typer.Option(min=1, max=100_000, help="Records a page.")] = 1000,
    latency: Annotated[float, typer.Option(min=0, max=60, help="Seconds that every answer takes.")] = 0.0,
    token_lifetime: Annotated[int, typer.Option(min=1, help="Seconds that a token is good for.")] = 1800,
    faults: Annotated[Path | None, typer.Option(help="A plan of what goes wrong (docs/reliability.md).")] = None,
    changes: Annotated[float, typer.Option(min=0, max=10_000, help="Random changes a second.")] = 0.0,
) -> None:
    """Serve a simulated tenant until Ctrl-C: the documented API with made-up people."""
    try:
        from protime_etl.simulator.changes import Changes  # noqa: PLC0415
        from protime_etl.simulator.faults import FaultError, FaultPlan, read_plan  # noqa: PLC0415
        from protime_etl.simulator.options import Options  # noqa: PLC0415 - an optional dependency
        from protime_etl.simulator.server import changing, serve  # noqa: PLC0415
        from protime_etl.simulator.state import Tenant  # noqa: PLC0415
    except ImportError:
        raise SettingsError(
            "The simulated tenant is not installed.", guidance="pip install 'protime-etl[local]'"
        ) from None
    today = dt.datetime.now(dt.UTC).date()
    tenant = Tenant(seed=seed, people=people, first_day=today - dt.timedelta(days=days - 1), last_day=today)
    try:
        plan = FaultPlan() if faults is None else read_plan(faults)
    except (FaultError, OSError) as error:
        raise SettingsError(f"{faults}: {error}", guidance="docs/reliability.md shows one.") from None
    options = Options(page_size=page_size, latency=latency, expires_in=token_lifetime, faults=plan)

    def tell(url: str) -> None:
        console.print_line(f"A simulated tenant with {people} people and {len(tenant.truth())} clockings. To use it:")
        for name, value in (
            ("TENANT", options.tenant_name),
            ("CLIENT_ID", options.client_id),
            ("CLIENT_SECRET", options.client_secret),
            ("API_URL", url),
            ("AUTH_URL", url),
        ):
            console.print_line(f"export PROTIME_{name}={value}")

    try:
        with changing(Changes(tenant, seed), changes):
            serve(tenant, options, host=host, port=port, on_ready=tell)
    except OSError as error:
        raise SettingsError(
            f"{host}:{port} cannot be listened on ({error.strerror}).", guidance="Try --port 0."
        ) from None


def main() -> None:
    """Run the command line; every error becomes one line and the promised exit status."""
    debug = "--debug" in sys.argv[1:]
    # Records come by the hundred thousand and are never part of a cycle: looking for cycles takes a fifth of the time.
    gc.freeze()
    gc.set_threshold(COLLECTED_AFTER)
    try:
        app([argument for argument in sys.argv[1:] if argument != "--debug"])
    except ProtimeError as error:
        if debug:
            raise
        console.print_error(error)
        sys.exit(error.exit_status)
    except Exception as error:
        if debug:
            raise
        unexpected = ProtimeError(
            f"Something unforeseen happened ({type(error).__name__}).",
            guidance="Run it again with --debug and report what it prints.",
        )
        console.print_error(unexpected)
        sys.exit(unexpected.exit_status)
