"""What a status other than 200 means, and what to do.

https://documentation.myprotime.eu/protimeapi/reference/errors/
"""

from __future__ import annotations

from typing import Protocol

from protime_etl.errors import (
    ApiError,
    DeltaExpiredError,
    ForbiddenError,
    InvalidRequestError,
    NotFoundError,
    PagingConflictError,
    RateLimited,
    ServerError,
    UnauthorizedError,
    UriTooLongError,
)
from protime_etl.protime.transport import TRY_AGAIN

__all__ = ["Asked", "refusal"]


class Asked(Protocol):
    """What was asked for: a collection, or another path of the API."""

    @property
    def path(self) -> str:
        """Below the API."""

    @property
    def scope(self) -> str:
        """The scope that lets a client read it."""


_ERRORS: dict[int, tuple[type[ApiError], str]] = {
    400: (InvalidRequestError, "This is a fault in protime-etl or a change of the API; please report it."),
    401: (UnauthorizedError, "A fresh token did not help: the client probably lacks the scope {scope}."),
    403: (ForbiddenError, "The client lacks the scope {scope}, or the feature is not enabled on the tenant."),
    404: (NotFoundError, "Check PROTIME_TENANT and PROTIME_ENVIRONMENT."),
    409: (PagingConflictError, "The list is read again from its first page."),
    410: (DeltaExpiredError, "The delta starts again with a full load."),
    414: (UriTooLongError, "The batch of people is split in two."),
    429: (RateLimited, ""),
}


def refusal(collection: Asked, status: int, details: tuple[str, str, tuple[str, ...]], wait: float | None) -> ApiError:
    """The error for a status other than 200; `details` as `error_details`, `wait` what the answer asks to wait."""
    code, message, reasons = details
    usual = ServerError if status >= 500 or status in TRY_AGAIN else ApiError
    kind, guidance = _ERRORS.get(status, (usual, "Try again later."))
    if code == "invalid_token":  # by RFC 6750, 3.1, which has a word of its own for a missing scope
        guidance = "A fresh token is refused, too: report this reason to Protime. Their clocks may differ."
    said = ": ".join(filter(None, (code, message)))
    detail = f" ({'; '.join(filter(None, (said, *reasons)))})" if said or reasons else ""
    return kind(
        f"The API answers {collection.path} with status {status}{detail}.",
        guidance=guidance.format(scope=collection.scope),
        status=status,
        code=code,
        reasons=reasons,
        retry_after=wait,
    )
