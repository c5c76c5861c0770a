"""What commands print: results, notes, errors in one line, JSON at the end, and what is being read."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import sys
import sysconfig
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console

from protime_etl.cli.printable import one_line, printable
from protime_etl.counted import counted
from protime_etl.errors import ProtimeError, QueryError

__all__ = ["print_error", "print_json", "print_line", "print_note", "program", "reading"]

NAME = "protime-etl"

output = Console(highlight=False, emoji=False, soft_wrap=True)
messages = Console(stderr=True, highlight=False, emoji=False, soft_wrap=True)
"""Notes and progress: what `--quiet` leaves out."""
errors = Console(stderr=True, highlight=False, emoji=False, soft_wrap=True)


def program() -> str:
    """What starts this program again in the user's shell: its name if the shell finds it, or else its path."""
    # uv puts what it runs into the path of that process alone.
    if "UV" not in os.environ and shutil.which(NAME):
        return NAME
    return shlex.quote(str(Path(sysconfig.get_path("scripts")) / NAME))


def print_line(text: str) -> None:
    """One line of the result."""
    output.print(printable(text), markup=False)


def print_note(text: str) -> None:
    """One line on stderr that is worth knowing."""
    messages.print(printable(text), markup=False)


def print_error(error: ProtimeError) -> None:
    """One line on stderr: what is wrong and what to do; below it where in a query, if that is known."""
    errors.print("error: " + one_line(" ".join(str(error).split())), markup=False)
    if isinstance(error, QueryError):
        for line in error.excerpt:
            errors.print(printable(line), markup=False)


def print_json(values: dict[str, Any]) -> None:
    """One JSON object as the last line of stdout, never wrapped."""
    sys.stdout.write(json.dumps(values, default=str) + "\n")


@contextmanager
def reading(text: str) -> Iterator[Callable[[int], None]]:
    """Say on a terminal that something is read, and how much so far; nothing elsewhere.

    The function it gives is to be called with the number of records of each page.
    """
    if not messages.is_terminal:
        yield lambda _: None
        return
    pages = records = 0

    def page(number: int) -> None:
        nonlocal pages, records
        pages += 1
        records += number
        status.update(f"{text}: {counted(pages, 'page')}, {records:,} records")

    with messages.status(text) as status:
        yield page
