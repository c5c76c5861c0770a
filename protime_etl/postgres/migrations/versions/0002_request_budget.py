"""request budget."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "pauses",
        sa.Column(
            "next_turn",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="When the next request may be sent, if there is a budget of requests.",
        ),
        schema="protime_etl",
    )
    op.create_table_comment(
        "pauses",
        "Retry-After and the budget of requests, shared by all processes.",
        existing_comment="Retry-After, shared by all processes.",
        schema="protime_etl",
    )


def downgrade() -> None:
    op.create_table_comment(
        "pauses",
        "Retry-After, shared by all processes.",
        existing_comment="Retry-After and the budget of requests, shared by all processes.",
        schema="protime_etl",
    )
    op.drop_column("pauses", "next_turn", schema="protime_etl")
