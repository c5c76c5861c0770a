"""Records that are to be asked for by their ids before anything is believed of them.

They are entered in the transaction that moves the link of the delta, so that none is lost, and taken out in the one
that stores what asking gave. So no lock is held while the API is asked, and whatever ends a poll costs no more than
what was being asked for.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from protime_etl.postgres.server.plans import BOUND_TENANT
from protime_etl.postgres.tables.records import RECORD_TABLES

__all__ = [
    "DELETIONS",
    "Reason",
    "Unconfirmed",
    "keep_unconfirmed",
    "live_among",
    "live_rows",
    "settle",
    "settle_met",
    "unconfirmed",
    "withheld",
    "withhold",
]

Reason = Literal["delta", "vanished", "doubtful", "older"]
"""delta: it reports the record as deleted; vanished: an initial load never met it; doubtful: it came, and may be gone;
older: it came with an older version than is stored."""
DELETIONS: Sequence[Reason] = ("delta", "vanished")
"""Why a record is to be marked as deleted once it is confirmed missing."""


class Unconfirmed(NamedTuple):
    """One record."""

    id: int
    version: str
    """Of the deletion that the delta reports, or of the record that came; empty: no version."""
    reason: Reason


def keep_unconfirmed(
    connection: Connection, tenant: str, collection: str, reason: Reason, versions: Mapping[int, str]
) -> None:
    """Enter records, with the changeVersions of their deletions where a delta gives them, or those that came."""
    connection.execute(
        sa.text("""
            INSERT INTO protime_etl.delta_unconfirmed AS u (tenant, collection, id, change_version, reason)
            SELECT :tenant, :collection, d.id, d.version, :reason
            FROM unnest(CAST(:ids AS bigint[]), CAST(:versions AS text[])) AS d (id, version) ORDER BY d.id
            ON CONFLICT (tenant, collection, id) DO UPDATE
            SET reason = CASE WHEN excluded.reason IN ('doubtful', 'older') THEN u.reason ELSE excluded.reason END,
                change_version = CASE WHEN u.reason = 'older' THEN excluded.change_version
                    WHEN excluded.reason = 'older' THEN u.change_version
                    ELSE greatest(u.change_version, excluded.change_version) END
        """),
        {
            "tenant": tenant,
            "collection": collection,
            "reason": reason,
            "ids": list(versions),
            "versions": list(versions.values()),
        },
    )


def unconfirmed(connection: Connection, tenant: str, collection: str, *, accepted: bool) -> list[Unconfirmed]:
    """What is to be asked for, by id; `accepted`: those that were withheld, too."""
    rows = connection.execute(
        sa.text(
            "SELECT id, change_version, reason FROM protime_etl.delta_unconfirmed"
            " WHERE tenant = :tenant AND collection = :collection AND (:accepted OR NOT withheld) ORDER BY id"
        ),
        {"tenant": tenant, "collection": collection, "accepted": accepted},
    )
    return [Unconfirmed(*row) for row in rows]


def settle(connection: Connection, tenant: str, collection: str, ids: Sequence[int]) -> None:
    """Take records out: what is to be known of them is known."""
    connection.execute(
        sa.text(
            "DELETE FROM protime_etl.delta_unconfirmed"
            " WHERE tenant = :tenant AND collection = :collection AND id = ANY(CAST(:ids AS bigint[]))"
        ),
        {"tenant": tenant, "collection": collection, "ids": list(ids)},
    )


def settle_met(connection: Connection, tenant: str, collection: str, first: dt.date, unmet: Sequence[int]) -> None:
    """Take out what was held back and needs no decision: an initial load from this day on has met it, or it is no row.

    It knows nothing of earlier days.
    """
    query = f"""
        DELETE FROM protime_etl.delta_unconfirmed AS u
        WHERE u.tenant = :tenant AND u.collection = :collection AND u.withheld
            AND NOT u.id = ANY(CAST(:unmet AS bigint[]))
            AND NOT EXISTS (
                SELECT FROM protime.{RECORD_TABLES[collection].name} AS t
                WHERE t.tenant = {BOUND_TENANT} AND t.id = u.id AND t.date < :first AND t.deleted_at IS NULL
            )
    """
    values = {"tenant": tenant, "collection": collection, "first": first, "unmet": list(unmet)}
    connection.execute(sa.text(query), values)


def withhold(connection: Connection, tenant: str, collection: str, ids: Sequence[int]) -> None:
    """These are too many at once: they wait until they are accepted."""
    connection.execute(
        sa.text(
            "UPDATE protime_etl.delta_unconfirmed SET withheld = true"
            " WHERE tenant = :tenant AND collection = :collection AND id = ANY(CAST(:ids AS bigint[]))"
        ),
        {"tenant": tenant, "collection": collection, "ids": list(ids)},
    )


def withheld(connection: Connection, tenant: str, collection: str) -> int:
    """How many deletions of a collection wait to be accepted."""
    query = (
        "SELECT count(*) FROM protime_etl.delta_unconfirmed"
        " WHERE tenant = :tenant AND collection = :collection AND withheld"
    )
    return int(connection.scalar(sa.text(query), {"tenant": tenant, "collection": collection}) or 0)


def live_rows(connection: Connection, tenant: str, collection: str, first: dt.date, most: int | None = None) -> int:
    """Rows of these days and later that are not deleted; none is counted beyond `most`."""
    query = f"""
        SELECT count(*) FROM (
            SELECT FROM protime.{RECORD_TABLES[collection].name}
            WHERE tenant = {BOUND_TENANT} AND date >= :first AND deleted_at IS NULL LIMIT :most
        ) AS live
    """
    return int(connection.scalar(sa.text(query), {"tenant": tenant, "first": first, "most": most}) or 0)


def live_among(connection: Connection, tenant: str, collection: str, ids: Sequence[int]) -> int:
    """How many of these records the table has and does not know as deleted."""
    query = f"""
        SELECT count(*) FROM unnest(CAST(:ids AS bigint[])) AS d (id)
        CROSS JOIN LATERAL (
            SELECT FROM protime.{RECORD_TABLES[collection].name} AS t WHERE t.tenant = {BOUND_TENANT} AND t.id = d.id
                AND t.deleted_at IS NULL OFFSET 0
        ) AS live
    """
    return int(connection.scalar(sa.text(query), {"tenant": tenant, "ids": list(ids)}) or 0)
