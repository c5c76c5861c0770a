"""On which days something was written, and which asset's event has told it."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "written_days",
        sa.Column("note_id", sa.BigInteger(), sa.Identity(always=True), nullable=False, comment="Number of the note."),
        sa.Column("tenant", sa.Text(), nullable=False, comment="Tenant of the rows."),
        sa.Column("by_delta", sa.Boolean(), nullable=False, comment="Whether the delta brought them."),
        sa.Column("days", sa.ARRAY(sa.Date()), nullable=False, comment="Days on which something was written."),
        sa.Column("all_days", sa.Boolean(), nullable=False, comment="Whether these are all."),
        sa.Column(
            "written_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
            comment="When it was written.",
        ),
        sa.PrimaryKeyConstraint("note_id", name=op.f("pk_written_days")),
        schema="protime_etl",
        comment="On which days something was written in the last year, for the events of assets.",
    )
    op.create_index(op.f("ix_written_days_tenant"), "written_days", ["tenant"], unique=False, schema="protime_etl")
    op.create_table(
        "told_days",
        sa.Column("note_id", sa.BigInteger(), nullable=False, comment="Note that is reported."),
        sa.Column(
            "asset", sa.Text(), autoincrement=False, nullable=False, comment="Name of the asset whose event reports it."
        ),
        sa.Column(
            "task",
            sa.Text(),
            nullable=False,
            comment="Task that sends the event; a further try of it reports the same.",
        ),
        sa.Column(
            "told_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
            comment="When the task took it.",
        ),
        sa.ForeignKeyConstraint(
            ["note_id"], ["protime_etl.written_days.note_id"], name=op.f("fk_told_days_note_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("note_id", "asset", name=op.f("pk_told_days")),
        schema="protime_etl",
        comment="Which asset's event has reported what was written.",
    )
    op.create_index(op.f("ix_told_days_asset_task"), "told_days", ["asset", "task"], unique=False, schema="protime_etl")
    # What runs that are not done have written was to be told when they are.
    op.execute(
        """
        INSERT INTO protime_etl.written_days (tenant, by_delta, days, all_days, written_at)
        SELECT r.tenant, false, coalesce(
            u.changed_days, ARRAY(SELECT u.date_from + n FROM generate_series(0, u.date_to - u.date_from) AS n)
        ), u.changed_days IS NOT NULL, u.finished_at
        FROM protime_etl.units AS u JOIN protime_etl.runs AS r USING (run_id)
        WHERE r.status <> 'done' AND u.inserted + u.updated + u.deleted > 0
            AND u.finished_at > clock_timestamp() - interval '1 year'
        """
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
    op.drop_index(op.f("ix_told_days_asset_task"), table_name="told_days", schema="protime_etl")
    op.drop_table("told_days", schema="protime_etl")
    op.drop_index(op.f("ix_written_days_tenant"), table_name="written_days", schema="protime_etl")
    op.drop_table("written_days", schema="protime_etl")
