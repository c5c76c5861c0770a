"""A real PgBouncer before a test's server, where the machine has one."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy.engine import URL

from tests.support.servers import server_user

SYSTEM_FOLDERS = "/usr/sbin:/usr/local/sbin"


@contextmanager
def pgbouncer(url: URL, mode: str) -> Iterator[URL]:
    """The same database through PgBouncer, with nothing in its configuration that helps."""
    program = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:{SYSTEM_FOLDERS}")
    if program is None:
        pytest.skip("there is no PgBouncer here")
    folder = Path(tempfile.mkdtemp(prefix="protime-etl-bouncer-"))
    user = server_user()  # it refuses to run as root
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    (folder / "users").write_text('"postgres" ""\n')
    (folder / "ini").write_text(
        f"[databases]\n* = host={url.query['host']}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\n"
        f"unix_socket_dir =\nauth_type = trust\nauth_file = {folder}/users\npool_mode = {mode}\n"
    )
    if user:
        shutil.chown(folder, user)
    log = (folder / "log").open("wb")
    process = subprocess.Popen([program, folder / "ini"], user=user, stdout=log, stderr=log)
    try:
        _wait_for(process, port, folder / "log")
        yield URL.create("postgresql+psycopg", "postgres", host="127.0.0.1", port=port, database=url.database)
    finally:
        process.terminate()
        process.wait(30)
        log.close()
        shutil.rmtree(folder)


def _wait_for(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    for _ in range(200):
        assert process.poll() is None, log.read_text()
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError(log.read_text())
