from __future__ import annotations

import datetime as dt

from airflow.sdk import RetryAction

from protime_etl.airflow import ProtimeRetryPolicy
from protime_etl.errors import ForbiddenError, RateLimited, ServerError, UnreachableError


def test_the_policy_waits_as_long_as_the_api_asks_and_gives_up_what_cannot_work() -> None:
    policy = ProtimeRetryPolicy()

    waiting = policy.evaluate(RateLimited("wait", status=429, retry_after=3600), 1, 3)
    assert waiting.action is RetryAction.RETRY
    assert waiting.retry_delay is not None
    assert dt.timedelta(hours=1) <= waiting.retry_delay <= dt.timedelta(hours=1, seconds=30)
    assert policy.evaluate(ForbiddenError("no scope", status=403), 1, 3).action is RetryAction.FAIL
    for error in (UnreachableError("gone"), ServerError("broken", status=500), ValueError("anything")):
        assert policy.evaluate(error, 1, 3).action is RetryAction.DEFAULT
