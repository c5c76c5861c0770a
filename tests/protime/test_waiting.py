"""No lock is held while the tenant's permission to ask is waited for; seen from another process."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import URL, Engine

from protime_etl.collections.clockings import CLOCKINGS
from protime_etl.collections.collection import API_PATH
from protime_etl.collections.people import PEOPLE
from protime_etl.config import CLOCKINGS_SCOPE, PEOPLE_SCOPE
from protime_etl.errors import BusyError, ProtimeError
from protime_etl.postgres.book.coverage import lock_coverage
from protime_etl.postgres.server.stored import Stored
from protime_etl.postgres.shared.locks import lock_list
from protime_etl.postgres.shared.pause import SharedPause
from protime_etl.protime import auth
from protime_etl.sync.pipeline import open_pipeline
from tests.cli.shell import COMMAND, Shell
from tests.support.scripted_server import Answer, ScriptedServer, token_answer
from tests.support.tenant import TODAY

EMPTY = Answer(200, {"value": []})
DATES = ("--from", str(TODAY), "--to", str(TODAY), "--people", "7")
LOCKS = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 1"


def limited(seconds: str) -> Answer:
    return Answer(429, {"error": {"code": "TooManyRequests", "message": "slow down"}}, {"Retry-After": seconds})


def wait_for(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 40
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def shell_for(folder: Path, server: ScriptedServer, warehouse: URL, **settings: str) -> Shell:
    return Shell(
        folder,
        tenant="acme",
        client_id="client",
        client_secret="the-client-secret",
        api_url=server.url,
        auth_url=server.url,
        scopes=CLOCKINGS_SCOPE,
        database_url=warehouse.render_as_string(hide_password=False),
        **settings,
    )


@pytest.mark.parametrize("refused", [False, True], ids=["the first token", "a token that was refused"])
def test_a_pause_of_the_token_endpoint_holds_up_no_process_that_may_not_wait(
    tmp_path: Path, warehouse: URL, engine: Engine, refused: bool
) -> None:
    tokens = [*([token_answer("a")] if refused else []), limited("900"), token_answer("b")]
    answers = [*([Answer(401)] if refused else []), EMPTY]
    with ScriptedServer(answers, tokens) as server:
        patient = shell_for(tmp_path, server, warehouse, max_wait_in_task="3600")
        hasty = shell_for(tmp_path, server, warehouse, max_wait_in_task="2")
        one = subprocess.Popen(
            [COMMAND, "sync", *DATES],
            env={**os.environ, **patient.settings},
            cwd=tmp_path,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            wait_for(lambda: SharedPause(engine, "acme").remaining())
            asked = len(server.received)
            if refused:  # or else the other process would find that token
                with engine.begin() as connection:
                    connection.execute(sa.text("DELETE FROM protime_etl.tokens WHERE client NOT LIKE 'shadow%'"))
            another = hasty("sync", *DATES)
            assert SharedPause(engine, "acme").remaining() > 2, "it did not sit the pause out"
            with engine.connect() as connection:
                assert connection.execute(sa.text(LOCKS)).scalar_one() == 0
        finally:
            one.kill()
            one.communicate()
        assert len(server.received) == asked
    assert another.returncode == 1
    assert "The API asked us to wait (Retry-After)" in another.stderr


@pytest.mark.parametrize("command", ["people", "clockings"])
def test_a_pause_in_the_middle_of_a_list_holds_up_no_process_that_waits_for_the_same_rows(
    tmp_path: Path, warehouse: URL, engine: Engine, command: str
) -> None:
    path = f"{API_PATH}/{command}"
    answers = [Answer(200, {"value": [], "nextLink": f"{path}?x=1"}), limited("45"), EMPTY]
    named = DATES if command == "clockings" else DATES[:4]
    with ScriptedServer(answers) as server:
        scopes = CLOCKINGS_SCOPE if command == "clockings" else f"{CLOCKINGS_SCOPE} {PEOPLE_SCOPE}"
        shell = shell_for(tmp_path, server, warehouse, max_wait_in_task="3600")
        settings = {**os.environ, **shell.settings, "PROTIME_SCOPES": scopes}
        one = subprocess.Popen([COMMAND, "sync", *named], env=settings, cwd=tmp_path, stderr=subprocess.PIPE, text=True)
        try:
            wait_for(lambda: SharedPause(engine, "acme").remaining())
            wait_for(lambda: not held_by_another(engine))
            assert one.poll() is None, "it sits the pause out"
            assert SharedPause(engine, "acme").remaining() > 5, "which has not ended"
        finally:
            one.kill()
            one.communicate()


def held_by_another(engine: Engine) -> bool:
    """Whether a transaction that reads people, or of the person 7, has to wait."""
    with engine.begin() as connection:
        connection.execute(sa.text("SET LOCAL lock_timeout = '50ms'"))
        try:
            lock_list(Stored(connection, "acme", PEOPLE))
            lock_coverage(Stored(connection, "acme", CLOCKINGS), [7])
        except sa.exc.OperationalError:
            return True
    return False


def test_a_process_that_waits_for_the_token_of_another_reports_when_that_takes_too_long(
    warehouse: URL, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(auth, "LOCK_PATIENCE_SECONDS", 0.3)
    with ScriptedServer([EMPTY]) as server, open_pipeline(server.settings(), warehouse) as holder:
        with (
            holder.tokens._store.locked(),
            open_pipeline(server.settings(), warehouse) as waiter,
            pytest.raises(BusyError, match="Another process is asking for a token"),
        ):
            waiter.tokens.current()
        assert server.received == []


def test_who_waits_for_another_to_get_a_token_leaves_when_a_long_pause_begins(warehouse: URL, engine: Engine) -> None:
    errors: list[ProtimeError] = []

    def ask() -> None:
        try:
            waiter.tokens.current()
        except ProtimeError as error:
            errors.append(error)

    with (
        ScriptedServer([EMPTY]) as server,
        open_pipeline(server.settings(), warehouse) as holder,
        open_pipeline(server.settings(max_wait_in_task=2), warehouse) as waiter,
        holder.tokens._store.locked(),
    ):
        thread = threading.Thread(target=ask)
        thread.start()
        SharedPause(engine, "acme").extend(50, 50)
        thread.join(10)
        assert not thread.is_alive()
    assert "asked us to wait" in str(errors[0])
