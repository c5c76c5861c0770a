"""What an answer lacks is not known: it overwrites nothing and is no difference, whichever answer it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import URL, Engine

from protime_etl.collections.clockings import CLOCKINGS
from protime_etl.collections.collection import API_PATH
from protime_etl.config import CLOCKINGS_SCOPE
from protime_etl.sync.delta.poll import poll
from protime_etl.sync.pipeline import Pipeline, open_pipeline
from protime_etl.sync.pull.runs import sync
from protime_etl.sync.verify.verify import verify
from tests.support.scripted_server import Answer, ScriptedServer
from tests.support.tenant import TODAY

LINK = f"{API_PATH}/delta/clockings?deltaToken="
PERSON = 7


def reason(record_id: int, *, version: str = "05", minutes: int = 600, **fields: object) -> dict[str, Any]:
    return {
        "id": record_id,
        "person": {"id": PERSON},
        "date": str(TODAY),
        "timeOfDayInMinutes": minutes,
        "kind": "Reason",
        "changeVersion": version,
        "status": "Active",
        **fields,
    }


def listed(*records: dict[str, Any]) -> Answer:
    return Answer(200, {"value": list(records)})


def initial(*records: dict[str, Any]) -> Answer:
    return Answer(200, {"value": list(records), "deltaLink": LINK + "a"})


def changed(*records: dict[str, Any]) -> Answer:
    items = [{"changeType": "InsertOrUpdate", "data": one} for one in records]
    return Answer(200, {"value": items, "deltaLink": LINK + "b"})


@contextmanager
def scripted(warehouse: URL, answers: Sequence[Answer]) -> Iterator[Pipeline]:
    with (
        ScriptedServer(answers) as server,
        open_pipeline(server.settings(scopes=CLOCKINGS_SCOPE), warehouse) as pipeline,
    ):
        yield pipeline


def read(pipeline: Pipeline) -> None:
    sync(pipeline, TODAY, TODAY, [PERSON])


def is_open(engine: Engine) -> dict[int, bool | None]:
    with engine.connect() as connection:
        return {
            row[0]: row[1]
            for row in connection.execute(sa.text("SELECT id, is_open FROM protime.clockings WHERE tenant <> 'shadow'"))
        }


def test_pages_of_an_initial_load_that_lack_a_column_leave_it(warehouse: URL, engine: Engine) -> None:
    full = listed(reason(1, isOpen=True), reason(2, isOpen=False))
    with scripted(warehouse, [full, initial(reason(1), reason(2)), full]) as pipeline:
        read(pipeline)
        result = poll(pipeline, CLOCKINGS)
        assert (result.counts.updated, result.counts.unchanged) == (0, 2)
        assert is_open(engine) == {1: True, 2: False}
        found = verify(pipeline, CLOCKINGS, TODAY, TODAY, [PERSON])
        assert (found.differences, found.equal.total()) == ([], 2)


def test_a_list_that_lacks_a_column_is_no_difference(warehouse: URL, engine: Engine) -> None:
    full, bare = listed(reason(1, isOpen=True)), listed(reason(1))
    with scripted(warehouse, [full, bare, bare]) as pipeline:
        read(pipeline)
        read(pipeline)
        assert is_open(engine) == {1: True}
        found = verify(pipeline, CLOCKINGS, TODAY, TODAY, [PERSON])
        assert (found.differences, found.equal.total()) == ([], 1)


def test_a_newer_version_keeps_what_it_lacks_while_the_kind_stays(warehouse: URL, engine: Engine) -> None:
    full = listed(reason(1, isOpen=True), reason(2, isOpen=True))
    answers = [
        full,
        initial(reason(1), reason(2)),
        changed(reason(1, version="06"), reason(2, version="06", kind="InOut")),
    ]
    with scripted(warehouse, answers) as pipeline:
        read(pipeline)
        poll(pipeline, CLOCKINGS)
        assert poll(pipeline, CLOCKINGS).counts.updated == 2
    assert is_open(engine) == {1: True, 2: None}


@pytest.mark.parametrize("lane", ["initial", "changes"])
def test_what_a_delta_has_after_all_is_believed(warehouse: URL, engine: Engine, lane: str) -> None:
    newer = [reason(1, version="06", isOpen=False), reason(2, version="06")]
    answers = [listed(reason(1, isOpen=True), reason(2, isOpen=True))]
    answers += [initial(*newer)] if lane == "initial" else [initial(), *[Answer(404, NOT_FOUND)] * 2, changed(*newer)]
    with scripted(warehouse, answers) as pipeline:
        read(pipeline)
        poll(pipeline, CLOCKINGS)
        if lane == "changes":
            poll(pipeline, CLOCKINGS)
    assert is_open(engine) == {1: False, 2: None}, "where one record has it, null means null"


NOT_FOUND = {"error": {"code": "NotFound", "message": "no"}}


def test_a_single_record_that_lacks_a_column_leaves_it(warehouse: URL, engine: Engine) -> None:
    other = reason(2, isOpen=False)
    answers = [
        listed(reason(1, isOpen=True), other),
        listed(other),  # 1 is missing from the list ...
        Answer(200, reason(1, version="06", minutes=700)),  # ... and found by its id, elsewhere
    ]
    with scripted(warehouse, answers) as pipeline:
        read(pipeline)
        read(pipeline)
    assert is_open(engine) == {1: True, 2: False}


def test_a_list_fills_what_the_delta_lacked(warehouse: URL, engine: Engine) -> None:
    answers = [initial(), changed(reason(1)), listed(reason(1, isOpen=True))]
    with scripted(warehouse, answers) as pipeline:
        poll(pipeline, CLOCKINGS)
        poll(pipeline, CLOCKINGS)
        assert is_open(engine) == {1: None}
        read(pipeline)
        assert is_open(engine) == {1: True}
