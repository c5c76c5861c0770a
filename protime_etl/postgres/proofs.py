"""Proofs: which days of whom a complete reading last found equal to the tenant, and where it did not.

A reading proves what it leaves as it is: a pull all days of its people but those that it had to write, a comparison
all but those in question. Proofs are rows of a day and the people of it. They are only added while others work;
`tidy_proofs` lets newer ones take the place of older ones.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from protime_etl.postgres.proof_tables import delta_polls, verifications
from protime_etl.work import EVERYONE, Slice

__all__ = [
    "Unproven",
    "forget_old",
    "keep_poll",
    "keep_verification",
    "longest_unproven",
    "note_differences",
    "note_proof",
    "tidy_proofs",
    "tidy_proofs_of_run",
]

KEPT = "1 year"

NOTE = """
INSERT INTO protime_etl.proofs (tenant, collection, date, people, proven_at)
SELECT :tenant, :collection, day, people, :at
FROM (
    SELECT CAST(:first AS date) + n AS day, asked.people - coalesce(c.people, '{}') AS people
    FROM (
        SELECT range_agg(CASE WHEN p = :everyone THEN int8range(NULL, NULL) ELSE int8range(p, p, '[]') END) AS people
        FROM unnest(CAST(:people AS bigint[])) AS p
    ) AS asked,
    generate_series(0, CAST(:last AS date) - CAST(:first AS date)) AS n
    LEFT JOIN (
        SELECT day, range_agg(CASE WHEN p IS NULL THEN int8range(NULL, NULL) ELSE int8range(p, p, '[]') END) AS people
        FROM unnest(CAST(:changed_people AS bigint[]), CAST(:changed_days AS date[])) AS cell (p, day) GROUP BY day
    ) AS c ON c.day = CAST(:first AS date) + n
) AS proven
WHERE NOT isempty(people)
"""
# Of each older one remains what no newer one has.
TIDY = """
WITH many AS (
    SELECT date FROM protime_etl.proofs
    WHERE tenant = :tenant AND collection = :collection AND date BETWEEN :first AND :last
    GROUP BY date HAVING count(*) > 1
),
old AS (
    DELETE FROM protime_etl.proofs AS p USING many
    WHERE p.tenant = :tenant AND p.collection = :collection AND p.date = many.date
    RETURNING p.date, p.people, p.proven_at
),
piece AS (
    SELECT date, proven_at, range_agg(r) AS people FROM old, unnest(people) AS r GROUP BY 1, 2
),
rest AS (
    SELECT p.date, p.proven_at, p.people - coalesce(
        (SELECT range_agg(r) FROM piece AS n, unnest(n.people) AS r
            WHERE n.date = p.date AND n.proven_at > p.proven_at), '{}'
    ) AS people
    FROM piece AS p
)
INSERT INTO protime_etl.proofs (tenant, collection, date, people, proven_at)
SELECT :tenant, :collection, date, people, proven_at FROM rest WHERE NOT isempty(people)
"""
# Of each day that was ever read: who was never proven equal, and the others by when they were.
UNPROVEN = """
WITH known AS (
    SELECT range_agg(int8range(id, id, '[]')) AS people FROM protime.people
    WHERE tenant = :tenant AND deleted_at IS NULL
),
read AS (
    SELECT lower(r) + n AS date FROM (
        SELECT unnest(range_agg(d)) AS r FROM protime_etl.coverage, unnest(dates) AS d
        WHERE tenant = :tenant AND collection = :collection
    ) AS ranges, generate_series(0, upper(r) - lower(r) - 1) AS n
),
piece AS (
    SELECT date, people, proven_at FROM protime_etl.proofs
    WHERE tenant = :tenant AND collection = :collection AND date < :before
),
proven AS (SELECT date, range_agg(r) AS people FROM piece, unnest(people) AS r GROUP BY date),
found AS (
    SELECT r.date, CASE WHEN p.date IS NULL THEN '{(,)}' WHEN :by_people THEN known.people - p.people
        ELSE '{(,)}' - p.people END AS people, NULL::timestamptz AS proven_at
    FROM read AS r CROSS JOIN known LEFT JOIN proven AS p USING (date)
    WHERE r.date < :before
    UNION ALL SELECT date, people, proven_at FROM piece
)
SELECT date, proven_at, ids FROM found CROSS JOIN LATERAL (
    SELECT CASE WHEN people @> int8range(NULL, NULL) THEN NULL ELSE
        ARRAY(SELECT id FROM protime.people AS k
            WHERE k.tenant = :tenant AND k.deleted_at IS NULL AND people @> k.id ORDER BY id) END AS ids
) AS whose
WHERE coalesce(proven_at, '-infinity') < :until AND (ids IS NULL OR ids <> '{}')
ORDER BY proven_at NULLS FIRST, date DESC LIMIT :limit
"""
DIFFERENCES = """
INSERT INTO protime_etl.proof_differences AS d (tenant, collection, date, differences, last_found_at)
SELECT :tenant, :collection, day, number, clock_timestamp()
FROM unnest(CAST(:days AS date[]), CAST(:numbers AS bigint[])) AS found (day, number) ORDER BY day
ON CONFLICT (tenant, collection, date) DO UPDATE
SET differences = d.differences + excluded.differences, last_found_at = excluded.last_found_at
"""
FORGET = (
    "DELETE FROM protime_etl.{table} WHERE tenant = :tenant AND finished_at < clock_timestamp() - interval '{kept}'"
)


class Unproven(NamedTuple):
    """A day of somebody that was proven long ago, or never."""

    date: dt.date
    proven_at: dt.datetime | None
    people: tuple[int, ...] | None
    """Who; None is everybody."""


def note_proof(
    connection: Connection,
    tenant: str,
    read: Slice,
    changed: Iterable[tuple[int | None, dt.date]],
    at: dt.datetime,
) -> None:
    """Enter that a complete reading which began at `at` found these days of these people equal.

    But for the `changed` ones; there None is everybody. `EVERYONE` among the people is whoever it may be. Nothing if
    the days end before they begin.
    """
    if read.last < read.first or not read.person_ids:
        return
    cells = list(changed)
    connection.execute(
        sa.text(NOTE),
        {
            "tenant": tenant,
            "collection": read.collection,
            "people": list(read.person_ids),
            "everyone": EVERYONE,
            "first": read.first,
            "last": read.last,
            "at": at,
            "changed_people": [person for person, _ in cells],
            "changed_days": [day for _, day in cells],
        },
    )


def tidy_proofs(connection: Connection, tenant: str, collection: str, first: dt.date, last: dt.date) -> None:
    """Let newer proofs of these days take the place of older ones."""
    values = {"tenant": tenant, "collection": collection, "first": first, "last": last}
    connection.execute(sa.text(TIDY), values)


def tidy_proofs_of_run(connection: Connection, tenant: str, run_id: int) -> None:
    """Let the proofs of a run's units take the place of older ones."""
    read = connection.execute(
        sa.text(
            "SELECT collection, min(date_from), max(date_to) FROM protime_etl.units"
            " WHERE run_id = :run AND status = 'done' AND circles IS NULL GROUP BY collection ORDER BY collection"
        ),
        {"run": run_id},
    )
    for collection, first, last in read.all():
        tidy_proofs(connection, tenant, collection, first, last)


def longest_unproven(
    connection: Connection,
    tenant: str,
    collection: str,
    before: dt.date,
    until: dt.datetime,
    *,
    by_people: bool,
    limit: int,
) -> list[Unproven]:
    """What was never proven equal, and then what was longest ago, before `until`.

    Of the days before `before` that were ever read.
    """
    rows = connection.execute(
        sa.text(UNPROVEN),
        {
            "tenant": tenant,
            "collection": collection,
            "before": before,
            "until": until,
            "by_people": by_people,
            "limit": limit,
        },
    )
    return [Unproven(row[0], row[1], None if row[2] is None else tuple(row[2])) for row in rows]


def note_differences(connection: Connection, tenant: str, collection: str, by_day: Mapping[dt.date, int]) -> None:
    """Count what differed on these days."""
    if by_day:
        connection.execute(
            sa.text(DIFFERENCES),
            {
                "tenant": tenant,
                "collection": collection,
                "days": list(by_day),
                "numbers": list(by_day.values()),
            },
        )


def keep_verification(
    connection: Connection,
    tenant: str,
    collection: str,
    *,
    origin: str,
    days: tuple[dt.date, dt.date] | None,
    totals: Mapping[str, int],
) -> None:
    """Keep what a comparison found, for a year."""
    first, last = days or (None, None)
    connection.execute(
        verifications.insert().values(
            tenant=tenant,
            collection=collection,
            origin=origin,
            date_from=first,
            date_to=last,
            finished_at=sa.func.clock_timestamp(),
            **totals,
        )
    )


def keep_poll(connection: Connection, tenant: str, collection: str, seconds: float, **figures: object) -> None:
    """Keep how a turn of a delta went, for a year."""
    values = {"finished_at": sa.func.clock_timestamp(), "seconds": seconds, **figures}
    connection.execute(delta_polls.insert().values(tenant=tenant, collection=collection, **values))


def forget_old(connection: Connection, tenant: str) -> None:
    """Forget comparisons and turns of more than a year ago."""
    for table in ("verifications", "delta_polls"):
        connection.execute(sa.text(FORGET.format(table=table, kept=KEPT)), {"tenant": tenant})
