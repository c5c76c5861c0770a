"""`protime-etl verify`."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Sequence
from typing import Annotated, Any

import typer

from protime_etl.cli.console import print_error, print_json, print_line, reading
from protime_etl.cli.options import AcceptDeletions, AcceptOlder, Collections, From, Json, People, To
from protime_etl.cli.place import interruptible, tenant_settings, warehouse
from protime_etl.cli.tables import print_table
from protime_etl.counted import counted
from protime_etl.sync.arguments import parse_ids
from protime_etl.sync.pipeline import open_pipeline
from protime_etl.sync.verify import verify as verifying
from protime_etl.sync.verify.verification import HANDFUL, Verification
from protime_etl.sync.verify.verify import verify_all

__all__ = ["verify"]

IDS_SHOWN = 20


def verify(  # noqa: PLR0917 - one parameter an option
    first: From,
    last: To,
    people: People = None,
    collections: Collections = None,
    repair: Annotated[bool, typer.Option("--repair", help="Pull what differs, then compare again.")] = False,
    accept_deletions: AcceptDeletions = False,
    accept_older: AcceptOlder = False,
    as_json: Json = False,
) -> None:
    """Compare tenant and table id by id; repair on request.

    Exit status 3 on any difference, 1 if nothing could be compared.
    """
    settings = tenant_settings(collections)
    person_ids = None if people is None else parse_ids("--people", people)
    with interruptible(), warehouse() as url, open_pipeline(settings, url) as pipeline:
        pipeline.accepts_older = accept_older and repair
        with reading("comparing tenant and table") as page:
            found = verify_all(pipeline, first, last, person_ids, on_page=page)
        repaired = None
        to_repair = [one for one in found if one.differences or one.unlisted]
        if repair and to_repair:
            before = _differing(found)
            pipeline.accept_deletions(accept_deletions)
            with reading("repairing, and comparing again") as page:
                for one in to_repair:
                    verifying.repair(pipeline, one)
                found = verify_all(pipeline, first, last, person_ids, on_page=page)
            repaired = len(before - _differing(found))
        token_requests = pipeline.tokens.requests
    for error in pipeline.to_look_at:
        print_error(error)
    print_verification(found, token_requests, as_json=as_json, repaired=repaired)
    if pipeline.to_look_at or not all(one.agrees for one in found):
        raise typer.Exit(3 if found else 1)


def _differing(found: Sequence[Verification]) -> set[tuple[str, int]]:
    return {(one.collection, each.id) for one in found for each in one.differences}


def print_verification(
    found: Sequence[Verification], token_requests: int, *, as_json: bool, repaired: int | None = None
) -> None:
    """Where tenant and table differ: each collection, by day."""
    for one in found:
        _print_collection(one)
    if repaired is not None:
        print_line(f"{counted(repaired, 'difference')} repaired.")
    elif any(len(one.differences) > len(one.older) for one in found):
        print_line("Repair them: the same command with --repair")
    if as_json:
        print_json(_as_json(found, token_requests, repaired))


def _print_collection(found: Verification) -> None:
    different = [day for day in found.by_day() if day["missing"] or day["extra"] or day["stale"]]
    if different:
        print_table(f"{found.collection}: differences", list(different[0]), [tuple(day.values()) for day in different])
    if found.differences:
        shown = ", ".join(f"{one.id} ({one.kind})" for one in found.differences[:IDS_SHOWN])
        more = len(found.differences) - IDS_SHOWN
        print_line(f"{found.collection}: {shown}{f' and {more} more' if more > 0 else ''}")
    totals = found.totals()
    print_line(
        f"{found.collection}: {totals['equal']} equal, {totals['missing']} missing, {totals['extra']} extra,"
        f" {totals['stale']} stale ({totals['pending']} of these newer than the last reading),"
        f" {totals['moving']} changed meanwhile, {totals['rejected']} rejected"
    )
    if found.unlisted:
        named = ", ".join(map(str, sorted(found.unlisted)[:IDS_SHOWN]))
        print_line(
            f"{len(found.unlisted)} people have {found.collection}, are not in the tenant's list and were never read:"
            f" {named}"
        )
    for one in found.unreadable[:IDS_SHOWN]:
        print_line(f"not compared, the API returned an error: the {found.collection} of {one}")
    if found.uncompared:
        print_line(
            f"{found.collection}: not compared from {found.uncompared[0]} to {found.uncompared[1]}: too many records"
            " differ before these days. Repair them, then compare again."
        )
    if found.moving > HANDFUL:
        print_line("Too many records changed during the comparison to judge them: repeat it at a quieter time.")


def _as_json(found: Sequence[Verification], token_requests: int, repaired: int | None) -> dict[str, Any]:
    totals: Counter[str] = Counter()
    days: dict[dt.date, Counter[str]] = {}
    for one in found:
        totals.update(one.totals())
        for day in one.by_day():
            days.setdefault(day.pop("date"), Counter()).update(day)
    return {
        **totals,
        "days": [{"date": day, **counts} for day, counts in sorted(days.items())],
        "differences": [
            {"id": each.id, "kind": each.kind, "date": each.date, "collection": one.collection}
            for one in found
            for each in one.differences
        ],
        "unlisted_people": sorted(set().union(*(one.unlisted for one in found))),
        "not_compared": {one.collection: one.uncompared for one in found if one.uncompared},
        "token_requests": token_requests,
        "collections": {one.collection: one.totals() for one in found},
        **({} if repaired is None else {"repaired": repaired}),
    }
