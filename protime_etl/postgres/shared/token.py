"""The access token, shared by all processes of all machines through PostgreSQL.

At rest the token is encrypted with a key derived from the client secret, which the database never sees: reading
the table reveals nothing. Times are the database's, the only clock that all share.
"""

from __future__ import annotations

import base64
import hashlib
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Generic, Protocol, TypeVar

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy.engine import Connection, Engine

from protime_etl.errors import BusyError
from protime_etl.postgres.server.statements import text
from protime_etl.postgres.server.transactions import reading, transaction

__all__ = ["SharedTokenStore"]

# Longer than a token request may take. A process that ends before without a word, as its machine may, stops no other.
LOCK_SECONDS = 400


class TimedSecret(Protocol):
    """A secret that is good for a while."""

    @property
    def value(self) -> str:
        """The secret itself."""

    @property
    def lifetime(self) -> float:
        """Seconds that it was given."""

    @property
    def remaining(self) -> float:
        """Seconds until it expires."""


Secret = TypeVar("Secret", bound=TimedSecret)


class SharedTokenStore(Generic[Secret]):
    """The token of one client, shared by every process that uses the same warehouse.

    `identity` names the client (token endpoint, client id, scopes), `secret` is the client secret, and `make` builds a
    token from its value, its lifetime in seconds and the `time.monotonic()` at which that lifetime began.
    """

    def __init__(
        self, engine: Engine, *, identity: tuple[str, ...], secret: str, make: Callable[[str, float, float], Secret]
    ) -> None:
        self._engine = engine
        self._client = hashlib.sha256("\n".join(identity).encode()).hexdigest()
        self._cipher = Fernet(_key(secret, self._client))
        self._make = make

    def read(self) -> Secret | None:
        """The token that is kept, without waiting for a lock; None without one, or if its secret has changed."""
        with reading(self._engine) as connection:
            return self._read(connection)

    @contextmanager
    def locked(self) -> Iterator[_LockedStore[Secret]]:
        """Keep other processes out; a process that dies lets go by itself.

        Raises:
            BusyError: another process keeps the caller out.
        """
        with transaction(self._engine) as connection:
            # The token request is made while this transaction waits.
            if not connection.execute(text("lock_token"), {**self._name, "limit": f"{LOCK_SECONDS}s"}).one()[0]:
                raise BusyError("Another process is asking for a token.", guidance="Try again in a minute.")
            yield _LockedStore(self, connection)

    @property
    def _name(self) -> dict[str, str]:
        return {"client": self._client}

    def _read(self, connection: Connection) -> Secret | None:
        row = connection.execute(text("read_token"), self._name).one_or_none()
        if row is None:
            return None
        sealed, lifetime, remaining = row
        try:
            value = self._cipher.decrypt(bytes(sealed)).decode()
        except InvalidToken:  # the client secret was renewed: what it sealed is of no use
            return None
        return self._make(value, lifetime, time.monotonic() + remaining - lifetime)

    def _write(self, connection: Connection, token: Secret) -> None:
        connection.execute(
            text("write_token"),
            {
                **self._name,
                "sealed": self._cipher.encrypt(token.value.encode()),
                "lifetime": token.lifetime,
                "remaining": token.remaining,
            },
        )


class _LockedStore(Generic[Secret]):
    def __init__(self, store: SharedTokenStore[Secret], connection: Connection) -> None:
        self._store = store
        self._connection = connection

    def read(self) -> Secret | None:
        return self._store._read(self._connection)

    def write(self, token: Secret) -> None:
        self._store._write(self._connection, token)


def _key(secret: str, salt: str) -> bytes:
    derived = HKDF(SHA256(), 32, salt=salt.encode(), info=b"protime-etl token at rest").derive(secret.encode())
    return base64.urlsafe_b64encode(derived)
