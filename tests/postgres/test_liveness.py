"""Connections of the pool: which are pinged, and what becomes of one that has died there."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from protime_etl.postgres.server import liveness


def backend(engine: Engine) -> int:
    with engine.connect() as connection:
        return int(connection.scalar(sa.text("SELECT pg_backend_pid()")) or 0)


@pytest.fixture
def pings(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> list[object]:
    made: list[object] = []
    ping = engine.dialect.do_ping

    def do_ping(driver: object) -> bool:
        made.append(driver)
        return ping(driver)  # type: ignore[arg-type]

    monkeypatch.setattr(engine.dialect, "do_ping", do_ping)
    return made


def test_a_connection_that_was_just_used_is_taken_without_a_ping(engine: Engine, pings: list[object]) -> None:
    assert backend(engine) == backend(engine) == backend(engine)
    assert pings == []


def test_one_that_has_rested_is_pinged(engine: Engine, pings: list[object], monkeypatch: pytest.MonkeyPatch) -> None:
    before = backend(engine)
    monkeypatch.setattr(liveness, "REST_SECONDS", 0.0)
    assert backend(engine) == before
    assert len(pings) == 1


def test_one_that_died_a_moment_ago_is_replaced(engine: Engine, other_session: Engine) -> None:
    before = backend(engine)
    with other_session.connect() as connection:
        assert connection.scalar(sa.text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": before})
    assert backend(engine) != before


@pytest.fixture
def other_session(engine: Engine) -> Engine:
    return sa.create_engine(engine.url, poolclass=sa.pool.NullPool)
