"""Answers that the API did not write, and fresh tokens that it does not know yet: both pass, and neither is final."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from protime_etl.collections.clockings import CLOCKINGS
from protime_etl.errors import (
    AuthenticationError,
    ForbiddenError,
    ForeignAnswerError,
    ProtimeError,
    RedirectError,
    UnauthorizedError,
)
from protime_etl.protime import client as client_module
from protime_etl.protime.client import ProtimeClient
from tests.protime.test_client import PATH, RECORD, client_of, read_all
from tests.support.scripted_server import Answer, ScriptedServer, token_answer

PAGE = Answer(200, {"value": [RECORD]})
HTML = b"<!DOCTYPE html><html><body>Access denied by policy</body></html>"
DELTA = f"{PATH.replace('/clockings', '/delta/clockings')}?deltaToken=a"
FORBIDDEN = {"error": {"code": "Forbidden", "message": "The scope is missing"}}


def firewall(status: int) -> Answer:
    return Answer(status, HTML, {"Content-Type": "text/html; charset=utf-8"})


READS: dict[str, tuple[Callable[[ProtimeClient], object], Answer]] = {
    "list": (lambda client: list(client.pages(CLOCKINGS)), PAGE),
    "record": (lambda client: client.record(CLOCKINGS, 1), Answer(200, RECORD)),
    "start of a delta": (lambda client: client.start_delta(CLOCKINGS), Answer(200, {"value": [], "deltaLink": DELTA})),
    "delta": (lambda client: client.delta_changes(CLOCKINGS, DELTA), Answer(200, {"value": [], "deltaLink": DELTA})),
    "any path": (lambda client: client.read("clockings/1"), Answer(200, RECORD)),
}


@pytest.mark.parametrize("status", [200, 204, 302, 400, 401, 403, 404, 407, 410])
@pytest.mark.parametrize("read", READS)
def test_the_page_of_a_firewall_is_asked_again_whatever_its_status(read: str, status: int) -> None:
    call, good = READS[read]
    page = Answer(302, b"", {"Location": "https://login.example/"}) if status == 302 else firewall(status)
    page = Answer(204) if status == 204 else page
    with ScriptedServer([page, good]) as server, client_of(server) as client:
        assert call(client) is not None
        assert len(server.api_requests) == 2
        assert len(server.token_requests) == 1, "a page that is not of the API says nothing about the token"


@pytest.mark.parametrize("status", [200, 302, 400, 401, 403, 404])
def test_the_page_of_a_firewall_before_a_token_is_asked_again(status: int) -> None:
    page = Answer(302, b"", {"Location": "https://login.example/"}) if status == 302 else firewall(status)
    with ScriptedServer([PAGE], [page, token_answer("a")]) as server:
        assert read_all(server) == [1]
        assert len(server.token_requests) == 2


@pytest.mark.parametrize("at_token", [False, True])
def test_a_firewall_that_stays_is_named_and_may_be_tried_again(at_token: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("protime_etl.protime.retrying.ATTEMPTS", 2)
    with (
        ScriptedServer([firewall(403)], [firewall(403)] if at_token else []) as server,
        pytest.raises(ForeignAnswerError, match=r"status 403, text/html.*something between here and the API") as caught,
    ):
        read_all(server)
    assert caught.value.retry
    assert "scope" not in str(caught.value)


def test_a_redirect_that_stays_may_be_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("protime_etl.protime.retrying.ATTEMPTS", 2)
    portal = Answer(302, b"", {"Location": "https://login.example/"})
    with ScriptedServer([portal]) as server, pytest.raises(RedirectError, match="portal") as caught:
        read_all(server)
    assert caught.value.retry


@pytest.mark.parametrize("body", [b"", FORBIDDEN])
def test_a_403_of_the_api_is_final_also_without_a_body(body: object) -> None:
    with ScriptedServer([Answer(403, body)]) as server:
        with pytest.raises(ForbiddenError, match="lacks the scope"):
            read_all(server)
        assert len(server.api_requests) == 1


@pytest.mark.parametrize("error", ["invalid_client", "invalid_scope"])
def test_a_refusal_of_the_token_endpoint_is_final(error: str) -> None:
    with ScriptedServer([], [Answer(400, {"error": error})]) as server, pytest.raises(AuthenticationError):
        read_all(server)
    assert len(server.token_requests) == 1


def test_a_fresh_token_that_is_not_good_yet_is_sent_again() -> None:
    """The clock of the API is four seconds behind that of the token endpoint."""
    early = Answer(401, headers={"WWW-Authenticate": 'Bearer error="invalid_token"'})
    with ScriptedServer([early, early, early, early, PAGE]) as server:
        began = time.monotonic()
        assert read_all(server) == [1]
        assert time.monotonic() - began > 3
        assert len(server.token_requests) == 2, "no token is asked for while the fresh one may become good"


def test_a_fresh_token_is_refused_for_a_bounded_time_and_the_reason_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "FRESH_TOKEN_SECONDS", 2.0)
    why = 'Bearer realm="api", error="invalid_token", error_description="The token is not valid before 10:00"'
    with ScriptedServer([Answer(401, headers={"WWW-Authenticate": why})]) as server, client_of(server) as client:
        with pytest.raises(UnauthorizedError, match="invalid_token: The token is not valid before 10:00") as caught:
            list(client.pages(CLOCKINGS))
        assert "lacks the scope" not in str(caught.value)
        asked = len(server.api_requests)
        assert 3 <= asked <= 6
        with pytest.raises(UnauthorizedError):
            list(client.pages(CLOCKINGS))
        assert len(server.api_requests) == asked + 2, "one collection is patiently asked once"


def test_a_header_that_repeats_the_token_is_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "FRESH_TOKEN_SECONDS", 0.0)
    why = 'Bearer error="invalid_token", error_description="token-2 is unknown"'
    with (
        ScriptedServer([Answer(401, headers={"WWW-Authenticate": why})]) as server,
        pytest.raises(ProtimeError) as caught,
    ):
        read_all(server)
    assert "token-2" not in str(caught.value)
