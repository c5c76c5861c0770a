"""All collections, in the order in which they are read and shown."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module

from protime_etl.collections.collection import Collection

__all__ = ["COLLECTIONS"]

MODULES = (
    "clockings",
    "people",
    "absence_definitions",
    "calculated_totals",
)
"""Modules of this package, each with one registration."""


def _registration(module: str) -> Collection:
    """The registration in a module of this package."""
    (registration,) = (
        value
        for value in vars(import_module(f"protime_etl.collections.{module}")).values()
        if isinstance(value, Collection)
    )
    return registration


COLLECTIONS: Mapping[str, Collection] = {one.path: one for one in map(_registration, MODULES)}
