"""People who clock and whom no list of people names: found by asking for all clockings of some days by date alone.

A tenant may not list all people (one has left, a client may not see all), and clockings are read by people. The
filter does without people, too: so a verification asks by date alone, which takes no more requests, and sees who else
clocks. They are read then, and from then on they are known.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Collection, Iterator

from protime_etl.collections.people import PEOPLE
from protime_etl.config import PEOPLE_SCOPE
from protime_etl.postgres.ledger.collection_state import page_size
from protime_etl.postgres.ledger.people import people_to_read
from protime_etl.postgres.ledger.volumes import usual_amounts
from protime_etl.postgres.server.stored import Stored
from protime_etl.sync.pipeline import Pipeline
from protime_etl.sync.plan.request import select
from protime_etl.sync.plan.slices import windows
from protime_etl.sync.plan.volume import VolumeEstimate
from protime_etl.sync.pull.runs import run_alone
from protime_etl.work import Counts, RunKind

__all__ = ["listed_people", "read_unlisted", "windows_of_all"]

COMPARED_PAGES = 10
"""Pages of a window that is compared: a window is proven whole, and a quota that ends a try is rarely smaller."""


def windows_of_all(stored: Stored, first: dt.date, last: dt.date) -> Iterator[tuple[dt.date, dt.date]]:
    """Cut these days into windows that can be read by date alone, the latest first."""
    estimate = VolumeEstimate(stored.collection, usual_amounts(stored), page_size(stored))
    people = len(people_to_read(stored, first, last))
    pages = people * estimate.rows_per_person(first, last) / estimate.page_size
    return windows(first, last, math.ceil(pages / COMPARED_PAGES))


def listed_people(pipeline: Pipeline) -> set[int]:
    """Ids of the people that the tenant lists now; none where the client may not see people.

    Raises:
        ProtimeError: as `ProtimeClient.pages`.
    """
    if PEOPLE_SCOPE not in pipeline.settings.scopes:
        return set()
    column = PEOPLE.position("id")
    return {row[column] for page in pipeline.client.pages(PEOPLE) for row in page.rows}


def read_unlisted(pipeline: Pipeline, people: Collection[int], first: dt.date, last: dt.date) -> Counts:
    """Read these days of people whom no list names; later runs do so of themselves.

    Raises:
        ProtimeError: a unit failed.
    """
    return run_alone(pipeline, RunKind.UNLISTED, select(pipeline, first, last, sorted(people)))
