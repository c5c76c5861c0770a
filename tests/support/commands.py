"""Every command of the command line with its options, those that are imported late included."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from typer.core import TyperGroup

from protime_etl.cli.commands import LateCommand, command

__all__ = ["every_command"]


def every_command(of: Any = None, name: str = "") -> Iterator[tuple[str, Any]]:
    """Names, the group's own first as an empty one, and what options each has."""
    found = command() if of is None else of
    yield name, found.real if isinstance(found, LateCommand) else found
    if isinstance(found, TyperGroup):
        for inner, one in found.commands.items():
            yield from every_command(one, f"{name} {inner}".strip())
