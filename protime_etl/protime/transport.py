"""One HTTP exchange: no redirects, bounded time and size, and no secret in what it raises."""

from __future__ import annotations

import datetime as dt
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import msgspec
import requests
from requests.adapters import HTTPAdapter

from protime_etl.errors import ProtocolError, UnreachableError, UntrustedLinkError

__all__ = ["error_details", "new_session", "retry_after_seconds", "send"]

CONNECT_TIMEOUT_SECONDS = 10.0
READ_TIMEOUT_SECONDS = 120.0
MAX_BODY_BYTES = 256 * 1024 * 1024
CHUNK_BYTES = 1024 * 1024


def new_session() -> requests.Session:
    """A session that keeps connections alive, verifies TLS and never retries by itself."""
    session = requests.Session()
    session.trust_env = True  # proxies and private certificate authorities are the operator's choice
    session.mount("https://", HTTPAdapter(max_retries=0))
    session.mount("http://", HTTPAdapter(max_retries=0))
    session.auth = _no_credentials
    return session


def _no_credentials(request: requests.PreparedRequest) -> requests.PreparedRequest:
    # Without this, requests would replace the Authorization header by what a .netrc holds for the host.
    return request


def send(
    session: requests.Session, method: str, url: str, *, headers: dict[str, str], data: dict[str, str] | None = None
) -> tuple[requests.Response, bytes]:
    """Send one request and read its whole body, at most 256 MiB once decompressed.

    Raises:
        UnreachableError: no connection, no TLS, a time-out, a connection cut before the headers.
        ProtocolError: the body is cut short, cannot be decompressed or has no end.
        UntrustedLinkError: the answer redirects; a redirect is never followed.
    """
    host = urlsplit(url).netloc
    try:
        with session.request(
            method,
            url,
            headers=headers,
            data=data,
            allow_redirects=False,
            stream=True,
            timeout=(CONNECT_TIMEOUT_SECONDS, READ_TIMEOUT_SECONDS),
        ) as response:
            if response.is_redirect or response.is_permanent_redirect:
                raise UntrustedLinkError(
                    f"{host} redirects (status {response.status_code}); redirects are not followed.",
                    guidance="Check PROTIME_TENANT, PROTIME_API_URL and PROTIME_AUTH_URL.",
                )
            return response, _read_bounded(response, host)
    except requests.exceptions.SSLError as error:
        raise UnreachableError(
            f"The TLS certificate of {host} cannot be trusted ({_cause(error)}).",
            guidance="Check the host; for a private certificate authority set REQUESTS_CA_BUNDLE.",
        ) from None
    except requests.exceptions.Timeout:
        raise UnreachableError(f"{host} did not answer in time.", guidance="Try again later.") from None
    except (requests.exceptions.ChunkedEncodingError, requests.exceptions.ContentDecodingError):
        raise ProtocolError(f"The answer of {host} was cut short or cannot be decompressed.") from None
    except requests.exceptions.RequestException as error:
        raise UnreachableError(
            f"{host} cannot be reached ({_cause(error)}).",
            guidance="Check the network and PROTIME_TENANT, or PROTIME_API_URL and PROTIME_AUTH_URL.",
        ) from None


def _cause(error: BaseException) -> str:
    # The text of these exceptions holds the whole URL; the innermost class name says enough.
    reason: BaseException = error
    while True:
        inner = getattr(reason, "reason", None) or reason.__cause__ or reason.__context__
        if not isinstance(inner, BaseException) or inner is reason:
            break
        reason = inner
    return type(reason).__name__


def _read_bounded(response: requests.Response, host: str) -> bytes:
    body = bytearray()
    for chunk in response.iter_content(CHUNK_BYTES):
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise ProtocolError(f"The answer of {host} is larger than {MAX_BODY_BYTES // 1024**2} MiB.")
    return bytes(body)


def error_details(body: bytes) -> tuple[str, str, tuple[str, ...]]:
    """`code`, `message` and `reasons` of an error answer, each empty when the body does not have it.

    https://documentation.myprotime.eu/protimeapi/reference/responses/ ; for the token endpoint RFC 6749, 5.2.
    """
    try:
        answer: Any = msgspec.json.decode(body[:100_000])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return "", "", ()
    if not isinstance(answer, dict):
        return "", "", ()
    if isinstance(answer.get("error"), str):
        return _clean(answer["error"]), _clean(answer.get("error_description", "")), ()
    inner = answer.get("error", answer)
    if not isinstance(inner, dict):
        return "", "", ()
    reasons = inner.get("reasons", inner.get("validationErrors", []))
    listed = reasons if isinstance(reasons, list) else []
    return _clean(inner.get("code", "")), _clean(inner.get("message", "")), tuple(map(_clean, listed[:20]))


def _clean(value: object) -> str:
    if value is None:
        return ""
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return "".join(character for character in text if character.isprintable())[:300]


def retry_after_seconds(response: requests.Response) -> float | None:
    """Seconds that `Retry-After` asks for, given as seconds or as an HTTP date; None without a readable one."""
    header = response.headers.get("Retry-After", "").strip()
    if header.isascii() and header.isdigit() and len(header) <= 8:  # more is three years, and no wait
        return float(header)
    try:
        until = parsedate_to_datetime(header)
    except (ValueError, OverflowError):
        return None
    if until.tzinfo is None:
        until = until.replace(tzinfo=dt.UTC)
    return max(0.0, (until - dt.datetime.now(dt.UTC)).total_seconds())
