"""The server of the large tenant as a process of its own, and the bench's side of it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import requests

from benchmarks.clockings import Tenant

__all__ = ["Served", "serving"]

PAGE_SIZE = 1000
REQUEST_SECONDS = 300


class Served:
    """A tenant that is being served."""

    def __init__(self, tenant: Tenant, url: str) -> None:
        self.tenant = tenant
        self.url = url
        self._session = requests.Session()
        self._session.trust_env = False  # this machine, whatever proxy is set
        state = self.set()
        self.clockings = int(state["clockings"])
        self.edited = int(state["edited"])
        self.minutes = int(state["minutes"])
        """Sum of the times of all clockings in the tenant's first form; in the edited one `edited` more."""
        self.record_bytes = float(state["record_bytes"])

    def set(self, **changes: str | float) -> dict[str, Any]:
        """Change how it answers (`form`, `latency`, `reset`); returns its state."""
        answer = self._session.get(f"{self.url}/_bench/state", params=changes, timeout=REQUEST_SECONDS)
        state: dict[str, Any] = answer.json()
        return state

    def asked(self) -> list[tuple[str, str]]:
        """What was asked for since the last reset: target of each page, and its filter; people have none."""
        pages: list[list[str]] = self._session.get(f"{self.url}/_bench/asked", timeout=REQUEST_SECONDS).json()
        return [(target, text) for target, text in pages]


@contextmanager
def serving(tenant: Tenant, *, keep: bool = True) -> Iterator[Served]:
    """Serve a tenant until the end of the `with`."""
    command = [
        *(sys.executable, "-m", "benchmarks.server"),
        *("--people", str(tenant.people), "--last-day", tenant.last_day.isoformat(), "--days", str(tenant.days)),
        *("--page-size", str(PAGE_SIZE), "--keep" if keep else "--no-keep"),
    ]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None and process.stdout is not None  # noqa: S101, PT018 - both are pipes
        try:
            url = process.stdout.readline().strip()
            if not url:
                raise RuntimeError("the server of the bench did not start")
            yield Served(tenant, url)
        finally:
            process.stdin.close()
            process.wait(30)
