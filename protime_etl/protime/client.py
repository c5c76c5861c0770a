"""GET requests to one tenant: token, paging, and answers turned into records or errors.

https://documentation.myprotime.eu/protimeapi/how-to/fetch-resources/
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple, TypeVar
from urllib.parse import quote, urlsplit

from tenacity import Retrying, retry_if_result, stop_before_delay, wait_exponential

from protime_etl.collections.collection import API_PATH, Collection
from protime_etl.collections.page import Page
from protime_etl.config import Settings
from protime_etl.errors import (
    NotFoundError,
    ProtocolError,
    RequestsSpentError,
    UntrustedLinkError,
    UriTooLongError,
)
from protime_etl.protime.auth import Token, TokenSource
from protime_etl.protime.decoding import decode_page, decode_record, look_ahead
from protime_etl.protime.delta_pages import decode_changes
from protime_etl.protime.filters import Condition, encode
from protime_etl.protime.links import KEPT_IN_LINK, own_uri
from protime_etl.protime.pausing import MemoryPause, Pause, pause_all, wait_out
from protime_etl.protime.refusals import refusal
from protime_etl.protime.retrying import with_retries
from protime_etl.protime.transport import (
    error_details,
    new_session,
    send,
    wait_asked_for,
)

__all__ = ["MAX_URI_CHARACTERS", "Exchange", "ProtimeClient", "Resource"]

Answer = TypeVar("Answer")

MAX_URI_CHARACTERS = 4096
MAX_EMPTY_PAGES_IN_A_ROW = 1000
LOCKED_WAIT_SECONDS = 5.0
FRESH_TOKEN_SECONDS = 12.0
"""How long a token that was just given out may be refused: the API's clock may be behind that of its token endpoint."""
LACKS_SCOPE = "insufficient_scope"
SAFE_PATH = re.compile(r"[A-Za-z0-9@_~-][A-Za-z0-9@._~-]*(/[A-Za-z0-9@_~-][A-Za-z0-9@._~-]*)*")


@dataclass(frozen=True)
class Resource:
    """A path below the API, registered as a collection or not."""

    path: str

    @property
    def scope(self) -> str:
        """The scope that it probably needs."""
        return f"connector-protimeapi-{self.path.partition('/')[0]}.read"


class Exchange(NamedTuple):
    """What came of one request."""

    status: int
    body: bytes
    wait: float | None
    challenge: str
    """The header WWW-Authenticate."""


class ProtimeClient:
    """Reads collections of one tenant. One object for each thread; the token source may be shared."""

    def __init__(self, settings: Settings, tokens: TokenSource, pause: Pause | None = None) -> None:
        self._settings = settings
        self._pause = pause or MemoryPause()
        self._tokens = tokens
        self._session = new_session()
        self._longest_wait = settings.max_wait_in_task
        self._answered: set[str] = set()
        """Collections that a good answer has come from: the host is known to be the API."""
        self._unauthorized: set[str] = set()
        """Collections that refused a fresh token for so long that it is not about the token."""
        self._good_token = ""
        """The token that was last accepted."""
        self.good_answers = 0
        """Answers that were of use so far: whether a wait was in vain is seen by them."""
        self.requests = 0
        """API requests sent so far, repeated ones included, token requests not."""
        self.most_requests: int | None = None
        """How many it may send in all; None: any number."""
        self._tries: int | None = None
        self._tries_with_wait: int | None = None

    def close(self) -> None:
        """Let go of the connections."""
        self._session.close()

    @property
    def max_wait(self) -> float:
        """Seconds of the longest pause that is sat out here."""
        return self._settings.max_wait_in_task

    @contextmanager
    def holding_locks(self) -> Iterator[None]:
        """While the caller holds what others wait for, a pause of more than five seconds is not sat out.

        Raises:
            RateLimited: there is one. The caller lets go, calls `wait` unless it is too long, and begins again.
        """
        self._longest_wait = min(LOCKED_WAIT_SECONDS, self._settings.max_wait_in_task)
        try:
            yield
        finally:
            self._longest_wait = self._settings.max_wait_in_task

    @contextmanager
    def trying(self, tries: int | None, with_wait: int | None = None) -> Iterator[None]:
        """Send a request that fails for a passing reason so often meanwhile; None: as often as `with_retries` does.

        `with_wait`: the same of one that is answered by a request to wait.
        """
        before = self._tries, self._tries_with_wait
        self._tries, self._tries_with_wait = tries or self._tries, with_wait
        try:
            yield
        finally:
            self._tries, self._tries_with_wait = before

    def wait(self) -> None:
        """Sit out the pause that there may be.

        Raises:
            RateLimited: it is longer than a process may wait.
        """
        wait_out(self._pause, self._settings.max_wait_in_task, slot=False)

    def list_uri(self, collection: Collection, condition: Condition | None) -> str:
        """The URI of the first page, as it is sent."""
        query = f"?filter={encode(condition)}" if condition is not None else ""
        return f"{self._settings.api_base}{API_PATH}/{collection.path}{query}"

    def pages(self, collection: Collection, condition: Condition | None = None) -> Iterator[Page]:
        """Read a list page by page; see `answers`."""
        for body in self.answers(collection, condition):
            yield decode_page(collection, body)

    def answers(
        self, collection: Collection, condition: Condition | None = None, after: bytes | None = None
    ) -> Iterator[bytes]:
        """Read a list page by page, to the page without `nextLink`; an empty page is not the end.

        Pages come as they were sent, so that the next can be on its way while `decode_page` is at work on this one.
        `after` is the page that was read last, where an earlier reading goes on.

        Raises:
            ProtocolError: the links loop, never end, or (UntrustedLinkError) lead elsewhere.
            ApiError, UnreachableError: as `get`.
        """
        uri = self.list_uri(collection, condition)
        if after is not None:
            _, next_link = look_ahead(collection, after)
            if next_link is None:
                return
            uri = self._resolve(collection, next_link)
        seen: set[str] = set()
        empty = 0
        while True:
            seen.add(uri)
            body, records, next_link = self._with_retries(partial(self._answer, collection, uri))
            yield body
            if next_link is None:
                return
            uri = self._resolve(collection, next_link)
            if uri in seen:
                raise ProtocolError(f"The pages of {collection.path} loop: a nextLink came twice.")
            empty = 0 if records else empty + 1
            if empty > MAX_EMPTY_PAGES_IN_A_ROW:
                raise ProtocolError(f"The pages of {collection.path} have no end: {empty} empty ones in a row.")

    def read(self, path: str) -> bytes:
        """The body at a path below the API, such as `people/100001` or a list with its filter, as it was sent.

        Raises:
            UntrustedLinkError: the path leads out of the API.
            ApiError, UnreachableError, ProtocolError: as `pages`.
        """
        parts = urlsplit(path)
        resource = Resource(parts.path.strip("/"))
        if parts.scheme or parts.netloc or parts.fragment or not SAFE_PATH.fullmatch(resource.path):
            raise UntrustedLinkError(f"{path[:80]!r} is not a path of the API, such as people/100001.")
        query = f"?{quote(parts.query, safe=KEPT_IN_LINK)}" if parts.query else ""
        uri = f"{self._settings.api_base}{API_PATH}/{resource.path}{query}"
        return self._with_retries(lambda: self._get(resource, uri))

    def record(self, collection: Collection, record_id: int) -> Page | None:
        """Read one record by its id, as a page of one; None if it does not exist.

        https://documentation.myprotime.eu/protimeapi/reference/collections/clockings/get/

        Raises:
            ApiError, UnreachableError, ProtocolError: as `pages`.
        """
        uri = f"{self._settings.api_base}{API_PATH}/{collection.path}/{record_id}"
        try:
            return self._with_retries(lambda: decode_record(collection, self._get(collection, uri)))
        except NotFoundError as error:
            # A host that knows nothing of the API says 404, too, but not in its words.
            if error.code or collection.path in self._answered:
                return None
            raise

    def start_delta(self, collection: Collection, condition: Condition | None = None) -> Page:
        """Start a delta: the first page of its initial load. It ends the delta before it, also one of another program.

        https://documentation.myprotime.eu/protimeapi/reference/delta/

        Raises:
            ApiError, UnreachableError, ProtocolError: as `pages`.
        """
        uri = self.list_uri(collection, condition)
        uri = f"{uri}{'&' if '?' in uri else '?'}delta"
        return self._with_retries(partial(self._page, collection, uri))

    def continue_delta(self, collection: Collection, link: str) -> Page:
        """Read the next page of an initial load.

        Raises:
            PagingConflictError, DeltaExpiredError: the load has to start again.
            ApiError, UnreachableError, ProtocolError: as `pages`.
        """
        uri = self._resolve(collection, link)
        return self._with_retries(partial(self._page, collection, uri))

    def delta_changes(self, collection: Collection, link: str) -> Page:
        """Read what changed since a deltaLink was given out.

        Raises:
            PagingConflictError, DeltaExpiredError: the link cannot be used any more.
            ApiError, UnreachableError, ProtocolError: as `pages`.
        """
        uri = self._resolve(collection, link, f"{API_PATH}/delta/{collection.path}")
        return self._with_retries(lambda: decode_changes(collection, self._get(collection, uri)))

    def check_link(self, collection: Collection, link: str, *, of_changes: bool = False) -> None:
        """Make sure that a link will be followed before it is kept; `of_changes`: by `delta_changes`.

        Raises:
            UntrustedLinkError, UriTooLongError: it will not be.
        """
        path = f"{API_PATH}/delta/{collection.path}" if of_changes else None
        _check_length(self._resolve(collection, link, path))

    def probe(self, collection: Collection) -> None:
        """Ask for one record that cannot exist: a 404 proves that host, token and scope are right.

        Where no single record can be asked for, the first page of the list proves it.

        Raises:
            ApiError, UnreachableError, ProtocolError: as `record`.
        """
        if collection.single:
            self.record(collection, 0)
        else:
            next(self.answers(collection), None)

    def _with_retries(self, call: Callable[[], Answer]) -> Answer:
        return with_retries(call, self._longest_wait, self._tries, self._tries_with_wait)

    def _answer(self, collection: Collection, uri: str) -> tuple[bytes, int, str | None]:
        body = self._get(collection, uri)
        return body, *look_ahead(collection, body)

    def _page(self, collection: Collection, uri: str) -> Page:
        return decode_page(collection, self._get(collection, uri))

    def _resolve(self, collection: Collection, link: str, path: str | None = None) -> str:
        return own_uri(self._settings.api_base, link, path or f"{API_PATH}/{collection.path}", collection.path)

    def _get(self, collection: Collection | Resource, uri: str) -> bytes:
        _check_length(uri)
        token = self._permitted()
        answer = self._exchange(uri, token.value)
        refused = token
        if answer.status == 401:
            token = self._tokens.replace(token)
            answer = self._exchange_patiently(collection, uri, token.value)
        if answer.status != 401:
            self._good_token = token.value
        if answer.status == 200:
            self._answered.add(collection.path)
            self.good_answers += 1
            return answer.body
        # A server that repeats the token is not repeated.
        details = error_details(answer.body, challenge=answer.challenge, hidden=(refused.value, token.value))
        error = refusal(collection, answer.status, details, answer.wait)
        pause_all(self._pause, error, self._settings.max_pause)
        raise error

    def _exchange_patiently(self, collection: Collection | Resource, uri: str, token: str) -> Exchange:
        """Ask with a fresh token, for a while again and again: by the API's clock it may not be good yet.

        Not where the refusal is about the collection: the answer names the scope, or the same token opens others.
        """

        def attempt() -> Exchange:
            wait_out(self._pause, self._longest_wait)
            return self._exchange(uri, token)

        def may_pass(answer: Exchange) -> bool:
            about_token = LACKS_SCOPE not in answer.challenge and token != self._good_token
            return answer.status == 401 and about_token and collection.path not in self._unauthorized

        retrying = Retrying(
            retry=retry_if_result(may_pass),
            wait=wait_exponential(0.5, max=4),
            stop=stop_before_delay(FRESH_TOKEN_SECONDS),
            retry_error_callback=lambda state: state.outcome.result() if state.outcome else None,
        )
        answer: Exchange = retrying(attempt)
        if answer.status == 401:
            self._unauthorized.add(collection.path)
        return answer

    def _permitted(self) -> Token:
        """A token, when a request may be sent with it."""
        slot = True
        if self._longest_wait < self._settings.max_wait_in_task and not self._tokens.is_at_hand:
            wait_out(self._pause, self._longest_wait, slot=False)  # before a token is waited for
        while True:
            token = self._tokens.current()
            # The last thing before the request: getting a token may take a while, and a pause may outlast one.
            if not wait_out(self._pause, self._longest_wait, slot=slot) or not token.due:
                return token
            slot = False  # it has had it

    def _exchange(self, uri: str, token: str) -> Exchange:
        if self.most_requests is not None and self.requests >= self.most_requests:
            raise RequestsSpentError(f"All {self.most_requests} allowed requests are used up.")
        self.requests += 1
        response, body = send(
            self._session,
            "GET",
            uri,
            headers={
                "Accept": "application/json",
                "Authorization": f"Bearer {token}",
                "User-Agent": self._settings.agent,
            },
        )
        challenge = response.headers.get("WWW-Authenticate", "")[:1000]
        return Exchange(response.status_code, body, wait_asked_for(response), challenge)


def _check_length(uri: str) -> None:
    if len(uri) > MAX_URI_CHARACTERS:
        raise UriTooLongError(f"A URI of {len(uri)} characters is over the limit of {MAX_URI_CHARACTERS}.", status=414)
