"""Another user of the machine: a file or folder of theirs, or a link, decides nothing and is not written through."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from protime_etl.errors import SettingsError
from protime_etl.postgres.server.embedded import embedded_postgres
from protime_etl.trial import only_trial, tenant_of_trial, write_environment
from tests.cli.shell import Shell
from tests.support.scripted_server import ScriptedServer

STRANGER = 65534
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")


def give_away(path: Path) -> None:
    os.chown(path, STRANGER, STRANGER)


def open_for_all(path: Path) -> None:
    path.chmod(path.stat().st_mode | stat.S_IWOTH)


@pytest.mark.parametrize(
    ("change", "why"), [pytest.param(give_away, "belongs to another", marks=as_root), (open_for_all, "can be written")]
)
@pytest.mark.parametrize("command", [["check"], ["status"], ["sync", "--from", "2026-03-01", "--to", "2026-03-02"]])
def test_a_foreign_env_file_never_gets_the_secret_of_the_environment(
    tmp_path: Path, change: Callable[[Path], None], why: str, command: list[str]
) -> None:
    with ScriptedServer([]) as listener:
        file = tmp_path / ".env"
        file.write_text(f"PROTIME_AUTH_URL={listener.url}\nPROTIME_API_URL={listener.url}\n")
        change(file)
        done = Shell(tmp_path, tenant="acme", client_id="me", client_secret="mine")(*command)
        assert listener.received == []
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith(f"error: .env {why}")
    assert len(done.stderr.splitlines()) == 1


@as_root
def test_a_foreign_folder_is_not_used_and_keeps_its_owner(tmp_path: Path) -> None:
    home = tmp_path / "home"
    (home / "postgres").mkdir(parents=True)
    give_away(home / "postgres")
    with pytest.raises(SettingsError, match=r"postgres belongs to another user"), embedded_postgres(home):
        pass
    assert (home / "postgres").stat().st_uid == STRANGER
    give_away(home)
    (home / "trial.env").write_text("PROTIME_TENANT=theirs")
    with pytest.raises(SettingsError, match=r"home belongs to another user"), embedded_postgres(home):
        pass
    with pytest.raises(SettingsError, match=r"home belongs to another user"), only_trial(home):
        pass
    with pytest.raises(SettingsError, match=r"home belongs to another user"):
        tenant_of_trial(home)
    assert not (home / "trial.lock").exists()
    link = tmp_path / "link"
    link.symlink_to(tmp_path)
    os.chown(link, STRANGER, STRANGER, follow_symlinks=False)
    with pytest.raises(SettingsError, match=r"link belongs to another user"), only_trial(link):
        pass


def test_a_link_in_place_of_a_folder_or_file_is_not_followed(tmp_path: Path) -> None:
    home, precious, folder = tmp_path / "home", tmp_path / "precious", tmp_path / "folder"
    for made in (home, folder):
        made.mkdir()
    precious.write_text("precious")
    (home / "trial.lock").symlink_to(precious)
    (home / "airflow.env").symlink_to(precious)
    (home / "postgres").symlink_to(folder)
    before = folder.stat()
    with pytest.raises(SettingsError, match=r"trial\.lock is a link"), only_trial(home):
        pass
    with pytest.raises(SettingsError, match=r"airflow\.env is a link"):
        write_environment(home / "airflow.env", {"NAME": "value"})
    with pytest.raises(SettingsError, match=r"postgres is a link"), embedded_postgres(home):
        pass
    assert precious.read_text() == "precious"
    assert list(folder.iterdir()) == []
    assert (folder.stat().st_uid, folder.stat().st_mode) == (before.st_uid, before.st_mode)


def test_what_is_made_is_closed_to_others(tmp_path: Path) -> None:
    home = tmp_path / "deep" / "home"
    with only_trial(home):
        write_environment(home / "trial.env", {"NAME": "value"})
        assert stat.S_IMODE((home / "trial.env").stat().st_mode) == 0o600
        assert stat.S_IMODE((home / "trial.lock").stat().st_mode) == 0o600
    assert stat.S_IMODE(home.stat().st_mode) & 0o066 == 0, "others may pass through root's, and read nothing"


def test_check_warns_of_an_open_file_and_folder_until_its_advice_is_followed(tmp_path: Path) -> None:
    shell = Shell(tmp_path, tenant="acme", client_id="me", client_secret="mine", auth_url="http://127.0.0.1:9")
    (tmp_path / ".env").write_text("PROTIME_USER_AGENT=A/1 (B)")
    (tmp_path / ".env").chmod(0o644)
    (tmp_path / ".protime").mkdir(mode=0o755)
    said = [line for line in shell("check").stderr.splitlines() if "can read" in line]
    assert [line.partition(" Run: ")[0].split()[-1] for line in said] == [".env.", ".protime."]
    for line in said:
        _, mode, name = line.partition(" Run: ")[2].split()
        (tmp_path / name).chmod(int(mode, 8))
    assert "can read" not in shell("check").stderr
