"""What `protime-etl status` shows below its verdict, narrow enough for a terminal of 60 columns."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from protime_etl.cli.console import print_line
from protime_etl.cli.tables import print_table
from protime_etl.counted import counted
from protime_etl.setting_values import zone_of

__all__ = ["print_details"]

Row = Mapping[str, Any]
RUNS_SHOWN = 5
ORIGIN_SHOWN = 10


def print_details(found: Mapping[str, Sequence[Row]]) -> None:
    """Print each kind of what was found, if there is any; moments are those of the tenant's time zone."""
    zones = {row["tenant"]: zone_of(row["timezone"]) for row in found["tenants"]}

    def local(row: Row, name: str) -> str:
        moment: dt.datetime | None = row[name]
        zone = zones.get(row["tenant"], ZoneInfo("UTC"))
        return "" if moment is None else f"{moment.astimezone(zone):%m-%d %H:%M}"

    _table(
        "Paused by the API (protime-etl resume lifts it)",
        found["pauses"],
        {"tenant": _plain("tenant"), "until": lambda row: local(row, "until"), "seconds": _plain("seconds")},
    )
    _table(
        "Deltas",
        found["deltas"],
        {
            "tenant": _plain("tenant"),
            "of": _plain("collection"),
            "status": _plain("status"),
            "from": _plain("date_from"),
            "polled": lambda row: local(row, "requested_at"),
            "hours left": _plain("hours_left"),
            "drift": _plain("drift"),
        },
    )
    _reasons(found["deltas"])
    shown = found["runs"][:RUNS_SHOWN]
    _table(
        "Latest runs",
        shown,
        {
            "run": _plain("run_id"),
            "by": lambda row: _origin(row["origin"]),
            "days": _days,
            "started": lambda row: local(row, "started_at"),
            "status": _plain("status"),
            "units": _plain("units"),
        },
    )
    _reasons(shown)
    _table(
        "Covered",
        found["coverage"],
        {
            "tenant": _plain("tenant"),
            "of": _plain("collection"),
            **{name: _plain(name) for name in ("first", "last")},
            "people": lambda row: row["people"] or "all",
        },
    )
    _table(
        "Verified, a part each night",
        found["proof"],
        {
            "of": _plain("collection"),
            **{name: _plain(name) for name in ("days", "proven")},
            "oldest": lambda row: local(row, "oldest"),
            "differed": _plain("differences"),
        },
    )
    _table(
        "Stored",
        found["collections"],
        {
            **{name: _plain(name) for name in ("tenant", "collection")},
            **{name: _number(name) for name in ("rows", "deleted")},
            "last read": lambda row: local(row, "last_read"),
        },
    )
    if any(row["rejected"] for row in found["tenants"]):
        number = counted(sum(row["rejected"] for row in found["tenants"]), "rejected record")
        print_line(f"{number}. See them: protime-etl sql 'SELECT * FROM protime_etl.rejected_record'")


def _plain(name: str) -> Callable[[Row], object]:
    return lambda row: row[name]


def _number(name: str) -> Callable[[Row], object]:
    """The number of rows, with a sign where it is an estimate."""
    return lambda row: row[name] if row["is_exact"] else f"~{row[name]}"


def _days(row: Row) -> str:
    """The range, without the year where it is this one."""
    first, last = row["date_from"], row["date_to"]
    if first.year == last.year == dt.datetime.now(dt.UTC).year:
        return f"{first:%m-%d}..{last:%m-%d}"
    return f"{first}..{last}"


def _origin(text: str) -> str:
    short = text.removeprefix("airflow ").removeprefix("protime_clockings_")
    return short if len(short) <= ORIGIN_SHOWN else f"{short[: ORIGIN_SHOWN - 1]}\u2026"


def _reasons(rows: Sequence[Row]) -> None:
    for row in rows:
        if row["error"]:
            name = f"run {row['run_id']}" if "run_id" in row else row["collection"]
            print_line(f"  {name}: {row['error']}")


def _table(title: str, rows: Sequence[Row], columns: Mapping[str, Callable[[Row], object]]) -> None:
    if not rows:
        return
    cells = [[column(row) for column in columns.values()] for row in rows]
    print_line("")
    print_table(title, list(columns), cells, aligned=True)
