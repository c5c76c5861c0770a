"""Answers in the documented JSON forms.

https://documentation.myprotime.eu/protimeapi/reference/responses/
"""

from __future__ import annotations

import msgspec
from starlette.responses import Response

__all__ = ["RefusalError", "bad_request", "conflict", "json_answer", "not_found", "refused"]


def json_answer(body: object, status: int = 200) -> Response:
    """A JSON body; records leave out what is absent."""
    return Response(msgspec.json.encode(body), status, media_type="application/json")


def refused(status: int, code: str, message: str, reasons: tuple[str, ...] = ()) -> Response:
    """The error envelope of the API."""
    error: dict[str, object] = {"code": code, "message": message}
    if reasons:
        error["reasons"] = reasons
    return json_answer({"error": error}, status)


class RefusalError(Exception):
    """Raised to answer with this response instead."""

    def __init__(self, response: Response) -> None:
        super().__init__(response.status_code)
        self.response = response


def bad_request(*reasons: str) -> RefusalError:
    """The answer to invalid input."""
    return RefusalError(refused(400, "BadRequest", "The request was invalid", reasons))


def not_found() -> RefusalError:
    """The answer for a resource that does not exist."""
    return RefusalError(refused(404, "NotFound", "The resource does not exist"))


def conflict() -> RefusalError:
    """The answer to a continuation token that was not given out for this list."""
    return RefusalError(refused(409, "Conflict", "Continuation token conflict (invalid or expired paging token)"))
