"""What Airflow does after a failed try: give the worker slot back for as long as the API asks to wait."""

from __future__ import annotations

import datetime as dt
import random
from typing import TYPE_CHECKING

from airflow.sdk import RetryDecision, RetryPolicy

from protime_etl.errors import ApiError, ProtimeError

if TYPE_CHECKING:
    from airflow.sdk import Context

__all__ = ["ProtimeRetryPolicy"]

STAGGER_SECONDS = 30.0


class ProtimeRetryPolicy(RetryPolicy):
    """Fail at once what no retry cures; wait as long as `Retry-After` says; leave the rest to the task's own rules."""

    def evaluate(
        self, exception: BaseException, try_number: int, max_tries: int, context: Context | None = None
    ) -> RetryDecision:
        """Decide by what the error means."""
        del try_number, max_tries, context
        if isinstance(exception, ProtimeError) and not exception.retry:
            return RetryDecision.fail(str(exception))
        if isinstance(exception, ApiError) and exception.retry_after is not None:
            wait = exception.retry_after + random.uniform(0, STAGGER_SECONDS)  # noqa: S311 - no secret depends on it
            return RetryDecision.retry(dt.timedelta(seconds=wait), str(exception))
        return RetryDecision.default()
