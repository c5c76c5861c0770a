"""`protime-etl support-bundle`: what a report needs, and nothing that was planted in settings, answers and records."""

from __future__ import annotations

import json
import stat
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from tests.cli.shell import Shell
from tests.support.scripted_server import Answer, ScriptedServer, token_answer
from tests.support.tenant import TODAY

DATES = ("--from", str(TODAY), "--to", str(TODAY))
SECRET = "the-planted-secret"
TOKEN = "the.planted-token"
PASSWORD = "the-planted-password"
NAME, FIRST_NAME, BADGE = "Plantagenet", "Yseult", "4711"
SAID = f"{FIRST_NAME} {NAME} of acme-planted has badge {BADGE}"
ECHO = f"Bearer {TOKEN}, client_secret={SECRET}"
PLANTED = (SECRET, TOKEN, PASSWORD, NAME, FIRST_NAME, BADGE, "planted", "simulated-client", "E100001", "Simulated")


def bundle(shell: Shell, **changes: str | None) -> tuple[str, Any]:
    done = shell("support-bundle", "bundle.json", **changes)
    assert done.returncode == 0, done.stderr
    file = shell.folder / "bundle.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    text = file.read_text(encoding="utf-8")
    assert [one for one in PLANTED if one in text] == []
    return text, json.loads(text)


def test_what_a_failed_night_said_is_there_and_what_it_repeated_is_not(shell: Shell, engine: Engine) -> None:
    assert shell("sync", *DATES).returncode == 0
    with engine.begin() as connection:
        connection.execute(
            sa.text(
                "UPDATE protime.people SET last_name = :name, first_name = :first, badge_number = :badge"
                " WHERE tenant = 'simulated' AND id = 100001"
            ),
            {"name": NAME, "first": FIRST_NAME, "badge": BADGE},
        )
    refused = Answer(403, {"error": {"code": "Forbidden", "message": SAID, "reasons": [ECHO]}})
    with ScriptedServer([refused], [token_answer(TOKEN)]) as server:
        addresses: dict[str, str | None] = {"api_url": server.url, "auth_url": server.url, "client_secret": SECRET}
        failed = shell("sync", *DATES, **addresses)
    assert (failed.returncode, SAID in failed.stderr) == (1, True), failed.stderr
    text, found = bundle(shell, client_secret=SECRET, user_agent=f"Ours/1 ({NAME})", requests_per_second="50")
    assert found["versions"]
    assert found["settings"]["PROTIME_REQUESTS_PER_SECOND"] == 50.0
    assert found["settings"]["PROTIME_CLIENT_SECRET"] == "set"
    assert "The API answers people with status 403" in text or "The API answers clockings with status 403" in text
    assert any(not one["ok"] for one in found["health"])
    assert {"tenant 1", "tenant 2"} >= {one["tenant"] for one in found["health"]}
    assert found["warehouse"]["schema"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"database_url": f"postgresql://me:{PASSWORD}@127.0.0.1:1/planted"}, "cannot be reached"),
        ({"database_url": f"{PASSWORD}"}, "is not an address of PostgreSQL"),
        ({"database_url": None}, "There is no warehouse here"),
        ({"timezone": "planted"}, "is not an IANA time zone"),
        ({"tenant": "https://planted.myprotime.eu"}, "PROTIME_TENANT: write"),
    ],
)
def test_what_is_broken_is_in_it_and_does_not_keep_it_from_being_written(
    shell: Shell, changes: dict[str, str | None], said: str
) -> None:
    text, _ = bundle(shell, **changes)
    assert said in text


def test_a_file_that_is_there_is_not_overwritten(shell: Shell) -> None:
    (shell.folder / "here").write_text("mine")
    for name in ("here", "nowhere/bundle"):
        done = shell("support-bundle", name)
        assert (done.returncode, done.stderr.count("\n")) == (2, 1)
        assert f"{name} cannot be written" in done.stderr
    assert (shell.folder / "here").read_text() == "mine"
