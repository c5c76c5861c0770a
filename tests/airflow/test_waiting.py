"""What a task makes of a wait; that Airflow keeps to it is tested with Airflow itself (end_to_end)."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException, AirflowRescheduleException

from protime_etl.airflow.operators.waiting import RescheduledError, long_wait, wait_outside
from protime_etl.errors import ForbiddenError, ProtimeError, RateLimited, ServerError, UnreachableError

pytestmark = pytest.mark.airflow
HOURS = dt.timedelta(hours=12)


def context(began: dt.datetime | None = None) -> Any:
    return {"ti": SimpleNamespace(get_first_reschedule_date=lambda _context: began)}


@pytest.mark.parametrize(
    ("error", "seconds"),
    [
        (RateLimited("slow down", status=429, retry_after=3600), 3600),
        (ServerError("busy", status=503, retry_after=3600), 3600),
        (ServerError("busy", status=503, retry_after=61), 61),
        (RateLimited("slow down", status=429, retry_after=2), 30),  # sat out again and again before it came here
        (ServerError("busy", status=503, retry_after=2), None),
        (RateLimited("slow down", status=429, retry_after=0), None),
        (RateLimited("slow down", status=429), None),
        (UnreachableError("gone"), None),
        (ForbiddenError("no scope", status=403), None),
    ],
)
def test_what_is_a_wait_and_what_a_failure(error: ProtimeError, seconds: float | None) -> None:
    assert long_wait(error, max_wait_in_task=60) == seconds


def test_no_wait_outside_is_shorter_than_airflow_needs_to_see_that_the_task_went() -> None:
    """After 2 seconds Airflow was seen to take the end of the one process for a crash of the next."""
    assert long_wait(ServerError("busy", status=503, retry_after=2), max_wait_in_task=0) == 30


def test_a_wait_is_as_long_as_the_api_asks() -> None:
    before = dt.datetime.now(dt.UTC)
    raised = wait_outside(context(), 3600, RateLimited("Wait.", status=429), HOURS)
    assert isinstance(raised, RescheduledError)
    assert isinstance(raised, AirflowRescheduleException)
    assert before + dt.timedelta(hours=1) <= raised.reschedule_date <= before + dt.timedelta(hours=1, minutes=1)
    assert f"resumes at {raised.reschedule_date:%Y-%m-%d %H:%M}" in str(raised)


def test_no_wait_is_without_end() -> None:
    now = dt.datetime.now(dt.UTC)
    waited = wait_outside(
        context(now - dt.timedelta(hours=11, minutes=50)), 300, RateLimited("Wait.", status=429), HOURS
    )
    assert isinstance(waited, RescheduledError)
    for began, seconds in ((now - dt.timedelta(hours=11, minutes=50), 3600), (None, 13 * 3600)):
        ended = wait_outside(context(began), seconds, RateLimited("Wait.", status=429), HOURS)
        assert isinstance(ended, AirflowFailException)
        assert "deadline: 12:00:00" in str(ended)
        assert "Clear it when the API answers again" in str(ended)
