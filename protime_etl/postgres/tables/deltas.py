"""Tables of the delta: its state, its polls, and what it has missed."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    Integer,
    Table,
    Text,
    func,
    text,
)

from protime_etl.postgres.tables.metadata import BYTES, MOMENT, key, metadata

__all__ = ["delta_seen", "delta_unconfirmed", "deltas", "drift_candidates", "tombstones"]

deltas = Table(
    "deltas",
    metadata,
    key("tenant", Text(), "Tenant that is read."),
    key("collection", Text(), "Collection, of which one delta at most is alive."),
    Column("status", Text, nullable=False, comment="loading, active, expired (410), conflicted (409) or broken."),
    Column("date_from", Date, nullable=False, comment="First day that the delta covers."),
    Column("link", Text, comment="Where to resume: the next page of the initial load, or the deltaLink."),
    Column("previous_link", Text, comment="The link before it, to inspect when something is wrong."),
    Column("started_at", MOMENT, nullable=False, comment="When its initial load began."),
    Column("requested_at", MOMENT, comment="Last good request; 72 hours later the delta expires."),
    Column("changed_at", MOMENT, comment="Last request that brought a change."),
    Column("initial_rows", BigInteger, nullable=False, server_default=text("0"), comment="Records of the load."),
    Column("unreadable", Integer, nullable=False, server_default=text("0"), comment="Records of it without an id."),
    Column("error", Text, comment="What went wrong last, in one line; null when the last poll was good."),
    Column(
        "failures",
        Integer,
        nullable=False,
        server_default=text("0"),
        comment="Polls in a row whose answer could not be used; after a few the delta is broken.",
    ),
    Column(
        "outages",
        Integer,
        nullable=False,
        server_default=text("0"),
        comment="Polls in a row without an answer; after many, while other requests get one, the delta is broken.",
    ),
    Column(
        "loads",
        Integer,
        nullable=False,
        server_default=text("0"),
        comment="Initial loads begun since it was last active; after a few the next one waits for a day.",
    ),
    CheckConstraint("status IN ('loading', 'active', 'expired', 'conflicted', 'broken')", name="status"),
    schema="protime_etl",
    comment="How far each delta has been read; the link moves in the transaction that stores what it brought.",
)

delta_seen = Table(
    "delta_seen",
    metadata,
    key("tenant", Text(), "Tenant that is read."),
    key("collection", Text(), "Collection that is loaded."),
    key("id", BigInteger(), "Id of a record that came and left its row as it was."),
    schema="protime_etl",
    comment="During an initial load: rows that it has met. Those it never meets were deleted; empty otherwise.",
)

delta_unconfirmed = Table(
    "delta_unconfirmed",
    metadata,
    key("tenant", Text(), "Tenant that is read."),
    key("collection", Text(), "Collection of the record."),
    key("id", BigInteger(), "Id of the record, to be requested."),
    Column(
        "change_version",
        BYTES,
        nullable=False,
        comment="Of the deletion that the delta reported, or of the record that came; empty: no version.",
    ),
    Column(
        "reason",
        Text,
        nullable=False,
        comment="delta (reported as deleted), vanished (a load never met it), doubtful (it came, and may be gone) or"
        " older (it came with an older version than is stored).",
    ),
    Column(
        "withheld",
        Boolean,
        nullable=False,
        server_default=text("false"),
        comment="Too many at once: not deleted before that is accepted.",
    ),
    Column("found_at", MOMENT, nullable=False, server_default=func.now(), comment="When it was entered."),
    CheckConstraint("reason IN ('delta', 'vanished', 'doubtful', 'older')", name="reason"),
    schema="protime_etl",
    comment="Records to be confirmed by a request for their ids before anything is written; empty after most polls.",
)

tombstones = Table(
    "tombstones",
    metadata,
    key("tenant", Text(), "Tenant that reported the deletion."),
    key("collection", Text(), "Collection of the record."),
    key("id", BigInteger(), "Id of a record that was deleted before the table ever had it."),
    Column("change_version", BYTES, nullable=False, comment="Of the deletion: what is not newer stays out."),
    Column("deleted_at", MOMENT, nullable=False, server_default=func.now(), comment="When that was learnt."),
    schema="protime_etl",
    comment="Deleted records that have no row: a late reader may still bring them.",
)

drift_candidates = Table(
    "drift_candidates",
    metadata,
    key("tenant", Text(), "Tenant that was read."),
    key("collection", Text(), "Collection of the record."),
    key("id", BigInteger(), "Id of a record that a pull had to write although a delta is active."),
    Column("change_version", BYTES, nullable=False, comment="Version that the pull left."),
    Column("action", Text, nullable=False, comment="inserted, updated or deleted."),
    Column("found_at", MOMENT, nullable=False, comment="When the pull wrote it."),
    schema="protime_etl",
    comment="What pulls repaired; removed when the delta brings it too. The view protime.drift shows what is left.",
)
