"""Settings as people write them: read where nothing has to be guessed, else refused by name in one line."""

from __future__ import annotations

import codecs
import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from protime_etl.config import Settings, load_settings
from protime_etl.env_file import read_env_file
from protime_etl.errors import SettingsError
from tests.cli.shell import Shell
from tests.support.long_form import in_long_form

ENCODINGS: dict[str, Callable[[str], bytes]] = {
    "UTF-8": str.encode,
    "UTF-8 with a mark": lambda text: codecs.BOM_UTF8 + text.encode(),
    "UTF-16, little-endian": lambda text: codecs.BOM_UTF16_LE + text.encode("utf-16-le"),
    "UTF-16, big-endian": lambda text: codecs.BOM_UTF16_BE + text.encode("utf-16-be"),
    "UTF-32": lambda text: codecs.BOM_UTF32_LE + text.encode("utf-32-le"),
    "lines of Windows": lambda text: text.replace("\n", "\r\n").encode(),
}


@pytest.mark.parametrize("coding", [*[*ENCODINGS][:2], *in_long_form([*ENCODINGS][2:])])
def test_a_file_of_settings_is_read_in_every_encoding_that_it_names(shell: Shell, coding: str) -> None:
    text = "# Ångström\n" + "".join(f"{name}={value}\n" for name, value in shell.settings.items())
    (shell.folder / ".env").write_bytes(ENCODINGS[coding](text))
    result = Shell(shell.folder)("check")
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("# Ångström\nPROTIME_TENANT=acme\n".encode("latin-1"), "line 1 is not UTF-8"),
        ("PROTIME_TENANT=acme\nPROTIME_CLIENT_ID=Ångström".encode("latin-1"), "line 2 is not UTF-8"),
        ("PROTIME_TENANT=acme\n".encode("utf-16-le"), "NUL characters"),
        (codecs.BOM_UTF16_LE + b"\x00\xd8", "line 1 is not UTF-16-LE"),
    ],
)
def test_an_encoding_that_would_have_to_be_guessed_is_refused(shell: Shell, content: bytes, message: str) -> None:
    (shell.folder / ".env").write_bytes(content)
    result = shell("status")
    assert result.returncode == 2
    assert message in result.stderr
    assert "Save it as UTF-8" in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_a_file_that_this_user_may_not_read_is_reported(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text("PROTIME_TENANT=acme")
    path.chmod(0)
    if os.access(path, os.R_OK):  # who is root reads everything: a chain of links that never ends
        path.unlink()
        path.symlink_to(path)
    with pytest.raises(SettingsError, match=r"\.env cannot be read \(.+\)") as caught:
        read_env_file(path)
    assert caught.value.exit_status == 2
    folder = tmp_path / "venv"
    folder.mkdir()
    assert read_env_file(folder) == {}


ENDS = ["\n", "\r\n", " ", "\t", "\ufeff", "\u200b", "\N{NO-BREAK SPACE}"]


def test_blanks_and_line_breaks_at_the_ends_of_settings_are_no_part_of_them(shell: Shell) -> None:
    end = "".join(ENDS)
    changes: dict[str, str | None] = {
        name.removeprefix("PROTIME_").lower(): f"{end}{value}{end}" for name, value in shell.settings.items()
    }
    result = shell("check", timezone=f"Europe/Brussels{end}", max_wait_in_task=f"30{end}", **changes)
    assert result.returncode == 0, result.stdout + result.stderr
    for one in ENDS:
        assert given(client_secret=f"{one}a b{one}").client_secret.get_secret_value() == "a b"


def given(**changes: str) -> Settings:
    return load_settings(
        **{"tenant": "acme", "client_id": "c", "client_secret": "s", **changes}, from_environment=False
    )


@pytest.mark.parametrize("inside", ["a\nb", "a\r\nb", "a\tb", "a\x1b[31mb", "a\u202eb", "a\udce9"])
@pytest.mark.parametrize("name", ["client_secret", "client_id", "user_agent", "database_url", "home"])
def test_a_line_break_inside_is_refused_by_name(name: str, inside: str) -> None:
    message = f"PROTIME_{name.upper()}: has a line break or another character inside that cannot be printed"
    with pytest.raises(SettingsError, match=message) as caught:
        given(**{name: inside})
    assert inside not in str(caught.value)


def test_a_secret_of_two_lines_gets_one_line(shell: Shell) -> None:
    for command in ("check", "status"):
        result = shell(command, client_secret="hid\nden", database_url="hid\nden")
        assert result.returncode == 2
        assert "PROTIME_DATABASE_URL: has a line break" in result.stderr
        assert len(result.stderr.splitlines()) == 1
        assert "hid" not in result.stderr


def test_scopes_may_stand_on_lines_of_their_own(shell: Shell) -> None:
    scopes = "connector-protimeapi-clockings.read\n\tconnector-protimeapi-people.read\n"
    assert shell("check", scopes=scopes).returncode == 0


@pytest.mark.parametrize(
    ("tenant", "message"),
    [
        ("https://acme.myprotime.eu", "PROTIME_TENANT: write acme, not https://acme.myprotime.eu."),
        ("https://acme.myprotime.eu/#/login?x=1", "write acme, not https://acme.myprotime.eu."),
        ("acme.myprotimesandbox.eu", "write acme, not https://acme.myprotimesandbox.eu."),
        ("https://user:hidden@acme.myprotime.eu", "write acme, not https://acme.myprotime.eu."),
        ("https://acme.example.com", "is the sub-domain of your myProtime URL alone"),
        ("http://[::1", "is the sub-domain of your myProtime URL alone"),
        ("acmé", "is the sub-domain of your myProtime URL alone"),
    ],
)
def test_a_tenant_as_an_address_is_refused_with_the_right_spelling(tenant: str, message: str) -> None:
    with pytest.raises(SettingsError, match=re.escape(message)) as caught:
        given(tenant=tenant)
    assert "hidden" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    ["https://acme.example:99999", "https://acme.example:x", "https://[::1", "https://acme.example/#x", "https://a@b/",
     "https://@b/", "acme.example", "https://"],
)  # fmt: skip
@pytest.mark.parametrize("name", ["api_url", "auth_url"])
def test_what_is_not_an_address_is_refused_by_name(name: str, url: str) -> None:
    with pytest.raises(SettingsError, match=re.escape(f"PROTIME_{name.upper()} must look like https://host[:port]")):
        given(**{name: url})


def test_a_misspelt_setting_is_named_with_the_one_that_was_meant(shell: Shell) -> None:
    (shell.folder / ".env").write_text(
        "PROTIME_REQUEST_PER_SECOND=5\nPROTIME_NONSENSE=1\nPROTIME_WAREHOUSE_PASSWORD=x\n"
    )
    (shell.folder / ".env").chmod(0o600)
    shell.environment = {"PROTIME_TIMEZON": "UTC", "protime_environment": "production"}
    result = shell("check")
    assert result.returncode == 0, result.stdout
    assert result.stderr.splitlines() == [
        "PROTIME_NONSENSE is not a setting and has no effect. docs/settings.md lists all settings.",
        "PROTIME_REQUEST_PER_SECOND is not a setting and has no effect. Did you mean PROTIME_REQUESTS_PER_SECOND?",
        "PROTIME_TIMEZON is not a setting and has no effect. Did you mean PROTIME_TIMEZONE?",
    ]


DEAD = "http://user:hidden@127.0.0.1:1"


def test_this_machine_is_asked_without_a_proxy(shell: Shell) -> None:
    shell.environment = dict.fromkeys(("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "HTTPS_PROXY"), DEAD)
    assert shell("check").returncode == 0


@pytest.mark.parametrize(
    ("proxy", "message", "status"),
    [
        ("socks5h://127.0.0.1:1", "The proxy is a SOCKS proxy, for which a package is missing. pip install", 2),
        *in_long_form(
            [
                ("ftp://127.0.0.1:1", "The address of the proxy cannot be read.", 2),
                ("http://user:hid@den@:x", "The address of the proxy cannot be read.", 2),
            ]
        ),
        (DEAD, "The proxy does not reach authentication.myprotime.eu (ConnectionRefusedError).", 1),
    ],
)
def test_a_proxy_that_cannot_be_used_is_reported_in_one_line(
    shell: Shell, tmp_path: Path, proxy: str, message: str, status: int
) -> None:
    # The browser of the tests brings the package for SOCKS.
    (tmp_path / "socks.py").write_text("raise ImportError")
    shell.environment = {"HTTPS_PROXY": proxy, "PYTHONPATH": str(tmp_path)}
    sync = ("sync", "--from", "2026-03-20", "--to", "2026-03-20")
    result = shell(*sync, auth_url=None)
    assert result.returncode == status, result.stderr
    assert result.stderr.startswith(f"error: {message}")
    assert len(result.stderr.splitlines()) == 1
    assert "hid" not in result.stderr


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("clockings absense", "there is no collection 'absense'; the nearest name is absences."),
        ("all absense", "there is no collection 'absense'"),
        ("zzz", "there is no collection 'zzz'; there are"),
        (" , ", "names no collection"),
    ],
)
def test_unknown_collections_are_reported_before_anything_is_read(shell: Shell, given: str, message: str) -> None:
    for result in (shell("status", collections=given), shell("status", "--collections", given)):
        assert (result.returncode, message in result.stderr) == (2, True), result.stderr
        assert len(result.stderr.splitlines()) == 1
