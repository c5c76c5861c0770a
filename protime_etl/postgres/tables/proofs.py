"""Tables of proofs: when which day was last compared, what differed, comparisons and polls."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Date, Double, Identity, Index, Table, Text, text

from protime_etl.postgres.tables.metadata import MOMENT, key, metadata, started_by_columns

__all__ = ["delta_polls", "proof_days", "verifications"]


def _counts(**comments: str) -> list[Column[object]]:
    return [
        Column(name, BigInteger, nullable=False, server_default=text("0"), comment=comment)
        for name, comment in comments.items()
    ]


proof_days = Table(
    "proof_days",
    metadata,
    key("tenant", Text(), "Tenant that was compared."),
    key("collection", Text(), "Collection that was compared."),
    Column("date", Date, primary_key=True, comment="Day."),
    Column("proven_at", MOMENT, comment="When the last reading of all people's records of the day began."),
    Column("rest_at", MOMENT, comment="When the records that were not equal then were last compared again."),
    Column(
        "part_since",
        MOMENT,
        comment="When a comparison in parts began that is not complete; null: no comparison in parts.",
    ),
    Column("part_until", BigInteger, comment="Last person of it that was compared."),
    Column(
        "differences",
        BigInteger,
        nullable=False,
        server_default=text("0"),
        comment="Records that differed, in all comparisons together.",
    ),
    Column("last_found_at", MOMENT, comment="When the last of them was found."),
    schema="protime_etl",
    comment="The book, by day: when all of it was last compared, and what ever differed.",
)

verifications = Table(
    "verifications",
    metadata,
    Column("verification_id", BigInteger, Identity(always=True), primary_key=True, comment="Number of the comparison."),
    Column("tenant", Text, nullable=False, comment="Tenant that was compared."),
    Column("collection", Text, nullable=False, comment="Collection that was compared."),
    *started_by_columns(),
    Column("date_from", Date, comment="First day; null for a collection without days."),
    Column("date_to", Date, comment="Last day; null for a collection without days."),
    Column("finished_at", MOMENT, nullable=False, comment="When it ended."),
    *_counts(
        requests="API requests sent.",
        units="Slices that were compared.",
        equal="Records that were equal.",
        missing="Records that the tenant has and the table had not.",
        extra="Records that the table had and the tenant has not.",
        stale="Records that both have, with another content.",
        moving="Records that changed while they were compared.",
        older="Of missing and stale, those that the tenant has in an older version than was stored.",
        pending="Of missing, extra and stale, those newer than the last reading.",
        rejected="Records that could not be understood.",
        unlisted="People with records whom no list names.",
        unreadable="Persons and days for which the API returned an error.",
    ),
    Index(None, "tenant", "collection", "finished_at"),
    schema="protime_etl",
    comment="Comparisons of table and tenant of the last year.",
)

delta_polls = Table(
    "delta_polls",
    metadata,
    Column("poll_id", BigInteger, Identity(always=True), primary_key=True, comment="Number of the poll."),
    Column("tenant", Text, nullable=False, comment="Tenant that was polled."),
    Column("collection", Text, nullable=False, comment="Collection of the delta."),
    Column("finished_at", MOMENT, nullable=False, comment="When it ended."),
    Column("seconds", Double, nullable=False, comment="How long it took, waits included."),
    Column("initial", Boolean, nullable=False, comment="Whether it loaded everything."),
    Column("withheld", Boolean, nullable=False, comment="Whether too many deletions at once were held back."),
    Column("error", Text, comment="What went wrong, in one line; null when it was good."),
    *_counts(
        requests="API requests sent.",
        rows_read="Records reported.",
        inserted="Rows that are new.",
        updated="Rows that changed.",
        deleted="Rows that are deleted now and were not before.",
    ),
    Index(None, "tenant", "collection", "finished_at"),
    schema="protime_etl",
    comment="Polls of the deltas of the last year.",
)
