"""The simulated tenant that most tests read."""

from __future__ import annotations

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

from protime_etl.config import Settings, load_settings
from protime_etl.simulator.options import Options
from protime_etl.simulator.server import SimulatedTenant
from protime_etl.simulator.state import Tenant

__all__ = ["TODAY", "present_day", "serve", "settings_for"]

TODAY = dt.date(2026, 3, 20)
"""Its last day."""


def present_day() -> dt.date:
    """Today by the calendar of a tenant in the zone that is the default; by UTC it is yesterday for an hour or two."""
    return dt.datetime.now(ZoneInfo("Europe/Brussels")).date()


def serve(
    *,
    people: int = 20,
    first_day: dt.date = TODAY - dt.timedelta(days=13),
    last_day: dt.date = TODAY,
    seed: int = 1,
    planned_days: int = 0,
    page_size: int = 100,
    **options: Any,
) -> SimulatedTenant:
    """A tenant to be served in a `with` statement; `options` are those of `Options`."""
    tenant = Tenant(seed=seed, people=people, first_day=first_day, last_day=last_day, planned_days=planned_days)
    return SimulatedTenant(tenant, Options(page_size=page_size, **options))


def settings_for(served: SimulatedTenant, **changes: object) -> Settings:
    given: dict[str, object] = {
        "tenant": "simulated",
        "client_id": served.client_id,
        "client_secret": served.client_secret,
        "api_url": served.url,
        "auth_url": served.url,
    }
    return load_settings(from_environment=False, **(given | changes))
