"""The options of `protime-etl simulate`: one tenant served as it is by default, and others with options changed."""

from __future__ import annotations

import datetime as dt
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import requests

from protime_etl.collections.collection import API_PATH


class Simulated:
    """A served tenant, asked as any client would."""

    def __init__(self, printed: list[str]) -> None:
        self.printed = printed[0]
        values = dict(line.removeprefix("export PROTIME_").strip().split("=", 1) for line in printed[1:])
        self.url = values["API_URL"]
        self.session = requests.Session()
        self.session.trust_env = False
        body = {
            "grant_type": "client_credentials",
            "client_id": values["CLIENT_ID"],
            "client_secret": values["CLIENT_SECRET"],
            "scope": "connector-protimeapi-clockings.read connector-protimeapi-people.read",
        }
        self.token = self.session.post(f"{self.url}/tenants/simulated/connect/token", data=body, timeout=30).json()
        self.session.headers["Authorization"] = f"Bearer {self.token['access_token']}"
        self.session.headers["User-Agent"] = "Test/1 (Test)"
        self.first_answer = self.get("people").status_code

    def get(self, collection: str) -> requests.Response:
        today = dt.datetime.now(dt.UTC).date()
        first, last = today - dt.timedelta(days=100), today + dt.timedelta(days=1)
        query = {"filter": f"date ge '{first}' and date le '{last}'"} if collection == "clockings" else {}
        return self.session.get(f"{self.url}{API_PATH}/{collection}", params=query, timeout=30)

    def page(self, collection: str = "clockings") -> list[dict[str, Any]]:
        for _ in range(20):
            answer = self.get(collection)
            if answer.ok and answer.json()["value"]:
                return list(answer.json()["value"])
        raise AssertionError(answer.text)


class Three(NamedTuple):
    plain: Simulated
    small: Simulated
    changed: Simulated
    port: int


SimulateRow = Callable[[Three], None]


def _start(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [Path(sys.executable).parent / "protime-etl", "simulate", *arguments],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )


def _tenant(process: subprocess.Popen[str]) -> Simulated:
    assert process.stdout is not None
    return Simulated([process.stdout.readline() for _ in range(6)])


@contextmanager
def served(folder: Path) -> Iterator[Three]:
    """Three tenants: as it is by default, smaller, and as small with every other option changed."""
    with socket.socket() as free:
        free.bind(("127.0.0.2", 0))
        port = free.getsockname()[1]
    faults = folder / "faults.toml"
    faults.write_text('[[fault]]\non = ["people"]\nkind = "status"\nstatus = 403\nat = [1]\n')
    small = ("--people", "3", "--days", "9")
    changed = (
        "--host",
        "127.0.0.2",
        "--port",
        str(port),
        "--seed",
        "7",
        "--page-size",
        "5",
        "--latency",
        "0.2",
        "--irregular",
    )
    more = ("--irregular", "--token-lifetime", "60", "--faults", str(faults), "--changes", "50")
    processes = [_start("--port", "0"), _start("--port", "0", *small), _start(*small, *changed, *more)]
    try:
        plain, little, other = (_tenant(process) for process in processes)
        yield Three(plain, little, other, port)
    finally:
        for process in processes:
            process.terminate()
            process.communicate()


def host(three: Three) -> None:
    assert three.changed.url.startswith("http://127.0.0.2:")
    assert three.plain.url.startswith("http://127.0.0.1:")


def port(three: Three) -> None:
    assert three.changed.url.endswith(f":{three.port}")
    assert not three.plain.url.endswith(f":{three.port}")


def people(three: Three) -> None:
    assert "with 50 people" in three.plain.printed
    assert "with 3 people" in three.small.printed


def days(three: Three) -> None:
    first = [dt.date.fromisoformat(tenant.page()[0]["date"]) for tenant in (three.plain, three.small)]
    assert first[0] + dt.timedelta(days=18) <= first[1]


def seed(three: Three) -> None:
    in_service = [[one["inServiceDate"] for one in tenant.page("people")] for tenant in (three.small, three.changed)]
    assert in_service[0] != in_service[1]


def page_size(three: Three) -> None:
    assert len(three.changed.page()) == 5
    assert len(three.small.page()) > 5


def latency(three: Three) -> None:
    assert min(three.changed.get("clockings").elapsed for _ in range(3)) >= dt.timedelta(seconds=0.2)
    assert min(three.small.get("clockings").elapsed for _ in range(5)) < dt.timedelta(seconds=0.2)


def token_lifetime(three: Three) -> None:
    assert (three.plain.token["expires_in"], three.changed.token["expires_in"]) == (1800, 60)


def faults(three: Three) -> None:
    assert three.changed.first_answer == 403
    assert three.small.first_answer == 200


def irregular(three: Three) -> None:
    """One of three people has left, and the calendars of the others are closed up to a day."""
    assert [len(tenant.page("people")) for tenant in (three.small, three.changed)] == [3, 2]
    assert all("periodClosingDate" in one for one in three.changed.page("people"))
    assert not any("periodClosingDate" in one for one in three.small.page("people"))


def changes(three: Three) -> None:
    def same(tenant: Simulated) -> bool:
        before = tenant.page()
        time.sleep(0.2)
        return before == tenant.page()

    assert any(same(three.plain) for _ in range(5))
    assert not all(same(three.changed) for _ in range(50))


ROWS: dict[str, SimulateRow] = {
    "simulate --host": host,
    "simulate --port": port,
    "simulate --people": people,
    "simulate --days": days,
    "simulate --seed": seed,
    "simulate --page-size": page_size,
    "simulate --latency": latency,
    "simulate --token-lifetime": token_lifetime,
    "simulate --faults": faults,
    "simulate --changes": changes,
    "simulate --irregular": irregular,
}
