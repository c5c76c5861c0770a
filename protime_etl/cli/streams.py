"""The three streams of a process, whatever it was started with: closed, full, or of a narrow encoding."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TextIO

__all__ = ["prepared_streams"]


class _Unhurried:
    """A stream of messages that goes on when they can no longer be written: a full log does not end a night."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        with suppress(OSError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(OSError):
            self._stream.flush()


@contextmanager
def prepared_streams() -> Iterator[None]:
    """Give the commands streams that they can write to, and at the end write nothing that cannot be written."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:  # it was closed
            setattr(sys, name, Path(os.devnull).open(mode, encoding="utf-8"))  # noqa: SIM115 - as long as the process
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # what the terminal's encoding lacks is shown as an escape
            stream.reconfigure(errors="backslashreplace")
    messages = sys.stderr
    sys.stderr = _Unhurried(messages)
    try:
        yield
    finally:
        sys.stderr = messages
        for stream in (sys.stdout, messages):
            _forget_unwritten(stream)


def _forget_unwritten(stream: TextIO) -> None:
    """Let Python not try again, at its end, what could not be written."""
    try:
        stream.flush()
    except OSError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
