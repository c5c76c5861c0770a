from __future__ import annotations

import json
import subprocess
import sys
import time

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import URL, Engine

from protime_etl.postgres.shared.token import SharedTokenStore
from protime_etl.protime.auth import Token
from protime_etl.simulator.server import SimulatedTenant
from protime_etl.sync.pipeline import open_pipeline
from protime_etl.sync.pull.lists import read_people
from protime_etl.sync.pull.runs import sync
from tests.support.scripted_server import Answer, ScriptedServer, token_answer
from tests.support.tenant import TODAY, settings_for

PROCESS = """
import json, sys
from protime_etl.config import load_settings
from protime_etl.postgres.server.address import parse_url
from protime_etl.sync.pipeline import open_pipeline
from protime_etl.sync.pull.lists import read_people
given = json.loads(sys.argv[1])
url = parse_url(given.pop("database"))
with open_pipeline(load_settings(from_environment=False, **given), url) as pipeline:
    sys.stdout.write("ready\\n"); sys.stdout.flush()
    sys.stdin.readline()
    read_people(pipeline)
    sys.stdout.write(f"{pipeline.tokens.requests}\\n")
"""


def store(engine: Engine, secret: str = "a secret") -> SharedTokenStore[Token]:
    return SharedTokenStore(engine, identity=("endpoint", "client", "scopes"), secret=secret, make=Token)


def given_to_process(simulated: SimulatedTenant, warehouse: URL) -> str:
    """The argument of `PROCESS`."""
    return json.dumps(
        {
            "tenant": "simulated",
            "client_id": simulated.client_id,
            "client_secret": simulated.client_secret,
            "api_url": simulated.url,
            "auth_url": simulated.url,
            "database": warehouse.render_as_string(hide_password=False),
        }
    )


def test_eight_processes_started_at_once_ask_for_one_token(warehouse: URL, simulated: SimulatedTenant) -> None:
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", PROCESS, given_to_process(simulated, warehouse)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(8)
    ]
    for one in processes:
        assert one.stdout is not None
        assert one.stdout.readline() == "ready\n"
    asked = [int(one.communicate("go\n")[0]) for one in processes]

    assert sum(asked) == 1
    assert simulated.served.requests["token"] == 1
    assert simulated.served.requests["refused"] == 0


def test_a_refused_token_is_renewed_by_one_and_taken_over_by_the_others(
    warehouse: URL, simulated: SimulatedTenant
) -> None:
    settings = settings_for(simulated)
    with open_pipeline(settings, warehouse) as one, open_pipeline(settings, warehouse) as two:
        for pipeline in (one, two):
            read_people(pipeline)
        simulated.served.revoke_tokens()
        for pipeline in (one, two):
            read_people(pipeline)
        assert one.tokens.requests + two.tokens.requests == 2
    assert simulated.served.requests["token"] == 2


def test_the_table_holds_nothing_that_can_be_read(engine: Engine) -> None:
    with store(engine).locked() as locked:
        locked.write(Token("the-access-token", 1800.0, time.monotonic()))

    with engine.connect() as connection:
        everything = connection.execute(
            sa.text("SELECT t::text, encode(sealed, 'escape') FROM protime_etl.tokens AS t")
        )
        text = str(everything.all())
    assert "the-access-token" not in text
    assert "a secret" not in text
    kept = store(engine).read()
    assert kept is not None
    assert kept.value == "the-access-token"
    assert 1790 < kept.remaining <= 1800


def test_a_token_sealed_with_a_former_secret_is_not_used(engine: Engine) -> None:
    with store(engine).locked() as locked:
        locked.write(Token("old", 1800.0, time.monotonic()))
    assert store(engine, "a renewed secret").read() is None


def test_a_token_about_to_expire_is_renewed_a_minute_early(warehouse: URL) -> None:
    answers = [token_answer("short", expires_in=150), token_answer("next")]
    people = Answer(200, {"value": []})
    with ScriptedServer([people], answers) as server, open_pipeline(server.settings(), warehouse) as pipeline:
        read_people(pipeline)
        assert pipeline.tokens.current().value == "short"
        with pipeline.engine.begin() as connection:  # as if 91 seconds had passed
            connection.execute(
                sa.text(
                    "UPDATE protime_etl.tokens SET expires_at = expires_at - interval '91 s'"
                    " WHERE client NOT LIKE 'shadow%'"
                )
            )
        with open_pipeline(server.settings(), warehouse) as later:
            assert later.tokens.current().value == "next"


def test_a_process_that_dies_while_it_renews_holds_no_other_up(warehouse: URL, simulated: SimulatedTenant) -> None:
    script = PROCESS.replace(
        "read_people(pipeline)",
        "lock = pipeline.tokens._store.locked(); lock.__enter__(); print('locked', flush=True); sys.stdin.readline()",
        1,
    )
    dying = subprocess.Popen(
        [sys.executable, "-c", script, given_to_process(simulated, warehouse)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert dying.stdin is not None
    assert dying.stdout is not None
    assert dying.stdout.readline() == "ready\n"
    dying.stdin.write("go\n")
    dying.stdin.flush()
    assert dying.stdout.readline() == "locked\n"
    dying.kill()
    dying.communicate()

    started = time.monotonic()
    with open_pipeline(settings_for(simulated), warehouse) as pipeline:
        sync(pipeline, TODAY, TODAY)
    assert time.monotonic() - started < 10


@pytest.mark.parametrize("secret", ["", "é" * 500, "a+b&c=d %"])
def test_any_secret_seals(engine: Engine, secret: str) -> None:
    with store(engine, secret).locked() as locked:
        locked.write(Token("value", 60.0, time.monotonic()))
    kept = store(engine, secret).read()
    assert kept is not None
    assert kept.value == "value"
