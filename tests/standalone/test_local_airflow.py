"""Airflow's REST API as it may answer just after its start."""

from __future__ import annotations

import socketserver
import subprocess
import sys
import threading
from pathlib import Path
from typing import ClassVar

import pytest

from protime_etl.errors import ProtimeError
from protime_etl.standalone.local_airflow import LocalAirflow
from tests.support.scripted_server import Answer, ScriptedServer

TOKEN = Answer(body={"access_token": "token"})


def airflow_at(server: ScriptedServer, folder: Path) -> LocalAirflow:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return LocalAirflow(process, server.url, folder / "log")


def asked(server: ScriptedServer) -> list[str]:
    return [one.method for one in server.received[1:]]


def test_what_fails_just_after_the_start_is_read_again(tmp_path: Path) -> None:
    with ScriptedServer([TOKEN, Answer(500), Answer(503), Answer(body={})]) as server:
        assert airflow_at(server, tmp_path).request("GET", "/connections") == {}
    assert asked(server) == ["GET"] * 3


def test_what_changes_something_is_not_sent_twice(tmp_path: Path) -> None:
    with ScriptedServer([TOKEN, Answer(500)]) as server, pytest.raises(ProtimeError, match="status 500"):
        airflow_at(server, tmp_path).request("POST", "/connections", {})
    assert asked(server) == ["POST"]


def test_an_airflow_that_goes_on_failing_is_named(tmp_path: Path) -> None:
    with ScriptedServer([TOKEN, Answer(500)]) as server, pytest.raises(ProtimeError, match="status 500"):
        airflow_at(server, tmp_path).request("GET", "/connections")
    assert asked(server) == ["GET"] * 4


class Closing(socketserver.StreamRequestHandler):
    """Closes every second connection instead of answering."""

    asked: ClassVar[list[str]] = []

    def handle(self) -> None:
        self.asked.append(self.rfile.readline().decode().split()[0])
        while self.rfile.readline().strip():
            pass
        if len(self.asked) % 2:
            body = b'{"access_token": "token"}'
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))


def test_a_connection_that_is_closed_instead_of_answered_is_made_again_for_what_only_reads(tmp_path: Path) -> None:
    Closing.asked.clear()
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Closing) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        process = subprocess.Popen([sys.executable, "-c", ""])
        process.wait()
        airflow = LocalAirflow(process, f"http://127.0.0.1:{server.server_address[1]}", tmp_path / "log")
        assert airflow.request("GET", "/connections") == {"access_token": "token"}
        assert Closing.asked == ["GET"] * 3, "the token, what was closed, and the same again"
        with pytest.raises(ProtimeError, match="does not answer POST"):
            airflow.request("POST", "/connections", {})
        assert Closing.asked == ["GET"] * 3 + ["POST"]
        server.shutdown()
