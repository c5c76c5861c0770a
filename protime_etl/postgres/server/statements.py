"""The hand-written SQL of the folder `sql`, in the source tree or in the installed package.

Each file of `sql/engine` has the statements of one theme. `-- name: the_name` begins one, and its comments say what it
gives. In its text `{part}` stands for what Python gives under this name, an identifier or a fragment; a part that is
not given is the fragment with this name. Values are never parts: they are bound where the statement is executed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import sqlalchemy as sa
from psycopg import sql

__all__ = ["query", "sql_folder", "statements", "text", "text_of"]

NAME = re.compile(r"^-- name: (\w+)$", re.MULTILINE)
PART = re.compile(r"\{([a-z_]+)\}")
"""What is in braces and no name stays: `'{}'` and `'{(,)}'` are ranges."""


def sql_folder() -> Path:
    """Where `engine`, `functions`, `templates`, `views` and `queries` lie."""
    package = Path(__file__).resolve().parents[2]
    installed = package / "sql"
    return installed if installed.is_dir() else package.parent / "sql"


@cache
def statements() -> dict[str, str]:
    """The text of each statement and fragment by its name, without the comments.

    Raises:
        ValueError: two have the same name.
    """
    found: dict[str, str] = {}
    for name, statement in _sections():
        if name in found:
            raise ValueError(f"Two statements of sql/engine are named {name}.")
        found[name] = statement
    return found


def _sections() -> Iterator[tuple[str, str]]:
    for path in sorted((sql_folder() / "engine").glob("*.sql")):
        _, *parts = NAME.split(path.read_text(encoding="utf-8"))
        for name, section in zip(parts[::2], parts[1::2], strict=True):
            lines = (line for line in section.splitlines() if not line.lstrip().startswith("--"))
            yield name, "\n".join(lines).strip()


def query(name: str, **parts: sql.Composable) -> sql.Composed:
    """A statement or fragment for psycopg, whose values are bound as `%(name)s`.

    Raises:
        KeyError: no statement has this name, or the name of a part that is not given.
    """
    pieces = enumerate(PART.split(statements()[name]))
    return sql.Composed(
        [(parts[one] if one in parts else query(one, **parts)) if n % 2 else sql.SQL(one) for n, one in pieces]
    )


@cache
def text(name: str, **parts: str) -> sa.TextClause:
    """A statement for SQLAlchemy, whose values are bound as `:name`.

    Raises:
        KeyError: see `query`.
    """
    return sa.text(text_of(name, **parts))


def text_of(name: str, **parts: str) -> str:
    """The text of a statement or fragment for SQLAlchemy, to be part of another one.

    Raises:
        KeyError: see `query`.
    """
    return PART.sub(lambda part: parts[part[1]] if part[1] in parts else text_of(part[1], **parts), statements()[name])
