"""What another party writes in its own way and can be read without guessing is read, by the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import URL, Engine

from protime_etl.collections.collection import API_PATH
from protime_etl.config import CLOCKINGS_SCOPE
from tests.cli.shell import Shell, last_json
from tests.support.long_form import in_long_form
from tests.support.scripted_server import Answer, ScriptedServer, token_answer
from tests.support.tenant import TODAY

PATH = f"{API_PATH}/clockings"
RECORD: dict[str, Any] = {
    "id": 1,
    "person": {"id": 7},
    "date": str(TODAY),
    "timeOfDayInMinutes": 480,
    "kind": "InOut",
    "changeVersion": "1",
}
SYNC = ("sync", "--from", str(TODAY), "--to", str(TODAY), "--people", "7", "--json")
BOM = b"\xef\xbb\xbf"


def shell_for(folder: Path, server: ScriptedServer, warehouse: URL, **settings: str) -> Shell:
    given = {
        "tenant": "acme",
        "client_id": "client",
        "client_secret": "the-client-secret",
        "api_url": server.url,
        "auth_url": server.url,
        "scopes": CLOCKINGS_SCOPE,
        "database_url": warehouse.render_as_string(hide_password=False),
    }
    return Shell(folder, **(given | settings))


def page(*records: dict[str, Any], **more: object) -> Answer:
    return Answer(200, {"value": list(records), **more})


def without(answer: dict[str, object], name: str) -> dict[str, object]:
    return {key: value for key, value in answer.items() if key != name}


TOKEN: dict[str, object] = {"access_token": "t", "expires_in": 1800, "token_type": "Bearer"}


@pytest.mark.parametrize(
    ("token", "remaining"),
    [
        (token_answer("t", expires_in="1800"), 1800),
        (token_answer("t", expires_in=1800.5), 1800),
        (token_answer("t", expires_in=None), 300),
        (Answer(200, without(TOKEN, "expires_in")), 300),
        (token_answer("t", scope=["other", CLOCKINGS_SCOPE]), 1800),
        (token_answer("t", token_type="BEARER"), 1800),
        (Answer(200, BOM + json.dumps(TOKEN).encode()), 1800),
    ],
    ids=["text", "a fraction", "null", "missing", "scopes as a list", "capitals", "a byte order mark"],
)
def test_a_token_is_read_as_it_is_written(
    tmp_path: Path, warehouse: URL, engine: Engine, token: Answer, remaining: int
) -> None:
    with ScriptedServer([page(RECORD)], [token]) as server:
        result = shell_for(tmp_path, server, warehouse)(*SYNC)
    assert result.returncode == 0, result.stderr
    assert ("does not give a token's lifetime" in result.stderr) == (remaining == 300)
    with engine.connect() as connection:
        kept = connection.execute(
            sa.text("SELECT lifetime FROM protime_etl.tokens WHERE client NOT LIKE 'shadow%'")
        ).scalar_one()
    assert int(kept) == remaining


def as_text(first: object, **named: object) -> bytes:
    return json.dumps({"value": first, **named}).encode()


@pytest.mark.parametrize(
    ("answer", "inserted"),
    [
        (Answer(200, BOM + as_text([RECORD])), 1),
        (page(RECORD, nextLink=""), 1),
        (page(RECORD, nextLink=None, deltaLink=""), 1),
        (page({**RECORD, "date": "a\0b"}, {**RECORD, "id": 2}, nextLink=""), 1),
        (Answer(200, as_text(None)), 0),
        (Answer(200, as_text(None, nextLink="")), 0),
        (Answer(200, as_text([RECORD]), {"Content-Type": "text/plain"}), 1),
    ],
    ids=[
        "a byte order mark",
        "an empty link",
        "links of null",
        "beside a bad record",
        "null",
        "null and no link",
        "type",
    ],
)
def test_a_page_is_read_as_it_is_written(tmp_path: Path, warehouse: URL, answer: Answer, inserted: int) -> None:
    with ScriptedServer([answer]) as server:
        result = shell_for(tmp_path, server, warehouse)(*SYNC)
    assert last_json(result)["inserted"] == inserted
    assert result.returncode == (3 if last_json(result)["rejected"] else 0), result.stderr
    assert len(server.api_requests) == 1


@pytest.mark.parametrize(
    ("base", "link"),
    [
        ("http://localhost:{port}", "HTTP://LocalHost:{port}"),
        ("http://LOCALHOST:{port}", "http://localhost:{port}"),
        ("http://localhost:{port}", "http://localhost.:{port}"),
        ("http://localhost:{port}/", "http://localhost:0{port}"),
    ],
)
def test_a_link_to_the_own_host_is_followed_however_it_is_spelt(
    tmp_path: Path, warehouse: URL, base: str, link: str
) -> None:
    with ScriptedServer([]) as server:
        port = str(urlsplit(server.url).port)
        own = base.format(port=port)
        following = f"{link.format(port=port)}{PATH}?after=1"
        server.answers = [page(RECORD, nextLink=following), page({**RECORD, "id": 2})]
        result = shell_for(tmp_path, server, warehouse, api_url=own)(*SYNC)
    assert result.returncode == 0, result.stderr
    assert last_json(result)["inserted"] == 2
    assert server.api_requests[1].path == f"{PATH}?after=1"


def test_a_408_is_asked_again_like_a_time_out(tmp_path: Path, warehouse: URL) -> None:
    tokens = [Answer(408), token_answer("t")]
    with ScriptedServer([Answer(408), Answer(408), page(RECORD)], tokens) as server:
        result = shell_for(tmp_path, server, warehouse)(*SYNC)
    assert result.returncode == 0, result.stderr
    assert len(server.api_requests) == 3


HTML = b"<html><body>404 page not found</body></html>"


@pytest.mark.parametrize(
    ("body", "status", "deleted"),
    [
        ({"title": "Not Found", "status": 404}, 0, 1),
        (HTML, 1, 0),
        *in_long_form([(b"", 0, 1), (b"{}", 0, 1), (b"404 not found", 1, 0)]),
    ],
    ids=["problem details", "a page", "empty", "an object", "text"],
)
def test_a_removed_record_need_not_be_reported_in_the_words_of_the_api(
    tmp_path: Path, warehouse: URL, body: object, status: int, deleted: int
) -> None:
    with ScriptedServer([page(RECORD, {**RECORD, "id": 2})]) as server:
        assert shell_for(tmp_path, server, warehouse)(*SYNC).returncode == 0
    with ScriptedServer([page(RECORD), Answer(404, body)]) as server:
        result = shell_for(tmp_path, server, warehouse)(*SYNC)
    assert result.returncode == status, result.stderr
    if status == 0:
        assert last_json(result)["deleted"] == deleted
    else:
        assert "status 404" in result.stderr


def test_a_404_of_a_host_that_never_answered_proves_nothing(tmp_path: Path, warehouse: URL) -> None:
    with ScriptedServer([Answer(404, b"{}")]) as server:
        result = shell_for(tmp_path, server, warehouse)("check")
    assert result.returncode == 1
    assert "clockings    NO  The API answers clockings with status 404" in result.stdout


@pytest.mark.parametrize("where", ["api", "token"])
def test_what_the_tenant_says_reaches_a_terminal_as_text_alone(tmp_path: Path, warehouse: URL, where: str) -> None:
    rude = "a\x1b[2J\x1b]0;b\x07\tc\r\nerror: d\u202e\u2028\x9b31m\0"
    api = Answer(400, {"error": {"code": rude, "message": rude, "reasons": [rude, {rude: rude}]}})
    token = Answer(400, {"error": rude, "error_description": rude})
    with ScriptedServer([api], [token] if where == "token" else []) as server:
        result = shell_for(tmp_path, server, warehouse)(*SYNC)
    assert result.returncode == 1
    printed = result.stderr.splitlines()[-1]
    assert printed.isprintable()
    assert "a[2J]0;bcerror: d31m" in printed
