"""Delta tokens: which delta, and how far its reader has come; signed, so that none can be made up.

https://documentation.myprotime.eu/protimeapi/reference/delta/
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import hashlib
import hmac

import msgspec

__all__ = ["DeltaToken", "DeltaTokens"]


class DeltaToken(msgspec.Struct, rename="camel", frozen=True):
    """What a token says; its names are the documented ones."""

    delta_id: int
    starting_cursor: int
    time_stamp: str
    signature: str = ""


class DeltaTokens:
    """Writes and reads tokens with a key that follows from `secret`: the same after the tenant was served again."""

    def __init__(self, secret: str) -> None:
        self._key = hashlib.sha256(secret.encode()).digest()

    def write(self, delta_id: int, cursor: int, now: dt.datetime) -> str:
        """The token of a delta with which its reader goes on after this cursor."""
        token = DeltaToken(delta_id, cursor, now.isoformat())
        signed = msgspec.structs.replace(token, signature=self._signature(token))
        return base64.urlsafe_b64encode(msgspec.json.encode(signed)).decode()

    def read(self, text: str) -> DeltaToken | None:
        """What a token says, or None if it was not written here."""
        try:
            token = msgspec.json.decode(base64.b64decode(text, altchars="-_", validate=True), type=DeltaToken)
        except (binascii.Error, ValueError, msgspec.MsgspecError):
            return None
        genuine = hmac.compare_digest(token.signature.encode(), self._signature(token).encode())
        return token if genuine else None

    def _signature(self, token: DeltaToken) -> str:
        said = f"{token.delta_id}/{token.starting_cursor}/{token.time_stamp}"
        return hmac.digest(self._key, said.encode(), "sha256").hex()[:32]
