"""Filter expressions of the API, typed so that a wrong one cannot be built.

>>> from datetime import date
>>> str(person.in_([1, 2]) & dates.ge(date(2024, 1, 1)) & dates.le(date(2024, 1, 31)))
"person in (1,2) and date ge '2024-01-01' and date le '2024-01-31'"

`or` is accepted by the API on fields of the category Multiple only, so only their conditions have `|`.
Grammar: https://documentation.myprotime.eu/protimeapi/reference/filtering/
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, overload
from urllib.parse import quote

__all__ = ["Condition", "MultipleCondition", "dates", "encode", "kind", "person"]

ClockingKind = Literal["InOut", "Reason", "Activity", "ActivityEnd"]
# Left as they are in the documented examples; a quote is a legal sub-delimiter of a URI's query.
LITERAL_IN_QUERY = "'(),"


@dataclass(frozen=True)
class Condition:
    """An expression that can be narrowed further with `&`."""

    text: str
    binds_loosely: bool = False
    """Whether it is an `or`, which needs parentheses inside an `and`."""

    def __str__(self) -> str:
        return self.text

    def __and__(self, other: Condition) -> Condition:
        return Condition(f"{self._factor()} and {other._factor()}")

    def _factor(self) -> str:
        return f"({self.text})" if self.binds_loosely else self.text


class MultipleCondition(Condition):
    """A condition on a field of the category Multiple: alternatives are allowed."""

    def __or__(self, other: MultipleCondition) -> MultipleCondition:
        return MultipleCondition(f"{self.text} or {other.text}", binds_loosely=True)

    @overload
    def __and__(self, other: MultipleCondition) -> MultipleCondition: ...
    @overload
    def __and__(self, other: Condition) -> Condition: ...
    def __and__(self, other: Condition) -> Condition:
        joined = Condition.__and__(self, other)
        return MultipleCondition(joined.text) if isinstance(other, MultipleCondition) else joined


def _integers(values: Iterable[int]) -> str:
    numbers = [int(value) for value in values]
    if not numbers:
        raise ValueError("a list in a filter needs at least one value")
    return "(" + ",".join(map(str, numbers)) + ")"


def _string(value: str) -> str:
    # The documentation gives no way to escape a quote inside a string, so none is let through.
    if "'" in value or not value.isprintable():
        raise ValueError("a string in a filter cannot hold a quote or a control character")
    return f"'{value}'"


@dataclass(frozen=True)
class PersonField:
    """A field that takes ids or a named collection of people."""

    identifier: str

    def eq(self, value: int) -> Condition:
        """Exactly this person."""
        return Condition(f"{self.identifier} eq {int(value)}")

    def in_(self, values: Iterable[int]) -> Condition:
        """One of these people."""
        return Condition(f"{self.identifier} in {_integers(values)}")

    def in_circle(self, *circles: int) -> Condition:
        """People in one of these circles."""
        return Condition(f"{self.identifier} in circle{_integers(circles)}")

    def in_org_group(self, *groups: int) -> Condition:
        """People in one of these organisation groups."""
        return Condition(f"{self.identifier} in org-group{_integers(groups)}")


@dataclass(frozen=True)
class DateField:
    """A field of the category Range."""

    identifier: str

    def ge(self, value: dt.date) -> Condition:
        """On this day or later."""
        return self._compare("ge", value)

    def le(self, value: dt.date) -> Condition:
        """On this day or earlier."""
        return self._compare("le", value)

    def between(self, first: dt.date, last: dt.date) -> Condition:
        """From the first day to the last, both included."""
        if first > last:
            raise ValueError("the first day lies after the last")
        return self.ge(first) & self.le(last)

    def _compare(self, operator: str, value: dt.date) -> Condition:
        if isinstance(value, dt.datetime):
            raise TypeError("a date filter takes a date without a time")
        return Condition(f"{self.identifier} {operator} {_string(value.isoformat())}")


@dataclass(frozen=True)
class KindField:
    """A text field of the category Multiple."""

    identifier: str

    def eq(self, value: ClockingKind) -> MultipleCondition:
        """Exactly this value."""
        return MultipleCondition(f"{self.identifier} eq {_string(value)}")

    def in_(self, values: Iterable[ClockingKind]) -> MultipleCondition:
        """One of these values."""
        texts = [_string(value) for value in values]
        if not texts:
            raise ValueError("a list in a filter needs at least one value")
        return MultipleCondition(f"{self.identifier} in ({','.join(texts)})")


person = PersonField("person")
dates = DateField("date")
kind = KindField("kind")


def encode(condition: Condition) -> str:
    """The expression as it stands in a URI: blanks as %20, quotes, commas and parentheses as they are."""
    return quote(str(condition), safe=LITERAL_IN_QUERY)
