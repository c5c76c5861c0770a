"""Coverage: which days have been completely pulled for whomand what is missing."""

from __future__ import annotations

from collections.abc import Iterable

import psycopg
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from protime_etl.work import Slice

__all__ = ["cover", "lock_coverage", "missing", "try_lock_coverage", "uncover"]


def try_lock_coverage(connection: Connection, tenant: str, collection: str, person_ids: Iterable[int]) -> bool:
    """Lock it as `lock_coverage` does, unless another process has locked a part of it; tells whether it is locked."""
    set_timeout = sa.text("SELECT set_config('lock_timeout', :timeout, true)")
    before = connection.scalar(sa.text("SELECT current_setting('lock_timeout')"))
    savepoint = connection.begin_nested()
    try:
        connection.execute(set_timeout, {"timeout": "1ms"})
        lock_coverage(connection, tenant, collection, person_ids)
    except sa.exc.OperationalError as error:
        if not isinstance(error.orig, psycopg.errors.LockNotAvailable):
            raise
        savepoint.rollback()
        return False
    connection.execute(set_timeout, {"timeout": before})
    savepoint.commit()
    return True


def lock_coverage(connection: Connection, tenant: str, collection: str, person_ids: Iterable[int]) -> None:
    """Let no other process finish a unit of these people until this transaction ends: merges see each other's results.

    Of one collection: units of another one store other records.
    """
    parameters = {"tenant": tenant, "collection": collection, "people": sorted(set(person_ids))}
    connection.execute(
        sa.text(
            "INSERT INTO protime_etl.coverage (tenant, collection, person_id, dates, read_at)"
            " SELECT :tenant, :collection, person_id, '{}', '-infinity'"
            " FROM unnest(CAST(:people AS bigint[])) AS person_id ORDER BY person_id ON CONFLICT DO NOTHING"
        ),
        parameters,
    )
    connection.execute(
        sa.text(
            "SELECT FROM protime_etl.coverage WHERE tenant = :tenant AND collection = :collection"
            " AND person_id = ANY(CAST(:people AS bigint[])) ORDER BY person_id FOR UPDATE"
        ),
        parameters,
    )


def cover(connection: Connection, tenant: str, read: Slice) -> None:
    """Enter that these days have been completely pulled for these people, whose coverage the caller has locked.

    None of them if they end before they begin: people were read, and no day that is over.
    """
    connection.execute(
        sa.text(
            "UPDATE protime_etl.coverage AS c SET read_at = statement_timestamp(), dates = c.dates"
            " + datemultirange(CASE WHEN :first <= :last THEN daterange(:first, :last, '[]') ELSE 'empty' END)"
            " WHERE tenant = :tenant AND collection = :collection AND person_id = ANY(CAST(:people AS bigint[]))"
        ),
        _parameters(tenant, read),
    )


def uncover(connection: Connection, tenant: str, lost: Iterable[Slice]) -> None:
    """Take these days of these people out again: reading them failed, and what is here may be out of date."""
    cells = [(one.collection, person, one.first, one.last) for one in lost for person in one.person_ids]
    if not cells:
        return
    collections, people, firsts, lasts = (list(column) for column in zip(*cells, strict=True))
    connection.execute(
        sa.text(
            # Locked in the order of the ids, as every lock of coverage is taken.
            """
            WITH lost AS (
                SELECT collection, person_id, range_agg(daterange(first, last, '[]')) AS dates
                FROM unnest(CAST(:collections AS text[]), CAST(:people AS bigint[]), CAST(:firsts AS date[]),
                    CAST(:lasts AS date[])) AS cell (collection, person_id, first, last)
                GROUP BY collection, person_id
            ),
            locked AS (
                SELECT c.collection, c.person_id, lost.dates
                FROM protime_etl.coverage AS c JOIN lost USING (collection, person_id)
                WHERE c.tenant = :tenant AND c.dates && lost.dates
                ORDER BY c.collection, c.person_id FOR UPDATE OF c
            )
            UPDATE protime_etl.coverage AS c SET dates = c.dates - locked.dates
            FROM locked
            WHERE c.tenant = :tenant AND c.collection = locked.collection AND c.person_id = locked.person_id
            """
        ),
        {"tenant": tenant, "collections": collections, "people": people, "firsts": firsts, "lasts": lasts},
    )


def missing(connection: Connection, tenant: str, asked: Slice) -> list[Slice]:
    """What of a slice is not covered."""
    rows = connection.execute(
        sa.text(
            "SELECT array_agg(p ORDER BY p), lower(gap), upper(gap) - 1 FROM unnest(CAST(:people AS bigint[])) AS p"
            " LEFT JOIN LATERAL (SELECT dates FROM protime_etl.coverage"
            " WHERE tenant = :tenant AND collection = :collection AND person_id = p OFFSET 0) AS c ON true,"
            " unnest(datemultirange(daterange(:first, :last, '[]')) - coalesce(c.dates, '{}')) AS gap"
            " GROUP BY gap ORDER BY gap"
        ),
        _parameters(tenant, asked),
    )
    return [Slice(row[0], row[1], row[2], asked.collection) for row in rows]


def _parameters(tenant: str, one: Slice) -> dict[str, object]:
    return {
        "tenant": tenant,
        "collection": one.collection,
        "people": list(one.person_ids),
        "first": one.first,
        "last": one.last,
    }
