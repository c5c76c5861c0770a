"""What the book says is to be read and to be compared next."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from protime_etl.postgres.book.wrong import Kind
from protime_etl.postgres.server.plans import no_nested_loops
from protime_etl.work import Slice

__all__ = ["Candidate", "missing", "people_of_day", "to_compare", "wrong_slices"]

# Who is in the book is due while in service, and where a clocking is; what is wrong is read wherever it is.
MISSING = """
SELECT array_agg(p ORDER BY p), lower(gap), upper(gap) - 1
FROM unnest(CAST(:people AS bigint[])) AS p
LEFT JOIN protime_etl.book AS b ON b.tenant = :tenant AND b.collection = :collection AND b.person_id = p
LEFT JOIN protime_etl.coverage AS c ON c.tenant = :tenant AND c.collection = :collection AND c.person_id = p
LEFT JOIN protime_etl.coverage AS e ON e.tenant = :tenant AND e.collection = :collection AND e.person_id = -1
LEFT JOIN protime_etl.wrong_days AS w ON w.tenant = :tenant AND w.collection = :collection AND w.person_id = p
CROSS JOIN LATERAL unnest(datemultirange(daterange(:first, :last, '[]'))
    * (coalesce(b.at_work, '{(,)}') + coalesce(w.dates, '{}'))
    - coalesce(c.dates, e.dates, '{}') - coalesce(b.read_ahead, '{}')) AS gap
GROUP BY gap ORDER BY gap
"""
# What waits for a decision is read again only by a caller who has accepted it.
WRONG = """
SELECT array_agg(person_id ORDER BY person_id), lower(span), upper(span) - 1
FROM (
    SELECT p.person_id, range_agg(d) AS dates
    FROM protime_etl.wrong AS w, unnest(w.people) AS part, unnest(w.dates) AS d,
        generate_series(coalesce(lower(part), -1), coalesce(upper(part) - 1, -1)) AS p (person_id)
    WHERE w.tenant = :tenant AND w.collection = :collection AND NOT w.kind = ANY(:waiting)
    GROUP BY p.person_id
) AS w, unnest(w.dates * datemultirange(daterange(NULL, :before))) AS span
WHERE NOT lower_inf(span)
GROUP BY span ORDER BY span DESC
"""
# Days by when they were last compared: those never were come first, the latest of them; then what was compared longest
# ago. What was not equal then is compared again a month earlier, alone.
TO_COMPARE = """
WITH held AS MATERIALIZED (
    SELECT read, read * unproven AS unproven, at_work - read AS unread
    FROM protime_etl.book WHERE tenant = :tenant AND collection = :collection GROUP BY 1, 2, 3
),
days AS (
    SELECT lower(span) + n AS date
    FROM (SELECT unnest(range_agg(span)) AS span FROM held, unnest(read) AS span) AS spans,
        generate_series(0, upper(span) - lower(span) - 1) AS n
    WHERE lower(span) + n < :before
),
spans AS (
    SELECT (SELECT coalesce(range_agg(span), '{}') FROM held, unnest(unproven) AS span) AS unproven,
        (SELECT coalesce(range_agg(span), '{}') FROM held, unnest(unread) AS span) AS unread
),
aged AS (
    SELECT days.date, p.part_since, p.part_until, p.proven_at,
        CASE WHEN spans.unproven @> days.date AND coalesce(p.rest_at, p.proven_at) < :until THEN
            coalesce(p.rest_at, p.proven_at) - interval '30 days' END AS rest_due,
        NOT :by_people OR NOT spans.unread @> days.date AS of_all
    FROM spans CROSS JOIN days
    LEFT JOIN protime_etl.proof_days AS p
        ON p.tenant = :tenant AND p.collection = :collection AND p.date = days.date
)
SELECT date, part_since, part_until, of_all, least(proven_at, rest_due) AS due,
    proven_at IS NOT NULL AND rest_due IS NOT NULL AND rest_due < proven_at AND part_since IS NULL AS is_rest
FROM aged
WHERE proven_at IS NULL OR proven_at < :until OR rest_due IS NOT NULL
ORDER BY least(proven_at, rest_due) NULLS FIRST, date DESC
"""
OF_DAY = """
SELECT person_id FROM protime_etl.book
WHERE tenant = :tenant AND collection = :collection AND person_id > 0 AND read @> CAST(:day AS date)
    AND NOT (:rest AND proven @> CAST(:day AS date)) AND person_id > :after
ORDER BY person_id
"""


class Candidate(NamedTuple):
    """A day that may be compared next."""

    date: dt.date
    part_since: dt.datetime | None
    """When a comparison of it in parts began that is not complete."""
    part_until: int | None
    """Last person of it that was compared."""
    of_all: bool
    """Whether all people who were in service on it are read: then it can be compared by date alone."""
    due: dt.datetime | None
    """When it was last compared; None: never. Earlier by a month where something was not equal then."""
    is_rest: bool
    """Whether only people whose records are not proven are to be compared."""


def missing(connection: Connection, tenant: str, asked: Slice) -> list[Slice]:
    """What of a slice was not read completely, or is wrong; of people who were in service then."""
    values = {
        "tenant": tenant,
        "collection": asked.collection,
        "people": list(asked.person_ids),
        "first": asked.first,
        "last": asked.last,
    }
    with no_nested_loops(connection):
        rows = connection.execute(sa.text(MISSING), values).all()
    return [Slice(row[0], row[1], row[2], asked.collection) for row in rows]


def wrong_slices(
    connection: Connection, tenant: str, collection: str, before: dt.date, *, waiting: Sequence[Kind]
) -> list[Slice]:
    """What is known to be wrong before that day, the latest days first, but for kinds that wait to be accepted."""
    values = {"tenant": tenant, "collection": collection, "before": before, "waiting": list(waiting)}
    return [Slice(row[0], row[1], row[2], collection) for row in connection.execute(sa.text(WRONG), values)]


def to_compare(
    connection: Connection, tenant: str, collection: str, before: dt.date, until: dt.datetime, *, by_people: bool
) -> list[Candidate]:
    """Days before `before` that were not compared since `until`, in the order in which they are to be compared."""
    values = {
        "tenant": tenant,
        "collection": collection,
        "before": before,
        "until": until,
        "by_people": by_people,
    }
    with no_nested_loops(connection):
        return [Candidate(*row) for row in connection.execute(sa.text(TO_COMPARE), values)]


def people_of_day(
    connection: Connection, tenant: str, collection: str, day: dt.date, *, rest: bool = False, after: int = 0
) -> list[int]:
    """Whose records of that day were read, in order; `rest`: that are not proven; `after`: larger ids alone."""
    values = {"tenant": tenant, "collection": collection, "day": day, "rest": rest, "after": after}
    return list(connection.scalars(sa.text(OF_DAY), values))
