from __future__ import annotations

import gzip
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from protime_etl.collections.clockings import CLOCKINGS
from protime_etl.collections.collection import API_PATH
from protime_etl.errors import (
    InvalidRequestError,
    ProtimeError,
    ProtocolError,
    UnauthorizedError,
    UntrustedLinkError,
)
from protime_etl.protime import transport
from protime_etl.protime.auth import MemoryTokenStore, TokenSource
from protime_etl.protime.client import ProtimeClient
from protime_etl.protime.filters import person
from protime_etl.protime.token_requests import request_token
from tests.support.scripted_server import Answer, ScriptedServer, token_answer

PATH = f"{API_PATH}/clockings"
RECORD: dict[str, Any] = {
    "id": 1,
    "person": {"id": 7},
    "date": "2026-03-20",
    "timeOfDayInMinutes": 480,
    "kind": "InOut",
}


@contextmanager
def client_of(server: ScriptedServer) -> Iterator[ProtimeClient]:
    session = transport.new_session()
    tokens = TokenSource(server.settings(), MemoryTokenStore(), fetch=lambda asked: request_token(asked, session))
    client = ProtimeClient(server.settings(), tokens)
    yield client
    client.close()
    session.close()


def read_all(server: ScriptedServer) -> list[int]:
    with client_of(server) as client:
        return [row[0] for page in client.pages(CLOCKINGS, person.in_([1, 2])) for row in page.rows]


def test_pages_are_followed_to_the_one_without_a_link_and_an_empty_one_is_not_the_end() -> None:
    link = f"{PATH}?filter=person in (1,2) and date ge '2026-01-01'&continuationToken=eyJ2YWxpZGF0%2BZQ=="
    answers = [
        Answer(200, {"value": [RECORD], "nextLink": link}),
        Answer(200, {"value": [], "nextLink": link.replace("ZQ", "ZR")}),
        Answer(200, {"value": [{**RECORD, "id": 2}], "nextLink": None}),
    ]
    with ScriptedServer(answers) as server:
        assert read_all(server) == [1, 2]

        first, second, third = server.api_requests
        assert first.path == f"{PATH}?filter=person%20in%20(1,2)"
        assert second.path == f"{PATH}?filter=person%20in%20(1,2)%20and%20date%20ge%20'2026-01-01'" + (
            "&continuationToken=eyJ2YWxpZGF0%2BZQ=="
        ), "blanks are encoded and the token is not encoded twice"
        assert unquote(third.path).endswith("ZR==")
        assert {one.headers["Authorization"] for one in server.api_requests} == {"Bearer token-1"}
        assert {one.headers["User-Agent"] for one in server.received} == {server.settings().agent}


@pytest.mark.parametrize(
    "link",
    [
        "https://evil.example/connector/protimeapi/api/v1/clockings?x=1",
        "//evil.example/connector/protimeapi/api/v1/clockings?x=1",
        "http://user@127.0.0.1/connector/protimeapi/api/v1/clockings",
        "/connector/protimeapi/api/v1/people?x=1",
        "/connector/protimeapi/api/v1/clockings/../people",
        "/elsewhere",
        "clockings?x=1",
        "\\\\evil.example\\clockings",
        "/connector/protimeapi/api/v1/clockings?x=1#fragment",
        "/connector/protimeapi/api/v1/clockings?x=1\r\nX-Evil: 1",
        "http://[::1/connector/protimeapi/api/v1/clockings",
    ],
)
def test_a_link_that_leads_elsewhere_is_refused(link: str) -> None:
    with ScriptedServer([Answer(200, {"value": [RECORD], "nextLink": link})]) as server:
        with pytest.raises(UntrustedLinkError, match="not followed"):
            read_all(server)
        assert len(server.api_requests) == 1


def test_a_link_with_another_port_or_scheme_of_the_same_host_is_refused() -> None:
    for change in (("http:", "https:"), (":", ":1")):
        with ScriptedServer([]) as server:
            link = server.url.replace(*change) if change[0] == "http:" else server.url + "1"
            server.answers.append(Answer(200, {"value": [], "nextLink": f"{link}{PATH}?x=1"}))
            with pytest.raises(UntrustedLinkError):
                read_all(server)


def test_a_loop_of_links_is_noticed() -> None:
    answers = [Answer(200, {"value": [RECORD], "nextLink": f"{PATH}?continuationToken=a"})]
    with ScriptedServer(answers) as server:
        with pytest.raises(ProtocolError, match="loop"):
            read_all(server)
        assert len(server.api_requests) == 2


def test_a_redirect_is_not_followed_and_takes_no_token_along() -> None:
    with ScriptedServer([Answer(200, {"value": []})]) as other:
        moved = Answer(302, b"", {"Location": f"{other.url}{PATH}"})
        with ScriptedServer([moved]) as server, pytest.raises(UntrustedLinkError, match="redirects"):
            read_all(server)
        with (
            ScriptedServer([], [Answer(307, b"", {"Location": f"{other.url}/connect/token"})]) as server,
            pytest.raises(UntrustedLinkError, match="redirects"),
        ):
            read_all(server)
        assert other.received == []


def test_a_401_renews_the_token_once_and_repeats_the_request_once() -> None:
    with ScriptedServer([Answer(401), Answer(200, {"value": [RECORD]})]) as server:
        assert read_all(server) == [1]
        assert [one.headers["Authorization"] for one in server.api_requests] == ["Bearer token-1", "Bearer token-2"]


def test_a_401_that_survives_a_fresh_token_names_the_scope() -> None:
    refused = Answer(401, headers={"WWW-Authenticate": 'Bearer error="insufficient_scope"'})
    with ScriptedServer([refused]) as server:
        with pytest.raises(UnauthorizedError, match=r"lacks the scope connector-protimeapi-clockings\.read"):
            read_all(server)
        assert len(server.api_requests) == 2
        assert len(server.token_requests) == 2


def test_the_reasons_of_a_400_are_shown() -> None:
    body = {"error": {"code": "BadRequest", "message": "The request was invalid", "reasons": ["The range is bad"]}}
    with (
        ScriptedServer([Answer(400, body)]) as server,
        pytest.raises(InvalidRequestError, match="BadRequest: The request was invalid; The range is bad") as caught,
    ):
        read_all(server)
    assert caught.value.reasons == ("The range is bad",)


@pytest.mark.parametrize(
    "body", [b"", b"<html>proxy</html>", b'{"value":', b'{"value": 5}', b"[]", b"\xff\xfe", b'{"value":[{"id":\xff}]}']
)
def test_an_answer_that_is_no_page_is_requested_again_and_then_reported(
    body: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("protime_etl.protime.retrying.ATTEMPTS", 2)
    with ScriptedServer([Answer(200, body)]) as server:
        with pytest.raises(ProtocolError, match="a page of JSON records"):
            read_all(server)
        assert len(server.api_requests) == 2


def test_a_passing_fault_is_waited_out() -> None:
    answers = [Answer(503, b"", {"Retry-After": "0"}), Answer(200, b"{"), Answer(200, {"value": [RECORD]})]
    with ScriptedServer(answers) as server:
        assert read_all(server) == [1]


def test_a_body_that_grows_without_end_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "MAX_BODY_BYTES", 1_000_000)
    bomb = gzip.compress(b" " * 50_000_000)
    with (
        ScriptedServer([Answer(200, bomb, {"Content-Encoding": "gzip"})]) as server,
        client_of(server) as client,
        pytest.raises(ProtocolError, match="larger than"),
    ):
        client._get(CLOCKINGS, client.list_uri(CLOCKINGS, None))


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (Answer(401, {"error": "invalid_client"}), "Check PROTIME_CLIENT_ID and PROTIME_CLIENT_SECRET"),
        (Answer(400, {"error": "invalid_scope", "error_description": "no such scope"}), "Check PROTIME_SCOPES"),
        (Answer(401, {"error": "the-client-secret", "error_description": "the-client-secret"}), "status 401. Check"),
        (Answer(400, {"error": "invalid_request"}), "may use the client_credentials grant"),
        (Answer(404, b"nothing here"), "check PROTIME_TENANT and PROTIME_ENVIRONMENT"),
        (token_answer("t", scope="connector-protimeapi-people.read"), r"not granted connector-protimeapi-clockings"),
        (Answer(200, {"access_token": "a"}), "not a token"),
        (token_answer("a\r\nX-Evil: 1"), "not a usable Bearer token"),
        (token_answer("a", token_type="mac"), "not a usable Bearer token"),
        (token_answer("a", expires_in=0), "not a usable Bearer token"),
    ],
)
def test_a_refused_token_says_why_and_holds_no_secret(answer: Answer, message: str) -> None:
    with ScriptedServer([], [answer]) as server:
        session = transport.new_session()
        with pytest.raises(ProtimeError, match=message) as caught:
            request_token(server.settings(), session)
        session.close()
    assert "the-client-secret" not in str(caught.value)


def test_the_token_request_is_form_encoded_with_narrowed_scopes() -> None:
    with ScriptedServer([Answer(200, {"value": []})]) as server:
        read_all(server)
        (request,) = server.token_requests
    assert request.path == "/tenants/acme/connect/token"
    assert request.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert request.body == (
        "grant_type=client_credentials&client_id=client&client_secret=the-client-secret"
        "&scope=connector-protimeapi-clockings.read+connector-protimeapi-people.read"
    )


def test_a_password_for_the_host_in_netrc_takes_the_place_of_no_token(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login other password anything\n", encoding="utf-8")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    with ScriptedServer([Answer(200, {"value": [RECORD]})]) as server:
        assert read_all(server) == [1]
    assert [one.headers.get("Authorization") for one in server.received] == [None, "Bearer token-1"]


def test_expires_in_is_believed() -> None:
    tokens = [token_answer("a", expires_in=2), token_answer("b")]
    with ScriptedServer([Answer(200, {"value": []})], tokens) as server, client_of(server) as client:
        list(client.pages(CLOCKINGS))
        time.sleep(1.5)
        list(client.pages(CLOCKINGS))
        list(client.pages(CLOCKINGS))
    assert [one.headers["Authorization"] for one in server.api_requests] == ["Bearer a", "Bearer b", "Bearer b"]


def test_an_unreachable_host_is_reported_without_the_uri(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("protime_etl.protime.retrying.ATTEMPTS", 1)
    server = ScriptedServer([])
    server._server.server_close()
    with pytest.raises(ProtimeError, match=r"127\.0\.0\.1:\d+ cannot be reached") as caught:
        read_all(server)
    assert "filter" not in str(caught.value)
