"""Which failures are repeated inside a call, how often, and which are given to the caller at once."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from protime_etl.errors import (
    AnswerTooLargeError,
    ForbiddenError,
    PagingConflictError,
    ProtimeError,
    RateLimited,
    ServerError,
    UnreachableError,
)
from protime_etl.protime import retrying
from protime_etl.protime.retrying import ATTEMPTS, with_retries


@pytest.fixture(autouse=True)
def without_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retrying, "_jitter", lambda _: 0.0)


def failing(error: ProtimeError, times: int = 10) -> tuple[Callable[[], str], list[int]]:
    """A call that fails so often, and how often it was made."""
    calls: list[int] = []

    def call() -> str:
        calls.append(len(calls))
        if len(calls) <= times:
            raise error
        return "answer"

    return call, calls


@pytest.mark.parametrize("error", [ServerError("away", status=503), UnreachableError("away")])
def test_what_passes_is_asked_again(error: ProtimeError) -> None:
    call, calls = failing(error, times=ATTEMPTS - 1)
    assert with_retries(call, max_wait=60) == "answer"
    assert len(calls) == ATTEMPTS


def test_in_the_end_the_last_error_is_raised() -> None:
    call, calls = failing(ServerError("away", status=500))
    with pytest.raises(ServerError):
        with_retries(call, max_wait=60, tries=3)
    assert len(calls) == 3


@pytest.mark.parametrize(
    "error",
    [
        ForbiddenError("no", status=403),
        PagingConflictError("again", status=409),
        AnswerTooLargeError("large"),
        RateLimited("wait", status=429, retry_after=61),
    ],
)
def test_what_asking_again_does_not_cure_is_raised_at_once(error: ProtimeError) -> None:
    call, calls = failing(error)
    with pytest.raises(type(error)):
        with_retries(call, max_wait=60)
    assert len(calls) == 1


def test_an_answer_that_asks_to_wait_may_have_fewer_tries() -> None:
    waiting, waits = failing(RateLimited("wait", status=429, retry_after=1))
    with pytest.raises(RateLimited):
        with_retries(waiting, max_wait=60, tries_with_wait=1)
    assert len(waits) == 1
    passing, calls = failing(ServerError("away", status=503), times=ATTEMPTS - 1)
    assert with_retries(passing, max_wait=60, tries_with_wait=1) == "answer"
    assert len(calls) == ATTEMPTS
