"""Serves a large tenant from memory: in a measured run an answer is a look-up, so that rendering is not measured.

A page is rendered when it is asked for the first time, which an unmeasured pass of each client does; `rendered` counts
them, and a measured run in which it grows is refused. The tenant has two forms, `first` and `edited` (1 % differ);
when a page is rendered, it is rendered in both.

It speaks the little HTTP/1.1 that clients speak here: requests without a body but for the token's, connections kept
open. What it does not simulate on purpose: no page is empty, and any bearer token is taken.
"""

from __future__ import annotations

import argparse
import asyncio
import datetime as dt
import sys
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import msgspec

from benchmarks.clockings import DAYS, Clockings, Tenant
from protime_etl.collections.clockings import CLOCKINGS
from protime_etl.collections.collection import API_PATH
from protime_etl.simulator.paging import next_link
from protime_etl.simulator.selection import parse_filter

__all__ = ["TENANT_NAME"]

TENANT_NAME = "simulated"
TOKEN = "bench." + "t" * 400
TOKEN_ANSWER = {"access_token": TOKEN, "expires_in": 3600, "token_type": "Bearer"}
CONTINUATION_CHARACTERS = 140
"""As long as the continuation tokens of the simulated tenant."""


class Pages:
    """Answers by request target."""

    def __init__(self, clockings: Clockings, page_size: int, *, keep: bool) -> None:
        """With `keep` false every page is rendered again: slower, but ten million rows then fit in memory once."""
        self._clockings = clockings
        self._page_size = page_size
        self._keep = keep
        self._kept: dict[tuple[bool, bytes], bytes] = {}
        self._listing = lru_cache(maxsize=64)(lambda text: clockings.listing(parse_filter(CLOCKINGS, text)))
        self._people = list(clockings.people())
        self.edited = False
        self.latency = 0.0
        self.rendered = 0
        self.requests = 0
        self.served_bytes = 0
        self.asked: dict[bytes, str] = {}
        """Targets asked for since the last reset, and the filter of each; people have none."""

    def answer(self, target: bytes) -> bytes:
        """The whole answer, head included."""
        kept = self._kept.get((self.edited, target))
        if kept is None:
            self.rendered += 1
            kept = self._render(target, edited=self.edited)
            if self._keep:
                self._kept[self.edited, target] = kept
                self._kept[not self.edited, target] = self._render(target, edited=not self.edited)
        self.requests += 1
        self.served_bytes += len(kept)
        return kept

    def note(self, target: bytes) -> None:
        """Remember what was asked for."""
        if target not in self.asked:
            self.asked[target] = dict(parse_qsl(urlsplit(target).query)).get(b"filter", b"").decode()

    def state(self) -> dict[str, Any]:
        """What the bench wants to know."""
        return {
            "clockings": len(self._clockings),
            "edited": self._clockings.edited,
            "minutes": self._clockings.minutes,
            "record_bytes": self._clockings.record_bytes,
            "rendered": self.rendered,
            "requests": self.requests,
            "served_bytes": self.served_bytes,
        }

    def set(self, changes: dict[str, str]) -> None:
        """Choose the form of the tenant and the latency; `reset` forgets what was asked."""
        self.edited = changes.get("form", "edited" if self.edited else "first") == "edited"
        self.latency = float(changes.get("latency", self.latency))
        if "reset" in changes:
            self.asked.clear()
            self.requests = self.served_bytes = self.rendered = 0

    def _render(self, target: bytes, *, edited: bool) -> bytes:
        parts = urlsplit(target.decode("latin-1"))
        query = dict(parse_qsl(parts.query))
        text = query.get("filter", "")
        start = int(query.get("continuationToken", "0"))
        end = start + self._page_size
        if parts.path == f"{API_PATH}/people":
            collection, listed = "people", len(self._people)
            records = b",".join(self._people[start:end])
        elif parts.path == f"{API_PATH}/clockings":
            listing = self._listing(text)
            collection, listed = "clockings", len(listing)
            records = b",".join(self._clockings.record(place, edited=edited) for place in listing[start:end])
        else:
            return _http(b'{"error":{"code":"NotFound","message":"The resource does not exist"}}', b"404 Not Found")
        following = next_link(collection, text, f"{end:0{CONTINUATION_CHARACTERS}}") if end < listed else None
        link = b"" if following is None else b',"nextLink":' + msgspec.json.encode(following)
        return _http(b'{"value":[' + records + b"]" + link + b"}")


class Connection(asyncio.Protocol):
    """One connection of a client."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages
        self._pending = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - what a TCP server gives
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer every request that is complete."""
        self._pending += data
        while (end := self._pending.find(b"\r\n\r\n")) >= 0:
            head = self._pending[:end]
            length = _content_length(head)
            if len(self._pending) < end + 4 + length:
                return
            self._pending = self._pending[end + 4 + length :]
            self._answer(head)

    def _answer(self, head: bytes) -> None:
        method, target, _ = head.split(b" ", 2)
        if target.startswith(b"/_bench/"):
            self._send(self._control(target))
            return
        if method == b"POST":
            answer = _http(msgspec.json.encode(TOKEN_ANSWER))
        elif b"bearer bench." not in head.lower():
            answer = _http(b'{"error":{"code":"Unauthorized","message":"No token"}}', b"401 Unauthorized")
        else:
            self._pages.note(target)
            answer = self._pages.answer(target)
        if self._pages.latency:
            asyncio.get_running_loop().call_later(self._pages.latency, self._send, answer)
        else:
            self._send(answer)

    def _control(self, target: bytes) -> bytes:
        parts = urlsplit(target.decode())
        if parts.path == "/_bench/asked":
            return _http(msgspec.json.encode([(key.decode(), text) for key, text in self._pages.asked.items()]))
        self._pages.set(dict(parse_qsl(parts.query, keep_blank_values=True)))
        return _http(msgspec.json.encode(self._pages.state()))

    def _send(self, answer: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(answer)


def _http(body: bytes, status: bytes = b"200 OK") -> bytes:
    head = b"HTTP/1.1 %b\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % (status, len(body))
    return head + body


def _content_length(head: bytes) -> int:
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    return 0


async def _serve(pages: Pages) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(pages), "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    sys.stdout.write(f"http://{host}:{port}\n")
    sys.stdout.flush()
    # The bench holds the other end of stdin: when it ends, however it ends, so does this process.
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


def main() -> None:
    """Generate the tenant, say where it is served, serve until stdin is closed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.server", description=__doc__)
    parser.add_argument("--people", type=int, required=True)
    parser.add_argument("--last-day", type=dt.date.fromisoformat, required=True)
    parser.add_argument("--days", type=int, default=DAYS)
    parser.add_argument("--page-size", type=int, default=1000)
    parser.add_argument("--keep", action=argparse.BooleanOptionalAction, default=True)
    options = parser.parse_args()
    clockings = Clockings(Tenant(options.people, options.last_day, options.days))
    if options.keep:
        clockings.edit()
    asyncio.run(_serve(Pages(clockings, options.page_size, keep=options.keep)))


if __name__ == "__main__":
    main()
