"""The hand-written SQL of the folder `sql`, in the source tree or in the installed package."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from psycopg import sql

__all__ = ["query", "sql_folder", "text_of"]


def sql_folder() -> Path:
    """Where `engine`, `functions`, `templates`, `views` and `queries` lie."""
    package = Path(__file__).resolve().parents[2]
    installed = package / "sql"
    return installed if installed.is_dir() else package.parent / "sql"


def query(name: str, **parts: sql.Composable) -> sql.Composed:
    """The statement or fragment `sql/engine/<name>.sql` with its parts: identifiers, and other fragments.

    Values are never parts: they are bound where the statement is executed, as `%(name)s`.
    """
    return sql.SQL(text_of(name)).format(**parts)


@cache
def text_of(name: str) -> str:
    """The text of `sql/engine/<name>.sql` without its comments, which are for those who read the file."""
    lines = (sql_folder() / "engine" / f"{name}.sql").read_text(encoding="utf-8").splitlines()
    return "\n".join(line for line in lines if not line.lstrip().startswith("--")).strip()
