"""what other servers, tenants and histories need: keys, the identity of a source, units that are cut."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "pauses",
        sa.Column(
            "asked_until",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="Until when the API asked to wait: later than until, where that was cut.",
        ),
        schema="protime_etl",
    )


def downgrade() -> None:
    op.drop_column("pauses", "asked_until", schema="protime_etl")
