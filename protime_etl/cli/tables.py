"""Rows for people and for programs: aligned on a terminal, tab-separated in a pipe, CSV and JSON where asked for."""

from __future__ import annotations

import csv
import json
import re
import sys
from collections.abc import Iterable, Sequence
from itertools import chain, islice
from typing import Any, Literal

import msgspec
from rich.cells import cell_len, set_cell_size

from protime_etl.cli.console import output, print_line
from protime_etl.cli.printable import one_line, tab_separated
from protime_etl.counted import counted

__all__ = ["Form", "print_rows", "print_table"]

AT_ONCE = 500
"""Rows that are aligned with each other, and held in memory for that."""
NOT_ASCII = re.compile("[^ -~]")
Form = Literal["", "csv", "json"]
"""What rows are printed as: without one, aligned on a terminal and tab-separated elsewhere."""
Rows = Iterable[Sequence[Any]]
"""Their values: text, None for null, and in JSON whatever msgspec encodes."""


def print_rows(names: Sequence[str], rows: Rows, form: Form = "", *, numbers: Sequence[bool]) -> None:
    """Print the rows as they come, with the names of their columns; `numbers` are the columns that hold such."""
    if form == "json":
        _print_json(names, rows)
    elif form == "csv":
        named = chain([names], rows)
        safe = ([cell and one_line(cell) for cell in row] for row in named) if output.is_terminal else named
        csv.writer(sys.stdout, lineterminator="\n").writerows(safe)
    elif output.is_terminal:
        print_line(f"({counted(_print_aligned(names, rows, numbers), 'row')})")
    else:
        _print_tabs(names, rows)


def print_table(title: str, names: Sequence[str], rows: Sequence[Sequence[Any]], *, aligned: bool = False) -> None:
    """A table of what is at hand: aligned under its title on a terminal or if asked for, tab-separated elsewhere."""
    if aligned or output.is_terminal:
        print_line(title)
        numbers = [any(isinstance(row[at], (int, float)) for row in rows) for at in range(len(names))]
        _print_aligned(names, rows, numbers)
    else:
        _print_tabs(names, rows)


def _print_tabs(names: Sequence[str], rows: Rows) -> None:
    """As COPY writes them."""
    for row in chain([names], rows):
        sys.stdout.write("\t".join(tab_separated(None if cell is None else str(cell)) for cell in row) + "\n")


def _print_json(names: Sequence[str], rows: Rows) -> None:
    """One array of objects, an object a line, in ASCII: the output may have another encoding than JSON."""
    unique: list[str] = []
    for number, name in enumerate(names, 1):  # a name that comes twice would hide the value before it
        unique.append(f"{name}_{number}" if name in unique else name)
    before = "["
    for row in rows:
        line = msgspec.json.encode(dict(zip(unique, row, strict=True))).decode()
        line = NOT_ASCII.sub(lambda found: json.dumps(found[0])[1:-1], line)
        sys.stdout.write(f"{before}\n{line}")
        before = ","
    sys.stdout.write("[]\n" if before == "[" else "\n]\n")


def _print_aligned(names: Sequence[str], rows: Rows, numbers: Sequence[bool]) -> int:
    """A line a row, or a line a value where the terminal is too narrow for that; returns the number of rows."""
    shown = ([one_line("" if cell is None else str(cell)) for cell in row] for row in chain([names], rows))
    head = next(shown)
    count = 0
    while (some := list(islice(shown, AT_ONCE))) or not count:
        lines = _aligned([head, *some], numbers)
        if some and max(map(cell_len, lines)) > output.width:
            lines = []
            for number, row in enumerate(some, count + 1):
                lines += [f"-- {number} --", *_aligned(list(zip(head, row, strict=True)), (False, False))]
        print_line("\n".join(lines))
        if not some:
            break
        count += len(some)
    return count


def _aligned(rows: Sequence[Sequence[str]], numbers: Sequence[bool]) -> list[str]:
    widths = [max(map(cell_len, cells)) for cells in zip(*rows, strict=True)]
    return [
        "  ".join(
            " " * (width - cell_len(cell)) + cell if is_number else set_cell_size(cell, width)
            for cell, width, is_number in zip(row, widths, numbers, strict=True)
        ).rstrip()
        for row in rows
    ]
