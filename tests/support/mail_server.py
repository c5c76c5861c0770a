"""A mail server on this machine that keeps what it is sent."""

from __future__ import annotations

import email
import email.policy
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller

__all__ = ["MailServer", "mail_server"]


class MailServer:
    """What came, the oldest first; and where it listens."""

    def __init__(self) -> None:
        self.messages: list[EmailMessage] = []
        self.port = 0

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        """Take a message."""
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        assert isinstance(message, EmailMessage)
        self.messages.append(message)
        return "250 OK"

    @property
    def connection(self) -> dict[str, Any]:
        """The connection of Airflow to it."""
        extra = {"disable_ssl": True, "disable_tls": True, "from_email": "airflow@example.com", "retry_limit": 1}
        return {"conn_type": "smtp", "host": "127.0.0.1", "port": self.port, "extra": extra}

    @property
    def texts(self) -> list[tuple[str, str]]:
        """Subject and text of each."""
        return [(str(one["Subject"]), _text(one)) for one in self.messages]


def _text(message: EmailMessage) -> str:
    parts = [part.get_content() for part in message.walk() if part.get_content_maintype() == "text"]
    return "\n".join(map(str, parts))


@contextmanager
def mail_server() -> Iterator[MailServer]:
    """Serve until the end of the `with`."""
    server = MailServer()
    with socket.socket() as probe:  # it cannot choose one that is free by itself
        probe.bind(("127.0.0.1", 0))
        server.port = probe.getsockname()[1]
    controller = Controller(server, hostname="127.0.0.1", port=server.port)
    controller.start()
    try:
        yield server
    finally:
        controller.stop()
