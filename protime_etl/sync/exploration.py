"""What only a tenant can answer: questions that the API's documentation leaves open, asked by reading a few pages.

Nothing is stored, and an answer holds counts and no record. https://documentation.myprotime.eu/protimeapi/
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any, NamedTuple

from protime_etl.collections.clockings import CLOCKINGS
from protime_etl.collections.collection import Collection
from protime_etl.collections.page import Page
from protime_etl.collections.people import PEOPLE
from protime_etl.collections.registry import COLLECTIONS
from protime_etl.errors import AuthenticationError, NotFoundError, ProtimeError
from protime_etl.protime.filters import dates
from protime_etl.protime.token_requests import request_token
from protime_etl.protime.transport import new_session
from protime_etl.sync.pipeline import Pipeline
from protime_etl.sync.plan.days import local_day

__all__ = ["Finding", "explore"]

LOOKED_BACK = dt.timedelta(days=30)
UNKNOWN_SCOPE = "connector-protimeapi-that-does-not-exist.read"


class Finding(NamedTuple):
    """An open question and what this tenant answers."""

    question: str
    answer: str


def explore(pipeline: Pipeline) -> Iterator[Finding]:
    """Ask each question, with one request or two; one that cannot be asked says why."""
    questions: list[tuple[str, Callable[[Pipeline], str]]] = [
        ("Does one unknown scope fail the token?", _unknown_scope),
        ("How many records does a full page have?", _page_size),
        ("Is the last day of a history (until) included?", _until),
        ("Do people have a closing date?", _closing_dates),
        ("Does a Reason stand beside an InOut or instead of it?", _reasons),
        ("Can single totals be requested by id?", _single_totals),
        ("Do deltas have isOpen?", _is_open),
    ]
    for question, ask in questions:
        try:
            answer = ask(pipeline)
        except ProtimeError as error:
            answer = f"not known: {error.message}"
        yield Finding(question, answer)


def _page(pipeline: Pipeline, collection: Collection) -> Page:
    """The first page of a list; of the last 30 days if it is dated."""
    condition = None
    if collection.is_dated:
        today = local_day(pipeline.settings, dt.datetime.now(dt.UTC))
        condition = dates.between(today - LOOKED_BACK, today)
    return pipeline.sitting_out(lambda: next(pipeline.client.pages(collection, condition), Page()))


def _values(page: Page, collection: Collection, *names: str) -> Iterator[tuple[Any, ...]]:
    """These columns of the records of a page."""
    places = [collection.position(name) for name in names]
    return (tuple(row[place] for place in places) for row in page.rows)


def _unknown_scope(pipeline: Pipeline) -> str:
    asked = pipeline.settings.model_copy(update={"scopes": (*pipeline.settings.scopes, UNKNOWN_SCOPE)})
    session = new_session()
    try:
        request_token(asked, session)
    except AuthenticationError as error:
        # A token that comes without the scope is refused by this side alone.
        return f"{'no, it is left out' if 'was not granted' in error.message else 'yes'}: {error.message}"
    finally:
        session.close()
    return "no: the token request succeeds anyway"


def _page_size(pipeline: Pipeline) -> str:
    page = _page(pipeline, CLOCKINGS)
    records = len(page.rows) + len(page.rejected)
    return f"{records}" if page.next_link else f"not known: the last 30 days fit into one page of {records}"


def _until(pipeline: Pipeline) -> str:
    histories = COLLECTIONS["department-histories"]
    of_person: defaultdict[int, list[tuple[dt.date, dt.date | None]]] = defaultdict(list)
    for person, first, last in _values(_page(pipeline, histories), histories, "person_id", "from_date", "until_date"):
        if first is not None:
            of_person[person].append((first, last))
    gaps = [
        (after[0] - before[1]).days
        for spans in map(sorted, of_person.values())
        for before, after in pairwise(spans)
        if before[1] is not None
    ]
    if not gaps:
        return f"not known: no person of {len(of_person)} has two histories in a row"
    next_day, same_day = gaps.count(1), gaps.count(0)
    verdict = "yes" if next_day > same_day else "no" if same_day > next_day else "not clear"
    return f"{verdict}: of {len(gaps)} changes {next_day} begin on the day after it and {same_day} on the same day"


def _closing_dates(pipeline: Pipeline) -> str:
    closing = [day for (day,) in _values(_page(pipeline, PEOPLE), PEOPLE, "period_closing_date")]
    days = {day for day in closing if day is not None}
    closed = len(closing) - closing.count(None)
    return f"{closed} of {len(closing)} people of a page, with {len(days)} different dates"


def _reasons(pipeline: Pipeline) -> str:
    page = _page(pipeline, CLOCKINGS)
    moments: defaultdict[str, list[tuple[Any, ...]]] = defaultdict(list)
    for kind, *moment in _values(page, CLOCKINGS, "kind", "person_id", "date", "time_of_day_in_minutes"):
        moments[kind].append(tuple(moment))
    reasons, in_out = moments["Reason"], set(moments["InOut"])
    if not reasons:
        return f"not known: no Reason among {len(page.rows)} clockings"
    beside = sum(moment in in_out for moment in reasons)
    alone = len(reasons) - beside
    return f"of {len(reasons)} reasons {beside} stand beside an InOut of the same minute and {alone} alone"


def _single_totals(pipeline: Pipeline) -> str:
    totals = COLLECTIONS["calculated-totals"]
    ids = [number for (number,) in _values(_page(pipeline, totals), totals, "id")]
    if not ids:
        return "not known: there are no totals of the last 30 days"
    try:
        page = pipeline.client.record(totals, ids[0])
    except NotFoundError:
        page = None
    return "no: a record that is in the list is not found by its id" if page is None else "yes"


def _is_open(_pipeline: Pipeline) -> str:
    # A client has one delta of a collection: a new one would end the one that is followed, here or elsewhere.
    return "not requested: it would end the delta that this client may have, in any warehouse"
