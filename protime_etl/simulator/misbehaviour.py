"""Carries out a fault plan on requests as they are served, and counts who asks during a pause."""

from __future__ import annotations

import asyncio
import math
import re
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from email.utils import formatdate

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from protime_etl.simulator.answers import RefusalError, conflict, refused
from protime_etl.simulator.faults import Fault, FaultPlan, FaultSchedule, Question
from protime_etl.simulator.mutations import Changes
from protime_etl.simulator.state import Backup, Tenant
from protime_etl.simulator.strange import changed, of_another_form, with_a_property

__all__ = ["Misbehaviour"]

# A 429 takes a moment to arrive and to be passed on to the other processes; what they sent before that was not sent
# in spite of it.
SPREAD_SECONDS = 0.25
PEOPLE = re.compile(r"\bperson\s+in\s*\(([0-9,\s-]+)\)")
BROKEN = {"reset", "truncate", "stall", "trickle"}
"""The connection breaks on the way of the answer."""
STRANGE = {"property": with_a_property, "form": of_another_form}
CODES = {401: "Unauthorized", 403: "Forbidden", 409: "Conflict", 414: "UriTooLong", 429: "TooManyRequests"}


class Misbehaviour:
    """The plan at work."""

    def __init__(
        self, tenant: Tenant, revoke_tokens: Callable[[], None], age_of_token: Callable[[str], float | None]
    ) -> None:
        self._tenant = tenant
        self._changes = Changes(tenant)
        self._backup: Backup | None = None
        self._revoke_tokens = revoke_tokens
        self._age_of_token = age_of_token
        self._sequence = FaultSchedule(FaultPlan())
        self._pause_announced = 0.0
        self._pause_until = 0.0
        self.struck: Counter[str] = Counter()
        """Faults carried out, by kind; `rate_limit` counts the answers of that."""
        self.during_pause = 0
        """Requests that came after a `Retry-After` was answered and had spread, and before it was over."""

    @property
    def plan(self) -> FaultPlan:
        """The plan that is carried out now."""
        return self._sequence.plan

    def follow(self, plan: FaultPlan) -> None:
        """Follow this plan from now on, from its beginning."""
        self._backup = self._tenant.backup() if any(fault.kind == "restore" for fault in plan.fault) else None
        self._sequence = FaultSchedule(plan)

    def came(self) -> None:
        """Note that a request has come."""
        now = time.time()
        if self._pause_announced + SPREAD_SECONDS < now < self._pause_until:
            self.during_pause += 1

    async def answer(self, kind: str, request: Request, usual: Callable[[Request], Awaitable[Response]]) -> Response:
        """The answer to a request: the usual one, or what the plan says.

        Raises:
            RefusalError: as the usual answer does, or as the plan says.
        """
        wait = self._sequence.limited(time.time())
        if wait is not None:
            self.struck["rate_limit"] += 1
            raise RefusalError(self._refusal(429, wait))
        broken: Fault | None = None
        strange = []
        for fault in self._sequence.next(_question(kind, request)):
            self.struck[fault.kind] += 1
            if (instead := self._instead(fault, request)) is not None:
                return instead
            if fault.kind == "slow":
                await asyncio.sleep(fault.seconds)
            elif fault.kind in STRANGE:
                strange.append(STRANGE[fault.kind])
            elif fault.kind in BROKEN:
                broken = fault
            else:
                self._change_tenant(fault)
        usual_answer = await usual(request)
        for change in strange if usual_answer.status_code == 200 and kind != "token" else ():
            body = changed(kind.removesuffix("-delta"), bytes(usual_answer.body), change)
            usual_answer = Response(body, media_type="application/json")
        return usual_answer if broken is None else _Broken(usual_answer, broken)

    def _instead(self, fault: Fault, request: Request) -> Response | None:
        """What is answered at once; None: the usual answer, perhaps changed."""
        if fault.kind == "status":
            raise RefusalError(self._refusal(fault.status, fault.retry_after, as_date=fault.as_date))
        if fault.kind == "expire":
            raise conflict()
        if fault.kind == "early" and self._is_early(request, fault.seconds):
            raise RefusalError(_not_yet_valid())
        if fault.kind in {"garbage", "firewall"}:
            status = fault.status if fault.kind == "firewall" else 200
            return Response("<html><body>Down for maintenance</body></html>", status, media_type="text/html")
        return None

    def _change_tenant(self, fault: Fault) -> None:
        if fault.kind == "revoke":
            self._revoke_tokens()
        elif fault.kind == "edit":
            self._changes.make(fault.changes)
        elif fault.kind == "restore":
            assert self._backup is not None  # noqa: S101 - made where the plan begins
            self._tenant.restore(self._backup)

    def _is_early(self, request: Request, seconds: float) -> bool:
        age = self._age_of_token(request.headers.get("Authorization", "").partition(" ")[2])
        return age is not None and age < seconds

    def _refusal(self, status: int, wait: float | None, *, as_date: bool = False) -> Response:
        response = refused(
            status, CODES.get(status, "Error"), "The fault plan of the simulated tenant asks for this answer"
        )
        if wait is None:
            return response
        now = time.time()
        until = now + math.ceil(wait)
        if as_date:
            until = math.ceil(now + wait)
            response.headers["Retry-After"] = formatdate(until, usegmt=True)
        else:
            response.headers["Retry-After"] = str(math.ceil(wait))
        self._pause_announced = now
        self._pause_until = max(self._pause_until, until)
        return response


def _question(kind: str, request: Request) -> Question:
    if request.method != "GET" or "id" in request.path_params:
        return Question(kind)
    named = PEOPLE.search(request.query_params.get("filter", ""))
    return Question(kind, True, frozenset(map(int, named[1].split(","))) if named else None)


def _not_yet_valid() -> Response:
    response = refused(401, "Unauthorized", "The access token is missing or invalid")
    response.headers["WWW-Authenticate"] = 'Bearer error="invalid_token", error_description="not valid yet"'
    return response


class _Broken(Response):
    """An answer whose connection breaks on the way."""

    def __init__(self, whole: Response, fault: Fault) -> None:
        super().__init__(whole.body, whole.status_code, dict(whole.headers))
        self._fault = fault

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        del scope
        # ASGI has no word for breaking a connection; the server's own object has the transport.
        transport: asyncio.Transport = receive.__self__.transport  # type: ignore[attr-defined]
        if self._fault.kind == "reset":
            transport.abort()
        else:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            body = bytes(self.body)
            if self._fault.kind == "trickle":
                for start in range(len(body)):
                    await send({"type": "http.response.body", "body": body[start : start + 1], "more_body": True})
                    if await _is_gone(receive, self._fault.seconds):
                        return
            else:
                await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
            if self._fault.kind == "stall" and await _is_gone(receive, self._fault.seconds):
                return
            transport.close()
        await _is_gone(receive, None)


async def _is_gone(receive: Receive, seconds: float | None) -> bool:
    """Whether the client breaks the connection within that time."""
    try:
        async with asyncio.timeout(seconds):
            while (await receive())["type"] != "http.disconnect":
                pass
    except TimeoutError:
        return False
    return True
