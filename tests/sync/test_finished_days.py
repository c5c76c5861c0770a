from __future__ import annotations

import datetime as dt

import pytest

from protime_etl.config import load_settings
from protime_etl.sync.plan.days import last_finished_day


@pytest.mark.parametrize(
    ("timezone", "moment", "finished"),
    [
        ("Europe/Brussels", "2026-03-20T12:00+00:00", "2026-03-18"),
        ("Europe/Brussels", "2026-03-20T22:59+00:00", "2026-03-18"),
        ("Europe/Brussels", "2026-03-20T23:00+00:00", "2026-03-19"),
        ("Pacific/Auckland", "2026-03-20T10:59+00:00", "2026-03-18"),
        ("Pacific/Auckland", "2026-03-20T11:00+00:00", "2026-03-19"),
        ("America/New_York", "2026-03-21T03:59+00:00", "2026-03-18"),
    ],
)
def test_a_day_is_over_when_the_day_after_it_is(timezone: str, moment: str, finished: str) -> None:
    """By the tenant's clocks, as minutes reach to the end of the next day."""
    settings = load_settings(from_environment=False, tenant="acme", client_id="a", client_secret="b", timezone=timezone)
    assert last_finished_day(settings, dt.datetime.fromisoformat(moment)) == dt.date.fromisoformat(finished)
