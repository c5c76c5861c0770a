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
    return deal([unit.unit_id for unit in units], at_once, most)


def deal(unit_ids: Sequence[int], at_once: int | None, most: int) -> list[int] | list[list[int]]:
    """The units, or as many lists of them as may be read at once, and never more than `most`."""
    if at_once is None and len(unit_ids) <= most:
        return list(unit_ids)
    lists = min(at_once or most, most, len(unit_ids))
    # Dealt like cards: the newest days of all come first.
    return [list(unit_ids[first::lists]) for first in range(lists)]
