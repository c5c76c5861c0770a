"""Continuation tokens: where a list goes on, signed, and bound to the list they were given out for.

https://documentation.myprotime.eu/protimeapi/how-to/fetch-resources/
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from urllib.parse import quote

import msgspec

from protime_etl.collections.collection import API_PATH

__all__ = ["Position", "Signer", "next_link"]

# Links come with blanks and quotes as they are. Only what would change the meaning of the query is encoded.
KEPT_IN_LINK = " '(),:/"


@dataclass(frozen=True)
class Position:
    """How far a list was read."""

    after: int = 0
    """Id of the last record that was given out."""
    page: int = 1
    """Number of the page to give out now; it makes the token differ after an empty page, too."""


class _Token(msgspec.Struct):
    validation: str
    list: str
    after: int
    page: int


class Signer:
    """Writes and checks tokens with a key of its own."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)

    def write(self, collection: str, filter_text: str, position: Position) -> str:
        """The token with which this list goes on at this position."""
        which = _list_hash(collection, filter_text)
        token = _Token(self._signature(which, position), which, position.after, position.page)
        return base64.urlsafe_b64encode(msgspec.json.encode(token)).decode()

    def read(self, collection: str, filter_text: str, text: str) -> Position | None:
        """The position in a token, or None if it was not written here for this list."""
        try:
            token = msgspec.json.decode(base64.b64decode(text, altchars="-_", validate=True), type=_Token)
        except (binascii.Error, ValueError, msgspec.MsgspecError):
            return None
        position = Position(token.after, token.page)
        genuine = hmac.compare_digest(token.validation.encode(), self._signature(token.list, position).encode())
        return position if genuine and token.list == _list_hash(collection, filter_text) else None

    def _signature(self, which: str, position: Position) -> str:
        return hmac.digest(self._key, f"{which}/{position.after}/{position.page}".encode(), "sha256").hex()[:32]


def _list_hash(collection: str, filter_text: str) -> str:
    return hashlib.sha256(f"{collection}?{filter_text}".encode()).hexdigest()[:16]


def next_link(collection: str, filter_text: str, token: str, delta_token: str | None = None) -> str:
    """The link to the next page: relative to the host, the filter in clear."""
    start = f"filter={quote(filter_text, safe=KEPT_IN_LINK)}&" if filter_text else ""
    end = f"&deltaToken={delta_token}" if delta_token else ""
    return f"{API_PATH}/{collection}?{start}continuationToken={token}{end}"
