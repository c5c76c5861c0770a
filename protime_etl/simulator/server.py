"""Running the simulated tenant: in the background of a test, or in the foreground of a command line."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from types import TracebackType

import uvicorn

from protime_etl.simulator.app import Served, create_app
from protime_etl.simulator.clock import Clock
from protime_etl.simulator.mutations import Changes
from protime_etl.simulator.options import Options
from protime_etl.simulator.state import Tenant

__all__ = ["SimulatedTenant", "changing", "serve"]

START_SECONDS = 30.0
STOP_SECONDS = 30.0


class _Server(uvicorn.Server):
    """A server that says when it is ready."""

    def __init__(self, config: uvicorn.Config, on_ready: Callable[[], object]) -> None:
        super().__init__(config)
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then call `on_ready`."""
        await super().startup(sockets)
        self._on_ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop; a client whose machine went away takes no answer any more, and its connection is given up."""
        await super().shutdown(sockets)
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        await asyncio.sleep(0)  # the loop closes their sockets now


class SimulatedTenant:
    """A tenant served on a free port of this machine as long as the `with` block lasts."""

    def __init__(
        self,
        tenant: Tenant | None = None,
        options: Options | None = None,
        clock: Clock | None = None,
        *,
        host: str = "127.0.0.1",
    ) -> None:
        self.tenant = tenant or Tenant()
        self.options = options or Options()
        self.clock = clock or Clock()
        self._host = host
        self._app = create_app(self.tenant, self.options, self.clock)
        self.served: Served = self._app.state.served
        self.client_id = self.options.client_id
        self.client_secret = self.options.client_secret
        self.url = ""
        """Where it is served, such as `http://127.0.0.1:49152`, once it is."""

    def __enter__(self) -> SimulatedTenant:
        self._socket = _listen(self._host, 0)
        self.url = _url(self._socket)
        ready = threading.Event()
        self._server = _Server(_config(self._app), ready.set)
        self._thread = threading.Thread(target=self._server.run, args=([self._socket],), daemon=True)
        self._thread.start()
        if not ready.wait(START_SECONDS):
            self._stop()
            raise RuntimeError("the simulated tenant did not start")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stop()

    def _stop(self) -> None:
        self._server.should_exit = True
        self._thread.join(STOP_SECONDS)
        self._socket.close()


@contextlib.contextmanager
def changing(changes: Changes, a_second: float) -> Iterator[None]:
    """Make random changes in the background, `a_second` per second, as long as the `with` block lasts."""
    stop = threading.Event()

    def run() -> None:
        while not stop.wait(1 / a_second):
            changes.make()

    thread = threading.Thread(target=run, daemon=True)
    if a_second > 0:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        if a_second > 0:
            thread.join()


def serve(
    tenant: Tenant,
    options: Options | None = None,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    on_ready: Callable[[str], object] = lambda _url: None,
) -> None:
    """Serve until the process is interrupted; `on_ready` gets the URL once requests are answered.

    Raises:
        OSError: the port is taken or may not be used.
    """
    with _listen(host, port) as listening, contextlib.suppress(KeyboardInterrupt):
        url = _url(listening)
        _Server(_config(create_app(tenant, options)), lambda: on_ready(url)).run([listening])


def _config(app: Callable[..., object]) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        loop="asyncio",
        ws="none",
        lifespan="off",
        access_log=False,
        log_config=None,
        timeout_graceful_shutdown=5,
        # Longer than any pause between two requests of a test: a connection closed under a client is another test.
        timeout_keep_alive=120,
    )


def _listen(host: str, port: int) -> socket.socket:
    # Bound here, so that a free port is ours before it is printed. With the protocol named, asyncio
    # disables Nagle's algorithm on the connections; otherwise every answer waits 40 ms for an acknowledgement.
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen(128)
    except OSError:
        listening.close()
        raise
    return listening


def _url(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
