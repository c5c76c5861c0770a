"""`protime-etl verify`."""

from __future__ import annotations

from typing import Annotated

import typer

from protime_etl.cli.console import print_error, print_json, print_line, reading
from protime_etl.cli.options import AcceptDeletions, From, Json, People, To
from protime_etl.cli.place import interruptible, tenant_settings, warehouse
from protime_etl.cli.tables import print_table
from protime_etl.sync.given import ids_given
from protime_etl.sync.pipeline import open_pipeline
from protime_etl.sync.verify import HANDFUL, Verification

__all__ = ["verify"]

IDS_SHOWN = 20


def verify(  # noqa: PLR0917 - one parameter an option
    first: From,
    last: To,
    people: People = None,
    repair: Annotated[bool, typer.Option("--repair", help="Pull what differs, then compare again.")] = False,
    accept_deletions: AcceptDeletions = False,
    as_json: Json = False,
) -> None:
    """Compare tenant and table id by id. Writes nothing without --repair; exit status 3 on any difference."""
    settings = tenant_settings()
    person_ids = None if people is None else ids_given("--people", people)
    with interruptible(), warehouse() as url, open_pipeline(settings, url) as pipeline:
        with reading("comparing tenant and table") as page:
            found = pipeline.verify(first, last, person_ids, on_page=page)
        repaired = None
        if repair and (found.differences or found.unlisted):
            before = len(found.differences)
            pipeline.accept_deletions(accept_deletions)
            with reading("repairing, and comparing again") as page:
                pipeline.repair("cli", found)
                found = pipeline.verify(first, last, person_ids, on_page=page)
            repaired = before - len(found.differences)
        token_requests = pipeline.tokens.requests
    for error in pipeline.to_look_at:
        print_error(error)
    print_verification(found, token_requests, as_json=as_json, repaired=repaired)
    if not found.agrees:
        raise typer.Exit(3)


def print_verification(found: Verification, token_requests: int, *, as_json: bool, repaired: int | None = None) -> None:
    """Where tenant and table differ, by day."""
    different = [day for day in found.by_day() if day["missing"] or day["extra"] or day["stale"]]
    if different:
        print_table("differences", list(different[0]), [tuple(day.values()) for day in different])
        shown = ", ".join(f"{one.id} ({one.kind})" for one in found.differences[:IDS_SHOWN])
        more = len(found.differences) - IDS_SHOWN
        print_line(f"clockings: {shown}{f' and {more} more' if more > 0 else ''}")
    totals = found.totals()
    print_line(
        f"{totals['equal']} equal, {totals['missing']} missing, {totals['extra']} extra, {totals['stale']} stale"
        f" ({totals['pending']} of all these newer than the last reading), {totals['moving']} changed meanwhile,"
        f" {totals['rejected']} rejected"
    )
    if found.unlisted:
        named = ", ".join(map(str, sorted(found.unlisted)[:IDS_SHOWN]))
        print_line(f"{len(found.unlisted)} people clock whom the tenant does not list and who were never read: {named}")
    for one in found.unreadable[:IDS_SHOWN]:
        print_line(f"not compared, as the API cannot tell them: the clockings of {one}")
    if found.moving > HANDFUL:
        print_line("So many changed meanwhile that nothing is known of them: repeat it when less is going on.")
    if repaired is not None:
        print_line(f"{repaired} differences were repaired.")
    elif different:
        print_line("Repair them: the same command with --repair")
    if as_json:
        ids = [{"id": one.id, "kind": one.kind, "date": one.date} for one in found.differences]
        unlisted = {"unlisted_people": sorted(found.unlisted)}
        values = {"days": found.by_day(), "differences": ids, **unlisted, "token_requests": token_requests}
        print_json({**totals, **values, **({} if repaired is None else {"repaired": repaired})})
