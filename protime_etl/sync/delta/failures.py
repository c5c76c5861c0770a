"""How many polls of a delta may fail before it is given up: no failure that repeats keeps a state for ever.

A failure says either that an answer cannot be used, or that none comes. The first kind ends the delta after a few
polls, as asking again gives the same. The second is mostly an outage and cured by waiting: only when other requests get
their answers does it speak against the delta. What only asks to wait says nothing about it.
"""

from __future__ import annotations

import datetime as dt
from typing import Literal

from protime_etl.errors import (
    AnswerTooLargeError,
    AuthenticationError,
    BusyError,
    ConnectionLostError,
    DeltaBrokenError,
    ForbiddenError,
    ForeignAnswerError,
    OvertakenError,
    ProtimeError,
    RateLimited,
    RedirectError,
    SchemaError,
    ServerError,
    SettingsError,
    UnauthorizedError,
    UnreachableError,
)

__all__ = ["MAX_DISPLACED", "MAX_FAILURES", "MAX_LOADS", "MAX_OUTAGES", "REST", "FailureKind", "failure_kind"]

MAX_FAILURES = 5
"""Polls in a row with an answer that cannot be used, after which a delta is given up."""
MAX_OUTAGES = 20
"""Polls in a row without an answer, after which a delta is given up if the API answers other requests."""
MAX_LOADS = 5
"""Initial loads in a row that came to no end, after which the next one waits for `REST`."""
MAX_DISPLACED = 2
"""Initial loads in a row whose first link is refused before its time, after which the next one waits for `REST`."""
REST = dt.timedelta(days=1)

FailureKind = Literal["too large", "answer", "outage", "wait"]

_OUTAGES = (
    UnreachableError,
    ServerError,
    ConnectionLostError,
    AuthenticationError,
    UnauthorizedError,
    ForbiddenError,
    ForeignAnswerError,
    RedirectError,
)
_WAITS = (BusyError, OvertakenError, RateLimited, SettingsError, SchemaError, DeltaBrokenError)


def failure_kind(error: ProtimeError) -> FailureKind:
    """What a failed poll says about its delta.

    `too large`: no poll can read that answer; `answer`: it cannot be used; `outage`: no answer came; `wait`: nothing.
    """
    if isinstance(error, AnswerTooLargeError):
        return "too large"
    if isinstance(error, _WAITS):
        return "wait"
    return "outage" if isinstance(error, _OUTAGES) else "answer"
