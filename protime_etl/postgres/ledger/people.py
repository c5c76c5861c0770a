"""Who may have clockings: more people than the list of people names now."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from protime_etl.collections.people import PEOPLE
from protime_etl.postgres.tables.engine import rejected_record
from protime_etl.postgres.tables.records import RECORD_TABLES

__all__ = ["known_people", "people_to_read", "unknown_people"]

# Each person who was ever seen has a row of coverage, also one who came by a delta, by circles, or by the record of
# another person.
# Who has left is read on days until they left, and where the table has clockings of them: one look into an index each.
TO_READ = """
SELECT p.id FROM protime.people AS p
WHERE p.tenant = :tenant
    AND (p.deleted_at IS NULL OR coalesce(p.out_of_service_date, CAST(p.deleted_at AS date)) + 2 >= :first)
UNION
SELECT r.record_id FROM protime_etl.rejected_record AS r
WHERE r.tenant = :tenant AND r.collection = 'people' AND r.record_id IS NOT NULL
UNION
SELECT c.person_id FROM protime_etl.coverage AS c
LEFT JOIN LATERAL (SELECT id FROM protime.people WHERE tenant = c.tenant AND id = c.person_id OFFSET 0) AS p ON true
LEFT JOIN LATERAL (
    SELECT true AS found FROM protime.clockings AS k
    WHERE k.tenant = c.tenant AND k.person_id = c.person_id
        AND k.date BETWEEN (SELECT CAST(:first AS date)) AND (SELECT CAST(:last AS date)) LIMIT 1
) AS clocked ON true
WHERE c.tenant = :tenant AND c.person_id > 0 AND (p.id IS NULL OR clocked.found)
"""
EVER_SEEN = """
SELECT asked.id FROM unnest(CAST(:ids AS bigint[])) AS asked (id)
WHERE NOT EXISTS (SELECT FROM protime.people AS p WHERE p.tenant = :tenant AND p.id = asked.id)
    AND NOT EXISTS (SELECT FROM protime_etl.coverage AS c WHERE c.tenant = :tenant AND c.person_id = asked.id)
    AND NOT EXISTS (SELECT FROM protime_etl.rejected_record AS r
        WHERE r.tenant = :tenant AND r.collection = 'people' AND r.record_id = asked.id)
ORDER BY asked.id
"""


def people_to_read(connection: Connection, tenant: str, first: dt.date, last: dt.date) -> list[int]:
    """Ids of all people who may have records on these days, in order, as far as they were ever seen."""
    return sorted(connection.scalars(sa.text(TO_READ), {"tenant": tenant, "first": first, "last": last}))


def unknown_people(connection: Connection, tenant: str, person_ids: Iterable[int]) -> list[int]:
    """Which of these ids belong to no person that was ever seen, in order; people who left are known."""
    return list(connection.scalars(sa.text(EVER_SEEN), {"tenant": tenant, "ids": sorted(set(person_ids))}))


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
