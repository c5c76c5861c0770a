"""What libraries log at DEBUG of a request: where it went, and not the link or filter that it was."""

from __future__ import annotations

import logging

import pytest

from protime_etl.collections.collection import API_PATH
from protime_etl.protime.transport import new_session, send
from tests.support.scripted_server import Answer, ScriptedServer


def test_a_link_of_the_delta_is_in_no_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with ScriptedServer([Answer(200, {})]) as server:
        send(new_session(), "GET", f"{server.url}{API_PATH}/delta/clockings?$deltatoken=reads-on", headers={})
        (asked,) = server.received
    assert "reads-on" in asked.path
    assert f"GET {API_PATH}/delta/clockings?..." in caplog.text
    assert "reads-on" not in caplog.text
