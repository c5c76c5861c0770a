"""Bearer tokens by the OAuth2 client-credentials grant, one for all processes.

https://documentation.myprotime.eu/protimeapi/reference/authentication/

Where the token is kept is the caller's choice (`TokenStore`): in memory for one process, in PostgreSQL for all
processes of all machines. A process that finds it missing or about to expire renews it under the store's lock.
"""

from __future__ import annotations

import logging
import math
import random
import re
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Protocol
from urllib.parse import quote, quote_plus

import msgspec
import requests

from protime_etl.config import Settings
from protime_etl.errors import ApiError, AuthenticationError, BusyError, ProtocolError, RateLimited, ServerError
from protime_etl.protime.pausing import MemoryPause, Pause, pause_all, wait_out
from protime_etl.protime.transport import TRY_AGAIN, error_details, send, wait_asked_for

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["GrantedTokens", "MemoryTokenStore", "Token", "TokenSource", "TokenStore", "request_token"]

RENEW_EARLY_SECONDS = 60.0
MAX_LIFETIME_SECONDS = 86_400.0  # a longer one is renewed after a day, whatever number the endpoint gives
DEFAULT_LIFETIME_SECONDS = 300.0
NUMBER = re.compile(r"[0-9]{1,12}(\.[0-9]{1,9})?")
MAX_TOKEN_CHARACTERS = 16_384
LOCK_PATIENCE_SECONDS = 330.0  # no token request takes longer, the time to connect included
LOOK_SECONDS = (0.05, 0.15)
INVALID_SCOPE = "invalid_scope"

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Token:
    """An access token and the seconds it is still good for, counted from `received` on this process's clock."""

    value: str
    lifetime: float
    """Seconds that the token endpoint gave it."""
    received: float
    """`time.monotonic()` at which `remaining` equalled `lifetime`, or would have."""

    @property
    def remaining(self) -> float:
        """Seconds until it expires."""
        return self.received + self.lifetime - time.monotonic()

    @property
    def due(self) -> bool:
        """Whether it should be renewed now: 60 seconds early, or at half of a life shorter than two minutes."""
        return self.remaining <= min(RENEW_EARLY_SECONDS, self.lifetime / 2)

    def __repr__(self) -> str:
        return f"Token(remaining={self.remaining:.0f})"


class LockedTokenStore(Protocol):
    """The store while no other process or thread can write to it."""

    def read(self) -> Token | None:
        """The token that is kept, if any."""

    def write(self, token: Token) -> None:
        """Keep this one instead."""


class TokenStore(Protocol):
    """Where the token of one client is kept."""

    def read(self) -> Token | None:
        """The token that is kept, without waiting for a lock."""

    def locked(self) -> AbstractContextManager[LockedTokenStore]:
        """Keep others out meanwhile.

        Raises:
            BusyError: another process or thread keeps the caller out. It is not waited for: see `TokenSource`.
        """


class MemoryTokenStore:
    """A token for the threads of this process."""

    def __init__(self) -> None:
        self._token: Token | None = None
        self._lock = threading.Lock()

    def read(self) -> Token | None:
        """The token that is kept."""
        return self._token

    def write(self, token: Token) -> None:
        """Keep this one instead."""
        self._token = token

    @contextmanager
    def locked(self) -> Iterator[MemoryTokenStore]:
        """Keep the other threads out."""
        if not self._lock.acquire(blocking=False):
            raise BusyError("Another thread asks for a token.")
        try:
            yield self
        finally:
            self._lock.release()


class _TokenAnswer(msgspec.Struct):
    access_token: str
    token_type: str
    expires_in: float | str | None = None
    scope: str | list[str] | None = None

    def lifetime(self) -> float:
        """Seconds; of an answer without them, which RFC 6749, 5.1 allows, few. Not above zero if unreadable."""
        if self.expires_in is None:
            _tell_missing_lifetime()
            return DEFAULT_LIFETIME_SECONDS
        if isinstance(self.expires_in, str):
            return float(self.expires_in) if NUMBER.fullmatch(self.expires_in) else 0.0
        return self.expires_in

    def granted(self, asked: Sequence[str]) -> Sequence[str]:
        """The scopes that the token has; RFC 6749, 5.1: absent means that all that was asked is granted."""
        if self.scope is None:
            return asked
        return self.scope.split() if isinstance(self.scope, str) else self.scope


# Made while modules are imported, as all decoders; see `Collection`.
_token_decoder = msgspec.json.Decoder(_TokenAnswer)


@cache
def _tell_missing_lifetime() -> None:
    log.warning("The token endpoint does not say how long a token is good for: %.0f s.", DEFAULT_LIFETIME_SECONDS)


class TokenSource:
    """Hands out a valid token, renewing it when it is due or was refused. Safe to share between threads.

    The store is locked for the time of one token request and never while something is waited for: a pause, or another
    process that has the lock.
    """

    def __init__(
        self,
        settings: Settings,
        store: TokenStore,
        *,
        fetch: Callable[[Settings], Token],
        pause: Pause | None = None,
    ) -> None:
        self._settings = settings
        self._store = store
        self._fetch = fetch
        self._pause = pause or MemoryPause()
        self._held: Token | None = None
        self.requests = 0
        """Token requests made by this object."""

    def current(self) -> Token:
        """A token that is not due, asking for a new one only if no other process has.

        Raises:
            AuthenticationError: the endpoint refuses the client.
            RateLimited: it asks to wait longer than a process may.
            BusyError: another process has been asking for too long.
            UnreachableError, ServerError, ProtocolError: no usable answer. The caller tries again.
        """
        held = self._held
        if held is None or held.due:
            held = self._store.read()
        if held is None or held.due:
            return self._renew(refused=None)
        self._held = held
        return held

    def replace(self, refused: Token) -> Token:
        """A token other than the refused one, from the process that renewed it first; raises as `current`."""
        return self._renew(refused=refused)

    def _renew(self, refused: Token | None) -> Token:
        patient_until = time.monotonic() + LOCK_PATIENCE_SECONDS
        while True:
            wait_out(self._pause, self._settings.max_wait_in_task, turn=False)
            try:
                with self._store.locked() as store:
                    kept = store.read()  # it may have been renewed since the caller looked
                    if kept is None or kept.due or (refused is not None and kept.value == refused.value):
                        if self._pause.remaining():  # one has begun since: it is sat out without the lock
                            continue
                        kept = self._ask()
                        store.write(kept)
            except BusyError:
                if time.monotonic() > patient_until:
                    raise
                time.sleep(random.uniform(*LOOK_SECONDS))  # noqa: S311 - no secret depends on it
            else:
                self._held = kept
                return kept

    def _ask(self) -> Token:
        self.requests += 1
        self._pause.turn(math.inf)  # not waited for, as the store is locked: the next to ask waits the longer
        try:
            return self._fetch(self._settings)
        except ApiError as error:
            pause_all(self._pause, error, self._settings.max_pause)
            raise


def request_token(settings: Settings, session: requests.Session) -> Token:
    """Ask the token endpoint for a token with all of the settings' scopes.

    Raises:
        AuthenticationError: the endpoint refuses the client, or grants fewer scopes than asked.
        RateLimited: the endpoint asks to wait.
        UnreachableError, ServerError, ProtocolError: no usable answer.
    """
    token, granted = _request(settings, settings.scopes, session)
    if missing := [scope for scope in settings.scopes if scope not in granted]:
        raise _not_granted(missing)
    return token


class GrantedTokens:
    """Asks for tokens with as many of the settings' scopes as the endpoint grants: what may not be read is left out.

    An endpoint that refuses all for one scope is asked for halves, once, until it is known which ones it grants.
    """

    def __init__(self, session: requests.Session) -> None:
        self._session = session
        self._granted: tuple[str, ...] | None = None

    def __call__(self, settings: Settings) -> Token:
        """A token.

        Raises:
            AuthenticationError: the endpoint refuses the client, or grants none of the scopes.
            RateLimited, UnreachableError, ServerError, ProtocolError: as `request_token`.
        """
        try:
            token, granted = _request(settings, self._granted or settings.scopes, self._session)
        except AuthenticationError as error:
            if error.code != INVALID_SCOPE:
                raise
            self._granted = tuple(self._search(settings, settings.scopes))
            if not self._granted:
                raise
            token, granted = _request(settings, self._granted, self._session)
        missing = tuple(scope for scope in settings.scopes if scope not in granted)
        if len(missing) == len(settings.scopes):
            raise _not_granted(missing)
        if missing:
            _warn_of_missing_scopes(missing)
        return token

    def _search(self, settings: Settings, scopes: Sequence[str]) -> Iterator[str]:
        """Those of some scopes, refused together, that are granted by themselves."""
        middle = len(scopes) // 2
        for part in (scopes[:middle], scopes[middle:]) if middle else ():
            try:
                _, granted = _request(settings, part, self._session)
            except AuthenticationError as error:
                if error.code != INVALID_SCOPE:
                    raise
                yield from self._search(settings, part)
            else:
                yield from (scope for scope in part if scope in granted)


@cache
def _warn_of_missing_scopes(missing: tuple[str, ...]) -> None:
    log.warning("The client was not granted %s; the collections of the other scopes are read.", ", ".join(missing))


def _not_granted(missing: Sequence[str]) -> AuthenticationError:
    return AuthenticationError(
        f"The client was not granted {', '.join(missing)}.",
        guidance="Ask Protime to add the scope to this client, or narrow PROTIME_SCOPES.",
        code=INVALID_SCOPE,
    )


def _request(settings: Settings, scopes: Sequence[str], session: requests.Session) -> tuple[Token, Sequence[str]]:
    """A token and the scopes that it was granted; raises as `request_token`."""
    asked = time.monotonic()
    endpoint = settings.token_endpoint
    response, body = send(
        session,
        "POST",
        endpoint,
        headers={"User-Agent": settings.agent, "Accept": "application/json"},
        data={
            "grant_type": "client_credentials",
            "client_id": settings.client_id,
            "client_secret": settings.client_secret.get_secret_value(),
            "scope": " ".join(scopes),
        },
    )
    status = response.status_code
    wait = wait_asked_for(response)
    if status == 429:
        raise RateLimited("The token endpoint asks to wait.", status=status, retry_after=wait)
    if status >= 500 or status in TRY_AGAIN:
        raise ServerError(f"The token endpoint failed with status {status}.", status=status, retry_after=wait)
    if status != 200:
        raise _refusal(settings, status, body)
    try:
        answer = _token_decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise ProtocolError(
            f"The answer of {endpoint} is not a token: access_token, token_type and a number expires_in are needed."
        ) from None
    lifetime = answer.lifetime()
    if answer.token_type.lower() != "bearer" or not lifetime > 0 or not _is_header_safe(answer.access_token):
        raise ProtocolError(f"The answer of {endpoint} is not a usable Bearer token.")
    return Token(answer.access_token, min(lifetime, MAX_LIFETIME_SECONDS), asked), answer.granted(scopes)


def _is_header_safe(value: str) -> bool:
    return 0 < len(value) <= MAX_TOKEN_CHARACTERS and value.isascii() and value.isprintable() and " " not in value


def _refusal(settings: Settings, status: int, body: bytes) -> AuthenticationError:
    secret = settings.client_secret.get_secret_value()
    # A server that repeats it, plainly or as it was sent, is not repeated.
    code, message, _ = error_details(body, hidden=(secret, quote_plus(secret), quote(secret, safe="")))
    reason = ": ".join(filter(None, (code, message)))
    guidance = {
        "invalid_client": "Check PROTIME_CLIENT_ID and PROTIME_CLIENT_SECRET.",
        "invalid_scope": f"This client may not have all of: {' '.join(settings.scopes)}. Check PROTIME_SCOPES.",
        "unauthorized_client": "Ask Protime to allow this client the client_credentials grant.",
        "unsupported_grant_type": "Ask Protime to allow this client the client_credentials grant.",
        "invalid_request": "Ask Protime whether this client may use the client_credentials grant.",
    }.get(
        code,
        "Check PROTIME_TENANT and PROTIME_ENVIRONMENT."
        if status == 404
        else "Check PROTIME_TENANT, PROTIME_CLIENT_ID and PROTIME_CLIENT_SECRET.",
    )
    return AuthenticationError(
        f"{settings.token_endpoint} refuses a token with status {status}{f' ({reason})' if reason else ''}.",
        guidance=guidance,
        code=code,
    )
