"""A package whose schema is one version ahead of the baseline: what a release after this one brings."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from protime_etl.postgres.schema import upgrade as schema

__all__ = ["next_version"]

MIGRATION = '''from alembic import op

revision = "{number:04}"
down_revision = "{before:04}"


def upgrade() -> None:
    op.execute("""{statements}""")
'''


def next_version(patch: pytest.MonkeyPatch, folder: Path, *each: str) -> None:
    """Let `db upgrade` find a further migration of each of these statements."""
    migrations = folder / "migrations"
    shutil.copytree(schema.MIGRATIONS, migrations)
    for number, statements in enumerate(each, 2):
        text = MIGRATION.format(number=number, before=number - 1, statements=statements)
        (migrations / "versions" / f"{number:04}_next.py").write_text(text, encoding="utf-8")
    patch.setattr(schema, "MIGRATIONS", migrations)
