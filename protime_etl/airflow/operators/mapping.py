"""What a plan leaves for Airflow to map over: its units, or lists of them where there are too many."""

from __future__ import annotations

from collections.abc import Sequence

from airflow.sdk.configuration import conf

from protime_etl.work import Unit

__all__ = ["deal", "map_over"]

DEFAULT_MAP_LENGTH = 1024


def map_over(units: Sequence[Unit], at_once: int | None = None) -> list[int] | list[list[int]]:
    """Numbers of the units, or lists of them: never more than `[core] max_map_length`, which Airflow refuses."""
    most = conf.getint("core", "max_map_length", fallback=DEFAULT_MAP_LENGTH)
    return deal(units, at_once, most)


def deal(units: Sequence[Unit], at_once: int | None, most: int) -> list[int] | list[list[int]]:
    """The units, or as many lists of them as may be read at once, and never more than `most`."""
    if at_once is None and len(units) <= most:
        return [unit.unit_id for unit in units]
    lists: list[list[int]] = [[] for _ in range(min(at_once or most, most, len(units)))]
    days = [0] * len(lists)
    for unit in units:  # the newest days come first in each
        least = days.index(min(days))
        lists[least].append(unit.unit_id)
        days[least] += max(1, len(unit.person_ids)) * ((unit.last - unit.first).days + 1)
    return lists
