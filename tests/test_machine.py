"""Faults of a machine that a test cannot bring about without harm to others on it."""

from __future__ import annotations

import pytest

from protime_etl.machine import machine_fault


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (MemoryError(), "no memory left"),
        (RuntimeError("can't start new thread"), "no more threads"),
        (RuntimeError("another"), None),
        (ConnectionResetError(104, "Connection reset by peer"), None),
    ],
)
def test_what_cannot_be_brought_about_safely(error: BaseException, message: str | None) -> None:
    known = machine_fault(error)
    assert (known is None) == (message is None)
    assert known is None or (message or "") in known.message
