"""Options that several commands have."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

import typer

from protime_etl.sync.arguments import parse_date

__all__ = ["AcceptDeletions", "AcceptOlder", "Circles", "Collections", "From", "Json", "People", "To", "Workers"]

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object as the last line of stdout.")]
From = Annotated[dt.date, typer.Option("--from", parser=parse_date, metavar="DATE", help="First day, YYYY-MM-DD.")]
To = Annotated[dt.date, typer.Option("--to", parser=parse_date, metavar="DATE", help="Last day, included.")]
People = Annotated[str | None, typer.Option(metavar="IDS", help="Only these people, such as 1,2,3.")]
Collections = Annotated[
    str | None, typer.Option(metavar="NAMES", help="Only these collections, such as clockings,people; or all.")
]
Circles = Annotated[str | None, typer.Option(metavar="IDS", help="People in these circles, such as 2,8.")]
Workers = Annotated[int, typer.Option(metavar="N", min=1, max=64, help="Units that are read at the same time.")]
AcceptDeletions = Annotated[
    bool,
    typer.Option("--accept-deletions", help="Mark vanished records as deleted, however many there are."),
]
AcceptOlder = Annotated[
    bool,
    typer.Option(
        "--accept-older",
        help="Accept records with an older changeVersion: the tenant was restored from a backup or moved.",
    ),
]
