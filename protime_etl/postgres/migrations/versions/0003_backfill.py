"""backfill."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table, column in (
        (
            "tenants",
            sa.Column(
                "page_size",
                sa.Integer(),
                nullable=True,
                comment="The most clockings that ever came in one answer; null before the first.",
            ),
        ),
        (
            "runs",
            sa.Column(
                "person_ids",
                sa.ARRAY(sa.BigInteger()),
                nullable=True,
                comment="People requested; null: all that were known.",
            ),
        ),
        (
            "runs",
            sa.Column(
                "circles",
                sa.ARRAY(sa.BigInteger()),
                nullable=True,
                comment="Circles requested instead of people; null: none.",
            ),
        ),
        (
            "runs",
            sa.Column(
                "only_missing",
                sa.Boolean(),
                server_default=sa.text("false"),
                nullable=False,
                comment="Only what had not been covered was requested.",
            ),
        ),
        (
            "units",
            sa.Column(
                "circles",
                sa.ARRAY(sa.BigInteger()),
                nullable=True,
                comment="Circles that the URI names instead; who is in them is not known, so nothing is covered.",
            ),
        ),
        (
            "units",
            sa.Column("seconds", sa.Double(), nullable=True, comment="How long it took, waits included."),
        ),
    ):
        op.add_column(table, column, schema="protime_etl")


def downgrade() -> None:
    for table, column in (
        ("units", "seconds"),
        ("units", "circles"),
        ("runs", "only_missing"),
        ("runs", "circles"),
        ("runs", "person_ids"),
        ("tenants", "page_size"),
    ):
        op.drop_column(table, column, schema="protime_etl")
