"""On which days something was written that no asset event has told yet."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "untold_days",
        sa.Column("note_id", sa.BigInteger(), sa.Identity(always=True), nullable=False, comment="Number of the note."),
        sa.Column("tenant", sa.Text(), nullable=False, comment="Tenant of the rows."),
        sa.Column("collection", sa.Text(), nullable=False, comment="Collection of the rows."),
        sa.Column(
            "asset", sa.Text(), nullable=False, comment="Whose event is to tell it: that of the table or of the delta."
        ),
        sa.Column("run_id", sa.BigInteger(), nullable=True, comment="Run that wrote it; null: the delta did."),
        sa.Column("days", sa.ARRAY(sa.Date()), nullable=False, comment="Days on which something was written."),
        sa.Column("all_days", sa.Boolean(), nullable=False, comment="Whether these are all."),
        sa.Column(
            "written_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
            comment="When it was written.",
        ),
        sa.Column("told_in", sa.Text(), nullable=True, comment="Task whose asset event tells it; null: none has."),
        sa.Column(
            "told_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="When that task took it; a week later it is forgotten.",
        ),
        sa.CheckConstraint("asset IN ('table', 'delta')", name=op.f("ck_untold_days_asset")),
        sa.PrimaryKeyConstraint("note_id", name=op.f("pk_untold_days")),
        schema="protime_etl",
        comment="On which days something was written, until an asset event has told it; for a year at most.",
    )
    op.create_index(
        op.f("ix_untold_days_tenant_told_in"), "untold_days", ["tenant", "told_in"], unique=False, schema="protime_etl"
    )
    op.drop_column("units", "changed_days", schema="protime_etl")


def downgrade() -> None:
    op.add_column(
        "units",
        sa.Column(
            "changed_days",
            postgresql.ARRAY(sa.DATE()),
            autoincrement=False,
            nullable=True,
            comment="Days on which something differed; null: too many, or not known.",
        ),
        schema="protime_etl",
    )
    op.drop_index(op.f("ix_untold_days_tenant_told_in"), table_name="untold_days", schema="protime_etl")
    op.drop_table("untold_days", schema="protime_etl")
