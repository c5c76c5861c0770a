"""A long wait that the API asks for: the task gives its worker slot back and begins again when the wait is over.

Airflow calls that rescheduling. It is no failure: it uses no try, sends no mail and runs no callback.
"""

from __future__ import annotations

import datetime as dt
import random
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowFailException, AirflowRescheduleException

from protime_etl.errors import ApiError, ProtimeError, RateLimited

if TYPE_CHECKING:
    from airflow.sdk import Context

__all__ = ["PATIENCE", "RescheduledError", "long_wait", "wait_outside"]

PATIENCE = dt.timedelta(hours=12)
"""How long a try of a task waits for the API in total, by default."""
STAGGER_SECONDS = 30.0
LEAST_SECONDS = 30.0
"""A shorter one is not worth a start. And Airflow must have seen that the task went before it begins again: otherwise
it takes the end of the one process for a crash of the next, and counts a failure."""


def long_wait(error: ProtimeError, max_wait_in_task: float) -> float | None:
    """Seconds for which an error asks the task to give its slot back; None if it is a failure.

    A wait that could be sat out in the task was, again and again, when it arrives here. Of a 429 it then goes on
    outside; any other error with a short one is a failure.
    """
    if not isinstance(error, ApiError) or not error.retry_after:
        return None
    if error.retry_after > max_wait_in_task:
        return max(LEAST_SECONDS, error.retry_after)
    return LEAST_SECONDS if isinstance(error, RateLimited) else None


class RescheduledError(AirflowRescheduleException):
    """Airflow's signal to wait, with a sentence for the log."""

    def __init__(self, moment: dt.datetime, message: str) -> None:
        super().__init__(moment)  # type: ignore[no-untyped-call]  # Airflow leaves it so
        self.message = message

    def __str__(self) -> str:
        return self.message


def wait_outside(
    context: Context, seconds: float, error: ProtimeError, patience: dt.timedelta
) -> RescheduledError | AirflowFailException:
    """What to raise so that Airflow begins the task again after `seconds`.

    A failure, if that is later than `patience` after the first wait of this try began.
    """
    now = dt.datetime.now(dt.UTC)
    ti: Any = context["ti"]
    ends = (ti.get_first_reschedule_date(context) or now) + patience
    moment = now + dt.timedelta(seconds=seconds)
    if moment > ends:
        return AirflowFailException(
            f"{error.message} That is longer than this task may wait in total (deadline: {patience}, until"
            f" {ends:%Y-%m-%d %H:%M:%S} UTC). Clear it when the API answers again, or give it a longer deadline."
        )
    # Not all at the same moment.
    moment += dt.timedelta(seconds=random.uniform(0, min(seconds, STAGGER_SECONDS)))  # noqa: S311 - no secret
    text = f"{error.message} This task resumes at {moment:%Y-%m-%d %H:%M:%S} UTC and holds no slot until then."
    return RescheduledError(moment, text)
