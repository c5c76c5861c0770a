"""Who is notified of a run that failed, and of what; by a real mail server."""

from __future__ import annotations

import html
import re
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from protime_etl.airflow import ProtimeFinishOperator, ProtimeNotifier, ProtimePlanOperator
from protime_etl.errors import ForbiddenError
from protime_etl.simulator.server import SimulatedTenant
from protime_etl.sync.pipeline import Pipeline
from protime_etl.sync.pull.lists import read_people
from protime_etl.sync.pull.runs import sync
from tests.airflow.test_operators import FIRST, context, misbehave, pull
from tests.support.mail_server import mail_server
from tests.support.tenant import TODAY

pytestmark = [pytest.mark.airflow, pytest.mark.usefixtures("connections")]
RUN: Any = {
    "dag_run": SimpleNamespace(dag_id="protime_clockings_nightly", run_id="manual__1"),
    "task_instance": SimpleNamespace(task_id="pull_clockings"),
}


@pytest.fixture
def refused_night(pipeline: Pipeline, simulated: SimulatedTenant) -> None:
    """A night to whose client the tenant refuses the clockings, as its tasks leave it behind."""
    read_people(pipeline)
    misbehave(simulated, 'kind = "status"\nstatus = 403\nrate = 1.0')
    units = ProtimePlanOperator(task_id="plan", lookback_days=13).carry_out(pipeline, left := context())
    for unit in units:
        with pytest.raises(ForbiddenError):
            pull(pipeline, unit)
    night = ProtimeFinishOperator(task_id="publish", allow_partial=True, run_id=left["ti"].values["run_id"])
    night.carry_out(pipeline, context())


@pytest.mark.usefixtures("refused_night")
def test_a_night_that_is_refused_is_one_problem_with_its_reason_and_one_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "https://airflow.example/team/")
    with mail_server() as server:
        monkeypatch.setenv("AIRFLOW_CONN_SMTP_DEFAULT", msgspec.json.encode(server.connection).decode())
        ProtimeNotifier(to="ops@example.com, night@example.com")(RUN)
        ((subject, text),) = server.texts
        assert server.messages[0]["To"] == "ops@example.com, night@example.com"
    problem = f"clockings not read: 20 people, {FIRST}..{TODAY}"
    assert subject.startswith(f"[Protime simulated] {problem}: ")
    assert "403" in subject
    assert "close_run" not in subject + text
    lines = html.unescape(text).removeprefix("<pre>").splitlines()
    assert lines[0] == problem
    assert lines[1].startswith("Why: ")
    assert "status 403" in lines[1]
    assert re.fullmatch(r"Since: \d{4}-\d\d-\d\d \d\d:\d\d CES?T", lines[2]), "the tenant's time zone"
    assert lines[3] == f"Repair: protime-etl backfill --from {FIRST} --to {TODAY} --only-missing"
    assert text.count("Repair: ") == 1, text
    assert text.count("https://") == 1, "one link"
    link = "https://airflow.example/team/dags/protime_clockings_nightly/runs/manual__1"
    assert f"protime_clockings_nightly failed: {link}" in text
    assert "Mail to ops@example.com, night@example.com" in capsys.readouterr().out


def test_a_run_that_failed_without_a_problem_in_the_warehouse_leads_to_its_log(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    sync(pipeline, FIRST, TODAY)
    with mail_server() as server:
        monkeypatch.setenv("AIRFLOW_CONN_SMTP_DEFAULT", msgspec.json.encode(server.connection).decode())
        ProtimeNotifier(to="ops@example.com")(RUN)
        ((subject, text),) = server.texts
    assert subject == "[Protime simulated] protime_clockings_nightly failed"
    assert "The warehouse reports no problem: the log of the red task says what failed." in text


@pytest.mark.parametrize(
    ("given", "field", "setting", "recipient"),
    [
        ("a@example.com", "b@example.com", "c@example.com", "a@example.com"),
        ("", "b@example.com", "c@example.com", "b@example.com"),
        ("", "", "c@example.com", "c@example.com"),
        ("", "", "", None),
    ],
)
def test_the_factory_the_connection_and_the_environment_name_who_is_notified(
    pipeline: Pipeline,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    given: str,
    field: str,
    setting: str,
    recipient: str | None,
) -> None:
    import os

    connection = msgspec.json.decode(os.environ["AIRFLOW_CONN_PROTIME_DEFAULT"])
    connection["extra"]["alert_email"] = field
    monkeypatch.setenv("AIRFLOW_CONN_PROTIME_DEFAULT", msgspec.json.encode(connection).decode())
    monkeypatch.setenv("PROTIME_ALERT_EMAIL", setting)
    with mail_server() as server:
        monkeypatch.setenv("AIRFLOW_CONN_SMTP_DEFAULT", msgspec.json.encode(server.connection).decode())
        ProtimeNotifier(to=given)(RUN)
        assert [one["To"] for one in server.messages] == ([recipient] if recipient else [])
    said = capsys.readouterr().out
    assert ("No mail is sent about this run" in said) == (recipient is None)
    assert pipeline.settings.client_secret.get_secret_value() not in said


def test_a_notification_that_cannot_be_sent_is_no_failure(
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


def test_a_warehouse_that_cannot_be_queried_and_a_run_that_is_late_are_reported_too(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    nowhere = '{"conn_type": "postgres", "host": "127.0.0.1", "port": 9, "schema": "<name>"}'
    monkeypatch.setenv("AIRFLOW_CONN_PROTIME_WAREHOUSE", nowhere)
    with mail_server() as server:
        monkeypatch.setenv("AIRFLOW_CONN_SMTP_DEFAULT", msgspec.json.encode(server.connection).decode())
        context: Any = {"dag_run": {"dag_id": "beta_clockings_nightly", "dag_run_id": "scheduled__1"}}
        ProtimeNotifier(to="ops@example.com", late="2:00:00")(context)
        ((subject, text),) = server.texts
    assert subject == f"[Protime {pipeline.tenant}] beta_clockings_nightly not done after 2:00:00"
    assert "beta_clockings_nightly not done after 2:00:00: /dags/beta_clockings_nightly/runs/scheduled__1" in text
    assert "The warehouse cannot be queried: PostgreSQL at 127.0.0.1:9/&lt;name&gt; " in text, "as HTML shows it"
    assert "protime_warehouse" in text
    assert "PROTIME_DATABASE_URL" not in text
