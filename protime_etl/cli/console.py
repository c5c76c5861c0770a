"""What commands print: progress on a terminal and plain lines elsewhere, errors in one line, JSON at the end."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from protime_etl.errors import ProtimeError
from protime_etl.postgres.ledger import Unit
from protime_etl.postgres.load import Counts

__all__ = ["SyncProgress", "print_error", "print_json", "print_line", "print_table"]

output = Console(highlight=False, soft_wrap=True)
messages = Console(stderr=True, highlight=False, soft_wrap=True)


def print_line(text: str) -> None:
    """One line of the result."""
    output.print(text, markup=False)


def print_error(error: ProtimeError) -> None:
    """One line on stderr: what is wrong and what to do."""
    messages.print("error: " + " ".join(str(error).split()), markup=False)


def print_json(values: dict[str, Any]) -> None:
    """One JSON object as the last line of stdout, never wrapped."""
    sys.stdout.write(json.dumps(values, default=str) + "\n")


def print_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """A table on a terminal, tab-separated lines elsewhere; nothing is cut off."""
    if not output.is_terminal:
        for line in (columns, *rows):
            sys.stdout.write("\t".join("" if cell is None else str(cell) for cell in line) + "\n")
        return
    table = Table(title=title or None, title_justify="left")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*("" if cell is None else str(cell) for cell in row))
    output.print(table, markup=False)


class SyncProgress:
    """Units and records as they go by: a bar on a terminal, a line for each unit elsewhere; all on stderr."""

    def __init__(self) -> None:
        self._total = 0
        self._done = 0
        self._records = 0
        self._started = time.monotonic()
        self._bar = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[records]:,} records, {task.fields[rate]:,.0f}/s"),
            TimeElapsedColumn(),
            console=messages,
            disable=not messages.is_terminal,
            transient=True,
        )
        self._task = self._bar.add_task("people", total=None, records=0, rate=0.0)

    def __enter__(self) -> SyncProgress:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def planned(self, units: Sequence[Unit]) -> None:
        """The plan is made."""
        self._total = len(units)
        self._bar.update(self._task, description="units", total=self._total)
        self._line(f"{self._total} units planned")

    def page(self, records: int) -> None:
        """A page has come."""
        self._records += records
        rate = self._records / max(time.monotonic() - self._started, 1e-6)
        self._bar.update(self._task, records=self._records, rate=rate)

    def unit(self, unit: Unit, counts: Counts) -> None:
        """A unit is committed."""
        self._done += 1
        self._bar.update(self._task, completed=self._done)
        self._line(
            f"unit {self._done}/{self._total}: {unit.label}: {counts.rows_read} read, {counts.inserted} inserted,"
            f" {counts.updated} updated, {counts.deleted} deleted, {counts.rejected} rejected"
        )

    def _line(self, text: str) -> None:
        if not messages.is_terminal:
            messages.print(text, markup=False)
