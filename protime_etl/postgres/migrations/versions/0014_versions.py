"""Versions that went back: days that are wrong by them, records that a delta brought so, and how many were compared."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

KINDS = ("'failed', 'unreadable', 'withheld', 'differs'", "'failed', 'unreadable', 'withheld', 'differs', 'older'")
REASONS = ("'delta', 'vanished', 'doubtful'", "'delta', 'vanished', 'doubtful', 'older'")
COMMENTS = {
    ("wrong", "kind"): (
        "failed (a reading failed), unreadable (the API cannot answer), withheld (too many deletions) or differs (a comparison differed and nothing was repaired).",
        "failed (a reading failed), unreadable (the API cannot answer), withheld (too many deletions), differs (a comparison differed and nothing was repaired) or older (the tenant has older versions than were stored).",
    ),
    ("delta_unconfirmed", "reason"): (
        "delta (reported as deleted), vanished (a load never met it) or doubtful (it came, and may be gone).",
        "delta (reported as deleted), vanished (a load never met it), doubtful (it came, and may be gone) or older (it came with an older version than is stored).",
    ),
    ("delta_unconfirmed", "change_version"): (
        "Of the deletion that the delta told; empty: none.",
        "Of the deletion that the delta reported, or of the record that came; empty: no version.",
    ),
}


def upgrade() -> None:
    _change(0, 1)
    op.add_column(
        "verifications",
        sa.Column(
            "older",
            sa.BigInteger(),
            server_default=sa.text("0"),
            nullable=False,
            comment="Of missing and stale, those that the tenant has in an older version than was stored.",
        ),
        schema="protime_etl",
    )


def downgrade() -> None:
    op.drop_column("verifications", "older", schema="protime_etl")
    # What waits to be accepted waits as what differs: a reading of these days finds it again.
    op.execute("UPDATE protime_etl.wrong SET kind = 'differs' WHERE kind = 'older'")
    op.execute("DELETE FROM protime_etl.delta_unconfirmed WHERE reason = 'older'")
    _change(1, 0)


def _change(before: int, after: int) -> None:
    for table, column, values in (("wrong", "kind", KINDS), ("delta_unconfirmed", "reason", REASONS)):
        op.drop_constraint(op.f(f"ck_{table}_{column}"), table, schema="protime_etl", type_="check")
        op.create_check_constraint(
            op.f(f"ck_{table}_{column}"), table, f"{column} IN ({values[after]})", schema="protime_etl"
        )
    for (table, column), comments in COMMENTS.items():
        op.alter_column(
            table,
            column,
            comment=comments[after],
            existing_comment=comments[before],
            existing_nullable=False,
            schema="protime_etl",
        )
