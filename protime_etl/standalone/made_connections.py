"""The connections that each start makes in the local Airflow: what its form has changed since then stays."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

__all__ = ["MadeConnections"]

Made = Mapping[str, Mapping[str, Any]]


class MadeConnections:
    """What the last start has made, kept as a hash of each field in a file of Airflow's folder.

    With that folder the key goes that connections are encrypted with; then all of them are made again.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self.known: dict[str, dict[str, str]] = json.loads(file.read_text()) if file.is_file() else {}
        """Connection -> field -> hash; empty at the first start."""

    def make(self, request: Callable[..., Any], made: Made) -> None:
        """Make those that are missing, and write the fields whose settings have changed since the last start.

        `request` is one call of Airflow's REST API: method, path, body.

        Raises:
            ProtimeError: Airflow refuses it.
        """
        held = {one["connection_id"]: one for one in request("GET", "/connections?limit=1000")["connections"]}
        for conn_id, fields in made.items():
            if conn_id not in held:
                body = {"connection_id": conn_id, "description": "From the settings of the environment.", **fields}
                request("POST", "/connections", body)
            elif changed := self._changed(conn_id, fields):
                new = {name: fields[name] for name in fields if name in changed}
                if any(name.startswith("extra.") for name in changed):
                    new["extra"] = _merged(held[conn_id]["extra"], fields["extra"], changed)
                mask = "&".join(f"update_mask={name}" for name in new)
                body = {"connection_id": conn_id, "conn_type": fields["conn_type"], **new}
                request("PATCH", f"/connections/{quote(conn_id)}?{mask}", body)
        self._file.write_text(json.dumps({conn_id: _hashes(fields) for conn_id, fields in made.items()}))

    def _changed(self, conn_id: str, fields: Mapping[str, Any]) -> set[str]:
        before, now = self.known.get(conn_id, {}), _hashes(fields)
        return {name for name in before.keys() | now.keys() if before.get(name) != now.get(name)}


def _hashes(fields: Mapping[str, Any]) -> dict[str, str]:
    values = {name: value for name, value in fields.items() if name != "extra"}
    values |= {f"extra.{name}": value for name, value in json.loads(fields["extra"]).items()}
    return {name: hashlib.sha256(repr(value).encode()).hexdigest() for name, value in values.items()}


def _merged(held: str | None, made: str, changed: set[str]) -> str:
    """The extra that Airflow holds, with the values that have changed in the settings."""
    names = {name.removeprefix("extra.") for name in changed}
    kept = {name: value for name, value in json.loads(held or "{}").items() if name not in names}
    return json.dumps(kept | {name: value for name, value in json.loads(made).items() if name in names})
