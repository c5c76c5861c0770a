"""Which days are over: what was read of them before may still have grown."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

from protime_etl.config import Settings

__all__ = ["OPEN_DAYS", "last_finished_day", "local_day"]

# Minutes of a clocking reach to 2880: a person may clock until the end of the day after, and it belongs to the day.
OPEN_DAYS = 2


def local_day(settings: Settings, moment: dt.datetime) -> dt.date:
    """The date at that moment in the tenant's time zone."""
    return moment.astimezone(ZoneInfo(settings.timezone)).date()


def last_finished_day(settings: Settings, moment: dt.datetime) -> dt.date:
    """The last day that could change no more in the ordinary way at that moment: only corrections come later."""
    return local_day(settings, moment) - dt.timedelta(days=OPEN_DAYS)
