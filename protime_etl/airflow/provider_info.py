"""What Airflow asks a provider package: the connection type with its form, the operators, the hook."""

from __future__ import annotations

from typing import Any

__all__ = ["field_labels", "get_provider_info"]


def _text(label: str, description: str, default: str | None = None) -> dict[str, Any]:
    return {
        "label": label,
        "description": description,
        "schema": {"type": ["string", "null"], "default": default},
    }


def _number(label: str, description: str, least: float, most: float | None = None) -> dict[str, Any]:
    bounds = {"minimum": least} if most is None else {"minimum": least, "maximum": most}
    return {"label": label, "description": description, "schema": {"type": ["number", "null"], **bounds}}


def get_provider_info() -> dict[str, Any]:
    """The provider's description, in the form of Airflow's provider_info schema."""
    integration = "Protime"
    return {
        "package-name": "protime-etl",
        "name": "Protime",
        "description": "Protime clockings in your own PostgreSQL.",
        "integrations": [{"integration-name": integration, "external-doc-url": "https://documentation.myprotime.eu/"}],
        "hooks": [{"integration-name": integration, "python-modules": ["protime_etl.airflow.hook"]}],
        "operators": [
            {
                "integration-name": integration,
                "python-modules": [
                    "protime_etl.airflow.operators.pull",
                    "protime_etl.airflow.operators.backfill",
                    "protime_etl.airflow.operators.delta",
                    "protime_etl.airflow.operators.publish",
                    "protime_etl.airflow.operators.prove",
                    "protime_etl.airflow.operators.report",
                ],
            }
        ],
        "notifications": ["protime_etl.airflow.notifier.ProtimeNotifier"],
        "connection-types": [
            {
                "connection-type": "protime",
                "hook-class-name": "protime_etl.airflow.hook.ProtimeHook",
                "hook-name": "Protime",
                "ui-field-behaviour": {
                    # The button Test sends port 0 for a connection without one, and is then refused by Airflow's API.
                    "hidden-fields": ["schema", "extra"],
                    "relabeling": {
                        "host": "Hosts: those of API URL and Token URL, if given",
                        "login": "Client id",
                        "password": "Client secret",
                        "port": "Port: 443 (Test needs it)",
                    },
                    "placeholders": {"login": "given by Protime", "password": "given by Protime", "port": "443"},
                },
                "conn-fields": {
                    "tenant": {
                        "label": "Tenant",
                        "description": "Sub-domain of the myProtime URL: acme in https://acme.myprotime.eu.",
                        "schema": {"type": "string", "minLength": 1, "maxLength": 63},
                    },
                    "environment": {
                        "label": "Environment",
                        "description": "production is myprotime.eu, sandbox is myprotimesandbox.eu.",
                        "schema": {"type": "string", "enum": ["production", "sandbox"], "default": "production"},
                    },
                    "collections": _text("Collections", "Separated by blanks, or all; empty: clockings people."),
                    "scopes": _text("Scopes", "Separated by blanks; empty: those of the collections, read only."),
                    "user_agent": _text("User-Agent", "Service/Version (Company); empty: protime-etl's own."),
                    "timezone": _text("Time zone", "IANA time zone of the terminals.", "Europe/Brussels"),
                    "api_url": _text("API URL", "Only for a proxy or a simulated tenant: replaces the tenant's host."),
                    "auth_url": _text("Token URL", "Only for a proxy or a simulated tenant: replaces its host."),
                    "max_wait_in_task": _number(
                        "Longest wait in a task",
                        "Seconds; when the API asks to wait longer, the task gives its slot back. Empty: 60.",
                        0,
                        3600,
                    ),
                    "max_vanished": _number(
                        "Most vanished records",
                        "Deletion limit: if more are missing at once, none is marked as deleted and the task fails."
                        " Empty: a tenth of what was read, and at least 50.",
                        0,
                    ),
                    "max_pause": _number(
                        "Longest pause",
                        "Seconds; the longest pause, whatever the API asks for. Empty: a day.",
                        1,
                        31_536_000,
                    ),
                    "requests_per_second": _number(
                        "Requests per second",
                        "A budget for all tasks and processes together. Empty: no limit.",
                        0.1,
                        1000,
                    ),
                    "alert_email": _text(
                        "Alert", "Addresses for mails about failed runs, separated by commas. Empty: none."
                    ),
                    "proof_requests": _number(
                        "Requests for the proof",
                        "Used each night to compare what was compared longest ago; 0: none."
                        " Empty: a tenth of the night's own, and at least 20.",
                        0,
                        1_000_000,
                    ),
                    "planned_days": _number(
                        "Planned days",
                        "Days to come for which absences and assignments are read every night; 0: none. Empty: 90.",
                        0,
                        365,
                    ),
                    "history_from": {
                        "label": "History from",
                        "description": "First day from which everything is due. Empty: what runs have requested.",
                        "schema": {"type": ["string", "null"], "format": "date", "default": None},
                    },
                    "allow_http": {
                        "label": "Accept http",
                        "description": "Only for a simulated tenant in a container network.",
                        "schema": {"type": ["boolean", "null"], "default": False},
                    },
                },
            }
        ],
    }


def field_labels() -> dict[str, str]:
    """What the form of the connection calls each setting; the addresses for alerts are Airflow's alone."""
    (connection,) = get_provider_info()["connection-types"]
    relabeling = connection["ui-field-behaviour"]["relabeling"]
    labels = {name: str(field["label"]) for name, field in connection["conn-fields"].items() if name != "alert_email"}
    return {"client_id": relabeling["login"], "client_secret": relabeling["password"], **labels}
