"""Rows for people and for programs: aligned on a terminal, tab-separated in a pipe, CSV and JSON where asked for."""

from __future__ import annotations

import csv
import json
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from rich.cells import cell_len

from protime_etl.cli.console import output, print_line
from protime_etl.cli.printable import one_line, tab_separated
from protime_etl.counted import counted

__all__ = ["Aligned", "Column", "CommaSeparated", "Json", "Kind", "RowWriter", "TabSeparated", "print_table"]

AT_ONCE = 500
"""Rows held in memory at once, to find the widths of their columns."""
BETWEEN = "  "
FRACTION = re.compile(r"(:\d\d)\.\d+")
FINITE = re.compile(r"-?\d+(\.\d+)?([eE][+-]?\d+)?")
Kind = str
"""`number`, `moment`, `bool`, `json` or `text`."""
Cell = str | None | list["Cell"]


@dataclass(frozen=True)
class Column:
    """A column of a result."""

    name: str
    kind: Kind = "text"


class RowWriter(Protocol):
    """Takes the rows of one result as PostgreSQL writes their values; None is null."""

    def begin(self, columns: Sequence[Column]) -> None:
        """What the rows are made of."""

    def row(self, cells: Sequence[Cell]) -> None:
        """One more row."""

    def end(self) -> None:
        """There are no more."""


class Aligned:
    """Columns under each other, a line a row; where the terminal is too narrow for that, a line a value."""

    def __init__(self, title: str = "", *, counted: bool = False) -> None:
        self._title = title
        self._counted = counted
        self._rows: list[list[str]] = []
        self._widths: list[int] = []
        self._expanded = False
        self._number = 0

    def begin(self, columns: Sequence[Column]) -> None:
        """See `RowWriter`."""
        self._columns = columns
        self._names = [one_line(column.name) for column in columns]
        if self._title:
            print_line(self._title)

    def row(self, cells: Sequence[Cell]) -> None:
        """See `RowWriter`."""
        self._rows.append([self._shown(cell, column.kind) for cell, column in zip(cells, self._columns, strict=True)])
        if len(self._rows) == AT_ONCE:
            self._flush()

    def end(self) -> None:
        """See `RowWriter`."""
        self._flush()
        if self._counted:
            print_line(f"({counted(self._number, 'row')})")

    @staticmethod
    def _shown(cell: Cell, kind: Kind) -> str:
        text = "" if cell is None else str(cell)
        return one_line(FRACTION.sub(r"\1", text) if kind == "moment" else text)

    def _flush(self) -> None:
        if not self._widths:
            self._widths = [
                max(map(cell_len, [name, *(row[at] for row in self._rows)])) for at, name in enumerate(self._names)
            ]
            self._expanded = sum(self._widths) + len(BETWEEN) * (len(self._widths) - 1) > output.width
            if not self._expanded:
                print_line(self._line(self._names))
        for row in self._rows:
            self._number += 1
            if self._expanded:
                self._print_expanded(row)
            else:
                print_line(self._line(row))
        self._rows.clear()

    def _line(self, cells: Sequence[str]) -> str:
        padded = []
        for cell, width, column in zip(cells, self._widths, self._columns, strict=True):
            blank = " " * (width - cell_len(cell))
            padded.append(blank + cell if column.kind == "number" else cell + blank)
        return BETWEEN.join(padded).rstrip()

    def _print_expanded(self, row: Sequence[str]) -> None:
        print_line(f"-- {self._number} --")
        wide = max(map(cell_len, self._names))
        for name, cell in zip(self._names, row, strict=True):
            print_line(f"{name}{' ' * (wide - cell_len(name))}{BETWEEN}{cell}".rstrip())


class TabSeparated:
    """As COPY writes it, with the names in the first line."""

    def begin(self, columns: Sequence[Column]) -> None:
        """See `RowWriter`."""
        self.row([column.name for column in columns])

    def row(self, cells: Sequence[Cell]) -> None:
        """See `RowWriter`."""
        sys.stdout.write("\t".join(tab_separated(None if cell is None else str(cell)) for cell in cells) + "\n")

    def end(self) -> None:
        """See `RowWriter`."""


class CommaSeparated:
    """CSV with the names in the first line; null is an empty field."""

    def begin(self, columns: Sequence[Column]) -> None:
        """See `RowWriter`."""
        self._writer = csv.writer(sys.stdout, lineterminator="\n")
        self.row([column.name for column in columns])

    def row(self, cells: Sequence[Cell]) -> None:
        """See `RowWriter`."""
        safe = output.is_terminal
        self._writer.writerow([one_line(str(cell)) if safe and cell is not None else cell for cell in cells])

    def end(self) -> None:
        """See `RowWriter`."""


class Json:
    """One array of objects, an object a line; numbers, booleans, arrays and JSON as such, anything else as text."""

    def begin(self, columns: Sequence[Column]) -> None:
        """See `RowWriter`."""
        self._columns = columns
        taken: dict[str, int] = {}
        self._names = []
        for column in columns:  # a name that comes twice would hide the value before it
            taken[column.name] = taken.get(column.name, 0) + 1
            unique = column.name if taken[column.name] == 1 else f"{column.name}_{taken[column.name]}"
            self._names.append(json.dumps(unique))
        self._before = "["

    def row(self, cells: Sequence[Cell]) -> None:
        """See `RowWriter`."""
        values = (self._value(cell, column.kind) for cell, column in zip(cells, self._columns, strict=True))
        pairs = ", ".join(f"{name}: {value}" for name, value in zip(self._names, values, strict=True))
        sys.stdout.write(f"{self._before}\n{{{pairs}}}")
        self._before = ","

    def end(self) -> None:
        """See `RowWriter`."""
        sys.stdout.write("[]\n" if self._before == "[" else "\n]\n")

    def _value(self, cell: Cell, kind: Kind) -> str:
        if cell is None:
            return "null"
        if isinstance(cell, list):
            return f"[{', '.join(self._value(one, kind) for one in cell)}]"
        if kind == "bool" or (kind == "number" and FINITE.fullmatch(cell)):
            return cell
        if kind == "json":  # what is not ASCII can only be in a string
            text = " ".join(cell.splitlines())
            return re.sub(r"[^\x00-\x7f]", lambda found: json.dumps(found[0])[1:-1], text)
        return json.dumps(cell)


def print_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """A table of what is at hand: aligned under its title on a terminal, tab-separated elsewhere."""
    writer: RowWriter = Aligned(title) if output.is_terminal else TabSeparated()
    numbers = [any(isinstance(row[at], (int, float)) for row in rows) for at in range(len(columns))]
    writer.begin([Column(name, "number" if number else "text") for name, number in zip(columns, numbers, strict=True)])
    for row in rows:
        writer.row([None if cell is None else str(cell) for cell in row])
    writer.end()
