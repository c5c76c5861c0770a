"""Acts on all that is held of a tenant, and plans that are due into the future."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

AHEAD = ("ahead", "Days that were not over when they were read, of a collection that holds plans: as of ahead_at.")
BEFORE = ("ahead_before", "The same of the readings before these, as of ahead_before_at.")


def upgrade() -> None:
    op.create_table(
        "acts",
        sa.Column("tenant", sa.Text(), autoincrement=False, nullable=False, comment="Tenant."),
        sa.Column("number", sa.BigInteger(), nullable=False, comment="Increases with each act."),
        sa.Column("what", sa.Text(), nullable=False, comment="What the last one did to the tenant, in words."),
        sa.Column("noted_at", sa.DateTime(timezone=True), nullable=False, comment="When that was noted."),
        sa.PrimaryKeyConstraint("tenant", name=op.f("pk_acts")),
        schema="protime_etl",
        comment="The last act on all that was held of a tenant, such as forget: a command that began before it ends.",
    )
    for (name, comment), when in ((AHEAD, "these"), (BEFORE, "those")):
        op.add_column(
            "coverage",
            sa.Column(
                name, postgresql.DATEMULTIRANGE(), server_default=sa.text("'{}'"), nullable=False, comment=comment
            ),
            schema="protime_etl",
        )
        op.add_column(
            "coverage",
            sa.Column(
                f"{name}_at",
                sa.DateTime(timezone=True),
                nullable=True,
                comment=f"When the first of {when} was read.",
            ),
            schema="protime_etl",
        )
    op.add_column(
        "promises",
        sa.Column(
            "planned_days",
            sa.Integer(),
            server_default=sa.text("0"),
            nullable=False,
            comment="How many days from today on are due, too, of a collection that holds plans; each night again.",
        ),
        schema="protime_etl",
    )


def downgrade() -> None:
    op.drop_column("promises", "planned_days", schema="protime_etl")
    for name in ("ahead_before_at", "ahead_before", "ahead_at", "ahead"):
        op.drop_column("coverage", name, schema="protime_etl")
    op.drop_table("acts", schema="protime_etl")
