"""A package whose schema is one version ahead of the baseline: what a release after this one brings."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from protime_etl.postgres.schema import upgrade as schema

__all__ = ["next_version"]

MIGRATION = '''from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.execute("""{statements}""")
'''


def next_version(patch: pytest.MonkeyPatch, folder: Path, statements: str) -> None:
    """Let `db upgrade` find one more migration, of these statements."""
    migrations = folder / "migrations"
    shutil.copytree(schema.MIGRATIONS, migrations)
    (migrations / "versions" / "0002_next.py").write_text(MIGRATION.format(statements=statements), encoding="utf-8")
    patch.setattr(schema, "MIGRATIONS", migrations)
