"""Who is told of a run that failed, and what; by a real mail server."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from sqlalchemy.engine import Engine

from protime_etl.airflow import ProtimeNotifier
from protime_etl.sync.pipeline import Pipeline
from protime_etl.sync.runs import sync
from tests.airflow.test_operators import FIRST
from tests.databases import execute
from tests.mail_server import mail_server
from tests.tenant import TODAY

pytestmark = [pytest.mark.airflow, pytest.mark.usefixtures("connections")]
RUN: Any = {
    "dag_run": SimpleNamespace(dag_id="protime_clockings_nightly", run_id="manual__1"),
    "task_instance": SimpleNamespace(task_id="pull_clockings"),
}


@pytest.fixture
def failed_night(pipeline: Pipeline, engine: Engine) -> None:
    sync(pipeline, "test", FIRST, TODAY)
    execute(engine.url, "UPDATE protime_etl.runs SET status = 'failed', error = 'status 500' WHERE tenant <> 'shadow'")
    execute(
        engine.url,
        "UPDATE protime_etl.units SET status = 'failed', error = 'status 500'"
        " WHERE error IS DISTINCT FROM 'shadow' AND error IS DISTINCT FROM 'shadow'",
    )


@pytest.mark.usefixtures("failed_night")
def test_what_is_missing_since_when_and_the_one_command_that_repairs_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "https://airflow.example/team/")
    with mail_server() as server:
        monkeypatch.setenv("AIRFLOW_CONN_SMTP_DEFAULT", msgspec.json.encode(server.connection).decode())
        ProtimeNotifier(to="ops@example.com, night@example.com")(RUN)
        ((subject, text),) = server.texts
        assert server.messages[0]["To"] == "ops@example.com, night@example.com"
    assert subject.startswith("[Protime simulated] protime_clockings_nightly failed: not read: ")
    assert "Its task pull_clockings is red" in text
    assert "https://airflow.example/team/dags/protime_clockings_nightly/runs/manual__1" in text
    assert "simulated: NOT COMPLETE - never completely read" in text
    assert "repeat: protime-etl backfill --from 2026-03-07 --to 2026-03-20 --only-missing" in text
    assert "Told ops@example.com, night@example.com" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("given", "field", "setting", "told"),
    [
        ("a@example.com", "b@example.com", "c@example.com", "a@example.com"),
        ("", "b@example.com", "c@example.com", "b@example.com"),
        ("", "", "c@example.com", "c@example.com"),
        ("", "", "", None),
    ],
)
def test_the_factory_the_connection_and_the_environment_name_who_is_told(
    pipeline: Pipeline,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    given: str,
    field: str,
    setting: str,
    told: str | None,
) -> None:
    import os

    connection = msgspec.json.decode(os.environ["AIRFLOW_CONN_PROTIME_DEFAULT"])
    connection["extra"]["alert_email"] = field
    monkeypatch.setenv("AIRFLOW_CONN_PROTIME_DEFAULT", msgspec.json.encode(connection).decode())
    monkeypatch.setenv("PROTIME_ALERT_EMAIL", setting)
    with mail_server() as server:
        monkeypatch.setenv("AIRFLOW_CONN_SMTP_DEFAULT", msgspec.json.encode(server.connection).decode())
        ProtimeNotifier(to=given)(RUN)
        assert [one["To"] for one in server.messages] == ([told] if told else [])
    said = capsys.readouterr().out
    assert ("Nobody is told of this run" in said) == (told is None)
    assert pipeline.settings.client_secret.get_secret_value() not in said


def test_what_tells_of_failures_does_not_fail(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with mail_server() as server:
        gone = server.connection
    for connection in (gone, {"conn_type": "smtp", "host": "nowhere.invalid"}, None):
        if connection:
            monkeypatch.setenv("AIRFLOW_CONN_SMTP_DEFAULT", msgspec.json.encode(connection).decode())
        else:
            monkeypatch.delenv("AIRFLOW_CONN_SMTP_DEFAULT")
        ProtimeNotifier(to="ops@example.com")(RUN)
        assert "The mail about this run was not sent (" in capsys.readouterr().out


def test_a_warehouse_that_cannot_be_asked_and_a_run_that_is_late_are_told_too(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_PROTIME_WAREHOUSE", '{"conn_type": "postgres", "host": "127.0.0.1", "port": 9}')
    with mail_server() as server:
        monkeypatch.setenv("AIRFLOW_CONN_SMTP_DEFAULT", msgspec.json.encode(server.connection).decode())
        context: Any = {"dag_run": {"dag_id": "beta_clockings_nightly", "dag_run_id": "scheduled__1"}}
        ProtimeNotifier(to="ops@example.com", late="2:00:00")(context)
        ((subject, text),) = server.texts
    assert subject == f"[Protime {pipeline.tenant}] beta_clockings_nightly not done after 2:00:00"
    assert "the run scheduled__1 is not done after 2:00:00" in text
    assert "The warehouse cannot be asked: " in text
