"""One HTTP exchange: no redirects, bounded time and size, and no secret in what it raises."""

from __future__ import annotations

import codecs
import datetime as dt
import io
import logging
import re
import time
from collections.abc import Sequence
from email.utils import parsedate_to_datetime
from http.cookiejar import DefaultCookiePolicy
from typing import Any
from urllib.parse import urlsplit

import msgspec
import requests

from protime_etl.collections.collection import API_PATH
from protime_etl.errors import AnswerTooLargeError, ForeignAnswerError, ProtocolError, RedirectError
from protime_etl.protime.deadlines import TimedAdapter
from protime_etl.protime.failures import explain, printable
from protime_etl.setting_values import is_loopback

__all__ = [
    "TRY_AGAIN",
    "error_details",
    "new_session",
    "retry_after_seconds",
    "send",
    "wait_asked_for",
]

CONNECT_TIMEOUT_SECONDS = 10.0
READ_TIMEOUT_SECONDS = 120.0
MAX_BODY_BYTES = 64 * 1024 * 1024  # records and their rows take several times as much memory
CHUNK_BYTES = 64 * 1024
DEFAULT_PAUSE_SECONDS = 10.0
SECONDS = re.compile(r"[0-9]{1,8}(\.[0-9]{1,9})?")  # more digits are three years, and no wait
TRY_AGAIN = {408, 425}
"""Statuses below 500 that a request may not get a second time."""
ANY_FORM = {414, 429, *TRY_AGAIN}
"""Statuses below 500 that mean the same whatever wrote them: the request is repeated later, or made smaller."""
CHALLENGE = re.compile(r'\b(error|error_description)="([^"]*)"')
# The only coding that is asked for: of the others some can neither be bounded nor be relied on to be installed.
CODINGS = {"", "identity", "gzip", "x-gzip"}

log = logging.getLogger(__name__)


class _Shortened(logging.Filter):
    """At DEBUG urllib3 logs each address: a link of the API is one to read with, and a filter names people."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(
                f"{one.partition('?')[0]}?..." if isinstance(one, str) and API_PATH in one and "?" in one else one
                for one in record.args
            )
        return True


logging.getLogger("urllib3.connectionpool").addFilter(_Shortened())


class _Session(requests.Session):
    def get_redirect_target(self, resp: requests.Response) -> None:
        """Nowhere: even without following it, requests would read the whole body of a redirect, however long."""
        del resp


def new_session() -> requests.Session:
    """A session that keeps connections alive and no cookies, verifies TLS and never retries by itself."""
    session = _Session()
    session.trust_env = True  # proxies and private certificate authorities are the operator's choice
    session.mount("https://", TimedAdapter(max_retries=0))
    session.mount("http://", TimedAdapter(max_retries=0))
    session.auth = _no_credentials
    session.headers["Accept-Encoding"] = "gzip"
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=()))
    return session


def _no_credentials(request: requests.PreparedRequest) -> requests.PreparedRequest:
    # Without this, requests would replace the Authorization header by what a .netrc holds for the host.
    return request


def send(
    session: requests.Session, method: str, url: str, *, headers: dict[str, str], data: dict[str, str] | None = None
) -> tuple[requests.Response, bytes]:
    """Send one request and read its whole body, at most 64 MiB once decompressed and for at most five minutes.

    Raises:
        UnreachableError: no connection, no TLS, a time-out, a connection cut before the headers.
        ProtocolError: the body is cut short, cannot be decompressed or (AnswerTooLargeError) is too large.
        ForeignAnswerError: it is not in the form of the API; see `_require_form`.
        RedirectError: the answer redirects; a redirect is never followed.
        SettingsError: a proxy or a bundle of certificates that the environment names cannot be used.
    """
    parts = urlsplit(url)
    host = parts.netloc
    began = time.monotonic()
    try:
        request = session.prepare_request(requests.Request(method, url.partition("?")[0], headers=headers, data=data))
        # Encoded already: requests would take each of some thousand characters into its hands again.
        request.url = url
        choices = session.merge_environment_settings(request.url, {}, stream=True, verify=None, cert=None)
        if is_loopback(parts.hostname or ""):
            choices["proxies"] = {}  # a proxy would look for it on its own machine
        with session.send(
            request,
            allow_redirects=False,
            timeout=(CONNECT_TIMEOUT_SECONDS, READ_TIMEOUT_SECONDS),
            **choices,
        ) as response:
            if response.is_redirect or response.is_permanent_redirect:
                raise RedirectError(
                    f"{host} redirects (status {response.status_code}); redirects are not followed.",
                    guidance="Check PROTIME_TENANT, PROTIME_API_URL and PROTIME_AUTH_URL, and whether a portal in"
                    " between wants a login.",
                )
            body = _read_bounded(response, host)
            took = 1000 * (time.monotonic() - began)
            status = response.status_code
            log.debug("%s %s%s: status %d, %d bytes, %.0f ms", method, host, parts.path, status, len(body), took)
            _require_form(response, body, host)
            return response, body
    except (OSError, ValueError, AssertionError) as error:
        if (known := explain(error, host)) is None:
            raise
        raise known from None


def _read_bounded(response: requests.Response, host: str) -> bytes:
    coding = response.headers.get("Content-Encoding", "").strip().lower()
    if coding not in CODINGS:
        raise ProtocolError(f"The answer of {host} has an encoding that was not requested; only gzip was.")
    body = io.BytesIO()  # gives its content away without copying it
    for chunk in response.iter_content(CHUNK_BYTES):
        if body.write(chunk) and body.tell() > MAX_BODY_BYTES:
            raise AnswerTooLargeError(f"The answer of {host} is larger than {MAX_BODY_BYTES // 1024**2} MiB.")
    return body.getvalue().removeprefix(codecs.BOM_UTF8)  # not part of JSON, but written before it by some


def _require_form(response: requests.Response, body: bytes, host: str) -> None:
    """Refuse what cannot come from the API or its token endpoint, whatever the status says.

    Both answer with a JSON object. Of errors the documentation promises that for most only, so an error without a body
    is one of theirs, too: https://documentation.myprotime.eu/protimeapi/reference/responses/

    Raises:
        ForeignAnswerError: it is something else, such as the page of a firewall.
    """
    status = response.status_code
    if status >= 500 or status in ANY_FORM:
        return
    start = body[:1024].lstrip()
    if start.startswith(b"{") or (status >= 400 and not start):
        return
    content = printable(response.headers.get("Content-Type", ""))[:80] or "no content type"
    raise ForeignAnswerError(
        f"{host} returned neither a page of JSON records nor an error of the API (status {status}, {content}):"
        " something between here and the API answers.",
        guidance="Look for a firewall, a proxy or a login portal on the way."
        " Otherwise check PROTIME_TENANT and PROTIME_ENVIRONMENT.",
    )


def error_details(body: bytes, *, challenge: str = "", hidden: Sequence[str] = ()) -> tuple[str, str, tuple[str, ...]]:
    """`code`, `message` and `reasons` of an error answer, each empty when the body does not have it.

    So is one that repeats something `hidden`. For the token endpoint RFC 6749, 5.2; for the API
    https://documentation.myprotime.eu/protimeapi/reference/responses/ ; where the body is silent, what the header
    WWW-Authenticate (`challenge`) says by RFC 6750, 3.
    """
    try:
        said = _details(msgspec.json.decode(body[:100_000]))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        said = ["", ""]
    if not any(said):
        header = dict(CHALLENGE.findall(challenge))
        said = [printable(header.get("error", "")), printable(header.get("error_description", ""))]
    code, message, *reasons = ("" if any(one in text for one in hidden) else text[:300] for text in said)
    return code, message, tuple(reasons)


def _details(answer: Any) -> list[str]:
    if not isinstance(answer, dict):
        return ["", ""]
    if isinstance(answer.get("error"), str):
        return [_clean(answer["error"]), _clean(answer.get("error_description", ""))]
    inner = answer.get("error", answer)
    if not isinstance(inner, dict):
        return ["", ""]
    reasons = inner.get("reasons", inner.get("validationErrors", []))
    listed = reasons if isinstance(reasons, list) else []
    return [_clean(inner.get("code", "")), _clean(inner.get("message", "")), *map(_clean, listed[:20])]


def _clean(value: object) -> str:
    if value is None:
        return ""
    return printable(value if isinstance(value, str) else msgspec.json.encode(value).decode())


def wait_asked_for(response: requests.Response) -> float | None:
    """Seconds to wait before any process asks again; None when the answer asks for no wait.

    A 429 without a readable `Retry-After` asks for ten. One of 0, or of a time gone by, asks for none: what failed so
    is repeated like any other failure.
    """
    seconds = retry_after_seconds(response)
    if seconds is None and response.status_code == 429:
        return DEFAULT_PAUSE_SECONDS
    return seconds or None


def retry_after_seconds(response: requests.Response) -> float | None:
    """Seconds that `Retry-After` asks for, given as seconds or as an HTTP date; None without a readable one.

    A date is compared with the `Date` of the same answer, or else with the clock of this machine.
    """
    header = response.headers.get("Retry-After", "").strip()
    if SECONDS.fullmatch(header):
        return float(header)
    until = _date(header)
    if until is None:
        return None
    now = _date(response.headers.get("Date", "")) or dt.datetime.now(dt.UTC)
    return max(0.0, (until - now).total_seconds())


def _date(header: str) -> dt.datetime | None:
    try:
        moment = parsedate_to_datetime(header)
        # One at the ends of the calendar may have no time in UTC.
        return moment.replace(tzinfo=dt.UTC) if moment.tzinfo is None else moment.astimezone(dt.UTC)
    except (ValueError, OverflowError):
        return None
