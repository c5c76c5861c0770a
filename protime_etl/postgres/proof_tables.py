"""Tables of proofs: when which day was last proven equal, what differed, and what was compared and polled."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Date, Double, Identity, Index, Table, Text, text
from sqlalchemy.dialects.postgresql import INT8MULTIRANGE

from protime_etl.postgres.metadata import MOMENT, key, metadata

__all__ = ["delta_polls", "proof_differences", "proofs", "verifications"]


def _counts(**comments: str) -> list[Column[object]]:
    return [
        Column(name, BigInteger, nullable=False, server_default=text("0"), comment=comment)
        for name, comment in comments.items()
    ]


proofs = Table(
    "proofs",
    metadata,
    Column("proof_id", BigInteger, Identity(always=True), primary_key=True, comment="Number of the proof."),
    Column("tenant", Text, nullable=False, comment="Tenant that was read."),
    Column("collection", Text, nullable=False, comment="Collection that was read."),
    Column("date", Date, nullable=False, comment="Day that was read completely."),
    Column(
        "people",
        INT8MULTIRANGE,
        nullable=False,
        comment="Whose records of that day were looked at; (,) is everybody, whoever it may be.",
    ),
    Column("equal", Boolean, nullable=False, comment="Whether they were equal; false: not, or nobody can tell."),
    Column("proven_at", MOMENT, nullable=False, comment="When the reading began that looked at them."),
    Column("run_id", BigInteger, comment="Run whose units they are, so that they become one; null: a comparison."),
    Index(None, "tenant", "collection", "date"),
    schema="protime_etl",
    comment="When a complete reading last looked whether the table is equal to the tenant, by day and people.",
)

proof_differences = Table(
    "proof_differences",
    metadata,
    key("tenant", Text(), "Tenant that was compared."),
    key("collection", Text(), "Collection that was compared."),
    Column("date", Date, primary_key=True, comment="Day on which table and tenant differed."),
    Column("differences", BigInteger, nullable=False, comment="Records that differed, in all comparisons together."),
    Column("last_found_at", MOMENT, nullable=False, comment="When the last of them was found."),
    schema="protime_etl",
    comment="Days on which a comparison found what no reading had brought.",
)

verifications = Table(
    "verifications",
    metadata,
    Column("verification_id", BigInteger, Identity(always=True), primary_key=True, comment="Number of the comparison."),
    Column("tenant", Text, nullable=False, comment="Tenant that was compared."),
    Column("collection", Text, nullable=False, comment="Collection that was compared."),
    Column("origin", Text, nullable=False, comment="Who asked: cli, or the Airflow DAG and run."),
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
        pending="Of missing, extra and stale, those newer than the last reading.",
        rejected="Records that could not be understood.",
        unlisted="People with records whom no list names.",
        unreadable="Persons and days that the API cannot tell.",
    ),
    Index(None, "tenant", "collection", "finished_at"),
    schema="protime_etl",
    comment="Comparisons of table and tenant of the last year.",
)

delta_polls = Table(
    "delta_polls",
    metadata,
    Column("poll_id", BigInteger, Identity(always=True), primary_key=True, comment="Number of the turn."),
    Column("tenant", Text, nullable=False, comment="Tenant that was asked."),
    Column("collection", Text, nullable=False, comment="Collection of the delta."),
    Column("finished_at", MOMENT, nullable=False, comment="When it ended."),
    Column("seconds", Double, nullable=False, comment="How long it took, waits included."),
    Column("initial", Boolean, nullable=False, comment="Whether it loaded everything."),
    Column("withheld", Boolean, nullable=False, comment="Whether too many deletions at once were held back."),
    Column("error", Text, comment="What went wrong, in one line; null when it was good."),
    *_counts(
        requests="API requests sent.",
        rows_read="Records told.",
        inserted="Rows that are new.",
        updated="Rows that changed.",
        deleted="Rows that are deleted now and were not before.",
    ),
    Index(None, "tenant", "collection", "finished_at"),
    schema="protime_etl",
    comment="Turns of the deltas of the last year.",
)
