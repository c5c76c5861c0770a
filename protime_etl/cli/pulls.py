"""`protime-etl sync` and `protime-etl backfill`."""

from __future__ import annotations

import datetime as dt
import math
from typing import Annotated

import typer

from protime_etl.cli import console
from protime_etl.cli.options import AcceptDeletions, AcceptOlder, Circles, Collections, From, Json, People, To, Workers
from protime_etl.cli.place import interruptible, tenant_settings, warehouse
from protime_etl.cli.progress import SyncProgress
from protime_etl.cli.tables import print_table
from protime_etl.counted import counted
from protime_etl.sync.arguments import parse_ids
from protime_etl.sync.pipeline import Pipeline, open_pipeline
from protime_etl.sync.plan.request import last_of, select
from protime_etl.sync.pull import runs
from protime_etl.sync.pull.backfill import BackfillPlan, backfill, plan_backfill
from protime_etl.work import EVERYONE, Counts, Request, Slice

__all__ = ["backfill_command", "sync"]


def sync(  # noqa: PLR0917 - one parameter an option
    first: From,
    last: To,
    people: People = None,
    collections: Collections = None,
    circles: Circles = None,
    workers: Workers = 2,
    accept_deletions: AcceptDeletions = False,
    accept_older: AcceptOlder = False,
    as_json: Json = False,
) -> None:
    """Pull the clockings of these days. Both days are included. Safe to repeat at any time."""
    settings = tenant_settings(collections)
    person_ids = None if people is None else parse_ids("--people", people)
    with (
        interruptible(),
        warehouse() as url,
        open_pipeline(settings, url) as pipeline,
        SyncProgress(pipeline.pause) as progress,
    ):
        pipeline.accept_deletions(accept_deletions)
        pipeline.accepts_older = accept_older
        chosen = parse_ids("--circles", circles) if circles else ()
        selection = select(pipeline, first, last, person_ids, circles=chosen)
        note_days(selection)
        counts, units = runs.sync(pipeline, first, last, person_ids, circles=chosen, workers=workers, observer=progress)
        token_requests = pipeline.tokens.requests
    note_empty_circles(circles, counts)
    report(range_of(selection), counts, units, token_requests, pipeline, as_json=as_json)


def backfill_command(  # noqa: PLR0917
    first: From,
    last: To,
    people: People = None,
    collections: Collections = None,
    circles: Circles = None,
    only_missing: Annotated[
        bool, typer.Option("--only-missing", help="Only days that are not covered for at least one person.")
    ] = False,
    workers: Workers = 4,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the plan and read nothing.")] = False,
    fresh: Annotated[bool, typer.Option("--fresh", help="Start over instead of resuming.")] = False,
    accept_deletions: AcceptDeletions = False,
    accept_older: AcceptOlder = False,
    as_json: Json = False,
) -> None:
    """Pull a long range of days. However it was stopped, the same command resumes it."""
    # No scheduler repeats this process, so it sits out any wait itself.
    settings = tenant_settings(collections).model_copy(update={"max_wait_in_task": math.inf})
    person_ids = None if people is None else parse_ids("--people", people)
    with interruptible(), warehouse() as url, open_pipeline(settings, url) as pipeline:
        pipeline.accept_deletions(accept_deletions)
        pipeline.accepts_older = accept_older
        selection = select(
            pipeline,
            first,
            last,
            person_ids,
            circles=parse_ids("--circles", circles) if circles else (),
            only_missing=only_missing,
        )
        note_days(selection)
        if dry_run:
            show_plan(plan_backfill(pipeline, selection, workers=workers, fresh=fresh), as_json=as_json)
            for error in pipeline.to_look_at:
                console.print_error(error)
            if pipeline.to_look_at:
                raise typer.Exit(3)
            return
        with SyncProgress(pipeline.pause) as progress:
            counts, units = backfill(pipeline, selection, workers=workers, fresh=fresh, observer=progress)
        token_requests = pipeline.tokens.requests
    note_empty_circles(circles, counts)
    report(range_of(selection), counts, units, token_requests, pipeline, as_json=as_json)


def note_days(request: Request) -> None:
    """Say up to which day each collection is read, where that is not the last day that was asked for."""
    plans = [path for path in request.collections if last_of(request, path) > request.last]
    others = [path for path in request.collections if path not in plans]
    named = ", ".join(others)
    if request.first > request.last:
        if named:
            console.print_note(
                f"{named} have no records of days to come: nothing of them is read before {request.first}."
            )
    elif request.asked_until is not None and others:
        what = f"{named} have no records of days to come; they are" if plans else "The range ends in the future; it is"
        console.print_note(f"{what} read up to today, {request.last}.")
    if plans and request.plans_until:
        console.print_note(f"{', '.join(plans)}: days to come are read up to {request.plans_until}.")


def range_of(request: Request) -> str:
    """The days that are read, in words."""
    plans = f"plans to {request.plans_until}"
    if request.first > request.last:
        return f"{request.first}.., {plans}"
    return f"{request.first}..{request.last}{f', {plans}' if request.plans_until else ''}"


def note_empty_circles(circles: str | None, counts: Counts) -> None:
    """Note that nothing came: the API does not show whether a circle exists."""
    if circles and not counts.rows_read:
        console.print_note(
            f"Nothing was read for circles {circles}: they have no clockings on these days, or do not exist."
        )


def report(
    what: str,
    counts: Counts,
    units: int,
    token_requests: int,
    pipeline: Pipeline,
    *,
    as_json: bool,
) -> None:
    """Say what was done; ends with status 3 if there is something to look at."""
    done = dict(pipeline.counts_of)
    people = f" ({done['people'].rows_read} of them people)" if "people" in done else ""
    console.print_line(
        f"{what}: {counted(counts.rows_read, 'record')}{people} read in {counted(units, 'unit')}"
        f" with {counted(counts.requests, 'request')}:"
        f" {counts.inserted} inserted, {counts.updated} updated, {counts.deleted} deleted,"
        f" {counts.unchanged} unchanged, {counts.rejected} rejected"
    )
    if done.keys() - {"clockings", "people"}:
        for path, one in done.items():
            console.print_line(
                f"  {path}: {one.inserted} inserted, {one.updated} updated, {one.deleted} deleted,"
                f" {one.unchanged} unchanged, {one.rejected} rejected"
            )
    if counts.rejected:
        console.print_line("See the rejected records: protime-etl sql 'SELECT * FROM protime_etl.rejected_record'")
    for error in pipeline.to_look_at:
        console.print_error(error)
    if as_json:
        each = {"collections": {path: one.as_dict() for path, one in done.items()}}
        console.print_json({**counts.as_dict(), "token_requests": token_requests, "units": units, **each})
    if counts.rejected or pipeline.to_look_at:
        raise typer.Exit(3)


def _whose(unit: Slice) -> int | str:
    """How many people a unit is about."""
    return "all" if tuple(unit.person_ids) == (EVERYONE,) else len(unit.person_ids) or "circles"


def show_plan(plan: BackfillPlan, *, as_json: bool) -> None:
    """Print what a backfill would do."""
    if plan.resumes is not None:
        console.print_line(f"This resumes run {plan.resumes}: the list shows what is left to do.")
    print_table(
        "units",
        ["of", "from", "to", "people"],
        [(unit.collection, unit.first, unit.last, _whose(unit)) for unit in plan.units],
    )
    time = "unknown: nothing was read yet"
    if plan.seconds is not None:
        time = f"about {dt.timedelta(seconds=round(plan.seconds))} with {counted(plan.workers, 'worker')}"
        time += " at the pace of the latest units"
    guess = " (an estimate: nothing was read yet, and days without clockings take fewer)" if plan.guessed else ""
    console.print_line(
        f"{counted(len(plan.units), 'unit')}, about {counted(plan.requests, 'request')}{guess}; time: {time}"
    )
    if as_json:
        console.print_json({"units": len(plan.units), "requests": plan.requests, "seconds": plan.seconds})
