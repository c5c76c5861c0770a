"""Links, redirects and tokens that mean harm: nothing is sent elsewhere, and no secret is revealed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy.engine import URL

from protime_etl.collections.clockings import CLOCKINGS
from protime_etl.collections.collection import API_PATH
from protime_etl.config import CLOCKINGS_SCOPE
from protime_etl.errors import (
    AuthenticationError,
    ProtimeError,
    ProtocolError,
    UntrustedLinkError,
)
from protime_etl.protime.auth import MemoryTokenStore, TokenSource
from protime_etl.protime.client import ProtimeClient
from protime_etl.protime.token_requests import request_token
from protime_etl.protime.transport import new_session
from protime_etl.sync.pipeline import open_pipeline
from protime_etl.sync.pull.lists import read_people
from tests.protime.hostile import DEEP, GOOD, MIB
from tests.support.scripted_server import Answer, ScriptedServer, token_answer

PATH = f"{API_PATH}/clockings"


def test_no_cookie_is_kept() -> None:
    cookies = [
        Answer(200, {"value": [], "nextLink": f"{PATH}?x=1"}, {"Set-Cookie": "session=1"}),
        Answer(200, {"value": []}),
    ]
    with ScriptedServer(cookies) as server, client_of(server) as client:
        assert len(list(client.pages(CLOCKINGS))) == 2
        assert "Cookie" not in server.api_requests[1].headers
        assert server.api_requests[0].headers["Accept-Encoding"] == "gzip"


@contextmanager
def client_of(server: ScriptedServer) -> Iterator[ProtimeClient]:
    session = new_session()
    tokens = TokenSource(server.settings(), MemoryTokenStore(), fetch=lambda asked: request_token(asked, session))
    client = ProtimeClient(server.settings(), tokens)
    yield client
    client.close()
    session.close()


def foreign_links(own: str, other: str) -> list[str]:
    """Links of all sorts that may be taken for one of `own`, and that lead to `other` or to another path."""
    host = other.removeprefix("http://")
    port = host.rpartition(":")[2]
    own_host = own.removeprefix("http://")
    return [
        f"{other}{PATH}?x=1",
        f"//{host}{PATH}?x=1",
        f"///{host}{PATH}?x=1",
        f"////{host}{PATH}?x=1",
        f"/\\{host}{PATH}?x=1",
        f"\\\\{host}{PATH}?x=1",
        f"http:\\\\{host}{PATH}?x=1",
        f"http:/{host}{PATH}?x=1",
        f"http:{host}{PATH}?x=1",
        f"http://{own_host}@{host}{PATH}?x=1",
        f"http://{own_host}\\@{host}{PATH}?x=1",
        f"http://{host}\\@{own_host}{PATH}?x=1",
        f"http://{host}#@{own_host}{PATH}?x=1",
        f"http://{host}?@{own_host}{PATH}",
        f"http://user:password@{own_host}{PATH}?x=1",
        f"http://127.0.0.1:{port}{PATH}?x=1",
        f"http://localhost:{port}{PATH}?x=1",
        f"http://127.1:{port}{PATH}?x=1",
        f"http://2130706433:{port}{PATH}?x=1",
        f"http://\N{FULLWIDTH DIGIT ONE}27.0.0.1:{port}{PATH}?x=1",
        f"http://127\N{IDEOGRAPHIC FULL STOP}0.0.1:{port}{PATH}?x=1",
        f"http://127.0.0.1:\N{FULLWIDTH DIGIT ONE}{port}{PATH}?x=1",
        f"http://acme\N{CYRILLIC SMALL LETTER IE}.example{PATH}",
        f"HTTP://{host}{PATH}?x=1",
        f" http://{host}{PATH}?x=1",
        f"\thttp://{host}{PATH}?x=1",
        f"ht\ntp://{host}{PATH}?x=1",
        f"file://{own_host}{PATH}?x=1",
        f"ftp://{own_host}{PATH}?x=1",
        f"{PATH}/../../x",
        f"{PATH}/../clockings?x=1",
        f"{PATH}/%2e%2e/people?x=1",
        f"{PATH}%2f..%2fpeople?x=1",
        f"{PATH}/?x=1",
        f"{PATH};x=1?x=1",
        f"/.{PATH}?x=1",
        f"/%2f{host}{PATH}?x=1",
        f"{API_PATH}/%63lockings?x=1",
        f"{API_PATH}//clockings?x=1",
        f"{PATH}?x=1#y",
        f"{PATH}\0?x=1",
        f"{PATH}?x=1\N{RIGHT-TO-LEFT OVERRIDE}",
        f"{PATH}?x=1 HTTP/1.1\r\nHost: {host}\r\n\r\n",
        "?x=1",
        "#",
    ]


def test_nothing_is_sent_where_a_foreign_link_leads() -> None:
    with ScriptedServer([Answer(200, {"value": [GOOD]})]) as other, ScriptedServer([]) as server:
        links = foreign_links(server.url, other.url)
        for number, link in enumerate(links, 1):
            server.answers.append(Answer(200, {"value": [GOOD], "nextLink": link}))
            with client_of(server) as client, pytest.raises(UntrustedLinkError, match="not followed"):
                list(client.pages(CLOCKINGS))
            assert len(server.api_requests) == number, link
        assert other.received == []


@pytest.mark.parametrize("link", [5, [], {}, True, "x" * MIB, PATH + "?" + "x" * 5000])
def test_a_link_that_is_no_link_is_a_clear_error(link: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("protime_etl.protime.retrying.ATTEMPTS", 1)
    with (
        ScriptedServer([Answer(200, {"value": [GOOD], "nextLink": link})]) as server,
        client_of(server) as client,
        pytest.raises(ProtimeError),
    ):
        list(client.pages(CLOCKINGS))
    assert len(server.api_requests) == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_nothing_is_sent_where_a_redirect_leads(status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("protime_etl.protime.retrying.ATTEMPTS", 1)
    with ScriptedServer([Answer(200, {"value": []})]) as other:
        for path in (PATH, "/tenants/acme/connect/token"):
            moved = Answer(status, b"", {"Location": f"{other.url}{path}"})
            on_token = [moved] if path != PATH else []
            with (
                ScriptedServer([moved], on_token) as server,
                client_of(server) as client,
                pytest.raises(UntrustedLinkError, match="redirects are not followed"),
            ):
                list(client.pages(CLOCKINGS))
            assert len(server.received) == (1 if on_token else 2)
        assert other.received == []


@pytest.mark.parametrize(
    "answer",
    [
        *[
            token_answer(value)
            for value in ("", " ", "a b", "a\nb", "a\r\nX: 1", "a\0", "\u00e9", "a\x7f", "a\u2028", "t" * 2_000_000)
        ],
        *[token_answer("t", expires_in=lifetime) for lifetime in (-1, 0, -0.0, 10**400)],
        *[
            token_answer("t", expires_in=lifetime)
            for lifetime in ("NaN", "", "-1", "0", "1e3", " 1800 s", [1800], True)
        ],
        Answer(200, b'{"access_token":"t","token_type":"Bearer","expires_in":NaN}'),
        Answer(200, b'{"access_token":"t","token_type":"Bearer","expires_in":1e400}'),
        Answer(200, b'{"access_token":"\\ud800","token_type":"Bearer","expires_in":1800}'),
        Answer(200, b'{"x":' + b"[" * DEEP + b"]" * DEEP + b"}"),
        Answer(200, b'{"x":' + b"[" * 990 + b"]" * 990 + b"}"),
        Answer(200, b" " * (100 * MIB)),
        Answer(200, b"[]"),
        token_answer("t", scope=["connector-protimeapi-clockings.read"]),
        token_answer("t", scope=5),
        token_answer("t", scope=[5]),
        token_answer("t", scope=[]),
        token_answer("t", token_type=None),
        Answer(401, b'{"error":' + b"[" * DEEP),
        Answer(400, {"error": {"code": [[1]], "message": {"a": 10**30}, "reasons": [None, 5, {}]}}),
    ],
)
def test_a_hostile_token_answer_is_a_clear_error(answer: Answer) -> None:
    with ScriptedServer([], [answer]) as server:
        session = new_session()
        with pytest.raises((ProtocolError, AuthenticationError)) as caught:
            request_token(server.settings(), session)
        session.close()
    assert len(str(caught.value)) < 600
    assert str(caught.value).isprintable()


def test_a_token_of_any_lifetime_can_be_shared(warehouse: URL) -> None:
    for lifetime in (1e300, 10**18, 1e-300):
        answers = [token_answer("t", expires_in=lifetime)]
        with (
            ScriptedServer([Answer(200, {"value": []})], answers) as server,
            open_pipeline(server.settings(scopes=CLOCKINGS_SCOPE), warehouse) as pipeline,
        ):
            read_people(pipeline)
            assert pipeline.tokens.current().remaining <= 86_400


def test_a_secret_or_a_token_that_a_server_repeats_is_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("protime_etl.protime.retrying.ATTEMPTS", 1)
    secret = 's3cr&t+/="x'
    for said in (secret, "grant_type=client_credentials&client_secret=s3cr%26t%2B%2F%3D%22x", f"{'x' * 295}{secret}"):
        answer = Answer(400, {"error": "invalid_request", "error_description": said})
        with ScriptedServer([], [answer]) as server:
            session = new_session()
            with pytest.raises(AuthenticationError, match="invalid_request") as refused:
                request_token(server.settings(client_secret=secret), session)
            session.close()
        assert "s3cr" not in str(refused.value)
    error = {"code": "no", "message": "Bearer to\x00ken-1 is bad", "reasons": ["fine", "see token-2"]}
    with ScriptedServer([Answer(401, {"error": error})]) as server, client_of(server) as client:
        with pytest.raises(ProtimeError, match="no; fine") as caught:
            list(client.pages(CLOCKINGS))
        assert "token-" not in str(caught.value)
