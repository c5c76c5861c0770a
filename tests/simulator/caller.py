"""A client of a simulated tenant."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import requests

from protime_etl.collections.collection import API_PATH
from protime_etl.simulator.server import SimulatedTenant

AGENT = "Tests/v1 (Test Company)"
FIRST_DAY = dt.date(2026, 1, 1)
LAST_DAY = dt.date(2026, 1, 31)
EVERYTHING = "date ge '2026-01-01' and date le '2026-01-31'"


@dataclass
class Caller:
    """Talks to a simulated tenant as any client would."""

    simulated: SimulatedTenant
    session: requests.Session
    everything: str = EVERYTHING

    def ask_token(self, *, tenant: str = "simulated", agent: str = AGENT, **fields: str | None) -> requests.Response:
        form: dict[str, str | None] = {
            "grant_type": "client_credentials",
            "client_id": self.simulated.client_id,
            "client_secret": self.simulated.client_secret,
        }
        return self.session.post(
            f"{self.simulated.url}/tenants/{tenant}/connect/token",
            data={name: value for name, value in (form | fields).items() if value is not None},
            headers={"User-Agent": agent},
        )

    def token(self, scope: str | None = None) -> str:
        answer = self.ask_token(scope=scope)
        assert answer.status_code == 200, answer.text
        token: str = answer.json()["access_token"]
        return token

    def get(self, path: str, token: str | None = None, agent: str = AGENT) -> requests.Response:
        """GET a path below the API, or a link as it was answered."""
        link = path if path.startswith("/") else f"{API_PATH}/{path}"
        authorization = f"Bearer {self.token() if token is None else token}"
        return self.session.get(
            f"{self.simulated.url}{link}", headers={"User-Agent": agent, "Authorization": authorization}
        )

    def pages(self, path: str) -> list[dict[str, Any]]:
        token = self.token()
        pages = [self.get(path, token).json()]
        while "nextLink" in pages[-1]:
            answer = self.get(pages[-1]["nextLink"], token)
            assert answer.status_code == 200, answer.text
            pages.append(answer.json())
        return pages

    def records(self, path: str) -> list[dict[str, Any]]:
        return [record for page in self.pages(path) for record in page["value"]]

    def clockings(self) -> list[dict[str, Any]]:
        return self.records(f"clockings?filter={self.everything}")
