"""All collections, in the order in which they are read and shown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module

from protime_etl.collections.collection import Collection

__all__ = ["COLLECTIONS"]

MODULES = (
    "clockings",
    "people",
    "absence_definitions",
    "calculated_totals",
    "absences",
    "paid_presences",
    "counters",
    "breaks",
    "work_interruptions",
    "activity_durations",
    "access_clockings",
    "assignments",
    "contracts",
    "catalogues",
    "histories",
)
"""Modules of this package, each with its registrations."""


def _registrations(module: str) -> Iterator[Collection]:
    for value in vars(import_module(f"protime_etl.collections.{module}")).values():
        if isinstance(value, Collection):
            yield value


COLLECTIONS: Mapping[str, Collection] = {one.path: one for module in MODULES for one in _registrations(module)}
