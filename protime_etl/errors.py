"""One tree of errors, grouped by what to do next.

::

    ProtimeError                     what went wrong, and `guidance`: what to do
    ├── SettingsError                wrong usage or settings                exit status 2, never retried
    ├── DatabaseError                the warehouse cannot be used           retried
    │   ├── LockedError              another session holds what is needed   retried
    │   ├── ConnectionLostError      it broke, or the server restarts       the unit is tried again
    │   └── SchemaError              the schema is missing or too old       never retried
    ├── QueryError                   PostgreSQL refuses what a user wrote   never retried
    ├── BusyError                    another process works on the same       retried
    ├── OvertakenError               all that is held of the tenant changed meanwhile   never retried
    ├── IncompleteError              done but for something to look at       exit status 3, retried
    │   ├── DeletionsWithheldError   too many records vanished at once       none of them is marked
    │   ├── OlderVersionsError       the tenant's versions went back         none of them is taken over
    │   └── UnreadableError          what the API cannot answer, by ids      the rest is committed
    ├── RequestsSpentError           all requests that a caller allowed are sent   never retried
    ├── UnreachableError             no answer: network, TLS, time-out      retried
    ├── AuthenticationError          the token endpoint refuses us          never retried
    ├── DeltaBrokenError             a delta is lost again and again        never retried; tried again a day later
    ├── ProtocolError                an answer that breaks the contract     retried: an answer can be cut short
    │   ├── AnswerTooLargeError      more than memory is kept for           asked for in smaller parts, not again
    │   ├── ForeignAnswerError       something in between answers           retried, whatever its status is
    │   └── UntrustedLinkError       a link leads elsewhere                 never retried
    │       └── RedirectError        a redirect, which is not followed      retried: a portal in between may do so
    └── ApiError                     an error status: `status`, `code`, `reasons`
        ├── InvalidRequestError      400                                    never retried
        ├── UnauthorizedError        401 that survived a fresh token        never retried
        ├── ForbiddenError           403, a scope or a feature is missing   never retried
        ├── NotFoundError            404                                    never retried
        ├── PagingConflictError      409, the paging token died             the unit restarts from its first page
        ├── DeltaExpiredError        410                                    the delta restarts
        ├── UriTooLongError          414                                    the batch is split in two
        ├── RateLimited              429, with `retry_after` seconds        retried after that
        └── ServerError              408, 500, 502, 503, 504                retried

Messages name settings, hosts and ids of units. They hold no secret, no token and no data about a person.
Statuses: https://documentation.myprotime.eu/protimeapi/reference/responses/
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

__all__ = [
    "AnswerTooLargeError",
    "ApiError",
    "AuthenticationError",
    "BusyError",
    "ConnectionLostError",
    "DatabaseError",
    "DeletionsWithheldError",
    "DeltaBrokenError",
    "DeltaExpiredError",
    "ForbiddenError",
    "ForeignAnswerError",
    "IncompleteError",
    "InvalidRequestError",
    "LockedError",
    "NotFoundError",
    "OlderVersionsError",
    "OvertakenError",
    "PagingConflictError",
    "ProtimeError",
    "ProtocolError",
    "QueryError",
    "RateLimited",
    "RedirectError",
    "RequestsSpentError",
    "SchemaError",
    "ServerError",
    "SettingsError",
    "UnauthorizedError",
    "UnreachableError",
    "UnreadableError",
    "UntrustedLinkError",
    "UriTooLongError",
]


class ProtimeError(Exception):
    """Anything this project raises on purpose: one sentence, and what to do about it."""

    retry: ClassVar[bool] = False
    """Whether the same call may succeed later although nothing has been changed."""
    exit_status: ClassVar[int] = 1

    def __init__(self, message: str, *, guidance: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.guidance = guidance

    def __str__(self) -> str:
        return f"{self.message} {self.guidance}".rstrip()


class SettingsError(ProtimeError):
    """A setting or an argument is missing or makes no sense."""

    exit_status = 2


class DatabaseError(ProtimeError):
    """PostgreSQL cannot be reached or refused a statement."""

    retry = True


class LockedError(DatabaseError):
    """Another session holds a lock for longer than the caller waits."""


class ConnectionLostError(DatabaseError):
    """PostgreSQL cannot be reached, or no longer: the network broke, or the server stops or starts."""


class SchemaError(DatabaseError):
    """The warehouse has no schema yet, or an older one."""

    retry = False


class QueryError(ProtimeError):
    """PostgreSQL refuses the statement that a user wrote."""

    def __init__(self, message: str, *, guidance: str = "", excerpt: Sequence[str] = ()) -> None:
        super().__init__(message, guidance=guidance)
        self.excerpt = tuple(excerpt)
        """Lines to show below the message: where in the statement it is."""


class BusyError(ProtimeError):
    """Another process does what only one may do at a time."""

    retry = True


class OvertakenError(ProtimeError):
    """While this ran, the tenant was forgotten or its time zone changed: what it has read is of no use any more."""


class IncompleteError(ProtimeError):
    """What could be done is done and committed, and something is left that needs a look."""

    retry = True
    exit_status = 3

    def __init__(self, message: str, *, guidance: str = "", done: Mapping[str, int] | None = None) -> None:
        super().__init__(message, guidance=guidance)
        self.done = dict(done or {})
        """What was committed all the same, by the names that `--json` promises."""


class DeletionsWithheldError(IncompleteError):
    """Too many records vanished at once; none of them was marked as deleted."""


class OlderVersionsError(IncompleteError):
    """The tenant has records in older versions than were stored: they are taken over only with --accept-older."""


class UnreadableError(IncompleteError):
    """The API answers other questions, and this one fails again and again, however small it is made."""


class RequestsSpentError(ProtimeError):
    """The requests that a caller allowed are all sent; what was done with them is kept."""


class UnreachableError(ProtimeError):
    """A host gave no answer in time."""

    retry = True


class AuthenticationError(ProtimeError):
    """The token endpoint refuses the credentials or grants less than was asked."""

    def __init__(self, message: str, *, guidance: str = "", code: str = "") -> None:
        super().__init__(message, guidance=guidance)
        self.code = code
        """How the endpoint names it, by RFC 6749, 5.2."""


class DeltaBrokenError(ProtimeError):
    """Several initial loads of a delta in a row came to no end; the next one waits for a day."""


class ProtocolError(ProtimeError):
    """An answer that is not what the documentation promises: not JSON, cut short, too large, without end."""

    retry = True


class AnswerTooLargeError(ProtocolError):
    """An answer with more than memory is kept for: the same request would get it again, a smaller one not."""


class ForeignAnswerError(ProtocolError):
    """An answer that is not in the form of the API: a firewall, a proxy or a portal on the way wrote it."""


class UntrustedLinkError(ProtocolError):
    """A link that leads away from the tenant's own host and path; it is not followed."""

    retry = False


class RedirectError(UntrustedLinkError):
    """A redirect, which the API never answers with; it is not followed."""

    retry = True


class ApiError(ProtimeError):
    """An answer with an error status, with the documented `code`, `message` and `reasons`."""

    def __init__(
        self,
        message: str,
        *,
        guidance: str = "",
        status: int,
        code: str = "",
        reasons: Sequence[str] = (),
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message, guidance=guidance)
        self.status = status
        self.code = code
        self.reasons = tuple(reasons)
        self.retry_after = retry_after
        """Seconds that the answer asked to wait (`Retry-After`), when it did."""


class InvalidRequestError(ApiError):
    """400: the API does not accept the question."""


class UnauthorizedError(ApiError):
    """401 that a fresh token did not cure."""


class ForbiddenError(ApiError):
    """403: a scope is missing, or a feature is not enabled on the tenant."""


class NotFoundError(ApiError):
    """404: the tenant, the path or the resource does not exist."""


class PagingConflictError(ApiError):
    """409: the continuation token is invalid or expired."""

    retry = True


class DeltaExpiredError(ApiError):
    """410: the delta token is older than 72 hours."""


class UriTooLongError(ApiError):
    """414: the URI is over 4,096 characters."""


class RateLimited(ApiError):  # noqa: N818 - a promised name
    """429: no process may ask before `retry_after` seconds have passed."""

    retry = True


class ServerError(ApiError):
    """408, 425, 500, 502, 503, 504: the fault is at the other end, or in what lies between."""

    retry = True
