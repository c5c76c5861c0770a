"""`make migration NAME=...`: the migration from the newest version of the schema to what the code says now.

It is written by Alembic, which compares an empty warehouse of the newest version with the tables of the code. Read it
before it is committed: a renamed column looks to it like one that is dropped and another that is new.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import command

from protime_etl.errors import ProtimeError, SettingsError
from protime_etl.postgres.schema.upgrade import SCHEMAS, migration_config, versions
from protime_etl.postgres.server.connection import create_engine
from protime_etl.postgres.server.embedded import embedded_postgres

__all__ = ["draft_migration"]

NAME = re.compile(r"[a-z][a-z0-9_]*")


def draft_migration(name: str) -> Path:
    """Write the next migration; returns its file.

    Raises:
        SettingsError: the name is not valid, or the tables are those of the newest version already.
    """
    if not NAME.fullmatch(name):
        raise SettingsError(f"{name!r} is not a name for a migration.", guidance="Run: make migration NAME=absences")
    with tempfile.TemporaryDirectory(prefix="protime-etl-") as folder:
        Path(folder).chmod(0o711)  # as root, the server runs as another user
        with embedded_postgres(Path(folder)) as url:
            engine = create_engine(url)
            try:
                return _draft(engine, name)
            finally:
                engine.dispose()


def _draft(engine: sa.Engine, name: str) -> Path:
    config = migration_config()
    config.set_main_option("file_template", "%%(rev)s_%%(slug)s")
    with engine.begin() as connection:
        for schema in SCHEMAS:
            connection.execute(sa.schema.CreateSchema(schema))
        config.attributes["connection"] = connection
        # Not `upgrade_schema`: it makes functions of tables that are not there yet.
        command.upgrade(config, "head")
        number = f"{int(versions()[-1]) + 1:04}"
        script: Any = command.revision(
            config, name, autogenerate=True, rev_id=number, process_revision_directives=_complete
        )
    return Path(script.path)


def _complete(_context: object, _revision: object, directives: list[Any]) -> None:
    """Refuse to write an empty migration."""
    if directives[0].upgrade_ops.is_empty():
        raise SettingsError("Nothing to write: the tables are those of the newest version of the schema.")


if __name__ == "__main__":
    try:
        path = draft_migration(sys.argv[1] if len(sys.argv) > 1 else "")
    except ProtimeError as error:
        sys.exit(str(error))
    # What Alembic says around it is said in this module.
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text("".join(line for line in lines if "# ### " not in line), encoding="utf-8")
    subprocess.run(  # noqa: S603 - the file is its own
        [sys.executable, "-m", "ruff", "format", "--quiet", path], check=True
    )
    sys.stdout.write(f"{path}\nRead it, then: make test\n")
