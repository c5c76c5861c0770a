"""The HTTP face of the simulated tenant: the token endpoint, and each collection as a list, a record and a delta.

https://documentation.myprotime.eu/protimeapi/reference/responses/
"""

from __future__ import annotations

import asyncio
import datetime as dt
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from functools import partial

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from protime_etl.collections.collection import API_PATH, Collection
from protime_etl.collections.registry import COLLECTIONS
from protime_etl.simulator.answers import RefusalError, bad_request, conflict, json_answer, not_found, refused
from protime_etl.simulator.clock import Clock
from protime_etl.simulator.delta import Delta, Deltas
from protime_etl.simulator.faults import FaultError, read_plan
from protime_etl.simulator.grammar import FilterError
from protime_etl.simulator.misbehaviour import Misbehaviour
from protime_etl.simulator.options import Options
from protime_etl.simulator.paging import Position, Signer, next_link
from protime_etl.simulator.queries import ListQuery, delta_query, list_query
from protime_etl.simulator.selection import Selection, parse_filter
from protime_etl.simulator.state import Tenant
from protime_etl.simulator.tokens import TokenDesk, token_refusal

__all__ = ["MAX_URI_CHARACTERS", "Served", "create_app"]

MAX_URI_CHARACTERS = 4096
LAST_BIGINT = 2**63 - 1

Endpoint = Callable[[Request], Awaitable[Response]]


class Served:
    """What was asked of the tenant so far."""

    def __init__(self, desk: TokenDesk, misbehaviour: Misbehaviour) -> None:
        self.requests: Counter[str] = Counter()
        """Requests by kind: `token`, the path of a collection, and `clockings-delta` and the like for the changes.
        Those that were answered with an error count as `refused`, too."""
        self.longest_uri = 0
        """Characters of the longest URI that was sent to the API."""
        self.moments: list[float] = []
        """When each request came, by `time.monotonic()`."""
        self._desk = desk
        self.misbehaviour = misbehaviour
        """The fault plan at work: `follow` changes it, `during_pause` and `struck` count."""

    def revoke_tokens(self) -> None:
        """Make all tokens invalid that were given out so far; the next request with one is answered 401."""
        self._desk.revoke()


def create_app(tenant: Tenant, options: Options | None = None, clock: Clock | None = None) -> Starlette:
    """The application; `app.state.served` is its `Served`."""
    api = _Api(tenant, options or Options(), clock or Clock())
    app = Starlette(
        routes=[
            Route("/tenants/{tenant}/connect/token", api.endpoint("token", api.token), methods=["POST"]),
            *(route for collection in COLLECTIONS.values() for route in api.routes(collection)),
            Route("/_simulator/state", api.state),
            Route("/_simulator/faults", api.faults, methods=["GET", "PUT"]),
            Route("/_simulator/clock", api.clock, methods=["POST"]),
        ],
        exception_handlers={HTTPException: api.unrouted},
    )
    app.state.served = api.served
    return app


class _Api:
    def __init__(self, tenant: Tenant, options: Options, clock: Clock) -> None:
        self._tenant = tenant
        self._options = options
        self._clock = clock
        self._deltas = Deltas(tenant, options, clock)
        self._desk = TokenDesk(options, clock)
        self._signer = Signer()
        self.misbehaviour = Misbehaviour(tenant, self._desk.revoke, self._desk.age)
        self.misbehaviour.follow(options.faults)
        self.served = Served(self._desk, self.misbehaviour)

    def endpoint(self, kind: str, answer: Endpoint) -> Endpoint:
        """Count and delay what `answer` does, and let it refuse."""

        async def counted(request: Request) -> Response:
            self.served.requests[kind] += 1
            self.served.moments.append(time.monotonic())
            self.misbehaviour.came()
            await asyncio.sleep(self._options.latency)
            try:
                return await self.misbehaviour.answer(kind, request, answer)
            except RefusalError as refusal:
                self.served.requests["refused"] += 1
                return refusal.response

        return counted

    async def unrouted(self, _request: Request, error: Exception) -> Response:
        """Answer a path or a method that is not there in the form of the API."""
        self.served.requests["refused"] += 1
        status = error.status_code if isinstance(error, HTTPException) else 500
        return refused(status, {404: "NotFound", 405: "MethodNotAllowed"}.get(status, "Error"), str(error))

    async def state(self, _request: Request) -> Response:
        counts = {
            "requests": self.served.requests,
            "longest_uri": self.served.longest_uri,
            "faults": self.misbehaviour.struck,
            "during_pause": self.misbehaviour.during_pause,
        }
        return json_answer(counts | self._tenant.counts())

    async def faults(self, request: Request) -> Response:
        """Show the fault plan, or follow the one in the body from now on; an empty one has no faults."""
        if request.method == "PUT":
            try:
                self.misbehaviour.follow(read_plan((await request.body()).decode()))
            except (FaultError, UnicodeDecodeError) as error:
                return refused(400, "BadRequest", str(error))
        return json_answer(self.misbehaviour.plan)

    async def clock(self, request: Request) -> Response:
        try:
            self._clock.advance(dt.timedelta(hours=float(request.query_params.get("advance_hours", ""))))
        except (ValueError, OverflowError):
            return bad_request("advance_hours is not a number of hours that the clock can be moved on.").response
        self._deltas.expire()
        return json_answer({"now": self._clock.now()})

    async def token(self, request: Request) -> Response:
        if request.path_params["tenant"] != self._options.tenant_name:
            raise not_found()
        if not request.headers.get("User-Agent"):
            raise token_refusal("invalid_request", "the header User-Agent is missing")
        return self._desk.answer(request.headers.get("Content-Type", ""), await request.body())

    def routes(self, collection: Collection) -> Iterator[Route]:
        """Where a collection is served."""
        path = collection.path
        yield Route(f"{API_PATH}/{path}", self.endpoint(path, partial(self._list, collection)))
        if collection.single:
            yield Route(f"{API_PATH}/{path}/{{id}}", self.endpoint(path, partial(self._record, collection)))
        if collection.delta:
            yield Route(f"{API_PATH}/delta/{path}", self.endpoint(f"{path}-delta", partial(self._changes, collection)))

    async def _list(self, collection: Collection, request: Request) -> Response:
        self._check(request, collection.scope)
        query = list_query(request)
        try:
            selection = parse_filter(collection, query.filter_text)
        except FilterError as error:
            raise bad_request(str(error)) from None
        delta = self._delta_of(collection, selection, query)
        return self._page(collection.path, query, delta, partial(self._tenant.page, collection.path, selection))

    async def _changes(self, collection: Collection, request: Request) -> Response:
        self._check(request, collection.scope)
        return json_answer(self._deltas.poll(collection.path, delta_query(request)))

    async def _record(self, collection: Collection, request: Request) -> Response:
        self._check(request, collection.scope)
        record = self._tenant.record(collection.path, _id(request))
        if record is None:
            raise not_found()
        return json_answer(record)

    def _check(self, request: Request, scope: str) -> None:
        length = _uri_length(request)
        self.served.longest_uri = max(self.served.longest_uri, length)
        if length > MAX_URI_CHARACTERS:
            raise RefusalError(refused(414, "UriTooLong", f"The URI is longer than {MAX_URI_CHARACTERS} characters"))
        if not request.headers.get("User-Agent"):
            raise bad_request("The header User-Agent is missing.")
        kind, _, token = request.headers.get("Authorization", "").partition(" ")
        scopes = self._desk.scopes(token) if kind.lower() == "bearer" else None
        if scopes is None:
            raise RefusalError(refused(401, "Unauthorized", "The access token is missing or invalid"))
        if scope not in scopes:
            raise RefusalError(refused(403, "Forbidden", f"The scope {scope} is required"))

    def _delta_of(self, collection: Collection, selection: Selection, query: ListQuery) -> Delta | None:
        if query.delta_token is not None:
            return self._deltas.resume(collection.path, query.delta_token)
        if query.starts_delta and collection.delta is None:
            raise bad_request(f"There is no delta of {collection.path}.")
        return self._deltas.start(collection.path, selection) if query.starts_delta else None

    def _page(
        self,
        collection: str,
        query: ListQuery,
        delta: Delta | None,
        read: Callable[[int, int], tuple[list[object], int | None]],
    ) -> Response:
        which = collection if delta is None else delta.list_name
        token = query.continuation_token
        position = Position() if token is None else self._signer.read(which, query.filter_text, token)
        if position is None:
            raise conflict()
        records, after = read(position.after, self._options.page_size)
        every = self._options.empty_page_every
        if records and every and position.page % every == 0:
            records, after = [], position.after
        body: dict[str, object] = {"value": records}
        if after is not None:
            following = self._signer.write(which, query.filter_text, Position(after, position.page + 1))
            delta_token = None if delta is None else self._deltas.token(delta)
            body["nextLink"] = next_link(collection, query.filter_text, following, delta_token)
        elif delta is not None:
            body["deltaLink"] = self._deltas.first_link(delta)
        return json_answer(body)


def _uri_length(request: Request) -> int:
    # As it was sent: request.url would have decoded and encoded it again.
    path, query = request.scope["raw_path"], request.scope["query_string"]
    host = request.headers.get("Host", "")
    return len(f"{request.scope['scheme']}://{host}") + len(path) + (1 + len(query) if query else 0)


def _id(request: Request) -> int:
    text: str = request.path_params["id"]
    if not (text.isascii() and text.isdigit()) or len(text) > len(str(LAST_BIGINT)):
        raise not_found()
    return int(text)
