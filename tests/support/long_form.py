"""Cases of a table that run in the long form only."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

__all__ = ["in_long_form"]


def in_long_form(cases: Iterable[Any]) -> list[Any]:
    """The same cases for `parametrize`, with the mark; a tuple is one with several arguments."""
    mark = pytest.mark.long
    return [pytest.param(*(one if isinstance(one, tuple) else (one,)), marks=mark) for one in cases]
