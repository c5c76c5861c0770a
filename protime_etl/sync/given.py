"""Days and ids as people write them, on a command line or in a form."""

from __future__ import annotations

import datetime as dt

from protime_etl.errors import SettingsError

__all__ = ["day_given", "ids_given"]


def day_given(text: str) -> dt.date:
    """The date in this text.

    Raises:
        SettingsError: it is none.
    """
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise SettingsError(f"{text!r} is not a date.", guidance="Give it as YYYY-MM-DD, such as 2026-01-31.") from None


def ids_given(where: str, text: str) -> list[int]:
    """The ids in this text; `where` is what the message calls it.

    Raises:
        SettingsError: they are none.
    """
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isascii() and part.isdigit() and int(part) < 2**63 for part in parts):
        raise SettingsError(f"{where} {text!r} is not a list of ids such as 1,2,3.")
    return [int(part) for part in parts]
