from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
import sqlalchemy as sa

from protime_etl.errors import DatabaseError, SettingsError
from protime_etl.postgres.server.connection import create_engine
from protime_etl.postgres.server.embedded import embedded_postgres
from tests.support.long_form import in_long_form


@pytest.mark.parametrize("name", ["with a blank", *in_long_form(["plain", "x" * 120, "quote's"])])
def test_any_folder_will_do_and_no_other_user_gets_in(tmp_path: Path, name: str) -> None:
    for _ in range(2):
        with embedded_postgres(tmp_path / name) as url:
            engine = create_engine(url)
            with engine.connect() as connection:
                version = connection.scalar(sa.text("SELECT current_setting('server_version_num')::int"))
            engine.dispose()
            assert version >= 180000
            folder = Path(str(url.query["host"])).resolve()
            assert folder == tmp_path / name / "postgres"
            assert stat.S_IMODE(folder.stat().st_mode) & 0o077 == 0
            assert stat.S_IMODE((folder / ".s.PGSQL.5432").stat().st_mode) == 0o700
        assert not (tmp_path / name / "postgres" / "postmaster.pid").exists(), "it is stopped at the end"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the server as another user")
def test_a_process_that_is_killed_while_it_makes_the_cluster_leaves_no_half_of_one(tmp_path: Path) -> None:
    tmp_path.chmod(0o711)
    code = (
        "import pathlib, sys; from protime_etl.postgres.server.embedded import embedded_postgres as one;"
        " one(pathlib.Path(sys.argv[1])).__enter__()"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], start_new_session=True) as process:
        deadline = time.monotonic() + 60
        while not [*tmp_path.glob("*/PG_VERSION")]:
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.005)
        os.killpg(process.pid, signal.SIGKILL)
    with embedded_postgres(tmp_path) as url:
        engine = create_engine(url)
        with engine.connect() as connection:
            assert connection.scalar(sa.text("SELECT count(*) FROM pg_database")) == 3
        engine.dispose()
    assert [one.name for one in tmp_path.iterdir()] == ["postgres"]


def test_a_private_folder_of_root_stays_private(tmp_path: Path) -> None:
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    with (
        pytest.raises(SettingsError, match=rf"may not enter {private}\. Work in a folder that others may enter"),
        embedded_postgres(private / "home"),
    ):
        pass
    assert stat.S_IMODE(private.stat().st_mode) == 0o700


def test_a_folder_that_cannot_be_made_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(DatabaseError, match=r"does not start \(Not a directory\)"),
        embedded_postgres(tmp_path / "file"),
    ):
        pass


def test_a_full_disk_is_reported(tmp_path: Path) -> None:
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = ["mount", "-t", "tmpfs", "-o", "size=8m,mode=711", "tmpfs", str(folder)]
    if subprocess.run(mounted, check=False, capture_output=True).returncode:
        pytest.skip("a small disk cannot be mounted here")
    try:
        with (
            pytest.raises(DatabaseError, match=r"does not start \(No space left on device\)"),
            embedded_postgres(folder),
        ):
            pass
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)
