"""What all processes of all machines share through PostgreSQL: the access token and the pause.

At rest the token is encrypted with a key derived from the client secret, which the database never sees: whoever can
read the table learns nothing. Times are the database's, the only clock that all share.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import sqlalchemy as sa
from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy.engine import Connection, Engine

from protime_etl.errors import BusyError
from protime_etl.postgres.connection import database_errors

__all__ = ["KnownPause", "SharedPause", "SharedTokenStore", "lift_pause", "read_pauses"]

LONGEST_SECONDS = 1e9  # thirty years: what PostgreSQL can add to a time, and Python can show
# Longer than a token request may take. Whatever ends before without a word, such as a machine, holds nobody up.
LOCK_SECONDS = 400


class SharedPause:
    """Until when nobody asks this tenant, and in which turn, shared by every process that uses the same warehouse."""

    def __init__(self, engine: Engine, tenant: str, requests_per_second: float | None = None) -> None:
        self._engine = engine
        # Asked before every request: one statement, whose answer no setting of a role changes, and no transaction.
        self._asking = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._tenant = {"tenant": tenant}
        self.share = 1 / requests_per_second if requests_per_second else 0.0
        """Seconds between one request and the next; 0 without a budget."""

    def remaining(self) -> float:
        """Seconds until a request may be sent again; 0 when there is no pause."""
        query = sa.text(
            "SELECT extract(epoch FROM until - clock_timestamp())::float8 FROM protime_etl.pauses"
            " WHERE tenant = :tenant AND until > clock_timestamp()"
        )
        with database_errors(self._engine.url), self._asking.connect() as connection:
            return max(0.0, connection.scalar(query, self._tenant) or 0.0)

    def extend(self, seconds: float, asked: float) -> None:
        """Nobody asks for that long from now, or for as long as was known before, whichever ends later.

        `asked` is how many seconds the answer named; it is kept to be shown.
        """
        statement = sa.text(
            "INSERT INTO protime_etl.pauses AS p (tenant, until, asked_until)"
            " VALUES (:tenant, clock_timestamp() + make_interval(secs => :seconds),"
            " clock_timestamp() + make_interval(secs => :asked))"
            " ON CONFLICT (tenant) DO UPDATE SET until = greatest(p.until, excluded.until), asked_until ="
            " greatest(excluded.asked_until, CASE WHEN p.until > clock_timestamp() THEN p.asked_until END)"
        )
        given = {**self._tenant, "seconds": seconds, "asked": min(asked, LONGEST_SECONDS)}
        with database_errors(self._engine.url), self._engine.begin() as connection:
            connection.execute(statement, given)

    def turn(self, patience: float) -> float:
        """Seconds until the next free turn within the budget of requests; 0 without a budget.

        The caller has it then, unless it is more than `patience` seconds away. Turns are handed out one after the
        other, a request's share of a second apart, in the order of asking.
        """
        if not self.share:
            return 0.0
        taken = sa.text(
            "INSERT INTO protime_etl.pauses AS p (tenant, until, next_turn)"
            " VALUES (:tenant, '-infinity', clock_timestamp() + make_interval(secs => :share))"
            " ON CONFLICT (tenant) DO UPDATE"
            " SET next_turn = greatest(p.next_turn, clock_timestamp()) + make_interval(secs => :share)"
            " WHERE p.next_turn IS NULL OR p.next_turn <= clock_timestamp() + make_interval(secs => :patience)"
            " RETURNING extract(epoch FROM next_turn - clock_timestamp())::float8 - :share"
        )
        free = sa.text(
            "SELECT extract(epoch FROM next_turn - clock_timestamp())::float8 FROM protime_etl.pauses"
            " WHERE tenant = :tenant"
        )
        given = {**self._tenant, "share": self.share, "patience": min(patience, LONGEST_SECONDS)}
        with database_errors(self._engine.url), self._engine.begin() as connection:
            away = connection.scalar(taken, given)
            if away is None:
                away = connection.scalar(free, self._tenant)
            return max(0.0, away or 0.0)


@dataclass(frozen=True)
class KnownPause:
    """A pause that has not ended."""

    tenant: str
    until: dt.datetime
    asked_until: dt.datetime | None
    """Until when the API asked to wait: later, if that was cut."""


def read_pauses(engine: Engine, tenant: str | None) -> list[KnownPause]:
    """The pauses of that tenant, or of every tenant, that have not ended."""
    query = sa.text(
        "SELECT tenant, until, asked_until FROM protime_etl.pauses"
        " WHERE until > clock_timestamp() AND tenant = coalesce(:tenant, tenant) ORDER BY tenant"
    )
    with database_errors(engine.url), engine.connect() as connection:
        return [KnownPause(*row) for row in connection.execute(query, {"tenant": tenant})]


def lift_pause(engine: Engine, tenant: str) -> None:
    """End the pause of a tenant; its budget of requests stays."""
    statement = sa.text("UPDATE protime_etl.pauses SET until = '-infinity', asked_until = NULL WHERE tenant = :tenant")
    with database_errors(engine.url), engine.begin() as connection:
        connection.execute(statement, {"tenant": tenant})


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
        """The token that is kept, without waiting for a lock; None if there is none or its secret has changed."""
        with database_errors(self._engine.url), self._engine.connect() as connection:
            return self._read(connection)

    @contextmanager
    def locked(self) -> Iterator[_LockedStore[Secret]]:
        """Keep other processes out; a process that dies lets go by itself.

        Raises:
            BusyError: another process keeps the caller out.
        """
        locking = sa.text(
            "SELECT pg_try_advisory_xact_lock(hashtextextended(:client, 0)),"
            " set_config('idle_in_transaction_session_timeout', :limit, true)"
        )
        with database_errors(self._engine.url), self._engine.begin() as connection:
            # The token request is made while this transaction waits.
            if not connection.execute(locking, {**self._name, "limit": f"{LOCK_SECONDS}s"}).one()[0]:
                raise BusyError("Another process is asking for a token.", guidance="Try again in a minute.")
            yield _LockedStore(self, connection)

    @property
    def _name(self) -> dict[str, str]:
        return {"client": self._client}

    def _read(self, connection: Connection) -> Secret | None:
        row = connection.execute(
            sa.text(
                "SELECT sealed, lifetime, extract(epoch FROM expires_at - clock_timestamp())::float8"
                " FROM protime_etl.tokens WHERE client = :client"
            ),
            self._name,
        ).one_or_none()
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
            sa.text(
                "INSERT INTO protime_etl.tokens (client, sealed, lifetime, expires_at)"
                " VALUES (:client, :sealed, :lifetime, clock_timestamp() + make_interval(secs => :remaining))"
                " ON CONFLICT (client) DO UPDATE SET"
                " sealed = excluded.sealed, lifetime = excluded.lifetime, expires_at = excluded.expires_at"
            ),
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
