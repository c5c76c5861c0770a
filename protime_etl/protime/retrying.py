"""Short waits: a request that failed for a passing reason is repeated inside the call."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TypeVar

from tenacity import RetryCallState, Retrying, retry_if_exception, wait_random_exponential

from protime_etl.errors import AnswerTooLargeError, ApiError, PagingConflictError, ProtimeError

__all__ = ["with_retries"]

ATTEMPTS = 5

Answer = TypeVar("Answer")


def _passes(error: BaseException, max_wait: float) -> bool:
    if isinstance(error, (PagingConflictError, AnswerTooLargeError)):
        return False  # the same request fails again: the unit restarts, or is cut, instead
    if isinstance(error, ApiError) and (error.retry_after or 0) > max_wait:
        return False  # a long wait belongs to what schedules the task
    return isinstance(error, ProtimeError) and error.retry


_jitter = wait_random_exponential(multiplier=0.5, max=30)


def _wait(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    if isinstance(error, ApiError) and error.retry_after:
        return 0.0  # the pause that it began is waited out before the next request
    return _jitter(state)


def with_retries(
    call: Callable[[], Answer], max_wait: float, tries: int | None = None, tries_with_wait: int | None = None
) -> Answer:
    """Call until it succeeds, with full jitter or after the pause that the answer began, and give up after `tries`.

    Left out, these are five; `tries_with_wait`, if there are fewer of them, holds for an answer that asks to wait. A
    pause of more than `max_wait` seconds is not sat out here.
    Raises the last error as it is.
    """

    def stop(state: RetryCallState) -> bool:
        error = state.outcome.exception() if state.outcome else None
        waits = isinstance(error, ApiError) and error.retry_after
        most = tries or ATTEMPTS
        return state.attempt_number >= (min(most, tries_with_wait or most) if waits else most)

    passes = retry_if_exception(partial(_passes, max_wait=max_wait))
    retrying = Retrying(retry=passes, wait=_wait, stop=stop, reraise=True)
    return retrying(call)
