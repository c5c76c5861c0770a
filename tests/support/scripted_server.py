"""A real HTTP server that gives prepared answers one by one, for what a well-behaved tenant never sends."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

from protime_etl.config import Settings, load_settings


@dataclass(frozen=True)
class Answer:
    """An answer with a JSON body, or with a body of bytes as they are."""

    status: int = 200
    body: object = b""
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def content(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


@dataclass(frozen=True)
class Received:
    """A request as it came."""

    method: str
    path: str
    headers: dict[str, str]
    body: str


class ScriptedServer:
    """Gives `answers` to API requests, the last one again and again, and a token to every token request."""

    def __init__(self, answers: Sequence[Answer], token_answers: Sequence[Answer] = ()) -> None:
        self.answers = list(answers)
        self.token_answers = list(token_answers)
        self.received: list[Received] = []
        self._lock = threading.Lock()
        script = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                body = self.rfile.read(length).decode()
                answer = script._next(Received(self.command, self.path, dict(self.headers), body))
                if "Date" in answer.headers:
                    self.send_response_only(answer.status)
                else:
                    self.send_response(answer.status)
                headers = {"Content-Length": str(len(answer.content))} | answer.headers
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(answer.content)

            do_GET = do_POST = handle_any  # noqa: N815

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def _next(self, request: Received) -> Answer:
        with self._lock:
            self.received.append(request)
            if request.path.endswith("/connect/token"):
                number = len(self.token_requests)
                if self.token_answers:
                    return self.token_answers[min(number, len(self.token_answers)) - 1]
                return token_answer(f"token-{number}")
            return self.answers[min(len(self.api_requests), len(self.answers)) - 1]

    @property
    def token_requests(self) -> list[Received]:
        return [one for one in self.received if one.path.endswith("/connect/token")]

    @property
    def api_requests(self) -> list[Received]:
        return [one for one in self.received if not one.path.endswith("/connect/token")]

    def settings(self, **changes: object) -> Settings:
        given: dict[str, object] = {
            "tenant": "acme",
            "client_id": "client",
            "client_secret": "the-client-secret",
            "api_url": self.url,
            "auth_url": self.url,
        }
        return load_settings(from_environment=False, **(given | changes))

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def token_answer(value: str, **changes: object) -> Answer:
    return Answer(200, {"access_token": value, "expires_in": 1800, "token_type": "Bearer"} | changes)
