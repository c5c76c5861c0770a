"""room in coverage: each unit writes a new version of each person's row, beside the old one if there is room."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE protime_etl.coverage SET (fillfactor = 50)")


def downgrade() -> None:
    op.execute("ALTER TABLE protime_etl.coverage RESET (fillfactor)")
