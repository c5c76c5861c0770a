"""When which day was last proven equal, what differed, comparisons and turns of a year."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "delta_polls",
        sa.Column("poll_id", sa.BigInteger(), sa.Identity(always=True), nullable=False, comment="Number of the poll."),
        sa.Column("tenant", sa.Text(), nullable=False, comment="Tenant that was polled."),
        sa.Column("collection", sa.Text(), nullable=False, comment="Collection of the delta."),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=False, comment="When it ended."),
        sa.Column("seconds", sa.Double(), nullable=False, comment="How long it took, waits included."),
        sa.Column("initial", sa.Boolean(), nullable=False, comment="Whether it loaded everything."),
        sa.Column(
            "withheld", sa.Boolean(), nullable=False, comment="Whether too many deletions at once were held back."
        ),
        sa.Column("error", sa.Text(), nullable=True, comment="What went wrong, in one line; null when it was good."),
        sa.Column(
            "requests", sa.BigInteger(), server_default=sa.text("0"), nullable=False, comment="API requests sent."
        ),
        sa.Column(
            "rows_read", sa.BigInteger(), server_default=sa.text("0"), nullable=False, comment="Records reported."
        ),
        sa.Column(
            "inserted", sa.BigInteger(), server_default=sa.text("0"), nullable=False, comment="Rows that are new."
        ),
        sa.Column(
            "updated", sa.BigInteger(), server_default=sa.text("0"), nullable=False, comment="Rows that changed."
        ),
        sa.Column(
            "deleted",
            sa.BigInteger(),
            server_default=sa.text("0"),
            nullable=False,
            comment="Rows that are deleted now and were not before.",
        ),
        sa.PrimaryKeyConstraint("poll_id", name=op.f("pk_delta_polls")),
        schema="protime_etl",
        comment="Polls of the deltas of the last year.",
    )
    op.create_index(
        op.f("ix_delta_polls_tenant_collection_finished_at"),
        "delta_polls",
        ["tenant", "collection", "finished_at"],
        unique=False,
        schema="protime_etl",
    )
    op.create_table(
        "proof_differences",
        sa.Column("tenant", sa.Text(), autoincrement=False, nullable=False, comment="Tenant that was compared."),
        sa.Column(
            "collection", sa.Text(), autoincrement=False, nullable=False, comment="Collection that was compared."
        ),
        sa.Column("date", sa.Date(), nullable=False, comment="Day on which table and tenant differed."),
        sa.Column(
            "differences",
            sa.BigInteger(),
            nullable=False,
            comment="Records that differed, in all comparisons together.",
        ),
        sa.Column(
            "last_found_at", sa.DateTime(timezone=True), nullable=False, comment="When the last of them was found."
        ),
        sa.PrimaryKeyConstraint("tenant", "collection", "date", name=op.f("pk_proof_differences")),
        schema="protime_etl",
        comment="Days on which a comparison found what no reading had brought.",
    )
    op.create_table(
        "proofs",
        sa.Column(
            "proof_id", sa.BigInteger(), sa.Identity(always=True), nullable=False, comment="Number of the proof."
        ),
        sa.Column("tenant", sa.Text(), nullable=False, comment="Tenant that was read."),
        sa.Column("collection", sa.Text(), nullable=False, comment="Collection that was read."),
        sa.Column("date", sa.Date(), nullable=False, comment="Day that was read completely."),
        sa.Column(
            "people",
            postgresql.INT8MULTIRANGE(),
            nullable=False,
            comment="Whose records of that day were looked at; (,) is everybody, whoever it may be.",
        ),
        sa.Column(
            "equal", sa.Boolean(), nullable=False, comment="Whether they were equal; false: not, or nobody can tell."
        ),
        sa.Column(
            "proven_at",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="When the reading began that looked at them.",
        ),
        sa.Column(
            "run_id",
            sa.BigInteger(),
            nullable=True,
            comment="Run whose units they are, so that they become one; null: a comparison.",
        ),
        sa.PrimaryKeyConstraint("proof_id", name=op.f("pk_proofs")),
        schema="protime_etl",
        comment="When a complete reading last looked whether the table is equal to the tenant, by day and people.",
    )
    op.create_index(
        op.f("ix_proofs_tenant_collection_date"),
        "proofs",
        ["tenant", "collection", "date"],
        unique=False,
        schema="protime_etl",
    )
    op.create_table(
        "verifications",
        sa.Column(
            "verification_id",
            sa.BigInteger(),
            sa.Identity(always=True),
            nullable=False,
            comment="Number of the comparison.",
        ),
        sa.Column("tenant", sa.Text(), nullable=False, comment="Tenant that was compared."),
        sa.Column("collection", sa.Text(), nullable=False, comment="Collection that was compared."),
        sa.Column("origin", sa.Text(), nullable=False, comment="Origin: cli, or the Airflow DAG and run."),
        sa.Column("date_from", sa.Date(), nullable=True, comment="First day; null for a collection without days."),
        sa.Column("date_to", sa.Date(), nullable=True, comment="Last day; null for a collection without days."),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=False, comment="When it ended."),
        sa.Column(
            "requests", sa.BigInteger(), server_default=sa.text("0"), nullable=False, comment="API requests sent."
        ),
        sa.Column(
            "units", sa.BigInteger(), server_default=sa.text("0"), nullable=False, comment="Slices that were compared."
        ),
        sa.Column(
            "equal", sa.BigInteger(), server_default=sa.text("0"), nullable=False, comment="Records that were equal."
        ),
        sa.Column(
            "missing",
            sa.BigInteger(),
            server_default=sa.text("0"),
            nullable=False,
            comment="Records that the tenant has and the table had not.",
        ),
        sa.Column(
            "extra",
            sa.BigInteger(),
            server_default=sa.text("0"),
            nullable=False,
            comment="Records that the table had and the tenant has not.",
        ),
        sa.Column(
            "stale",
            sa.BigInteger(),
            server_default=sa.text("0"),
            nullable=False,
            comment="Records that both have, with another content.",
        ),
        sa.Column(
            "moving",
            sa.BigInteger(),
            server_default=sa.text("0"),
            nullable=False,
            comment="Records that changed while they were compared.",
        ),
        sa.Column(
            "pending",
            sa.BigInteger(),
            server_default=sa.text("0"),
            nullable=False,
            comment="Of missing, extra and stale, those newer than the last reading.",
        ),
        sa.Column(
            "rejected",
            sa.BigInteger(),
            server_default=sa.text("0"),
            nullable=False,
            comment="Records that could not be understood.",
        ),
        sa.Column(
            "unlisted",
            sa.BigInteger(),
            server_default=sa.text("0"),
            nullable=False,
            comment="People with records whom no list names.",
        ),
        sa.Column(
            "unreadable",
            sa.BigInteger(),
            server_default=sa.text("0"),
            nullable=False,
            comment="Persons and days for which the API returned an error.",
        ),
        sa.PrimaryKeyConstraint("verification_id", name=op.f("pk_verifications")),
        schema="protime_etl",
        comment="Comparisons of table and tenant of the last year.",
    )
    op.create_index(
        op.f("ix_verifications_tenant_collection_finished_at"),
        "verifications",
        ["tenant", "collection", "finished_at"],
        unique=False,
        schema="protime_etl",
    )
    op.add_column(
        "units",
        sa.Column(
            "changed_days",
            sa.ARRAY(sa.Date()),
            nullable=True,
            comment="Days on which something differed; null: too many, or not known.",
        ),
        schema="protime_etl",
    )


def downgrade() -> None:
    op.drop_column("units", "changed_days", schema="protime_etl")
    op.drop_index(
        op.f("ix_verifications_tenant_collection_finished_at"), table_name="verifications", schema="protime_etl"
    )
    op.drop_table("verifications", schema="protime_etl")
    op.drop_index(op.f("ix_proofs_tenant_collection_date"), table_name="proofs", schema="protime_etl")
    op.drop_table("proofs", schema="protime_etl")
    op.drop_table("proof_differences", schema="protime_etl")
    op.drop_index(op.f("ix_delta_polls_tenant_collection_finished_at"), table_name="delta_polls", schema="protime_etl")
    op.drop_table("delta_polls", schema="protime_etl")
    op.execute("DROP FUNCTION IF EXISTS protime.delta_polls_as_of(timestamptz)")
    op.execute("DROP FUNCTION IF EXISTS protime_etl.keep_delta_polls_versions()")
    op.execute("DROP FUNCTION IF EXISTS protime.proof_differences_as_of(timestamptz)")
    op.execute("DROP FUNCTION IF EXISTS protime_etl.keep_proof_differences_versions()")
    op.execute("DROP FUNCTION IF EXISTS protime.proofs_as_of(timestamptz)")
    op.execute("DROP FUNCTION IF EXISTS protime_etl.keep_proofs_versions()")
    op.execute("DROP FUNCTION IF EXISTS protime.verifications_as_of(timestamptz)")
    op.execute("DROP FUNCTION IF EXISTS protime_etl.keep_verifications_versions()")
