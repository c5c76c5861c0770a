"""For each setting, a run with it and a run without it, and the difference that its description promises."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise

from tests.every_option.house import FIRST, Face, House, OptionRow, SettingRow
from tests.support.scripted_server import Answer, ScriptedServer

CLOCKINGS = "connector-protimeapi-clockings.read"
DELETED = "SELECT count(*) FROM protime.clockings WHERE deleted_at IS NOT NULL AND status <> 'Deleted'"


def tenant(face: Face) -> None:
    assert face.sync().ok
    another = face.sync(tenant="another")
    assert not another.ok
    missing = face.sync(tenant=None)
    assert not missing.ok
    assert "is not set" in missing.text


def client_id(face: Face) -> None:
    assert face.ask().ok
    assert "refuses a token" in face.ask(client_id="unknown").text


def client_secret(face: Face) -> None:
    assert face.ask().ok
    assert "refuses a token" in face.ask(client_secret="wrong").text


@contextmanager
def proxy(asked: list[str]) -> Iterator[str]:
    """A proxy that lets no request through, and keeps the hosts that it was asked for."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                with connection:
                    asked.append(connection.recv(4096).decode().split()[1].removesuffix(":443"))
                    connection.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        listening.shutdown(socket.SHUT_RDWR)
        thread.join()


def environment(face: Face) -> None:
    for given, host in ((None, "myprotime.eu"), ("sandbox", "myprotimesandbox.eu")):
        asked: list[str] = []
        with proxy(asked) as url:
            face.ask(proxy=url, api_url=None, auth_url=None, environment=given)
        assert set(asked) == {f"authentication.{host}"}


def collections(face: Face) -> None:
    for given, people, totals in ((None, True, False), ("all", True, True), ("calculated_totals", False, True)):
        with ScriptedServer([Answer(404)]) as server:
            face.ask(auth_url=server.url, api_url=server.url, collections=given)
            asked = server.token_requests[0].body
        assert ("people.read" in asked, "calculated-totals.read" in asked) == (people, totals)
    wrong = face.ask(collections="clockings absense")
    assert not wrong.ok
    assert "there is no collection 'absense'" in wrong.text


def scopes(face: Face) -> None:
    assert face.sync().ok
    assert not face.sync(scopes=CLOCKINGS).ok, "people cannot be read"
    with ScriptedServer([Answer(404)]) as server:
        face.ask(auth_url=server.url, api_url=server.url, scopes=CLOCKINGS)
        assert "people" not in server.token_requests[0].body


def user_agent(face: Face) -> None:
    for given, sent in ((None, "protime-etl/"), ("Ours/1.0 (Acme)", "Ours/1.0 (Acme)")):
        with ScriptedServer([Answer(404)]) as server:
            face.ask(auth_url=server.url, api_url=server.url, user_agent=given)
            assert server.received[0].headers["User-Agent"].startswith(sent)


def timezone(face: Face) -> None:
    moment = "SELECT min(moment) FROM protime.clockings_local"
    brussels, utc = face.sync(), face.sync(timezone="UTC")
    assert (utc.select(moment) - brussels.select(moment)).total_seconds() == 3600


def api_url(face: Face) -> None:
    other = face.house.tenant(people=2)
    elsewhere = face.sync(api_url=other.url, auth_url=other.url)
    assert 0 < elsewhere.clockings < face.sync().clockings
    assert other.served.requests["clockings"] > 0


def auth_url(face: Face) -> None:
    other = face.house.tenant()
    assert face.ask(auth_url=other.url).text
    assert other.served.requests["token"] > 0
    assert face.house.simulated.served.requests["token"] == 0


def max_wait_in_task(face: Face) -> None:
    fault = 'on = ["people"]\nkind = "status"\nstatus = 429\nretry_after = 1\ncount = 1'
    assert not face.sync(face.house.tenant(fault=fault), max_wait_in_task="0").ok
    assert face.sync(face.house.tenant(fault=fault), max_wait_in_task="30").ok


def max_vanished(face: Face) -> None:
    warehouse, other = face.house.warehouse(), face.house.warehouse()
    before = face.sync(warehouse=warehouse)
    assert face.sync(warehouse=other).ok
    for one in face.house.simulated.tenant.truth()[:5]:
        face.house.simulated.tenant.hard_delete(one.id)
    refused = face.sync(warehouse=warehouse, max_vanished="1")
    assert not refused.ok
    assert refused.select(DELETED) == 0
    believed = face.sync(warehouse=other)
    assert believed.ok
    assert believed.select(DELETED) == 5 or before.clockings - believed.clockings == 5


def history_from(face: Face) -> None:
    due = "SELECT CAST(min(lower(span)) AS text) FROM protime_etl.promises, unnest(dates) AS span"
    assert face.sync().select(due) == str(FIRST)
    assert face.sync(history_from="2024-02-01").select(due) == "2024-02-01"


def planned_days(face: Face) -> None:
    due = (
        "SELECT max(upper(due_ahead)) - 1 - max(today) FROM protime_etl.book JOIN protime.tenants USING (tenant)"
        " WHERE tenant = 'simulated'"
    )
    chosen = "clockings people absences"
    assert face.sync(collections=chosen).select(due) == 90
    assert face.sync(collections=chosen, planned_days="7").select(due) == 7
    assert face.sync(collections=chosen, planned_days="0").select(due) is None


def max_pause(face: Face) -> None:
    fault = 'on = ["people"]\nkind = "status"\nstatus = 429\nretry_after = 99999\ncount = 1'
    assert not face.sync(face.house.tenant(fault=fault)).ok
    assert face.sync(face.house.tenant(fault=fault), max_pause="1").ok


def requests_per_second(face: Face) -> None:
    unbounded, bounded = face.house.tenant(people=3), face.house.tenant(people=3)
    assert face.sync(unbounded).ok
    started = time.monotonic()
    assert face.sync(bounded, requests_per_second="5").ok
    took = time.monotonic() - started
    for served in (unbounded, bounded):
        assert served.served.requests["clockings"] >= 3
    moments = bounded.served.moments
    assert len(moments) <= 5 * took + 5
    assert max(after - before for before, after in pairwise(moments)) > 0.15, "nothing was held back"


def proof_requests(face: Face) -> None:
    compared = "SELECT coalesce(sum(requests), 0) FROM protime_etl.verifications"
    warehouse = face.house.warehouse()
    assert face.sync(warehouse=warehouse).ok
    assert face.prove(warehouse, proof_requests="0").select(compared) == 0
    assert face.prove(warehouse, proof_requests="1").select(compared) == 1
    assert face.prove(warehouse).select(compared) > 1


def allow_http(face: Face) -> None:
    # This machine by a name that is not a loopback address.
    url = face.house.simulated.url.replace("127.0.0.1", "0.0.0.0")
    refused = face.ask(api_url=url, auth_url=url)
    assert not refused.ok
    assert "must use https" in refused.text
    # The button Test of a connection sends the secret nowhere unencrypted.
    assert face.sync(api_url=url, auth_url=url, allow_http="true").clockings > 0


def database_url(house: House) -> None:
    here, there = house.warehouse(), house.warehouse()
    dates = ("--from", "2026-03-20", "--to", "2026-03-20")
    done = house.run("sync", *dates, warehouse=here)
    assert done.clockings > 0
    assert house.run("status", warehouse=there).clockings == 0


def home(house: House) -> None:
    elsewhere = house.folder / "elsewhere"
    assert house.run("db", "upgrade", database_url=None, home=str(elsewhere)).ok
    assert (elsewhere / "postgres" / "PG_VERSION").exists()
    assert not (house.folder / ".protime").exists()


BOTH_FACES: dict[str, SettingRow] = {
    "tenant": tenant,
    "client_id": client_id,
    "client_secret": client_secret,
    "environment": environment,
    "collections": collections,
    "scopes": scopes,
    "user_agent": user_agent,
    "timezone": timezone,
    "api_url": api_url,
    "auth_url": auth_url,
    "max_wait_in_task": max_wait_in_task,
    "max_vanished": max_vanished,
    "history_from": history_from,
    "planned_days": planned_days,
    "max_pause": max_pause,
    "requests_per_second": requests_per_second,
    "proof_requests": proof_requests,
    "allow_http": allow_http,
}
COMMAND_LINE: dict[str, OptionRow] = {"database_url": database_url, "home": home}
