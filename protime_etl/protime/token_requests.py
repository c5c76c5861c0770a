"""One request for a token, and what the endpoint's answer means.

https://documentation.myprotime.eu/protimeapi/reference/authentication/ ; errors by RFC 6749, 5.2.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Iterator, Sequence
from functools import cache
from urllib.parse import quote, quote_plus

import msgspec
import requests

from protime_etl.config import Settings
from protime_etl.errors import AuthenticationError, ProtocolError, RateLimited, ServerError
from protime_etl.protime.auth import Token
from protime_etl.protime.transport import TRY_AGAIN, error_details, send, wait_asked_for

__all__ = ["GrantedTokens", "request_token"]

MAX_LIFETIME_SECONDS = 86_400.0  # a longer one is renewed after a day, whatever number the endpoint gives
DEFAULT_LIFETIME_SECONDS = 300.0
NUMBER = re.compile(r"[0-9]{1,12}(\.[0-9]{1,9})?")
MAX_TOKEN_CHARACTERS = 16_384
INVALID_SCOPE = "invalid_scope"

log = logging.getLogger(__name__)


class _TokenAnswer(msgspec.Struct):
    access_token: str
    token_type: str
    expires_in: float | str | None = None
    scope: str | list[str] | None = None

    def lifetime(self) -> float:
        """Seconds; of an answer without them, which RFC 6749, 5.1 allows, few. Not above zero if unreadable."""
        if self.expires_in is None:
            _log_missing_lifetime()
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
def _log_missing_lifetime() -> None:
    log.warning("The token endpoint does not give a token's lifetime: %.0f s is assumed.", DEFAULT_LIFETIME_SECONDS)


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
        token, granted = self.ask(settings)
        if missing := tuple(scope for scope in settings.scopes if scope not in granted):
            _warn_of_missing_scopes(missing)
        return token

    def ask(self, settings: Settings) -> tuple[Token, Sequence[str]]:
        """A token, and the scopes that it has; raises as a call."""
        try:
            token, granted = _request(settings, self._granted or settings.scopes, self._session)
        except AuthenticationError as error:
            if error.code != INVALID_SCOPE:
                raise
            self._granted = tuple(self._search(settings, settings.scopes))
            if not self._granted:
                raise
            token, granted = _request(settings, self._granted, self._session)
        if not {*settings.scopes} & {*granted}:
            raise _not_granted(settings.scopes)
        return token, granted

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
