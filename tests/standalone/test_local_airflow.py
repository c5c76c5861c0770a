"""Airflow's REST API as it may answer just after its start."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from protime_etl.errors import ProtimeError
from protime_etl.standalone.local_airflow import LocalAirflow
from tests.scripted_server import Answer, ScriptedServer

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
