"""Days and ids as people write them, on a command line or in a form."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal, InvalidOperation

from protime_etl.errors import SettingsError

__all__ = ["parse_date", "parse_ids", "parse_number", "parse_whole_number"]


def parse_date(text: str) -> dt.date:
    """The date in this text.

    Raises:
        SettingsError: the text is not a date.
    """
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise SettingsError(f"{text!r} is not a date.", guidance="Give it as YYYY-MM-DD, such as 2026-01-31.") from None


def parse_ids(where: str, text: str) -> list[int]:
    """The ids in this text; `where` is what the message calls it.

    Raises:
        SettingsError: the text is not a list of ids.
    """
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isascii() and part.isdigit() and int(part) < 2**63 for part in parts):
        raise SettingsError(f"{where} {text!r} is not a list of ids such as 1,2,3.")
    return [int(part) for part in parts]


def parse_whole_number(where: str, given: object, least: int, most: int) -> int:
    """The whole number in a field of a form, from `least` to `most`; JSON and templates write 3 as 3.0, too.

    Raises:
        SettingsError: it is not a whole number, or out of bounds; `where` is what the message calls it.
    """
    number = _number(given)
    if number is None or not least <= number <= most or number != number.to_integral_value():
        raise SettingsError(f"{where} {str(given)[:40]!r} is not a whole number from {least} to {most}.")
    return int(number)


def parse_number(where: str, given: object, least: float, most: float) -> float:
    """The number in a field of a form, from `least` to `most`.

    Raises:
        SettingsError: it is not a number, or out of bounds; `where` is what the message calls it.
    """
    number = _number(given)
    if number is None or not least <= number <= most:
        raise SettingsError(f"{where} {str(given)[:40]!r} is not a number from {least:g} to {most:g}.")
    return float(number)


def _number(given: object) -> Decimal | None:
    try:
        number = Decimal(str(given))  # a float would round what is beyond 2**53
    except InvalidOperation:
        return None
    return number if number.is_finite() else None
