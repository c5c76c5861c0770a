"""What `changes` and `verify` print."""

from __future__ import annotations

import datetime as dt

from protime_etl.cli.console import print_json, print_line, print_table
from protime_etl.sync.changes import Turn
from protime_etl.sync.verify import Verification

__all__ = ["print_turn", "print_verification"]

IDS_SHOWN = 20


def print_turn(turn: Turn, asked: dt.date | None, token_requests: int, *, as_json: bool) -> None:
    """What one turn did, and what is left to do for older days."""
    counts = turn.counts
    what = "initial load" if turn.initial else "changes"
    print_line(
        f"{what}: {counts.rows_read} records read with {counts.requests} requests: {counts.inserted} inserted,"
        f" {counts.updated} updated, {counts.deleted} deleted, {counts.unchanged} unchanged, {counts.rejected} rejected"
    )
    if turn.restarted:
        print_line(f"The delta had to begin anew ({turn.restarted}); docs/delta.md says what that means.")
    if turn.initial:
        print_line(f"It tells about {turn.date_from} and later. Older days: protime-etl backfill --from DATE --to DATE")
        if asked is not None and turn.date_from is not None and asked < turn.date_from:
            print_line(f"{asked} was asked for; a delta may begin on {turn.date_from} at the earliest.")
    if counts.rejected:
        print_line("Look at the rejected ones: protime-etl sql 'SELECT * FROM protime_etl.rejected_record'")
    if as_json:
        extra = {"units": turn.pages, "initial": turn.initial, "restarted": turn.restarted, "date_from": turn.date_from}
        print_json({**counts.as_dict(), "token_requests": token_requests, **extra})


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
        f" ({totals['pending']} of them newer than the last reading), {totals['moving']} changed meanwhile,"
        f" {totals['rejected']} rejected"
    )
    if repaired is not None:
        print_line(f"{repaired} differences were repaired.")
    elif different:
        print_line("Repair them: the same command with --repair")
    if as_json:
        ids = [{"id": one.id, "kind": one.kind, "date": one.date} for one in found.differences]
        values = {"days": found.by_day(), "differences": ids, "token_requests": token_requests}
        print_json({**totals, **values, **({} if repaired is None else {"repaired": repaired})})
