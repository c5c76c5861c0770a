"""Several machines in one: network namespaces on a bridge, each with a host name and process numbers of its own.

What runs on such a machine can be killed as a power cut does it: its link goes first, then every process at once, and
no other machine is notified.
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.engine import URL

from tests.support.databases import execute
from tests.support.servers import postgres_server, server_programs

__all__ = [
    "Machine",
    "Network",
    "NoMachinesError",
    "free_port",
    "network",
    "postgres_on",
    "redis_on",
    "started",
    "wait_until",
]

PROGRAMS = ("ip", "unshare", "hostname")
START_SECONDS = 60.0


class NoMachinesError(Exception):
    """This machine cannot pretend to be several; the message says why."""


@dataclass
class Machine:
    """A host on the bridge."""

    name: str
    namespace: str
    link: str
    process: subprocess.Popen[bytes] | None = None

    def start(self, command: list[str], environment: Mapping[str, str], log: Path) -> None:
        """Run one command there, as process 1."""
        # Process 1 of a namespace takes all others of it along, and `unshare` takes that one along.
        own = ["unshare", "--uts", "--pid", "--fork", "--kill-child", "--mount-proc"]
        named = ["sh", "-euc", 'hostname "$1"; shift; exec "$@"', "sh", self.name]
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                ["ip", "netns", "exec", self.namespace, *own, *named, *command],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def cut_off(self) -> None:
        """Cut its link; what runs there lives on."""
        _ip("link", "set", self.link, "down")

    def reconnect(self) -> None:
        """Undo that."""
        _ip("link", "set", self.link, "up")

    def lose_power(self) -> None:
        """Cut its link, then kill all that runs there: no connection is closed."""
        self.cut_off()
        self.stop()

    def stop(self) -> None:
        """Kill all that runs there."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()


@dataclass(frozen=True)
class Network:
    """A bridge, the address of this machine on it, and the machines that it joins."""

    address: str
    machines: Mapping[str, Machine]


@contextmanager
def network(*names: str) -> Iterator[Network]:
    """A network of new machines with these names as long as the `with` block lasts.

    Raises:
        NoMachinesError: it cannot be had.
    """
    missing = [program for program in PROGRAMS if shutil.which(program) is None]
    if os.geteuid() != 0 or missing:
        raise NoMachinesError(f"network namespaces need root and {', '.join(missing or PROGRAMS)}")
    number = os.getpid() % 250
    # A range for measuring networks, which nothing else uses: RFC 2544.
    subnet, bridge = f"198.18.{number}", f"ptbr{number}"
    with ExitStack() as stack:
        try:
            _ip("link", "add", bridge, "type", "bridge")
            stack.callback(_ip, "link", "del", bridge)
            _ip("address", "add", f"{subnet}.1/24", "dev", bridge)
            _ip("link", "set", bridge, "up")
            machines = {}
            for place, name in enumerate(names, 2):
                machine = Machine(name, f"pt{number}-{name}", f"ptl{number}-{place}")
                _ip("netns", "add", machine.namespace)
                stack.callback(_ip, "netns", "del", machine.namespace)
                peer = ("name", "eth0", "netns", machine.namespace)
                _ip("link", "add", machine.link, "master", bridge, "type", "veth", "peer", *peer)
                # Not left to the namespace: it stays as long as the system remembers one of its connections.
                stack.callback(_ip, "link", "del", machine.link)
                _ip("link", "set", machine.link, "up")
                for command in (
                    ("address", "add", f"{subnet}.{place}/24", "dev", "eth0"),
                    ("link", "set", "eth0", "up"),
                    ("link", "set", "lo", "up"),
                ):
                    _ip("-netns", machine.namespace, *command)
                stack.callback(machine.stop)
                machines[name] = machine
        except subprocess.CalledProcessError as error:
            raise NoMachinesError(f"no network namespaces here: {error.stderr.strip()}") from None
        yield Network(f"{subnet}.1", machines)


def free_port(address: str) -> int:
    """A port of that address where no process listens."""
    with socket.socket() as probe:
        probe.bind((address, 0))
        return int(probe.getsockname()[1])


@contextmanager
def started(command: list[str], environment: Mapping[str, str] | None, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A command on this machine with all that it starts, killed at the end of the `with` block."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@contextmanager
def redis_on(address: str, folder: Path) -> Iterator[str]:
    """A redis-server on that address; yields its URL, with the password.

    Raises:
        NoMachinesError: it is not installed.
    """
    program = shutil.which("redis-server")
    if program is None:
        raise NoMachinesError("redis-server is not installed (on Debian: apt install redis-server)")
    port, password = free_port(address), secrets.token_hex(16)
    settings = folder / "redis.conf"
    settings.write_text(f'bind {address}\nport {port}\nrequirepass {password}\nsave ""\ndir {folder}\n')
    log = folder / "redis.log"
    with started([program, str(settings)], None, log) as process:
        wait_until(lambda: process.poll() is not None or answers(address, port), f"redis does not start: {log}")
        assert process.poll() is None, log.read_text()
        yield f"redis://:{password}@{address}:{port}/0"


@contextmanager
def postgres_on(address: str) -> Iterator[URL]:
    """A PostgreSQL that listens on that address and trusts its network."""
    port = free_port(address)
    settings = {"listen_addresses": address, "port": str(port), "fsync": "off", "max_connections": "200"}
    with postgres_server(server_programs(), settings) as server:
        with (server.folder / "data" / "pg_hba.conf").open("a") as rules:
            rules.write(f"host all all {address}/24 trust\n")
        execute(server.url.set(port=port), "SELECT pg_reload_conf()")
        yield URL.create("postgresql+psycopg", "postgres", host=address, port=port, database="postgres")


def answers(address: str, port: int) -> bool:
    """Whether a process listens there."""
    try:
        socket.create_connection((address, port), timeout=1).close()
    except OSError:
        return False
    return True


def wait_until(condition: Callable[[], object], message: str, seconds: float = START_SECONDS) -> None:
    """Look until it is so."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, message
        time.sleep(0.25)


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True, text=True)
