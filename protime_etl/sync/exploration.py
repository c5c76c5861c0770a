"""What only a tenant can answer: questions that the API's documentation leaves open, asked by reading a few pages.

Nothing is stored, and an answer holds counts and no record. https://documentation.myprotime.eu/protimeapi/
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import msgspec

from protime_etl.collections.clockings import CLOCKINGS
from protime_etl.collections.collection import Collection
from protime_etl.collections.registry import COLLECTIONS
from protime_etl.errors import AuthenticationError, NotFoundError, ProtimeError
from protime_etl.postgres.deltas import read_delta
from protime_etl.protime.auth import request_token
from protime_etl.protime.filters import dates
from protime_etl.protime.transport import new_session
from protime_etl.sync.pipeline import Pipeline
from protime_etl.sync.settled import local_day

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
        ("Can single totals be asked for by their ids?", _single_totals),
        ("Do deltas have isOpen?", _is_open),
    ]
    for question, ask in questions:
        try:
            answer = ask(pipeline)
        except ProtimeError as error:
            answer = f"not known: {error.message}"
        yield Finding(question, answer)


def _page(pipeline: Pipeline, path: str, *, dated: bool = False) -> tuple[list[dict[str, Any]], bool]:
    """The records of a first page, as they came, and whether there are more."""
    collection: Collection = COLLECTIONS[path]
    condition = None
    if dated:
        today = local_day(pipeline.settings, dt.datetime.now(dt.UTC))
        condition = dates.between(today - LOOKED_BACK, today)
    body = pipeline.sitting_out(lambda: next(pipeline.client.answers(collection, condition), b"{}"))
    page = msgspec.json.decode(body)
    return [one for one in page.get("value") or [] if isinstance(one, dict)], bool(page.get("nextLink"))


def _unknown_scope(pipeline: Pipeline) -> str:
    asked = pipeline.settings.model_copy(update={"scopes": (*pipeline.settings.scopes, UNKNOWN_SCOPE)})
    session = new_session()
    try:
        request_token(asked, session)
    except AuthenticationError as error:
        return f"yes: {error.message}"
    finally:
        session.close()
    return "no: a token comes all the same"


def _page_size(pipeline: Pipeline) -> str:
    records, more = _page(pipeline, "clockings", dated=True)
    return f"{len(records)}" if more else f"not known: the last 30 days fit into one page of {len(records)}"


def _until(pipeline: Pipeline) -> str:
    records, _ = _page(pipeline, "department-histories")
    of_person: defaultdict[object, list[tuple[str, str | None]]] = defaultdict(list)
    for one in records:
        of_person[(one.get("person") or {}).get("id")].append((one.get("from") or "", one.get("until")))
    gaps = [
        (dt.date.fromisoformat(after[0][:10]) - dt.date.fromisoformat(before[1][:10])).days
        for spans in of_person.values()
        for before, after in zip(sorted(spans), sorted(spans)[1:], strict=False)
        if before[1] and after[0]
    ]
    if not gaps:
        return f"not known: no person of {len(of_person)} has two histories in a row"
    next_day, same_day = gaps.count(1), gaps.count(0)
    verdict = "yes" if next_day > same_day else "no" if same_day > next_day else "not clear"
    return f"{verdict}: of {len(gaps)} changes {next_day} begin on the day after it and {same_day} on the same day"


def _closing_dates(pipeline: Pipeline) -> str:
    records, _ = _page(pipeline, "people")
    closed = [one for one in records if one.get("periodClosingDate")]
    days = len({one["periodClosingDate"] for one in closed})
    return f"{len(closed)} of {len(records)} people of a page, with {days} different dates"


def _reasons(pipeline: Pipeline) -> str:
    records, _ = _page(pipeline, "clockings", dated=True)
    moments = {_moment(one) for one in records if one.get("kind") == "InOut"}
    reasons = [one for one in records if one.get("kind") == "Reason"]
    beside = sum(_moment(one) in moments for one in reasons)
    if not reasons:
        return f"not known: no Reason among {len(records)} clockings"
    alone = len(reasons) - beside
    return f"of {len(reasons)} reasons {beside} stand beside an InOut of the same minute and {alone} alone"


def _moment(one: dict[str, Any]) -> tuple[object, ...]:
    return (one.get("person") or {}).get("id"), one.get("date"), one.get("timeOfDayInMinutes")


def _single_totals(pipeline: Pipeline) -> str:
    records, _ = _page(pipeline, "calculated-totals", dated=True)
    if not records:
        return "not known: there are no totals of the last 30 days"
    try:
        page = pipeline.client.record(COLLECTIONS["calculated-totals"], int(records[0]["id"]))
    except NotFoundError:
        page = None
    return "no: a record that is in the list is not found by its id" if page is None else "yes"


def _is_open(pipeline: Pipeline) -> str:
    with pipeline.reading() as connection:
        if read_delta(connection, pipeline.tenant, CLOCKINGS.path) is not None:
            return "not asked: a new delta would end the one that this warehouse follows"
    first = local_day(pipeline.settings, dt.datetime.now(dt.UTC)) - LOOKED_BACK
    page = pipeline.client.start_delta(CLOCKINGS, dates.ge(first))
    kind, is_open = CLOCKINGS.position("kind"), CLOCKINGS.position("is_open")
    reasons = [row for row in page.rows if row[kind] == "Reason"]
    if not reasons:
        return f"not known: no Reason among {len(page.rows)} clockings of its first page"
    told = sum(row[is_open] is not None for row in reasons)
    return f"{told} of {len(reasons)} reasons of an initial page have it"
