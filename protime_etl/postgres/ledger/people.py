"""Who may have clockings: more people than the list of people names now."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from protime_etl.collections.clockings import CLOCKINGS
from protime_etl.collections.people import PEOPLE
from protime_etl.postgres.server.statements import text
from protime_etl.postgres.server.stored import Stored
from protime_etl.postgres.tables.engine import rejected_record
from protime_etl.postgres.tables.records import RECORD_TABLES

__all__ = ["known_people", "people_to_read", "unknown_people"]


def people_to_read(stored: Stored, first: dt.date, last: dt.date) -> list[int]:
    """Ids of all people who may have records of a collection on these days, in order, as far as they were ever seen.

    Who has left: where the table has records; of clockings, for a collection that is not read by people.
    """
    collection = stored.collection
    statement = text("people_to_read", table=collection.table if collection.by_people else CLOCKINGS.table)
    return sorted(stored.execute(statement, first=first, last=last).scalars())


def unknown_people(connection: Connection, tenant: str, person_ids: Iterable[int]) -> list[int]:
    """Which of these ids belong to no person that was ever seen, in order; people who left are known."""
    return list(connection.scalars(text("unknown_people"), {"tenant": tenant, "ids": sorted(set(person_ids))}))


def known_people(connection: Connection, tenant: str) -> list[int]:
    """Ids of all people of the tenant that are not deleted, in order, those whose record was rejected included."""
    people = RECORD_TABLES[PEOPLE.path]
    stored = sa.select(people.c.id).where(people.c.tenant == tenant, people.c.deleted_at.is_(None))
    rejected = sa.select(rejected_record.c.record_id).where(
        rejected_record.c.tenant == tenant,
        rejected_record.c.collection == PEOPLE.path,
        rejected_record.c.record_id.is_not(None),
    )
    return sorted(connection.scalars(stored.union(rejected)))
