"""Numbers of things as people write them."""

from __future__ import annotations

__all__ = ["counted"]


def counted(number: int, thing: str) -> str:
    """The number and the thing, such as `1 unit` and `2 units`."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"
