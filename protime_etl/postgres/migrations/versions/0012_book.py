"""The book: what was asked for, what is read, proven and known to be wrong."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "promises",
        sa.Column("tenant", sa.Text(), autoincrement=False, nullable=False, comment="Tenant."),
        sa.Column("collection", sa.Text(), autoincrement=False, nullable=False, comment="Collection."),
        sa.Column(
            "by_people",
            sa.Boolean(),
            nullable=False,
            comment="Whether it is read by people, or by days for all people.",
        ),
        sa.Column(
            "dates", postgresql.DATEMULTIRANGE(), nullable=False, comment="Days that runs for all people requested."
        ),
        sa.Column(
            "follows_from",
            sa.Date(),
            nullable=True,
            comment="From this day on each day that ends is due, too; null: no run was for all.",
        ),
        sa.PrimaryKeyConstraint("tenant", "collection", name=op.f("pk_promises")),
        schema="protime_etl",
        comment="What is read, and which days of it were requested for all people; days that are not read are missing.",
    )
    op.create_table(
        "proof_days",
        sa.Column("tenant", sa.Text(), autoincrement=False, nullable=False, comment="Tenant that was compared."),
        sa.Column(
            "collection", sa.Text(), autoincrement=False, nullable=False, comment="Collection that was compared."
        ),
        sa.Column("date", sa.Date(), nullable=False, comment="Day."),
        sa.Column(
            "proven_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="When the last reading of all people's records of the day began.",
        ),
        sa.Column(
            "rest_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="When the records that were not equal then were last compared again.",
        ),
        sa.Column(
            "part_since",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="When a comparison in parts began that is not complete; null: no comparison in parts.",
        ),
        sa.Column("part_until", sa.BigInteger(), nullable=True, comment="Last person of it that was compared."),
        sa.Column(
            "differences",
            sa.BigInteger(),
            server_default=sa.text("0"),
            nullable=False,
            comment="Records that differed, in all comparisons together.",
        ),
        sa.Column(
            "last_found_at", sa.DateTime(timezone=True), nullable=True, comment="When the last of them was found."
        ),
        sa.PrimaryKeyConstraint("tenant", "collection", "date", name=op.f("pk_proof_days")),
        schema="protime_etl",
        comment="The book, by day: when all of it was last compared, and what ever differed.",
    )
    op.create_table(
        "wrong",
        sa.Column(
            "wrong_id", sa.BigInteger(), sa.Identity(always=True), nullable=False, comment="Number of the entry."
        ),
        sa.Column("tenant", sa.Text(), nullable=False, comment="Tenant."),
        sa.Column("collection", sa.Text(), nullable=False, comment="Collection."),
        sa.Column("people", postgresql.INT8MULTIRANGE(), nullable=False, comment="Whose days; (,) is all people."),
        sa.Column(
            "dates", postgresql.DATEMULTIRANGE(), nullable=False, comment="Days; (,) is a list that is read whole."
        ),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False, comment="When that was found."),
        sa.Column(
            "kind",
            sa.Text(),
            nullable=False,
            comment="failed (a reading failed), unreadable (the API cannot answer), withheld (too many deletions) or differs (a comparison differed and nothing was repaired).",
        ),
        sa.Column("why", sa.Text(), nullable=False, comment="The reason, in one line."),
        sa.Column("run_id", sa.BigInteger(), nullable=True, comment="Run that failed; null: a comparison or a list."),
        sa.CheckConstraint("kind IN ('failed', 'unreadable', 'withheld', 'differs')", name=op.f("ck_wrong_kind")),
        sa.PrimaryKeyConstraint("wrong_id", name=op.f("pk_wrong")),
        schema="protime_etl",
        comment="The book: days of people that are known not to be as the tenant has them, until a complete reading or a comparison finds them right.",
    )
    op.create_index(
        op.f("ix_wrong_tenant_collection"), "wrong", ["tenant", "collection"], unique=False, schema="protime_etl"
    )
    # What runs for all people asked for before; from now on it is entered when they are planned.
    op.execute("""
        INSERT INTO protime_etl.promises (tenant, collection, by_people, dates, follows_from)
        SELECT tenant, collection, collection NOT IN ('access-clockings', 'assignments'),
            range_agg(daterange(date_from, date_to, '[]')), min(CAST(started_at AS date))
        FROM protime_etl.runs, unnest(collections) AS collection
        WHERE person_ids IS NULL AND circles IS NULL AND origin !~ ' (repair|unlisted)$'
        GROUP BY tenant, collection
    """)
    op.execute("DROP VIEW IF EXISTS protime.proof")
    op.execute("DROP AGGREGATE IF EXISTS protime_etl.union_of(int8multirange)")
    op.drop_index(op.f("ix_proofs_tenant_collection_date"), table_name="proofs", schema="protime_etl")
    op.drop_table("proofs", schema="protime_etl")
    op.drop_table("proof_differences", schema="protime_etl")
    op.add_column(
        "coverage",
        sa.Column(
            "proven",
            postgresql.DATEMULTIRANGE(),
            server_default=sa.text("'{}'"),
            nullable=False,
            comment="Days of which the last complete reading found nothing to change, and that were not written since.",
        ),
        schema="protime_etl",
    )
    op.add_column(
        "coverage",
        sa.Column(
            "written_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="When a record of the person was last written: a comparison that began before proves nothing.",
        ),
        schema="protime_etl",
    )
    op.alter_column(
        "coverage",
        "person_id",
        existing_type=sa.BIGINT(),
        comment="Protime's internal id of the person; -1: all people where the collection is read by days, and otherwise people who have no row yet.",
        existing_comment="Protime's internal id of the person.",
        existing_nullable=False,
        schema="protime_etl",
    )
    op.alter_column(
        "coverage",
        "dates",
        existing_type=postgresql.DATEMULTIRANGE(),
        comment="Days that were completely read after they were over.",
        existing_comment="Days that were completely pulled for the person.",
        existing_nullable=False,
        schema="protime_etl",
    )
    op.create_table_comment(
        "coverage",
        "The book: which days of which person were completely read, and which are proven equal to the tenant.",
        existing_comment="Which days have been completely pulled for which person.",
        schema="protime_etl",
    )
    op.add_column(
        "units",
        sa.Column(
            "vanished",
            sa.BigInteger(),
            server_default=sa.text("0"),
            nullable=False,
            comment="Of those deleted, rows that a complete reading lacked.",
        ),
        schema="protime_etl",
    )
    op.add_column(
        "rejected_record",
        sa.Column("person_id", sa.BigInteger(), nullable=True, comment="Its person, when that could be read."),
        schema="protime_etl",
    )
    op.add_column(
        "rejected_record",
        sa.Column("date", sa.Date(), nullable=True, comment="Its day, when that could be read."),
        schema="protime_etl",
    )


def downgrade() -> None:
    for view in ("proof", "coverage"):
        op.execute(f"DROP VIEW IF EXISTS protime.{view}")
    op.execute("DROP VIEW IF EXISTS protime_etl.book")
    op.drop_column("units", "vanished", schema="protime_etl")
    op.drop_column("rejected_record", "date", schema="protime_etl")
    op.drop_column("rejected_record", "person_id", schema="protime_etl")
    op.create_table_comment(
        "coverage",
        "Which days have been completely pulled for which person.",
        existing_comment="The book: which days of which person were completely read, and which are proven equal to the tenant.",
        schema="protime_etl",
    )
    op.alter_column(
        "coverage",
        "dates",
        existing_type=postgresql.DATEMULTIRANGE(),
        comment="Days that were completely pulled for the person.",
        existing_comment="Days that were completely read after they were over.",
        existing_nullable=False,
        schema="protime_etl",
    )
    op.alter_column(
        "coverage",
        "person_id",
        existing_type=sa.BIGINT(),
        comment="Protime's internal id of the person.",
        existing_comment="Protime's internal id of the person; -1: all people where the collection is read by days, and otherwise people who have no row yet.",
        existing_nullable=False,
        schema="protime_etl",
    )
    op.drop_column("coverage", "written_at", schema="protime_etl")
    op.drop_column("coverage", "proven", schema="protime_etl")
    op.create_table(
        "proof_differences",
        sa.Column("tenant", sa.TEXT(), autoincrement=False, nullable=False, comment="Tenant that was compared."),
        sa.Column(
            "collection", sa.TEXT(), autoincrement=False, nullable=False, comment="Collection that was compared."
        ),
        sa.Column(
            "date", sa.DATE(), autoincrement=False, nullable=False, comment="Day on which table and tenant differed."
        ),
        sa.Column(
            "differences",
            sa.BIGINT(),
            autoincrement=False,
            nullable=False,
            comment="Records that differed, in all comparisons together.",
        ),
        sa.Column(
            "last_found_at",
            postgresql.TIMESTAMP(timezone=True),
            autoincrement=False,
            nullable=False,
            comment="When the last of them was found.",
        ),
        sa.PrimaryKeyConstraint("tenant", "collection", "date", name=op.f("pk_proof_differences")),
        schema="protime_etl",
        comment="Days on which a comparison found what no reading had brought.",
    )
    op.create_table(
        "proofs",
        sa.Column(
            "proof_id",
            sa.BIGINT(),
            sa.Identity(
                always=True, start=1, increment=1, minvalue=1, maxvalue=9223372036854775807, cycle=False, cache=1
            ),
            autoincrement=True,
            nullable=False,
            comment="Number of the proof.",
        ),
        sa.Column("tenant", sa.TEXT(), autoincrement=False, nullable=False, comment="Tenant that was read."),
        sa.Column("collection", sa.TEXT(), autoincrement=False, nullable=False, comment="Collection that was read."),
        sa.Column("date", sa.DATE(), autoincrement=False, nullable=False, comment="Day that was read completely."),
        sa.Column(
            "people",
            postgresql.INT8MULTIRANGE(),
            autoincrement=False,
            nullable=False,
            comment="Whose records of that day were looked at; (,) is everybody, whoever it may be.",
        ),
        sa.Column(
            "equal",
            sa.BOOLEAN(),
            autoincrement=False,
            nullable=False,
            comment="Whether they were equal; false: not, or nobody can tell.",
        ),
        sa.Column(
            "proven_at",
            postgresql.TIMESTAMP(timezone=True),
            autoincrement=False,
            nullable=False,
            comment="When the reading began that looked at them.",
        ),
        sa.Column(
            "run_id",
            sa.BIGINT(),
            autoincrement=False,
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
    op.drop_index(op.f("ix_wrong_tenant_collection"), table_name="wrong", schema="protime_etl")
    op.drop_table("wrong", schema="protime_etl")
    op.drop_table("proof_days", schema="protime_etl")
    op.drop_table("promises", schema="protime_etl")
