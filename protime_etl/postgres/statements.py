"""The hand-written SQL of the folder `sql`, in the source tree or in the installed package."""

from __future__ import annotations

from pathlib import Path

__all__ = ["sql_folder"]


def sql_folder() -> Path:
    """Where `functions`, `templates`, `views` and `queries` lie."""
    package = Path(__file__).resolve().parents[1]
    installed = package / "sql"
    return installed if installed.is_dir() else package.parent / "sql"
