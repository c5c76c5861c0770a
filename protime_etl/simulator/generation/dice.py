"""Dice that fall alike for the same seed, and the versions of what they decide.

Every person and day has its own dice: the digest of seed, person and day. So a person's day looks the same whatever
else is generated, on every version of Python.
"""

from __future__ import annotations

import datetime as dt
from hashlib import blake2b

__all__ = ["change_version", "dice_of"]


def change_version(number: int) -> str:
    """The form of the API: 20 upper-case hexadecimal digits, which sort as text."""
    return f"{number:020X}"


def dice_of(seed: int, person_id: int, day: dt.date) -> bytes:
    """Forty dice of 256 faces."""
    return blake2b(f"{seed}/{person_id}/{day}".encode(), digest_size=40).digest()
