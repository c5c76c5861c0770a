"""`python -m protime_etl.airflow.connections`: the settings of the environment as Airflow's two connections, in JSON.

For `airflow connections import --overwrite FILE`: what stands in a setting stands there as it is, whatever characters
it has. Imports nothing of Airflow.
"""

from __future__ import annotations

import json
import sys
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy.engine import URL

from protime_etl.airflow.provider_info import field_labels
from protime_etl.config import Settings, load_settings
from protime_etl.errors import ProtimeError, SettingsError
from protime_etl.postgres.server.address import parse_url

__all__ = ["connections"]

TENANT, WAREHOUSE = "protime_default", "protime_warehouse"


def connections(settings: Settings, warehouse: URL) -> dict[str, dict[str, Any]]:
    """The two connections that the DAGs need, by their ids, in the form in which Airflow exports its own."""
    values = settings.model_dump(mode="json", include=set(field_labels()), exclude_none=True)
    values.pop("client_secret")
    if "timezone" not in settings.model_fields_set:  # only a default: what the warehouse holds decides
        values.pop("timezone")
    host = warehouse.host or warehouse.query.get("host")
    parameters = {name: value for name, value in warehouse.query.items() if name != "host"}
    return {
        TENANT: {
            "conn_type": "protime",
            "login": values.pop("client_id"),
            "password": settings.client_secret.get_secret_value(),
            "host": " ".join(
                dict.fromkeys(urlsplit(url).netloc for url in (settings.api_url, settings.auth_url) if url)
            ),
            "port": _port(settings.api_base),
            "extra": json.dumps(
                {name: " ".join(value) if isinstance(value, list) else value for name, value in values.items()}
            ),
        },
        WAREHOUSE: {
            "conn_type": "postgres",
            "login": warehouse.username,
            "password": warehouse.password,
            "host": host,
            "port": warehouse.port,
            "schema": warehouse.database,
            "extra": json.dumps(parameters),
        },
    }


def _port(url: str) -> int:
    """The port of a URL. Nothing of ours reads it; without one Airflow refuses to test the connection."""
    parts = urlsplit(url)
    return parts.port or (443 if parts.scheme == "https" else 80)


def main() -> int:
    """Print them; returns the exit status."""
    try:
        settings = load_settings()
        if settings.database_url is None:
            raise SettingsError("PROTIME_DATABASE_URL is not set.", guidance="Airflow needs a warehouse to connect to.")
        print(json.dumps(connections(settings, parse_url(settings.database_url.get_secret_value()))))  # noqa: T201
    except ProtimeError as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201
        return error.exit_status
    return 0


if __name__ == "__main__":
    sys.exit(main())
