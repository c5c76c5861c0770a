"""The policy's decisions; that Airflow keeps them is tested with Airflow itself (end_to_end)."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk import RetryAction, RetryDecision
from airflow.sdk.exceptions import AirflowFailException

from protime_etl.airflow import ProtimeRetryPolicy
from protime_etl.errors import ForbiddenError, RateLimited, ServerError, UnreachableError


class Store:
    """What the policy needs of Airflow's store of task state: get and set by key."""

    def __init__(self) -> None:
        self.kept: dict[str, Any] = {}

    def get(self, key: str, default: Any = None) -> Any:
        return self.kept.get(key, default)

    def set(self, key: str, value: Any) -> None:
        self.kept[key] = value


class TaskInstance:
    """One task as it is tried again and again."""

    def __init__(self, policy: ProtimeRetryPolicy) -> None:
        self.policy = policy
        self.context: Any = {"ti": SimpleNamespace(try_number=0, max_tries=200), "task_state_store": Store()}

    def begin(self) -> None:
        self.context["ti"].try_number += 1
        self.policy.begin(self.context)

    def fail(self, error: Exception) -> RetryDecision:
        self.begin()
        return self.policy.evaluate(error, self.context["ti"].try_number, 200, self.context)


WAIT = RateLimited("wait", status=429, retry_after=3600)


def test_a_wait_is_as_long_as_the_api_asks() -> None:
    decision = TaskInstance(ProtimeRetryPolicy()).fail(WAIT)
    assert decision.action is RetryAction.RETRY
    assert decision.retry_delay is not None
    assert dt.timedelta(hours=1) <= decision.retry_delay <= dt.timedelta(hours=1, seconds=30)
    short = TaskInstance(ProtimeRetryPolicy()).fail(ServerError("busy", status=503, retry_after=2))
    assert short.retry_delay is not None
    assert dt.timedelta(seconds=2) <= short.retry_delay <= dt.timedelta(seconds=4)


def test_a_429_that_asks_for_no_wait_is_a_failure() -> None:
    task = TaskInstance(ProtimeRetryPolicy(failures=1))
    actions = [task.fail(RateLimited("slow down", status=429)).action for _ in range(2)]
    assert actions == [RetryAction.RETRY, RetryAction.FAIL]


def test_what_no_retry_cures_fails_at_once() -> None:
    assert TaskInstance(ProtimeRetryPolicy()).fail(ForbiddenError("no scope", status=403)).action is RetryAction.FAIL


def test_waits_do_not_use_up_the_tries_for_failures() -> None:
    task = TaskInstance(ProtimeRetryPolicy(failures=3))
    errors = (WAIT, UnreachableError("gone"), *[WAIT] * 50, ValueError("bug"), WAIT, UnreachableError("gone"))
    assert {task.fail(error).action for error in errors} == {RetryAction.RETRY}
    last = task.fail(UnreachableError("gone"))
    assert last.action is RetryAction.FAIL
    assert last.reason is not None
    assert "4 tries failed" in last.reason


def test_each_failure_doubles_the_delay_up_to_its_end() -> None:
    task = TaskInstance(ProtimeRetryPolicy(failures=9, max_delay=dt.timedelta(minutes=5)))
    delays = [task.fail(UnreachableError("gone")).retry_delay for _ in range(5)]
    assert delays == [dt.timedelta(minutes=minutes) for minutes in (1, 2, 4, 5, 5)]


def test_a_task_that_is_killed_again_and_again_fails() -> None:
    task = TaskInstance(ProtimeRetryPolicy(failures=2))
    for _ in range(3):
        task.begin()  # and is killed: nobody evaluates
    with pytest.raises(AirflowFailException, match="3 tries of this task failed or were killed"):
        task.begin()


def test_a_task_that_is_cleared_begins_anew() -> None:
    task = TaskInstance(ProtimeRetryPolicy(failures=0))
    assert task.fail(UnreachableError("gone")).action is RetryAction.FAIL
    task.context["ti"].max_tries = 201  # as Airflow does when a task is cleared
    assert task.fail(UnreachableError("gone")).action is RetryAction.FAIL
    task.context["ti"].max_tries = 202
    assert task.fail(WAIT).action is RetryAction.RETRY
