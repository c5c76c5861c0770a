"""All collections, in the order in which they are read and shown."""

from __future__ import annotations

from collections.abc import Mapping

from protime_etl.collections.absence_definitions import ABSENCE_DEFINITIONS
from protime_etl.collections.calculated_totals import CALCULATED_TOTALS
from protime_etl.collections.clockings import CLOCKINGS
from protime_etl.collections.collection import Collection
from protime_etl.collections.people import PEOPLE

__all__ = ["COLLECTIONS"]

COLLECTIONS: Mapping[str, Collection] = {
    collection.path: collection for collection in (CLOCKINGS, PEOPLE, ABSENCE_DEFINITIONS, CALCULATED_TOTALS)
}
