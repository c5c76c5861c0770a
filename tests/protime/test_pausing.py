"""A 429, seen from several clients that share a pause, over real HTTP."""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections.abc import Callable
from email.utils import format_datetime

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import URL, Engine

from protime_etl.cli.checks import run_checks
from protime_etl.collections.people import PEOPLE
from protime_etl.errors import ApiError, RateLimited, ServerError
from protime_etl.postgres.shared.pause import SharedPause
from protime_etl.protime.pausing import MemoryPause, wait_out
from protime_etl.sync.pipeline import Pipeline, open_pipeline
from protime_etl.sync.pull.lists import read_people
from tests.support.long_form import in_long_form
from tests.support.scripted_server import Answer, ScriptedServer, token_answer

EMPTY = Answer(200, {"value": []})


def limited(seconds: str, status: int = 429) -> Answer:
    return Answer(status, {"error": {"code": "TooManyRequests", "message": "slow down"}}, {"Retry-After": seconds})


@pytest.mark.parametrize("status", [429, 503])
def test_no_request_is_sent_before_the_time_that_one_answer_gave(warehouse: URL, status: int) -> None:
    with ScriptedServer([limited("2", status), EMPTY]) as server, open_pipeline(server.settings(), warehouse) as one:
        first = threading.Thread(target=read_people, args=[one])
        started = time.monotonic()
        first.start()
        while not server.api_requests:
            time.sleep(0.01)
        time.sleep(0.2)
        with open_pipeline(server.settings(), warehouse) as another:
            read_people(another)
        first.join()
        elapsed = time.monotonic() - started
        assert len(server.api_requests) == 3
    assert 2 <= elapsed < 6


def test_an_http_date_is_understood(warehouse: URL) -> None:
    date = format_datetime(dt.datetime.now(dt.UTC) + dt.timedelta(seconds=3), usegmt=True)
    with ScriptedServer([limited(date), EMPTY]) as server, open_pipeline(server.settings(), warehouse) as pipeline:
        started = time.monotonic()
        read_people(pipeline)
        assert time.monotonic() - started >= 2


def test_an_http_date_is_compared_with_the_clock_of_the_answer(warehouse: URL) -> None:
    theirs = dt.datetime.now(dt.UTC) - dt.timedelta(hours=1)  # a clock that is slow, there or here
    until = format_datetime(theirs + dt.timedelta(seconds=7200), usegmt=True)
    answer = Answer(429, b"", {"Retry-After": until, "Date": format_datetime(theirs, usegmt=True)})
    with ScriptedServer([answer]) as server, open_pipeline(server.settings(), warehouse) as pipeline:
        with pytest.raises(RateLimited) as caught:
            read_people(pipeline)
        assert caught.value.retry_after == 7200


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("header", ["0", "0.0", "Thu, 01 Jan 1970 00:00:00 GMT"])
def test_what_is_not_a_wait_counts_as_a_failure(
    warehouse: URL, engine: Engine, monkeypatch: pytest.MonkeyPatch, status: int, header: str
) -> None:
    monkeypatch.setattr("protime_etl.protime.retrying.ATTEMPTS", 2)
    answer = limited(header, status)
    with (
        ScriptedServer([answer], [answer, answer, token_answer("a")]) as server,
        open_pipeline(server.settings(), warehouse) as pipeline,
    ):
        for _ in range(2):
            with pytest.raises(ApiError) as caught:
                read_people(pipeline)
            assert caught.value.retry_after is None
        assert (len(server.token_requests), len(server.api_requests)) == (3, 2), "two tries each, whatever fails"
    assert SharedPause(engine, "acme").remaining() == 0


@pytest.mark.parametrize(("status", "error"), [(429, RateLimited), (503, ServerError)])
def test_a_long_wait_is_not_clamped_and_leaves_the_task(
    warehouse: URL, engine: Engine, status: int, error: type[RateLimited | ServerError]
) -> None:
    with ScriptedServer([limited("7200", status)]) as server, open_pipeline(server.settings(), warehouse) as pipeline:
        started = time.monotonic()
        with pytest.raises(error) as caught:
            read_people(pipeline)
        assert caught.value.retry_after == 7200
        with pytest.raises(RateLimited, match=r"asked us to wait \(Retry-After\) 7[12]\d\d more") as caught_again:
            read_people(pipeline)
        assert time.monotonic() - started < 60
        assert caught_again.value.retry_after is not None
        assert len(server.api_requests) == 1
    with engine.connect() as connection:
        left = connection.execute(
            sa.text("SELECT until - now() FROM protime_etl.pauses WHERE tenant <> 'shadow'")
        ).scalar_one()
    assert left > dt.timedelta(seconds=7100)


def test_the_token_endpoint_pauses_all_requests_too(warehouse: URL) -> None:
    with (
        ScriptedServer([EMPTY], [limited("1"), token_answer("a")]) as server,
        open_pipeline(server.settings(), warehouse) as pipeline,
    ):
        started = time.monotonic()
        read_people(pipeline)
        assert time.monotonic() - started >= 1
        assert len(server.token_requests) == 2


@pytest.mark.parametrize(
    "read", [read_people, lambda one: list(one.client.pages(PEOPLE))], ids=["with locks", "without locks"]
)
def test_a_token_that_runs_out_during_a_pause_is_renewed(warehouse: URL, read: Callable[[Pipeline], object]) -> None:
    tokens = [token_answer("short", expires_in=3), token_answer("next")]
    with (
        ScriptedServer([limited("2"), EMPTY], tokens) as server,
        open_pipeline(server.settings(), warehouse) as pipeline,
    ):
        read(pipeline)
        sent = [one.headers["Authorization"] for one in server.api_requests]
        assert sent == ["Bearer short", "Bearer next"]


def test_a_shorter_wait_does_not_end_a_longer_one(engine: Engine) -> None:
    for pause in (MemoryPause(), SharedPause(engine, "acme")):
        pause.extend(50, 50)
        pause.extend(1, 1)
        assert 45 < pause.remaining() <= 50
        with pytest.raises(RateLimited):
            wait_out(pause, max_wait=10)
    assert SharedPause(engine, "another tenant").remaining() == 0


@pytest.mark.parametrize(
    "header",
    [
        "nonsense",
        "-5",
        *in_long_form(
            [
                "0",
                "Fri, 31 Dec 9999 23:59:59 -2359",
                "Mon, 01 Jan 99999999999999999999 00:00:00 GMT",
                "9" * 30,
                "",
            ]
        ),
    ],
)
def test_a_header_that_asks_for_no_wait_leaves_the_growing_one(warehouse: URL, header: str) -> None:
    answers = [limited(header, 503), limited(header, 503), Answer(200, {"value": []}, {"Retry-After": header})]
    with ScriptedServer(answers) as server, open_pipeline(server.settings(), warehouse) as pipeline:
        read_people(pipeline)
        assert len(server.api_requests) == 3


def test_a_budget_of_requests_is_shared(engine: Engine) -> None:
    pauses = [SharedPause(engine, "acme", requests_per_second=20) for _ in range(2)]
    started = time.monotonic()
    threads = [
        threading.Thread(target=lambda one=pause: [wait_out(one, max_wait=10) for _ in range(10)]) for pause in pauses
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 0.94 <= time.monotonic() - started < 1.6, "20 slots, a twentieth of a second apart"
    assert SharedPause(engine, "another", requests_per_second=0.1).reserve_slot(0) == 0
    assert SharedPause(engine, "another").reserve_slot(0) == 0


def test_check_waits_like_all_others(warehouse: URL, engine: Engine) -> None:
    SharedPause(engine, "acme").extend(3600, 3600)
    with ScriptedServer([EMPTY]) as server:
        results = run_checks(server.settings(), warehouse)
        assert server.received == []
    assert "asked us to wait" in str(results["credentials"])
    assert results["schema"] is None
