"""A tenant's time zone is one: every view and the page calculate with it."""

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

CHECK = "timezone ~ '^([A-Za-z_]+/[A-Za-z0-9_/+-]+|UTC)$' AND (timestamptz 'epoch' AT TIME ZONE timezone) IS NOT NULL"


def upgrade() -> None:
    op.create_check_constraint(op.f("ck_tenants_timezone"), "tenants", CHECK, schema="protime_etl")


def downgrade() -> None:
    op.drop_constraint(op.f("ck_tenants_timezone"), "tenants", schema="protime_etl", type_="check")
