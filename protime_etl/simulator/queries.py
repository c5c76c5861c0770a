"""The query parameters that lists and deltas take.

https://documentation.myprotime.eu/protimeapi/how-to/track-changes-with-delta/
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import parse_qsl

from starlette.requests import Request

from protime_etl.simulator.answers import bad_request

__all__ = ["ListQuery", "delta_query", "list_query"]


@dataclass(frozen=True)
class ListQuery:
    """What is asked of a list."""

    filter_text: str = ""
    continuation_token: str | None = None
    starts_delta: bool = False
    delta_token: str | None = None
    """The delta whose initial load this page belongs to."""


def list_query(request: Request) -> ListQuery:
    """Read the query of a list.

    Raises:
        RefusalError: a parameter is unknown, or does not go with another one.
    """
    given = _parameters(request, {"filter", "continuationToken", "delta", "deltaToken"})
    query = ListQuery(
        given.get("filter", ""), given.get("continuationToken"), "delta" in given, given.get("deltaToken")
    )
    if given.get("delta"):
        raise bad_request("The query parameter 'delta' takes no value.")
    if query.starts_delta and (query.continuation_token is not None or query.delta_token is not None):
        raise bad_request("The query parameter 'delta' starts a list and cannot be combined with a token.")
    if query.delta_token is not None and query.continuation_token is None:
        raise bad_request("In a list, the query parameter 'deltaToken' comes with a 'continuationToken'.")
    return query


def delta_query(request: Request) -> str:
    """The token that a delta is asked for with.

    Raises:
        RefusalError: it is missing, or a parameter is unknown.
    """
    token = _parameters(request, {"deltaToken"}).get("deltaToken")
    if token is None:
        raise bad_request("The query parameter 'deltaToken' is missing.")
    return token


def _parameters(request: Request, known: set[str]) -> dict[str, str]:
    pairs = parse_qsl(request.scope["query_string"].decode("latin-1"), keep_blank_values=True)
    parameters = dict(pairs)
    if len(parameters) < len(pairs):
        raise bad_request("A query parameter is given twice.")
    unknown = sorted(parameters.keys() - known)
    if unknown:
        raise bad_request(*(f"The query parameter '{name}' is not simulated." for name in unknown))
    return parameters
