"""A pause that the API asked for: capped, reported with its end, shown by `status`, lifted by `resume`."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from sqlalchemy.engine import URL, Engine

from protime_etl.config import CLOCKINGS_SCOPE
from protime_etl.postgres.shared.pause import SharedPause
from tests.cli.shell import COMMAND, Shell, last_json
from tests.support.long_form import in_long_form
from tests.support.scripted_server import Answer, ScriptedServer
from tests.support.tenant import TODAY

EMPTY = Answer(200, {"value": []})
SYNC = ("sync", "--from", str(TODAY), "--to", str(TODAY), "--people", "7")
DATE = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d[+-]\d{4}"


def limited(seconds: str, status: int = 429) -> Answer:
    return Answer(status, {"error": {"code": "TooManyRequests", "message": "slow down"}}, {"Retry-After": seconds})


def shell_for(folder: Path, server: ScriptedServer, warehouse: URL, **settings: str) -> Shell:
    return Shell(
        folder,
        tenant="acme",
        client_id="client",
        client_secret="the-client-secret",
        api_url=server.url,
        auth_url=server.url,
        scopes=CLOCKINGS_SCOPE,
        database_url=warehouse.render_as_string(hide_password=False),
        **settings,
    )


@pytest.mark.parametrize("header", ["99999999", *in_long_form(["Fri, 31 Dec 9999 23:59:59 GMT"])])
def test_a_pause_of_years_is_cut_shown_and_lifted(tmp_path: Path, warehouse: URL, header: str) -> None:
    with ScriptedServer([limited(header), EMPTY]) as server:
        shell = shell_for(tmp_path, server, warehouse)
        refused = shell(*SYNC)
        assert refused.returncode == 1
        assert "PROTIME_MAX_PAUSE limits that to 86400" in refused.stderr
        refusal = refused.stderr.splitlines()[-1]
        assert re.search(rf"status 429 .* All requests are paused for 86400 seconds, until {DATE}\. ", refusal)
        assert "protime-etl resume" in refusal

        again = shell(*SYNC)
        assert again.returncode == 1
        assert re.search(
            rf"asked us to wait \(Retry-After\) 86\d\d\d more seconds, until {DATE}\. .*resume", again.stderr
        )

        (pause,) = last_json(shell("status", "--json"))["pauses"]
        assert pause["tenant"] == "acme"
        assert 86_000 < pause["seconds"] <= 86_400
        assert pause["asked_until"] > pause["until"]

        unanswered = shell("resume", stdin="")
        assert unanswered.returncode == 2
        assert "Pass --yes" in unanswered.stderr
        declined = shell("resume", stdin="n\n")
        assert declined.returncode == 1
        assert "The pause stays." in declined.stdout
        assert len(last_json(shell("status", "--json"))["pauses"]) == 1

        lifted = shell("resume", "--json", stdin="y\n")
        assert lifted.returncode == 0, lifted.stderr
        assert re.search(
            rf"acme: all requests are paused until {DATE}, for 23:\d\d:\d\d \(the API asked for", lifted.stdout
        )
        assert last_json(lifted)["lifted"][0]["tenant"] == "acme"
        assert last_json(shell("status", "--json"))["pauses"] == []
        assert shell(*SYNC).returncode == 0
        assert len(server.api_requests) == 2


@pytest.mark.alone(reason="without a tenant it lifts the pauses of all")
def test_nothing_to_lift_is_said(tmp_path: Path, warehouse: URL, engine: Engine) -> None:
    SharedPause(engine, "another").extend(50, 50)
    with ScriptedServer([EMPTY]) as server:
        shell = shell_for(tmp_path, server, warehouse)
        result = shell("resume")
        assert (result.returncode, result.stdout) == (0, "There is no pause: nothing to lift.\n")
        everywhere = shell("resume", "--yes", tenant=None)
    assert "another: lifted" in everywhere.stdout
    assert SharedPause(engine, "another").remaining() == 0


def test_who_sits_a_pause_out_goes_on_when_it_is_lifted(tmp_path: Path, warehouse: URL) -> None:
    with ScriptedServer([limited("7200"), EMPTY]) as server:
        shell = shell_for(tmp_path, server, warehouse)
        command = [str(COMMAND), "backfill", "--from", str(TODAY), "--to", str(TODAY), "--people", "7"]
        backfill = subprocess.Popen(
            command, env=shell._environment({}), cwd=tmp_path, stderr=subprocess.PIPE, text=True
        )
        assert backfill.stderr is not None
        while "asked us to wait (Retry-After)" not in (line := backfill.stderr.readline()):
            assert line, "it ended"
        assert re.search(rf"wait \(Retry-After\) 7\d\d\d more seconds, until {DATE}", line)
        assert shell("resume", "--yes").returncode == 0
        backfill.communicate(timeout=60)
    assert backfill.returncode == 0
    assert len(server.api_requests) == 2


def test_the_longest_pause_is_a_setting(tmp_path: Path, warehouse: URL, engine: Engine) -> None:
    with ScriptedServer([limited("3600"), EMPTY]) as server:
        shell = shell_for(tmp_path, server, warehouse, max_pause="2")
        assert shell(*SYNC).returncode == 0
        wrong = shell("check", max_pause="0")
    assert wrong.returncode == 2
    assert "PROTIME_MAX_PAUSE" in wrong.stderr
    assert SharedPause(engine, "acme").remaining() == 0
