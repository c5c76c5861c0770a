"""People who clock and whom no list of people names: told by asking for all clockings of some days by date alone.

A tenant may not list everybody (somebody has left, a client may not see all), and clockings are read by people. The
filter does without people, too: so a verification asks by date alone, which takes no more requests, and sees who else
clocks. They are read then, and from then on they are known.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

from sqlalchemy.engine import Connection

from protime_etl.collections.clockings import CLOCKINGS
from protime_etl.collections.collection import Collection as Registration
from protime_etl.collections.people import PEOPLE
from protime_etl.config import PEOPLE_SCOPE, Settings
from protime_etl.postgres.coverage import usual_amounts
from protime_etl.postgres.everybody import people_to_read
from protime_etl.postgres.ledger import page_size
from protime_etl.protime.client import ProtimeClient
from protime_etl.sync.expectation import Expectation
from protime_etl.sync.plan import MOST_PAGES, windows
from protime_etl.work import Counts

if TYPE_CHECKING:
    from protime_etl.sync.pipeline import Pipeline

__all__ = ["listed_people", "read_unlisted", "windows_of_everybody"]


def windows_of_everybody(
    connection: Connection, tenant: str, first: dt.date, last: dt.date, collection: Registration = CLOCKINGS
) -> Iterator[tuple[dt.date, dt.date]]:
    """Cut these days into windows that can be read by date alone, the latest first."""
    expectation = Expectation(
        usual_amounts(connection, tenant, collection), page_size(connection, tenant, collection.path), collection
    )
    people = len(people_to_read(connection, tenant, first, last))
    pages = people * expectation.per_person(first, last) / expectation.page_size
    return windows(first, last, math.ceil(pages / MOST_PAGES))


def listed_people(settings: Settings, client: ProtimeClient) -> set[int]:
    """Ids of the people that the tenant lists now; nobody where the client may not see people.

    Raises:
        ProtimeError: as `ProtimeClient.pages`.
    """
    if PEOPLE_SCOPE not in settings.scopes:
        return set()
    column = PEOPLE.position("id")
    return {row[column] for page in client.pages(PEOPLE) for row in page.rows}


def read_unlisted(pipeline: Pipeline, origin: str, people: Collection[int], first: dt.date, last: dt.date) -> Counts:
    """Read these days of people whom no list names; later runs do so of themselves.

    Raises:
        ProtimeError: a unit failed.
    """
    counts = Counts()
    run_id, units = pipeline.plan(origin, first, last, sorted(people))
    try:
        for unit in units:
            counts += pipeline.pull(unit)
    finally:
        pipeline.finish(run_id)
    return counts
