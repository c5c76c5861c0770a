"""what other servers, tenants and histories need: keys, the identity of a source, units that are cut."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

DELTA_COUNTERS = {
    "failures": "Polls in a row whose answer could not be used; after a few the delta is broken.",
    "outages": "Polls in a row without an answer; after many, while other requests get one, the delta is broken.",
    "loads": "Initial loads begun since it was last active; after a few the next one waits for a day.",
}
SOURCE = {
    "environment": "production or sandbox, where its rows come from; null: set by the next read.",
    "api_host": "Host of the API that its rows come from; null: set by the next read.",
}
KEYS = [
    ("protime", "clocking_versions", ["tenant", "id", "valid_from"]),
    ("protime_etl", "delta_seen", ["tenant", "collection", "id"]),
]
DELTA_STATUS = "loading, active, expired (410){} conflicted (409){}."


# What clockings_as_of gives: the columns of protime.clockings as they are now, whatever a user adds to that table.
CLOCKING = """
CREATE TYPE protime.clocking_then AS (
    tenant text, id bigint, person_id bigint, date date, time_of_day_in_minutes integer, kind text,
    change_version text COLLATE "C", original_time_of_day_in_minutes integer,
    calculated_time_of_day_in_minutes integer, is_generated boolean, terminal_id bigint, longitude double precision,
    latitude double precision, reason_id bigint, is_open boolean, activity_levels jsonb, status text, extra jsonb,
    deleted_at timestamptz, deleted_by text, written_at timestamptz
)
"""


def upgrade() -> None:
    op.execute("DROP FUNCTION IF EXISTS protime.clockings_as_of(timestamptz)")  # made again after the migrations
    op.execute(CLOCKING)
    op.execute("COMMENT ON TYPE protime.clocking_then IS 'A row of protime.clockings_as_of.'")
    _cut_units()
    _remember_what_was_asked_for()
    _count_failures_of_deltas()
    _keep_sources()
    _give_each_table_a_key()
    _keep_unconfirmed_records()
    op.create_index("ix_units_finished_at", "units", ["finished_at"], schema="protime_etl")
    # Whoever has clockings has a row of coverage, also who came by circles or by a delta only.
    op.execute(
        "INSERT INTO protime_etl.coverage (tenant, person_id, dates, read_at)"
        " SELECT DISTINCT tenant, person_id, datemultirange(), CAST('-infinity' AS timestamptz) FROM protime.clockings"
        " ON CONFLICT DO NOTHING"
    )


def downgrade() -> None:
    op.execute("DROP FUNCTION IF EXISTS protime.clockings_as_of(timestamptz)")
    op.execute("DROP TYPE protime.clocking_then")
    op.drop_index("ix_units_finished_at", "units", schema="protime_etl")
    _take_keys()
    for name in SOURCE:
        op.drop_column("tenants", name, schema="protime_etl")
    op.drop_table("delta_unconfirmed", schema="protime_etl")
    _forget_failures_of_deltas()
    _forget_what_was_asked_for()
    _do_not_cut_units()


def _remember_what_was_asked_for() -> None:
    op.add_column(
        "pauses",
        sa.Column(
            "asked_until",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="Until when the API asked us to wait: later than until, where that was cut.",
        ),
        schema="protime_etl",
    )


def _keep_sources() -> None:
    for name, comment in SOURCE.items():
        op.add_column("tenants", sa.Column(name, sa.Text(), nullable=True, comment=comment), schema="protime_etl")


def _give_each_table_a_key() -> None:
    """Where a publication holds a table, rows without a key can be neither updated nor deleted."""
    for schema, table, columns in KEYS:
        same = " AND ".join(f"a.{name} = b.{name}" for name in columns)
        op.execute(f"DELETE FROM {schema}.{table} AS a USING {schema}.{table} AS b WHERE {same} AND a.ctid < b.ctid")
        op.drop_index(f"ix_{table}_{'_'.join(columns)}", table, schema=schema)
        op.create_primary_key(f"pk_{table}", table, columns, schema=schema)


def _take_keys() -> None:
    for schema, table, columns in KEYS:
        op.drop_constraint(f"pk_{table}", table, schema=schema)
        op.create_index(f"ix_{table}_{'_'.join(columns)}", table, columns, schema=schema)


def _count_failures_of_deltas() -> None:
    for name, comment in DELTA_COUNTERS.items():
        column = sa.Column(name, sa.Integer(), server_default=sa.text("0"), nullable=False, comment=comment)
        op.add_column("deltas", column, schema="protime_etl")
    _allow_statuses("'loading', 'active', 'expired', 'conflicted', 'broken'", DELTA_STATUS.format(",", " or broken"))


def _forget_failures_of_deltas() -> None:
    op.execute("UPDATE protime_etl.deltas SET status = 'expired' WHERE status = 'broken'")
    _allow_statuses("'loading', 'active', 'expired', 'conflicted'", DELTA_STATUS.format(" or", ""))
    for name in DELTA_COUNTERS:
        op.drop_column("deltas", name, schema="protime_etl")


def _allow_statuses(statuses: str, comment: str) -> None:
    op.execute("ALTER TABLE protime_etl.deltas DROP CONSTRAINT ck_deltas_status")
    op.execute(f"ALTER TABLE protime_etl.deltas ADD CONSTRAINT ck_deltas_status CHECK (status IN ({statuses}))")
    op.alter_column("deltas", "status", comment=comment, schema="protime_etl")


def _forget_what_was_asked_for() -> None:
    op.drop_column("pauses", "asked_until", schema="protime_etl")


def _cut_units() -> None:
    op.add_column(
        "units",
        sa.Column(
            "part_of",
            sa.BigInteger(),
            nullable=True,
            comment="The unit that was planned, if this is a part of one that was cut.",
        ),
        schema="protime_etl",
    )
    op.create_foreign_key(
        op.f("fk_units_part_of"),
        "units",
        "units",
        ["part_of"],
        ["unit_id"],
        source_schema="protime_etl",
        referent_schema="protime_etl",
        ondelete="CASCADE",
    )
    op.create_index(op.f("ix_units_part_of"), "units", ["part_of"], schema="protime_etl")
    _replace_statuses("'planned', 'done', 'failed', 'cut'")
    op.alter_column(
        "units",
        "status",
        schema="protime_etl",
        comment="planned, done, failed, or cut: it could not be read whole, and its parts are read instead.",
    )
    op.alter_column(
        "units", "error", schema="protime_etl", comment="What went wrong, in one line; of one that was cut, why."
    )


def _do_not_cut_units() -> None:
    op.execute("UPDATE protime_etl.units SET status = 'failed' WHERE status = 'cut'")
    op.alter_column("units", "error", schema="protime_etl", comment="What went wrong, in one line.")
    op.alter_column("units", "status", schema="protime_etl", comment="planned, done or failed.")
    _replace_statuses("'planned', 'done', 'failed'")
    op.drop_column("units", "part_of", schema="protime_etl")


def _replace_statuses(statuses: str) -> None:
    op.drop_constraint(op.f("ck_units_status"), "units", schema="protime_etl")
    op.create_check_constraint(op.f("ck_units_status"), "units", f"status IN ({statuses})", schema="protime_etl")


def _keep_unconfirmed_records() -> None:
    reasons = "delta (reported as deleted), vanished (a load never met it) or doubtful (it came, and may be gone)."
    op.create_table(
        "delta_unconfirmed",
        sa.Column("tenant", sa.Text(), nullable=False, comment="Tenant that is read."),
        sa.Column("collection", sa.Text(), nullable=False, comment="Collection of the record."),
        sa.Column(
            "id", sa.BigInteger(), autoincrement=False, nullable=False, comment="Id of the record, to be requested."
        ),
        sa.Column(
            "change_version",
            sa.Text(collation="C"),
            nullable=False,
            comment="Of the deletion that the delta told; empty: none.",
        ),
        sa.Column("reason", sa.Text(), nullable=False, comment=reasons),
        sa.Column(
            "withheld",
            sa.Boolean(),
            server_default=sa.text("false"),
            nullable=False,
            comment="Too many at once: not deleted before that is accepted.",
        ),
        sa.Column(
            "found_at",
            sa.DateTime(timezone=True),
            server_default=sa.func.now(),
            nullable=False,
            comment="When it was entered.",
        ),
        sa.CheckConstraint("reason IN ('delta', 'vanished', 'doubtful')", name=op.f("ck_delta_unconfirmed_reason")),
        sa.PrimaryKeyConstraint("tenant", "collection", "id", name=op.f("pk_delta_unconfirmed")),
        schema="protime_etl",
        comment="Records to be confirmed by a request for their ids before anything is written; empty after most polls.",
    )
