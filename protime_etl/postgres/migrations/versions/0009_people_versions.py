"""people versions: what was known of people before it changed."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "people_versions",
        sa.Column("tenant", sa.Text(), nullable=False, comment="Tenant: sub-domain of the myProtime URL."),
        sa.Column("id", sa.BigInteger(), nullable=False, comment="Protime's internal id of the person."),
        sa.Column(
            "change_version", sa.Text(collation="C"), nullable=False, comment="Order of changes, compared as bytes."
        ),
        sa.Column("last_name", sa.Text(), nullable=True, comment="Last name."),
        sa.Column("first_name", sa.Text(), nullable=True, comment="First name."),
        sa.Column("employee_number", sa.Text(), nullable=True, comment="Employee number, the employer's own key."),
        sa.Column("badge_number", sa.Text(), nullable=True, comment="Badge number now."),
        sa.Column("in_service_date", sa.Date(), nullable=True, comment="First day in service."),
        sa.Column(
            "out_of_service_date", sa.Date(), nullable=True, comment="Last day in service; null while in service."
        ),
        sa.Column(
            "period_closing_date", sa.Date(), nullable=True, comment="Day up to which the person's calendar is closed."
        ),
        sa.Column("pay_group", sa.Text(), nullable=True, comment="Pay group."),
        sa.Column(
            "wtd_start_date", sa.Date(), nullable=True, comment="First day of the working time directive's period."
        ),
        sa.Column(
            "extra",
            postgresql.JSONB(none_as_null=True, astext_type=sa.Text()),
            nullable=True,
            comment="Always null: unknown fields of people are not kept.",
        ),
        sa.Column(
            "deleted_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="When it was learnt that the record is deleted in Protime; null while it is not.",
        ),
        sa.Column(
            "deleted_by",
            sa.Text(),
            nullable=True,
            comment="How that was learnt: status (Protime says Deleted), vanished (a complete pull lacks it), delta.",
        ),
        sa.Column(
            "valid_from",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="When this version was written to protime.people.",
        ),
        sa.Column(
            "valid_to",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="When another version replaced it; no longer valid from then on.",
        ),
        sa.PrimaryKeyConstraint("tenant", "id", "valid_from", name=op.f("pk_people_versions")),
        schema="protime",
        comment="What the rows of protime.people were before they changed; see the function people_as_of.",
    )


def downgrade() -> None:
    # Made after the migrations, as for each collection that keeps versions.
    op.execute("DROP TRIGGER IF EXISTS keep_versions ON protime.people")
    op.execute("DROP TRIGGER IF EXISTS written_later ON protime.people")
    op.execute("DROP FUNCTION IF EXISTS protime.people_as_of(timestamptz)")
    op.execute("DROP FUNCTION IF EXISTS protime_etl.keep_people_versions()")
    op.drop_table("people_versions", schema="protime")
