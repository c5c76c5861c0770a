"""The simulated tenant that most tests read."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

from protime_etl.config import Settings, load_settings
from protime_etl.simulator.server import SimulatedTenant

__all__ = ["TODAY", "present_day", "settings_for"]

TODAY = dt.date(2026, 3, 20)
"""Its last day."""


def present_day() -> dt.date:
    """Today by the calendar of a tenant in the zone that is the default; by UTC it is yesterday for an hour or two."""
    return dt.datetime.now(ZoneInfo("Europe/Brussels")).date()


def settings_for(served: SimulatedTenant, **changes: object) -> Settings:
    given: dict[str, object] = {
        "tenant": "simulated",
        "client_id": served.client_id,
        "client_secret": served.client_secret,
        "api_url": served.url,
        "auth_url": served.url,
    }
    return load_settings(from_environment=False, **(given | changes))
