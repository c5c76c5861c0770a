"""What a filter selects, and which filters the API refuses.

Only `kind` may stand in an `or`, so every filter that is allowed comes down to one set of people, one range of
dates and one set of kinds; `and` intersects them. That is what `Selection` holds: no predicate is run per record.

https://documentation.myprotime.eu/protimeapi/reference/filtering/
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from functools import lru_cache, reduce
from typing import TypeVar

from protime_etl.collections.collection import Collection
from protime_etl.simulator.grammar import AllOf, Comparison, Constant, Expression, FilterError, Values, parse_expression

__all__ = ["Selection", "parse_filter"]

MAX_DAYS_APART = 366
ISO_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")

T = TypeVar("T")


@dataclass(frozen=True)
class Selection:
    """The records that a filter asks for; None means that the filter does not limit this."""

    people: frozenset[int] | None = None
    collections: tuple[tuple[str, frozenset[int]], ...] = ()
    """Named collections of people, such as `("circle", {2, 8})`; a person has to be in each."""
    first_day: dt.date | None = None
    last_day: dt.date | None = None
    kinds: frozenset[str] | None = None

    def __and__(self, other: Selection) -> Selection:
        first_days = [day for day in (self.first_day, other.first_day) if day is not None]
        last_days = [day for day in (self.last_day, other.last_day) if day is not None]
        return Selection(
            people=_intersection(self.people, other.people),
            collections=self.collections + other.collections,
            first_day=max(first_days, default=None),
            last_day=min(last_days, default=None),
            kinds=_intersection(self.kinds, other.kinds),
        )


def _intersection(one: frozenset[T] | None, other: frozenset[T] | None) -> frozenset[T] | None:
    if one is None or other is None:
        return one if other is None else other
    return one & other


@lru_cache(maxsize=1024)
def parse_filter(collection: Collection, text: str) -> Selection:
    """Read a filter on the records of a collection.

    Raises:
        FilterError: the text is not an expression, or the API does not allow it for this collection.
    """
    selection = _select(parse_expression(text)) if text.strip() else Selection()
    if collection.shape == "whole":
        if selection != Selection():
            raise FilterError(f"The list of {collection.path} cannot be filtered.")
        return selection
    if selection.kinds is not None and "kind" not in collection.column_names:
        raise FilterError("The field 'kind' cannot be filtered on.")
    if selection.first_day is None:
        raise FilterError("The filter needs a start date: date ge 'YYYY-MM-DD'.")
    if selection.last_day is not None:
        if selection.last_day < selection.first_day:
            raise FilterError("The provided date range is invalid: it ends before it starts.")
        if (selection.last_day - selection.first_day).days > MAX_DAYS_APART:
            raise FilterError("The provided date range is invalid: it is longer than one year.")
    return selection


def _select(expression: Expression) -> Selection:
    if isinstance(expression, Comparison):
        return _compare(expression)
    parts = [_select(part) for part in expression.parts]
    if isinstance(expression, AllOf):
        return reduce(Selection.__and__, parts)
    kinds: frozenset[str] = frozenset()
    for part in parts:
        if part.kinds is None or part != Selection(kinds=part.kinds):
            raise FilterError("'or' is allowed on the field kind only.")
        kinds |= part.kinds
    return Selection(kinds=kinds)


def _compare(comparison: Comparison) -> Selection:
    fields = {"person": _select_people, "date": _select_days, "kind": _select_kinds}
    select = fields.get(comparison.identifier)
    if select is None:
        raise FilterError(f"The field '{comparison.identifier}' cannot be filtered on.")
    selection = select(comparison)
    if selection is None:
        raise FilterError(f"The field '{comparison.identifier}' does not take '{comparison.operator}' with this value.")
    return selection


def _select_people(comparison: Comparison) -> Selection | None:
    match comparison:
        case Comparison(_, "eq", bool()):  # to Python a bool is an int
            return None
        case Comparison(_, "eq", int() as person):
            return Selection(people=frozenset({person}))
        case Comparison(_, "in", Values(None, constants)):
            return Selection(people=_all_of_type(int, comparison, constants))
        case Comparison(_, "in", Values("circle" | "org-group" as name, constants)):
            return Selection(collections=((name, _all_of_type(int, comparison, constants)),))
    return None


def _select_days(comparison: Comparison) -> Selection | None:
    match comparison:
        case Comparison(_, "ge", str() as day):
            return Selection(first_day=_date(day))
        case Comparison(_, "le", str() as day):
            return Selection(last_day=_date(day))
    return None


def _select_kinds(comparison: Comparison) -> Selection | None:
    match comparison:
        case Comparison(_, "eq", str() as kind):
            return Selection(kinds=frozenset({kind}))
        case Comparison(_, "in", Values(None, constants)):
            return Selection(kinds=_all_of_type(str, comparison, constants))
    return None


def _all_of_type(kind: type[T], comparison: Comparison, constants: tuple[Constant, ...]) -> frozenset[T]:
    # `type(...) is`, because a bool is an int to isinstance.
    found = frozenset(constant for constant in constants if isinstance(constant, kind) and type(constant) is kind)
    if any(type(constant) is not kind for constant in constants):
        raise FilterError(f"The field '{comparison.identifier}' holds values of another type than the list.")
    return found


def _date(text: str) -> dt.date:
    try:
        if ISO_DATE.fullmatch(text):
            return dt.date.fromisoformat(text)
    except ValueError:
        pass
    raise FilterError(f"'{text}' is not a date of the form YYYY-MM-DD.")
