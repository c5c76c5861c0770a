"""No client secret, token or password is in what is printed at DEBUG, in tracebacks or in the warehouse."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import quote_plus

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import URL, Engine

from protime_etl.config import CLOCKINGS_SCOPE
from tests.support.scripted_server import Answer, ScriptedServer, token_answer
from tests.support.tenant import TODAY

SECRET = "the+client/secret=&%"
PASSWORD = "the-database-password"
TOKENS = ("the.first-access_token", "the.second-access_token")
RECORD = {"id": 1, "person": {"id": 7}, "date": str(TODAY), "timeOfDayInMinutes": 480, "kind": "InOut"}
GOOD = Answer(200, {"value": [RECORD, {**RECORD, "id": "two"}]})
REFUSED = {"error": "invalid_client", "error_description": f"client_secret={quote_plus(SECRET)} is not {SECRET}"}
# The root logger is set to DEBUG, as a user may do: every library then logs all that it can. The settings of each
# tenant come as a line of JSON.
VERBOSE = """
import json, logging, os, sys, traceback
logging.basicConfig(level=logging.DEBUG)
logging.getLogger("sqlalchemy").setLevel(logging.DEBUG)  # it keeps itself quiet: rows are logged at this level
from protime_etl.cli import main
from protime_etl.protime import retrying
retrying.ATTEMPTS = 1
for line in sys.stdin:
    os.environ.update(json.loads(line))
    try:
        main()
    except BaseException:
        traceback.print_exc()
"""


def echo(*tokens: str) -> dict[str, object]:
    """An error that repeats what it was sent."""
    said = [f"Authorization: Bearer {token}" for token in tokens]
    return {"error": {"code": tokens[0], "message": said[-1], "reasons": said}}


def forbidden() -> set[str]:
    """What must be found nowhere, in the forms that something may write it in."""
    plain = {SECRET, PASSWORD, *TOKENS}
    coded = {quote_plus(SECRET), *(base64.b64encode(one.encode()).decode() for one in plain)}
    basic = base64.b64encode(f"the-client-id:{SECRET}".encode()).decode()
    return plain | coded | {one.encode().hex() for one in plain} | {basic, "Basic ", "Bearer "}


def found(text: str) -> list[str]:
    return sorted(one for one in forbidden() if one in text)


def run(folder: Path, settings: Sequence[dict[str, str]], *arguments: str) -> str:
    """Everything that the command prints with each of these settings."""
    result = subprocess.run(
        [sys.executable, "-c", VERBOSE, *arguments],
        input="\n".join(map(json.dumps, settings)),
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return result.stdout + result.stderr


def environment(server: ScriptedServer, tenant: str, database_url: str) -> dict[str, str]:
    return {
        "PROTIME_TENANT": tenant,
        "PROTIME_CLIENT_ID": "the-client-id",
        "PROTIME_CLIENT_SECRET": SECRET,
        "PROTIME_API_URL": server.url,
        "PROTIME_AUTH_URL": server.url,
        "PROTIME_MAX_WAIT_IN_TASK": "0",
        "PROTIME_SCOPES": CLOCKINGS_SCOPE,
        "PROTIME_DATABASE_URL": database_url,
    }


def dump(engine: Engine) -> str:
    """Every row of every table, as text."""
    with engine.connect() as connection:
        tables = connection.execute(
            sa.text("SELECT schemaname, tablename FROM pg_tables WHERE schemaname !~ '^(pg_|information_schema)'")
        ).all()
        assert {"tokens", "units", "rejected_record"} <= {table for _, table in tables}
        return "\n".join(
            row
            for schema, table in tables
            for row in connection.execute(sa.text(f'SELECT t::text FROM "{schema}"."{table}" AS t')).scalars()
        )


TENANTS: dict[str, tuple[Answer, list[Answer], str]] = {
    "good": (GOOD, [], "1 rejected"),
    "unauthorized": (Answer(401, echo(*TOKENS)), [], "clockings with status 401"),
    "forbidden": (Answer(403, echo(TOKENS[0])), [], "clockings with status 403"),
    "failing": (Answer(500, echo(TOKENS[0]), {"Retry-After": "1"}), [], "clockings with status 500"),
    "moved": (Answer(302, b"", {"Location": f"http://127.0.0.1:1/?{TOKENS[0]}"}), [], "redirects are not followed"),
    "leading-away": (Answer(200, {"value": [], "nextLink": f"//127.0.0.1:1/{TOKENS[0]}"}), [], "leads away from"),
    "coded": (Answer(200, TOKENS[0].encode(), {"Content-Encoding": "deflate"}), [], "not requested"),
    "garbled": (Answer(200, TOKENS[0].encode()), [], "neither a page of JSON records"),
    "refused": (GOOD, [Answer(401, REFUSED)], "status 401 (invalid_client)"),
    "paused": (GOOD, [Answer(429, REFUSED, {"Retry-After": "9"})], "token endpoint asks to wait"),
    "without-token": (GOOD, [token_answer(TOKENS[0], expires_in=[1800])], "is not a token"),
    "without-scope": (GOOD, [token_answer(TOKENS[0], scope="none")], "was not granted"),
}


def tokens_of(tenant: str) -> list[Answer]:
    """A tenant repeats the tokens that it was sent: a second one only where the first was refused."""
    return [token_answer(one) for one in (TOKENS if tenant == "unauthorized" else TOKENS[:1])]


def test_nothing_printed_and_nothing_stored_holds_a_secret(warehouse: URL, engine: Engine, tmp_path: Path) -> None:
    url = warehouse.set(password=PASSWORD).render_as_string(hide_password=False)
    with ExitStack() as stack:
        servers = {
            name: stack.enter_context(ScriptedServer([answer], tokens or tokens_of(name)))
            for name, (answer, tokens, _) in TENANTS.items()
        }
        settings = [environment(server, name, url) for name, server in servers.items()]
        sync = ("sync", "--from", str(TODAY), "--to", str(TODAY), "--people", "7", "--debug")
        printed = run(tmp_path, settings, *sync)
        for server in servers.values():
            assert quote_plus(SECRET) in server.token_requests[0].body
        del settings[list(TENANTS).index("unauthorized")]  # it would repeat a token that is not in use any more
        printed += run(tmp_path, settings, "check", "--debug")
    for _, _, expected in TENANTS.values():
        assert expected in printed
    for logger in ("urllib3", "sqlalchemy"):
        assert f"DEBUG:{logger}" in printed
    assert found(printed) == []
    assert found(dump(engine)) == []


@pytest.mark.alone(reason="no row of another tenant would fit the constraint, either")
def test_nothing_that_a_broken_database_says_holds_a_secret(warehouse: URL, engine: Engine, tmp_path: Path) -> None:
    with engine.begin() as connection:
        connection.execute(sa.text("ALTER TABLE protime.clockings ADD CONSTRAINT no_person CHECK (person_id < 0)"))
    with ScriptedServer([GOOD], [token_answer(TOKENS[0])]) as server:
        urls = [
            warehouse.set(password=PASSWORD).render_as_string(hide_password=False),
            f"postgresql://me:{PASSWORD}@127.0.0.1:1/d",
            f"postgresql://me:{PASSWORD}@/d?host=/nowhere",
            f"postgresql://me:{PASSWORD}@127.0.0.1:1/d?nonsense=1",
            f"postgresql://me:{PASSWORD}@[::1/d",
            f"mysql://me:{PASSWORD}@127.0.0.1/d",
            f"{PASSWORD}",
        ]
        sync = ("sync", "--from", str(TODAY), "--to", str(TODAY), "--people", "7", "--debug")
        printed = run(tmp_path, [environment(server, "acme", url) for url in urls], *sync)
    for expected in ("CheckViolation", "cannot be reached", "not an address of PostgreSQL"):
        assert expected in printed
    assert found(printed) == []
    assert found(dump(engine)) == []
