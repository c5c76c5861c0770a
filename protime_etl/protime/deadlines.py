"""Connections whose answers come to an end: each has a total time, from the first byte of its header to the last.

A time-out of a socket counts from one byte to the next: a server that sends one now and then would hold a worker for
good, with an endless header as well as with an endless body.
"""

from __future__ import annotations

import io
import socket
import time
from http.client import HTTPResponse
from typing import TYPE_CHECKING, Any, cast

from requests.adapters import HTTPAdapter

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer
    from urllib3 import PoolManager, ProxyManager
    from urllib3.connectionpool import HTTPConnectionPool

__all__ = ["TimedAdapter"]

MAX_ANSWER_SECONDS = 300.0
BUFFER_BYTES = 64 * 1024


class _TimedFile(io.RawIOBase):
    """What comes from a socket until the time is over."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self._file = connection.makefile("rb", buffering=0)
        self._patience = connection.gettimeout() or MAX_ANSWER_SECONDS
        self._ends = time.monotonic() + MAX_ANSWER_SECONDS

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, buffer: WriteableBuffer) -> int | None:
        """Read what there is; the time-out of the socket shrinks to what is left.

        Raises:
            TimeoutError: the time is over.
        """
        left = self._ends - time.monotonic()
        if left <= 0:
            raise TimeoutError("the answer takes too long")
        self._socket.settimeout(min(self._patience, left))
        return self._file.readinto(buffer)

    def close(self) -> None:
        """Let go of the socket."""
        self._file.close()
        super().close()


class _TimedAnswer(HTTPResponse):
    def __init__(self, sock: socket.socket, *arguments: Any, **named: Any) -> None:
        super().__init__(sock, *arguments, **named)
        self.fp.close()
        self.fp = io.BufferedReader(_TimedFile(sock), BUFFER_BYTES)


def _timed(pool: type[HTTPConnectionPool]) -> type[HTTPConnectionPool]:
    """The same pool with answers that come to an end, whatever its connections are: plain, TLS, or through SOCKS."""
    connection: Any = type("TimedConnection", (pool.ConnectionCls,), {"response_class": _TimedAnswer})
    timed: Any = type("TimedPool", (pool,), {"ConnectionCls": connection})
    return cast("type[HTTPConnectionPool]", timed)


class TimedAdapter(HTTPAdapter):
    """Sends over such connections, also through a proxy."""

    def init_poolmanager(self, *arguments: Any, **named: Any) -> None:
        """Make the pools."""
        super().init_poolmanager(*arguments, **named)
        _time_pools_of(self.poolmanager)

    def proxy_manager_for(self, proxy: str, **named: Any) -> ProxyManager:
        """Make the pools behind a proxy."""
        is_new = proxy not in self.proxy_manager
        manager: ProxyManager = super().proxy_manager_for(proxy, **named)
        if is_new:
            _time_pools_of(manager)
        return manager


def _time_pools_of(manager: PoolManager) -> None:
    pools = manager.pool_classes_by_scheme
    manager.pool_classes_by_scheme = {scheme: _timed(pool) for scheme, pool in pools.items()}
