"""What a caller asks to be read, checked: dates that make sense, people who exist, collections that may be read."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace

from protime_etl.collections.registry import COLLECTIONS
from protime_etl.config import EARLIEST
from protime_etl.errors import InvalidRequestError, ProtimeError, SettingsError
from protime_etl.postgres.ledger.people import unknown_people
from protime_etl.sync.pipeline import REFUSALS, Pipeline
from protime_etl.sync.plan.days import local_day
from protime_etl.sync.plan.slices import smallest_question
from protime_etl.work import Request

__all__ = [
    "REFUSALS",
    "YEAR",
    "check_range",
    "last_of",
    "of_people",
    "readable",
    "refuse_unknown",
    "select",
    "unknown_among",
]

YEAR = dt.timedelta(days=366)
"""No day is read that is further ahead."""
ONE_DAY = dt.timedelta(days=1)
BEYOND = 2
"""Days that are read ahead beyond those that are due: so those that become due until the next night are read."""


def check_range(first: dt.date, last: dt.date) -> None:
    """Refuse dates that no collection has.

    Raises:
        SettingsError: they are reversed, or begin before 1970.
    """
    if first > last:
        raise SettingsError(f"The range ends ({last}) before it begins ({first}).", guidance="Swap the two dates.")
    if first < EARLIEST:
        raise SettingsError(f"The range begins ({first}) before {EARLIEST}.", guidance="Begin later.")


def select(
    pipeline: Pipeline,
    first: dt.date,
    last: dt.date,
    person_ids: Sequence[int] | None = None,
    *,
    circles: Sequence[int] = (),
    only_missing: bool = False,
) -> Request:
    """The request for these days, both included, of the chosen dated collections; it ends today at the latest.

    Plans are read to the last day all the same. Of all people, a range that ends yesterday or later has as many of
    their days to come as are due. Where people are named, of those collections that are read by people.

    Raises:
        SettingsError: the dates are reversed, begin in the future without collections of plans, or before 1970, or
            people are named beside circles, or only what is missing of circles is asked for, or no chosen collection
            is read by people.
    """
    today = local_day(pipeline.settings, dt.datetime.now(dt.UTC))
    check_range(first, last)
    if circles and (person_ids is not None or only_missing):
        raise SettingsError(
            "Circles cannot be combined with people or only-missing.",
            guidance="The API does not show who is in a circle, so what is missing of a circle is not known.",
        )
    chosen = None if person_ids is None else tuple(sorted(set(person_ids)))
    named = tuple(sorted(set(circles)))
    asked_until = last if last > today else None
    paths: Sequence[str] = pipeline.dated
    if chosen is not None or circles:
        paths = of_people(paths)
    planned = [path for path in paths if COLLECTIONS[path].plans]
    if first > today and not planned:
        raise SettingsError(
            f"The range begins ({first}) after today ({today}).",
            guidance=f"{', '.join(paths).capitalize() or 'All'} have no records of days to come.",
        )
    if first > today + YEAR:
        raise SettingsError(f"The range begins ({first}) later than a year from now.", guidance="Begin earlier.")
    until = last
    ahead = pipeline.settings.planned_days
    if ahead and last >= today - ONE_DAY and chosen is None and not named:
        until = max(until, today + (ahead + BEYOND) * ONE_DAY)
    until = min(until, today + YEAR)
    plans_until = until if planned and until > min(last, today) else None
    return Request(first, min(last, today), tuple(paths), chosen, named, only_missing, asked_until, plans_until)


def last_of(request: Request, path: str) -> dt.date:
    """The last day that is read of a collection; before the first one if there is nothing to read of it yet."""
    return request.plans_until or request.last if COLLECTIONS[path].plans else request.last


def of_people(paths: Sequence[str]) -> tuple[str, ...]:
    """Which of these collections can be read of some people alone.

    Raises:
        SettingsError: none of them.
    """
    found = tuple(path for path in paths if COLLECTIONS[path].by_people)
    if not found:
        raise SettingsError(
            "None of the chosen collections can be read for some people or circles only.",
            guidance="Leave --people and --circles out, or choose others, such as --collections clockings.",
        )
    return found


def readable(pipeline: Pipeline, request: Request) -> Request:
    """What of a request can be read now, where it is about several collections.

    One that fails is reported by the pipeline (`to_look_at`).

    Raises:
        ProtimeError: as `Pipeline.report_failed`.
    """
    if len(request.collections) < 2:
        return request
    readable_ones = [path for path in request.collections if _may_read(pipeline, path, request.last)]
    return replace(request, collections=tuple(readable_ones))


def _may_read(pipeline: Pipeline, path: str, day: dt.date) -> bool:
    """Ask for as little as a list can be asked for."""
    collection = COLLECTIONS[path]
    client, condition = pipeline.client, smallest_question(collection, day)
    try:
        pipeline.sitting_out(lambda: next(client.answers(collection, condition), None))
    except InvalidRequestError:
        pass  # it is there, and a real question will show what is wrong with it
    except ProtimeError as error:
        pipeline.report_failed(path, error)
        return False
    pipeline.note_answer(path)
    return True


def unknown_among(pipeline: Pipeline, person_ids: Sequence[int]) -> list[int]:
    """Which of these ids belong to no person that was ever seen."""
    with pipeline.transaction() as connection:
        return unknown_people(connection, pipeline.tenant, person_ids)


def refuse_unknown(pipeline: Pipeline, person_ids: Sequence[int]) -> None:
    """Refuse ids that belong to no person.

    Raises:
        SettingsError: there are such ids.
    """
    if person_ids:
        raise SettingsError(
            f"No person at {pipeline.tenant} has the id {', '.join(map(str, person_ids[:10]))}.",
            guidance="Ids and names: protime-etl sql 'SELECT id, first_name, last_name FROM protime.people'",
        )
