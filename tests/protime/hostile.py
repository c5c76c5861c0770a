"""What the tests of a tenant that means harm have in common."""

from __future__ import annotations

from typing import Any

__all__ = ["DEEP", "GOOD", "MIB"]

GOOD: dict[str, Any] = {
    "id": 1,
    "person": {"id": 7},
    "date": "2026-03-20",
    "timeOfDayInMinutes": 480,
    "kind": "InOut",
}
MIB = 1024 * 1024
DEEP = 20_000
