"""The policy that DAG files of earlier releases name: it warns, and does no harm."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from protime_etl.airflow import ProtimeRetryPolicy
from protime_etl.errors import ForbiddenError, ProtimeError, UnreachableError

if TYPE_CHECKING:
    from airflow.sdk import RetryAction

pytestmark = pytest.mark.airflow


def told_policy() -> ProtimeRetryPolicy:
    with pytest.warns(DeprecationWarning, match="Remove it and set retries=3"):
        return ProtimeRetryPolicy(failures=3)


def test_an_old_dag_file_is_told_what_to_do() -> None:
    assert told_policy().failures == 3


def test_the_200_tries_of_an_old_dag_file_end_after_three() -> None:
    try:
        from airflow.sdk import RetryAction
    except ImportError:
        pytest.skip("this Airflow is older than policies")
    policy = told_policy()

    def said(error: ProtimeError, try_number: int, cleared_at: int = 0) -> tuple[RetryAction, float | None]:
        context: Any = {"ti": SimpleNamespace(task=SimpleNamespace(retries=200))}
        decision = policy.evaluate(error, try_number, 200 + cleared_at, context)
        delay = decision.retry_delay
        return decision.action, None if delay is None else delay.total_seconds()

    gone = UnreachableError("gone")
    assert [said(gone, one) for one in (1, 2, 3)] == [
        (RetryAction.RETRY, 60),
        (RetryAction.RETRY, 120),
        (RetryAction.RETRY, 240),
    ]
    assert said(gone, 4)[0] is RetryAction.FAIL
    assert said(gone, 5, cleared_at=4)[0] is RetryAction.RETRY
    assert said(ForbiddenError("no scope", status=403), 1)[0] is RetryAction.FAIL
