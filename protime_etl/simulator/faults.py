"""A plan of misbehaviour: what goes wrong, on which requests, and how often.

As TOML::

    seed = 7                    # the same seed spoils the same requests

    [[fault]]
    kind = "status"             # see FaultKind
    status = 503
    retry_after = 2             # seconds; left out: no such header
    as_date = true              # Retry-After as an HTTP date
    on = ["clockings"]          # token, people, any collection, clockings-delta; left out: all
    people_over = 5             # only lists of more people than that, those of all people included
    person = 100003             # only lists whose filter names this person
    rate = 0.05                 # or count = 3 (the first three), or at = [1, 20] (the first and the 20th)

    [rate_limit]
    requests = 100              # requests beyond this number
    seconds = 10                # within this time are answered 429
    retry_after = 1             # at first; each time in a row `growth` times as long
    growth = 2
"""

from __future__ import annotations

import random
import tomllib
from collections import Counter
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

import msgspec

from protime_etl.collections.registry import COLLECTIONS

__all__ = ["Fault", "FaultError", "FaultKind", "FaultPlan", "FaultSchedule", "Question", "RateLimit", "read_plan"]

FaultKind = Literal[
    "status",  # an error status instead of the answer
    "reset",  # the connection is broken before the answer
    "truncate",  # the connection is broken in the middle of the body
    "garbage",  # a page of HTML with status 200
    "firewall",  # a page of HTML with an error status
    "early",  # a token that was given out less than `seconds` ago is refused: 401
    "slow",  # the answer, `seconds` later
    "stall",  # half of the body, nothing for `seconds`, then the connection is broken
    "trickle",  # one byte of the body every `seconds`
    "revoke",  # all tokens given out so far are refused from now on
    "expire",  # the continuation token of this request has expired: 409
    "edit",  # `changes` changes are made to the tenant before the answer
    "restore",  # the tenant holds again what it held when the plan began, its versions included
    "property",  # its records have a property that is not documented, those inside them, too
    "form",  # what is optional in its records is of another form
]

REQUEST_KINDS = ("token", *(kind for path in COLLECTIONS for kind in (path, f"{path}-delta")))
RequestKind = Annotated[str, msgspec.Meta(pattern=f"^({'|'.join(REQUEST_KINDS)})$")]
Positive = Annotated[int, msgspec.Meta(ge=1)]


class Question(NamedTuple):
    """What a request asks for, as far as faults depend on it."""

    kind: str
    of_list: bool = False
    people: frozenset[int] | None = None
    """People whom the filter of a list names; None is all."""


class Fault(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """One way to misbehave, and when."""

    kind: FaultKind
    on: tuple[RequestKind, ...] = ()
    """Kinds of requests that it spoils; none named: all."""
    rate: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.0
    count: Annotated[int, msgspec.Meta(ge=0)] = 0
    at: tuple[Positive, ...] = ()
    status: Annotated[int, msgspec.Meta(ge=400, le=599)] = 503
    retry_after: Annotated[float, msgspec.Meta(ge=0)] | None = None
    as_date: bool = False
    seconds: Annotated[float, msgspec.Meta(ge=0, le=3600)] = 1.0
    changes: Positive = 1
    people_over: Positive | None = None
    person: int | None = None

    def is_about(self, question: Question) -> bool:
        """Whether it spoils such a request."""
        if self.on and question.kind not in self.on:
            return False
        if self.people_over is not None and (
            not question.of_list or (question.people is not None and len(question.people) <= self.people_over)
        ):
            return False
        return self.person is None or self.person in (question.people or ())


class RateLimit(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """A number of requests in a number of seconds; who asks for more has to wait, longer each time in a row."""

    requests: Positive
    seconds: Annotated[float, msgspec.Meta(gt=0)]
    retry_after: Annotated[float, msgspec.Meta(ge=0)] = 1.0
    growth: Annotated[float, msgspec.Meta(ge=1)] = 1.0


class FaultPlan(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """All that is to go wrong."""

    seed: int = 1
    fault: tuple[Fault, ...] = ()
    rate_limit: RateLimit | None = None


class FaultError(ValueError):
    """The plan cannot be read; the message says where."""


def read_plan(source: Path | str) -> FaultPlan:
    """Read a plan from a file, or from TOML text.

    Raises:
        FaultError: it is not one.
        OSError: the file cannot be read.
    """
    text = source.read_text(encoding="utf-8") if isinstance(source, Path) else source
    try:
        return msgspec.convert(tomllib.loads(text), FaultPlan)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError, UnicodeDecodeError) as error:
        raise FaultError(f"The fault plan cannot be read: {error}") from None


class FaultSchedule:
    """Decides request by request which faults strike."""

    def __init__(self, plan: FaultPlan) -> None:
        self.plan = plan
        self._random = random.Random(plan.seed)  # noqa: S311 - to be repeated, not to be secret
        self._seen: Counter[int] = Counter()
        self._window_began = float("-inf")
        self._in_window = 0
        self._exceeded_in_a_row = 0

    def next(self, question: Question) -> list[Fault]:
        """The faults that strike this request."""
        struck = []
        for number, fault in enumerate(self.plan.fault):
            if not fault.is_about(question):
                continue
            self._seen[number] += 1
            chance = self._random.random()  # drawn each time, so that one fault's answer does not shift the others
            if self._seen[number] <= fault.count or self._seen[number] in fault.at or chance < fault.rate:
                struck.append(fault)
        return struck

    def limited(self, now: float) -> float | None:
        """Count a request against the rate limit; seconds to wait if it is over."""
        limit = self.plan.rate_limit
        if limit is None:
            return None
        if now >= self._window_began + limit.seconds:
            if self._in_window <= limit.requests:
                self._exceeded_in_a_row = 0
            self._window_began, self._in_window = now, 0
        self._in_window += 1
        if self._in_window <= limit.requests:
            return None
        wait = limit.retry_after * limit.growth**self._exceeded_in_a_row
        self._exceeded_in_a_row += 1
        return wait
