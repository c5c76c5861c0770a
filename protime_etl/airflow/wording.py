"""Errors in the words of a user of Airflow: a field of a connection's form, where a shell has a setting."""

from __future__ import annotations

import re

from protime_etl.airflow.provider_info import field_labels
from protime_etl.errors import ProtimeError

__all__ = ["speak_of_connections"]

SETTING = re.compile(r"\bPROTIME_([A-Z_]+)\b|\b(api_url|auth_url)\b")


def speak_of_connections(error: ProtimeError, protime_conn_id: str, postgres_conn_id: str) -> None:
    """Let the error name the connections and the fields of their forms, where it names settings."""
    labels = field_labels()
    fields: list[str] = []

    def field(name: re.Match[str]) -> str:
        setting = (name[1] or name[2]).lower()
        if setting == "database_url":
            return f"the connection {postgres_conn_id}"
        if setting not in labels:
            return name[0]
        fields.append(setting)
        return labels[setting]

    error.message = SETTING.sub(field, error.message)
    error.guidance = SETTING.sub(field, error.guidance)
    if fields:
        error.message = f"Connection {protime_conn_id}: {error.message}"
