"""What DAG files of earlier releases name; nothing of ours needs it any more."""

from __future__ import annotations

import datetime as dt
import warnings
from typing import TYPE_CHECKING

from protime_etl.errors import ProtimeError

if TYPE_CHECKING:
    from airflow.sdk import Context, RetryDecision, RetryPolicy
else:
    try:
        from airflow.sdk import RetryDecision, RetryPolicy
    except ImportError:
        # Before 3.3 Airflow knows no policies: nothing asks this one, it can only be imported and made.
        RetryDecision, RetryPolicy = None, object

__all__ = ["ProtimeRetryPolicy"]


class ProtimeRetryPolicy(RetryPolicy):
    """Of earlier releases: take it and `retries=200` out of the DAG file, and give `retries=3` instead.

    A wait that the API asks for uses no try any more. So that an old DAG file, with its 200 tries, does not go on
    failing for hours, this still ends a task after `failures` tries that failed.

    :param failures: tries that may fail before the last one.
    :param delay: time before the try after the first failure, doubled after each further one.
    :param max_delay: the longest such time.
    """

    def __init__(
        self,
        failures: int = 3,
        delay: dt.timedelta = dt.timedelta(minutes=1),
        max_delay: dt.timedelta = dt.timedelta(minutes=30),
    ) -> None:
        warnings.warn(
            "ProtimeRetryPolicy is no longer needed: waits do not use up tries. Remove it and set retries=3.",
            DeprecationWarning,
            stacklevel=2,
        )
        self.failures = failures
        self.delay = delay
        self.max_delay = max_delay

    def evaluate(
        self, exception: BaseException, try_number: int, max_tries: int, context: Context | None = None
    ) -> RetryDecision:
        """Decide by what the error means, and by how many tries failed since the task was last cleared."""
        if isinstance(exception, ProtimeError) and not exception.retry:
            return RetryDecision.fail(str(exception))
        task = getattr(context["ti"], "task", None) if context is not None else None
        retries = getattr(task, "retries", None)
        before = max(0, max_tries - int(retries)) if retries is not None else 0
        failed = try_number - before
        if failed > self.failures:
            return RetryDecision.fail(f"{failed} tries failed, the last one with: {exception}")
        return RetryDecision.retry(min(self.max_delay, self.delay * 2 ** (max(failed, 1) - 1)), str(exception))
