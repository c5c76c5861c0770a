"""`protime-etl changes`."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

import typer

from protime_etl.cli import console
from protime_etl.cli.console import print_json, print_line
from protime_etl.cli.options import AcceptDeletions, Json
from protime_etl.cli.place import interruptible, tenant_settings, warehouse
from protime_etl.collections.clockings import CLOCKINGS
from protime_etl.counted import counted
from protime_etl.sync.arguments import parse_date
from protime_etl.sync.delta.poll import PollResult, poll
from protime_etl.sync.pipeline import open_pipeline

__all__ = ["changes"]


def changes(
    first: Annotated[
        dt.date | None,
        typer.Option(
            "--from", parser=parse_date, metavar="DATE", help="First day of an initial load; default: the earliest."
        ),
    ] = None,
    restart: Annotated[bool, typer.Option("--restart", help="Discard the delta and start a new initial load.")] = False,
    accept_deletions: AcceptDeletions = False,
    as_json: Json = False,
) -> None:
    """Poll the delta: what changed since the last poll. The first polls are the initial load."""
    settings = tenant_settings()
    with (
        interruptible(),
        warehouse() as url,
        open_pipeline(settings, url) as pipeline,
        console.reading("reading changes") as page,
    ):
        pipeline.accept_deletions(accept_deletions)
        result = poll(pipeline, CLOCKINGS, first, restart=restart, on_page=page)
        token_requests = pipeline.tokens.requests
    print_poll(result, first, token_requests, as_json=as_json)
    if result.counts.rejected or result.withheld or result.older or result.unconfirmed:
        raise typer.Exit(3)


def print_poll(result: PollResult, asked: dt.date | None, token_requests: int, *, as_json: bool) -> None:
    """What one poll did, and what is left to do for older days."""
    counts = result.counts
    what = "initial load" if result.initial else "changes"
    print_line(
        f"{what}: {counted(counts.rows_read, 'record')} read with {counted(counts.requests, 'request')}:"
        f" {counts.inserted} inserted, {counts.updated} updated, {counts.deleted} deleted,"
        f" {counts.unchanged} unchanged, {counts.rejected} rejected"
    )
    if result.restarted:
        print_line(f"The delta started over ({result.restarted}); see docs/delta.md. {result.reason}")
    if result.initial:
        print_line(f"It covers {result.date_from} onwards. Older days: protime-etl backfill --from DATE --to DATE")
        if asked is not None and result.date_from is not None and asked < result.date_from:
            print_line(f"{asked} was requested; a delta can begin on {result.date_from} at the earliest.")
    if counts.rejected:
        print_line("See the rejected records: protime-etl sql 'SELECT * FROM protime_etl.rejected_record'")
    if result.unconfirmed:
        print_line(f"{counted(result.unconfirmed, 'record')} could not be requested by id; the next poll tries again.")
    for error in filter(None, (result.withheld, result.older)):
        console.print_error(error)
    if as_json:
        extra = {
            "units": result.pages,
            "initial": result.initial,
            "restarted": result.restarted,
            "date_from": result.date_from,
        }
        print_json({**counts.as_dict(), "token_requests": token_requests, **extra, "reason": result.reason})
