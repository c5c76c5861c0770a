"""Sessions that the server ends before, and in the middle of, a transaction."""

from __future__ import annotations

import select
from collections.abc import Callable
from contextlib import AbstractContextManager

import psycopg
import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from protime_etl.errors import ConnectionLostError
from protime_etl.postgres.server.transactions import read_alone, reading, transaction
from tests.support.databases import execute

WAYS = pytest.mark.parametrize("way", [transaction, reading])
Way = Callable[[Engine], AbstractContextManager[Connection]]


def rest_too_long(driver: psycopg.Connection, allowed: str = "1ms") -> None:
    """The machine is so busy that its next statement comes too late."""
    driver.execute(f"SET idle_session_timeout = '{allowed}'")
    driver.commit()  # only then it rests
    over = select.poll()
    over.register(driver.fileno(), 0)
    assert over.poll(60_000), (
        "the server hangs up"
    )  # not sooner: what it said last would be lost with what is sent then


def be_ended(driver: psycopg.Connection) -> None:
    with psycopg.connect(driver.info.dsn) as other:
        assert other.execute("SELECT pg_terminate_backend(%s, 5000)", [driver.info.backend_pid]).fetchone() == (True,)


def before_beginning(engine: Engine, happens: Callable[[psycopg.Connection], None], times: int) -> list[int]:
    """Let it happen this number of times; yields where it did."""
    ended: list[int] = []

    def checked_out(driver: psycopg.Connection, *_: object) -> None:
        if len(ended) < times:
            ended.append(driver.info.backend_pid)
            happens(driver)

    sa.event.listen(engine, "checkout", checked_out)
    return ended


@WAYS
@pytest.mark.parametrize("pooled", [False, True], ids=["new", "pooled"])
@pytest.mark.parametrize("happens", [rest_too_long, be_ended])
def test_a_session_that_ends_before_the_transaction_is_replaced(
    engine: Engine, way: Way, pooled: bool, happens: Callable[[psycopg.Connection], None]
) -> None:
    if pooled:
        with way(engine):
            pass
    ended = before_beginning(engine, happens, 2)
    with way(engine) as connection:
        assert connection.scalar(sa.text("SELECT pg_backend_pid()")) not in ended
    assert len(set(ended)) == 2


@WAYS
def test_a_server_that_ends_every_session_is_reported(engine: Engine, way: Way) -> None:
    # A client that reads the answer of its commit late reads the reason with it, and libpq has it for a mere notice.
    for allowed in ("1ms", "100ms", "10s"):
        early: list[object] = []

        def rest(driver: psycopg.Connection, allowed: str = allowed, early: list[object] = early) -> None:
            driver.add_notice_handler(early.append)
            rest_too_long(driver, allowed)

        ended = before_beginning(engine, rest, 3)
        with pytest.raises(ConnectionLostError) as caught, way(engine):
            pass
        assert len(set(ended)) == 3
        if not early:
            break
    assert "ended an idle session (IdleSessionTimeout" in str(caught.value)
    assert "idle_session_timeout" in caught.value.guidance


def test_a_query_alone_is_asked_again(engine: Engine) -> None:
    ended = before_beginning(engine, rest_too_long, 2)
    at_once = engine.execution_options(isolation_level="AUTOCOMMIT")
    assert read_alone(at_once, sa.text("SELECT pg_backend_pid()"), {}) not in ended
    assert len(set(ended)) == 2


def test_what_a_transaction_did_before_its_session_ended_is_not_done_twice(engine: Engine) -> None:
    execute(engine.url, "CREATE TABLE public.done (n int)")
    add = sa.text("INSERT INTO public.done VALUES (:n)")

    def do() -> None:
        with transaction(engine) as connection:
            connection.execute(add, {"n": 1})
            be_ended(connection.connection.dbapi_connection)  # type: ignore[arg-type]
            connection.execute(add, {"n": 2})

    with pytest.raises(ConnectionLostError):
        do()
    with transaction(engine) as connection:
        connection.execute(add, {"n": 3})
    with reading(engine) as connection:
        connection.execute(add, {"n": 4})
    with engine.connect() as connection:
        assert connection.scalars(sa.text("SELECT n FROM public.done")).all() == [3]
