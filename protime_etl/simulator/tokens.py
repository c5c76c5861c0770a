"""Access tokens by the client-credentials grant.

https://documentation.myprotime.eu/protimeapi/reference/authentication/ ; the errors are those of RFC 6749, 5.2.
"""

from __future__ import annotations

import base64
import datetime as dt
import hmac
import secrets
import threading
from urllib.parse import parse_qs

import msgspec
from starlette.responses import Response

from protime_etl.simulator.answers import RefusalError, json_answer
from protime_etl.simulator.clock import Clock
from protime_etl.simulator.options import KNOWN_SCOPES, Options

__all__ = ["TokenDesk", "token_refusal"]

LONG_AGO = dt.datetime.min.replace(tzinfo=dt.UTC)
FORM = "application/x-www-form-urlencoded"


class TokenDesk:
    """Gives out tokens and knows those that are good."""

    def __init__(self, options: Options, clock: Clock) -> None:
        self._options = options
        self._clock = clock
        self._lock = threading.Lock()
        self._given: dict[str, tuple[dt.datetime, frozenset[str]]] = {}

    def answer(self, content_type: str, body: bytes) -> Response:
        """Answer a token request.

        Raises:
            RefusalError: no token for this one.
        """
        if content_type.partition(";")[0].strip().lower() != FORM:
            raise token_refusal("invalid_request", f"the body has to be {FORM}")
        try:
            fields = parse_qs(body.decode(), keep_blank_values=True)
        except ValueError:
            raise token_refusal("invalid_request", "the body cannot be read") from None
        if any(len(values) > 1 for values in fields.values()):
            raise token_refusal("invalid_request", "a field is given twice")
        form = {name: values[0] for name, values in fields.items()}
        if form.get("grant_type") != "client_credentials":
            raise token_refusal("unsupported_grant_type", "grant_type must be client_credentials")
        self._check_client(form.get("client_id", ""), form.get("client_secret", ""))
        return self._give(self._granted(form.get("scope", "")))

    def scopes(self, token: str) -> frozenset[str] | None:
        """The scopes of a token, or None if it is unknown, expired or revoked."""
        with self._lock:
            until, scopes = self._given.get(token, (LONG_AGO, frozenset()))
        return scopes if self._clock.now() < until else None

    def age(self, token: str) -> float | None:
        """Seconds since a token was given out, or None if it is unknown."""
        with self._lock:
            entry = self._given.get(token)
        if entry is None:
            return None
        given = entry[0] - dt.timedelta(seconds=self._options.expires_in)
        return (self._clock.now() - given).total_seconds()

    def revoke(self) -> None:
        """Make all tokens invalid that were given out so far."""
        with self._lock:
            self._given.clear()

    def _check_client(self, client_id: str, client_secret: str) -> None:
        given = f"{client_id}\n{client_secret}".encode()
        wanted = f"{self._options.client_id}\n{self._options.client_secret}".encode()
        if not hmac.compare_digest(given, wanted):
            raise RefusalError(json_answer({"error": "invalid_client"}, 401))

    def _granted(self, scope: str) -> frozenset[str]:
        asked = frozenset(scope.split()) or KNOWN_SCOPES
        granted = asked & self._options.scopes
        unknown = asked - KNOWN_SCOPES - self._options.scopes
        if unknown or not granted or (self._options.refuses_missing_scopes and granted != asked):
            raise token_refusal("invalid_scope", "a scope is unknown, or none of them may be granted")
        return granted

    def _give(self, scopes: frozenset[str]) -> Response:
        now = self._clock.now()
        token = _jwt_lookalike()
        with self._lock:
            self._given = {known: entry for known, entry in self._given.items() if entry[0] > now}
            self._given[token] = (now + dt.timedelta(seconds=self._options.expires_in), scopes)
        answer = {
            "access_token": token,
            "expires_in": self._options.expires_in,
            "token_type": "Bearer",
            "scope": " ".join(sorted(scopes)),
        }
        return json_answer(answer)


def token_refusal(error: str, description: str) -> RefusalError:
    """The answer of the token endpoint to a request that is not right."""
    return RefusalError(json_answer({"error": error, "error_description": description}, 400))


def _jwt_lookalike() -> str:
    parts = ({"alg": "RS256", "typ": "JWT"}, {"jti": secrets.token_hex(16)})
    encoded = [base64.urlsafe_b64encode(msgspec.json.encode(part)).decode().rstrip("=") for part in parts]
    return ".".join([*encoded, secrets.token_urlsafe(256)])
