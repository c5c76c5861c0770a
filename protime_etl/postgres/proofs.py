"""Proofs: which days of whom a complete reading last found equal to the tenant, and where it did not.

A reading proves what it leaves as it is: a pull all days of its people but those that it had to write, a comparison
all but those in question. Proofs are rows of a day and the people of it. They are only added while others work;
`tidy_proofs` lets newer ones take the place of older ones.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from itertools import takewhile
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from protime_etl.postgres.planning import no_nested_loops
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
    "requests_by",
    "tidy_proofs",
    "tidy_proofs_of_run",
]

KEPT = "1 year"
MOST_DAYS = 366

NOTE = """
INSERT INTO protime_etl.proofs (tenant, collection, date, people, equal, proven_at, run_id)
SELECT :tenant, :collection, day, looked_at.people, looked_at.equal, :at, :run
FROM (
    SELECT CAST(:first AS date) + n AS day, asked.people, coalesce(c.people, '{}') AS differing
    FROM (
        SELECT range_agg(CASE WHEN p = :everyone THEN int8range(NULL, NULL) ELSE int8range(p, p, '[]') END) AS people
        FROM unnest(CAST(:people AS bigint[])) AS p
    ) AS asked,
    generate_series(0, CAST(:last AS date) - CAST(:first AS date)) AS n
    LEFT JOIN (
        SELECT day, range_agg(CASE WHEN p IS NULL THEN int8range(NULL, NULL) ELSE int8range(p, p, '[]') END) AS people
        FROM unnest(CAST(:changed_people AS bigint[]), CAST(:changed_days AS date[])) AS cell (p, day) GROUP BY day
    ) AS c ON c.day = CAST(:first AS date) + n
) AS read
CROSS JOIN LATERAL (
    SELECT people - differing AS people, true AS equal UNION ALL SELECT people * differing, false
) AS looked_at
WHERE NOT isempty(looked_at.people)
"""
# The units of a run become one, as old as the first of them. Of each older one remains what no newer one has; of the
# same moment what differed counts.
TIDY = """
WITH old AS (
    DELETE FROM protime_etl.proofs AS p
    WHERE proof_id = ANY(ARRAY(
        -- Those that another process is at are left to it.
        SELECT proof_id FROM protime_etl.proofs
        WHERE tenant = :tenant AND collection = :collection AND date = ANY(ARRAY(
            SELECT date FROM protime_etl.proofs
            WHERE tenant = :tenant AND collection = :collection AND date BETWEEN :first AND :last
            GROUP BY date HAVING count(*) > 1
        )) FOR UPDATE SKIP LOCKED
    ))
    RETURNING p.date, p.people, p.equal, p.proven_at, p.run_id, p.proof_id
),
piece AS (
    SELECT date, equal, run_id, min(proven_at) AS proven_at, max(proven_at) AS newest, range_agg(one) AS people
    FROM old, unnest(people) AS one GROUP BY date, equal, run_id, CASE WHEN run_id IS NULL THEN proof_id END
),
rest AS (
    SELECT date, equal, run_id, proven_at,
        people - coalesce(protime_etl.union_of(people) OVER newer, '{}') AS people
    FROM piece
    WINDOW newer AS (
        PARTITION BY date ORDER BY newest DESC, equal ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    )
)
INSERT INTO protime_etl.proofs (tenant, collection, date, people, equal, proven_at, run_id)
SELECT :tenant, :collection, date, people, equal, proven_at, run_id FROM rest WHERE NOT isempty(people)
"""
# Of each day, of those who were read on it: whom nobody looked at since, and the others by when it was. Where all who
# are known were read it is everybody, whoever it may be. Sorted before it is looked at whether there is anybody in it,
# as only the first ones are wanted.
UNPROVEN = """
WITH held AS (
    -- Most people share their days.
    SELECT dates, range_agg(int8range(person_id, person_id, '[]')) AS people FROM protime_etl.coverage
    WHERE tenant = :tenant AND collection = :collection GROUP BY dates
),
known AS (
    SELECT coalesce(range_agg(int8range(id, id, '[]')), '{}') AS people FROM protime.people
    WHERE tenant = :tenant AND deleted_at IS NULL
),
day AS (
    SELECT lower(r) + n AS date FROM (SELECT unnest(range_agg(d)) AS r FROM held, unnest(dates) AS d) AS ranges,
        generate_series(0, upper(r) - lower(r) - 1) AS n
),
read AS (
    SELECT date, people, NOT :by_people OR people @> (SELECT people FROM known) AS by_all
    FROM (
        -- All at once where many have days of their own: one union after the other grows with their square.
        SELECT date, CASE WHEN cardinality(parts) = 1 THEN parts[1] ELSE
            (SELECT range_agg(one) FROM unnest(parts) AS part, unnest(part) AS one) END AS people
        FROM (
            SELECT day.date, array_agg(held.people) AS parts FROM day JOIN held ON held.dates @> day.date
            WHERE day.date < :before GROUP BY day.date
        ) AS divided
    ) AS covered
),
piece AS (
    -- What was repaired is looked at again sooner, and what cannot be settled holds up nothing for longer than that.
    SELECT date, people, proven_at, proven_at - CASE WHEN equal THEN interval '0' ELSE interval '30 days' END AS due
    FROM protime_etl.proofs WHERE tenant = :tenant AND collection = :collection AND date < :before
),
looked_at AS (SELECT date, protime_etl.union_of(people) AS people FROM piece GROUP BY date),
found AS (
    SELECT r.date, r.people AS read, NULL::timestamptz AS due,
        CASE WHEN r.by_all AND l.date IS NULL THEN '{(,)}' WHEN :by_people THEN r.people - coalesce(l.people, '{}')
            ELSE '{(,)}' - l.people END AS people
    FROM read AS r LEFT JOIN looked_at AS l USING (date)
    UNION ALL
    SELECT r.date, r.people, p.due, CASE WHEN r.by_all THEN p.people ELSE p.people * r.people END
    FROM piece AS p JOIN read AS r USING (date) WHERE p.proven_at < :until
),
sorted AS (SELECT * FROM found ORDER BY due NULLS FIRST, date DESC OFFSET 0),
wanted AS (SELECT * FROM sorted WHERE people && read LIMIT :limit),
numbered AS (
    SELECT date, due, people, row_number() OVER () AS number, first_value(people) OVER () AS first_people
    FROM wanted
),
first AS (SELECT people, people @> int8range(NULL, NULL) AS everybody FROM numbered WHERE number = 1)
SELECT n.date, n.due, n.people = first.people AS alike,
    CASE WHEN n.number = 1 AND NOT first.everybody THEN
        ARRAY(SELECT person_id FROM protime_etl.coverage AS c WHERE c.tenant = :tenant AND c.collection = :collection
            AND first.people @> c.person_id AND c.dates @> n.date ORDER BY person_id) END AS ids,
    CASE WHEN n.number = 1 THEN ARRAY(SELECT date FROM read WHERE read.by_all) END AS of_all
FROM numbered AS n, first ORDER BY n.number
"""
DIFFERENCES = """
INSERT INTO protime_etl.proof_differences AS d
    (tenant, collection, date, differences, last_found_at)
SELECT :tenant, :collection, day, number, clock_timestamp()
FROM unnest(CAST(:days AS date[]), CAST(:numbers AS bigint[])) AS found (day, number) ORDER BY day
ON CONFLICT (tenant, collection, date) DO UPDATE
SET last_found_at = excluded.last_found_at, differences = d.differences + CASE WHEN EXISTS (
    -- With no reading of the day in between, the same records still differ.
    SELECT FROM protime_etl.units AS u JOIN protime_etl.runs AS r USING (run_id)
    WHERE r.tenant = d.tenant AND u.collection = d.collection AND u.status = 'done'
        AND u.finished_at > d.last_found_at AND d.date BETWEEN u.date_from AND u.date_to
) THEN excluded.differences ELSE 0 END
"""
FORGET = "DELETE FROM protime_etl.{table} WHERE tenant = :tenant AND {at} < clock_timestamp() - interval '{kept}'"


class Unproven(NamedTuple):
    """Somebody's days that were proven longest ago, or never."""

    due: dt.datetime | None
    """Since when; None is never, and what differed counts as looked at earlier than it was."""
    people: tuple[int, ...] | None
    """Whose; None is everybody's, whoever it may be."""
    days: list[dt.date]
    """That day, and those that follow in the order of their age and are of the same people."""
    of_all: frozenset[dt.date]
    """All days on which everybody who is known was read."""


def note_proof(
    connection: Connection,
    tenant: str,
    read: Slice,
    changed: Iterable[tuple[int | None, dt.date]],
    *,
    at: dt.datetime,
    run_id: int | None = None,
) -> None:
    """Enter that a complete reading which began at `at` looked at these days of these people and found them equal.

    But for the `changed` ones, which differed; there None is everybody. `EVERYONE` among the people is whoever it may
    be. Nothing if the days end before they begin.
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
            "run": run_id,
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
) -> Unproven | None:
    """Of what was read of the days before `before`: what nobody looked at since, or else longest ago, before `until`.

    None if there is nothing.
    """
    values = {
        "tenant": tenant,
        "collection": collection,
        "before": before,
        "until": until,
        "by_people": by_people,
        "limit": MOST_DAYS,
    }
    with no_nested_loops(connection):
        rows = connection.execute(sa.text(UNPROVEN), values).all()
    if not rows:
        return None
    first = rows[0]
    return Unproven(
        first.due,
        None if first.ids is None else tuple(first.ids),
        [row.date for row in takewhile(lambda row: row.alike, rows)],
        frozenset(first.of_all),
    )


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


def requests_by(connection: Connection, tenant: str, origin: str) -> int:
    """Requests that comparisons of that origin took in the last day."""
    taken = sa.select(sa.func.coalesce(sa.func.sum(verifications.c.requests), 0)).where(
        verifications.c.tenant == tenant,
        verifications.c.origin == origin,
        verifications.c.finished_at > sa.func.clock_timestamp() - sa.text("interval '1 day'"),
    )
    return int(connection.scalar(taken) or 0)


def keep_poll(connection: Connection, tenant: str, collection: str, seconds: float, **figures: object) -> None:
    """Keep how a turn of a delta went, for a year."""
    values = {"finished_at": sa.func.clock_timestamp(), "seconds": seconds, **figures}
    connection.execute(delta_polls.insert().values(tenant=tenant, collection=collection, **values))


def forget_old(connection: Connection, tenant: str) -> None:
    """Forget comparisons, turns and what was written more than a year ago."""
    for table, at in (("verifications", "finished_at"), ("delta_polls", "finished_at"), ("written_days", "written_at")):
        connection.execute(sa.text(FORGET.format(table=table, at=at, kept=KEPT)), {"tenant": tenant})
