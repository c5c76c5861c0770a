"""What Airflow does after a failed try: give the worker slot back for as long as the API asks to wait.

A task has many tries (`retries`), because each wait takes one. Those that fail for another reason, or die, are counted
apart, in Airflow's store of task state, and end the task when there were too many.
"""

from __future__ import annotations

import datetime as dt
import random
from typing import TYPE_CHECKING, Any

from airflow.sdk import RetryDecision, RetryPolicy
from airflow.sdk.exceptions import AirflowFailException

from protime_etl.errors import ApiError, ProtimeError

if TYPE_CHECKING:
    from airflow.sdk import Context

__all__ = ["ProtimeRetryPolicy"]

STAGGER_SECONDS = 30.0
STORE_KEY = "protime_failed_tries"


class ProtimeRetryPolicy(RetryPolicy):
    """Fail at once what no retry cures, wait as long as `Retry-After` says, and retry the rest a few times.

    :param failures: tries that may fail or die before the task fails for good; waits that the API asked for do not
        count. A task that is cleared begins anew.
    :param delay: time before the try after the first failure, doubled after each further one.
    :param max_delay: the longest such time.
    """

    def __init__(
        self,
        failures: int = 3,
        delay: dt.timedelta = dt.timedelta(minutes=1),
        max_delay: dt.timedelta = dt.timedelta(minutes=30),
    ) -> None:
        self.failures = failures
        self.delay = delay
        self.max_delay = max_delay

    def begin(self, context: Context) -> None:
        """Count the try that begins now, so that one that is killed is counted too.

        Raises:
            AirflowFailException: too many tries before it were killed.
        """
        spent = self._spent(context)
        if spent > self.failures + 1:
            raise AirflowFailException(f"{spent - 1} tries of this task failed or were killed. Look at their logs.")

    def evaluate(
        self, exception: BaseException, try_number: int, max_tries: int, context: Context | None = None
    ) -> RetryDecision:
        """Decide by what the error means."""
        del try_number, max_tries
        if isinstance(exception, ProtimeError) and not exception.retry:
            return RetryDecision.fail(str(exception))
        if context is None:
            return RetryDecision.default()
        spent = self._spent(context)
        if isinstance(exception, ApiError) and exception.retry_after is not None:
            self._keep(context, spent - 1)
            wait = exception.retry_after
            wait += random.uniform(0, min(wait, STAGGER_SECONDS))  # noqa: S311 - no secret depends on it
            return RetryDecision.retry(dt.timedelta(seconds=wait), str(exception))
        if spent > self.failures:
            return RetryDecision.fail(f"{spent} tries failed, the last one with: {exception}")
        delay = min(self.max_delay, self.delay * 2 ** (spent - 1))
        return RetryDecision.retry(delay, f"try {spent} of {self.failures + 1} failed: {exception}")

    def _spent(self, context: Context) -> int:
        """Tries that failed or died, this one included; each is counted once."""
        kept: Any = context["task_state_store"].get(STORE_KEY, default={})
        ti: Any = context["ti"]
        if kept.get("max_tries") != ti.max_tries:  # the task was cleared, which grants it new tries
            kept = {"spent": 0}
        if kept.get("try_number") == ti.try_number:
            return int(kept["spent"])
        self._keep(context, int(kept["spent"]) + 1)
        return int(kept["spent"]) + 1

    def _keep(self, context: Context, spent: int) -> None:
        ti: Any = context["ti"]
        value = {"spent": spent, "try_number": ti.try_number, "max_tries": ti.max_tries}
        context["task_state_store"].set(STORE_KEY, value)
