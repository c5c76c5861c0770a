"""collections: absence definitions, calculated totals, and by which collection the ledger counts."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

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
    op.create_table(
        "absence_definitions",
        sa.Column("tenant", sa.Text(), nullable=False, comment="Tenant: sub-domain of the myProtime URL."),
        sa.Column(
            "id",
            sa.BigInteger(),
            autoincrement=False,
            nullable=False,
            comment="Protime's unique id of the absence definition.",
        ),
        sa.Column(
            "change_version",
            sa.Text(collation="C"),
            nullable=False,
            comment="Order of changes, compared as bytes; an older one never overwrites a newer.",
        ),
        sa.Column("name", sa.Text(), nullable=True, comment="Name in the tenant's own language."),
        sa.Column(
            "name_translations",
            postgresql.JSONB(none_as_null=True, astext_type=sa.Text()),
            nullable=True,
            comment="Translations of name, by language tag such as nl-NL.",
        ),
        sa.Column("code", sa.Text(), nullable=True, comment="Code that the tenant gave it."),
        sa.Column("friendly_name", sa.Text(), nullable=True, comment="Name that employees see."),
        sa.Column(
            "friendly_name_translations",
            postgresql.JSONB(none_as_null=True, astext_type=sa.Text()),
            nullable=True,
            comment="Translations of friendly_name, by language tag such as nl-NL.",
        ),
        sa.Column("friendly_code", sa.Text(), nullable=True, comment="Code that employees see."),
        sa.Column(
            "friendly_code_translations",
            postgresql.JSONB(none_as_null=True, astext_type=sa.Text()),
            nullable=True,
            comment="Translations of friendly_code, by language tag such as nl-NL.",
        ),
        sa.Column(
            "allowed_durations", sa.Text(), nullable=True, comment="Unknown, FullDay, HalfDay, Interval or Duration."
        ),
        sa.Column("is_enabled", sa.Boolean(), nullable=True, comment="Whether it may be used now."),
        sa.Column(
            "is_reason_for_clocking",
            sa.Boolean(),
            nullable=True,
            comment="Whether a clocking may have it as its reason.",
        ),
        sa.Column("absence_group_id", sa.BigInteger(), nullable=True, comment="Absence group that it belongs to."),
        sa.Column(
            "extra",
            postgresql.JSONB(none_as_null=True, astext_type=sa.Text()),
            nullable=True,
            comment="Fields that the API sent and its documentation does not know.",
        ),
        sa.Column(
            "deleted_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="When it was learnt that the record is deleted in Protime; null while it is not.",
        ),
        sa.Column(
            "deleted_by",
            sa.Text(),
            nullable=True,
            comment="How that was learnt: status (Protime says Deleted), vanished (a complete pull lacks it), delta.",
        ),
        sa.Column(
            "written_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
            comment="When this row was last written; an equal row is not written again.",
        ),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_absence_definitions")),
        schema="protime",
        comment="Kinds of absence; reason_id of protime.clockings is the id of one.",
    )
    op.create_table(
        "absence_definitions_versions",
        sa.Column("tenant", sa.Text(), nullable=False, comment="Tenant: sub-domain of the myProtime URL."),
        sa.Column(
            "id",
            sa.BigInteger(),
            autoincrement=False,
            nullable=False,
            comment="Protime's unique id of the absence definition.",
        ),
        sa.Column(
            "change_version",
            sa.Text(collation="C"),
            nullable=False,
            comment="Order of changes, compared as bytes; an older one never overwrites a newer.",
        ),
        sa.Column("name", sa.Text(), nullable=True, comment="Name in the tenant's own language."),
        sa.Column(
            "name_translations",
            postgresql.JSONB(none_as_null=True, astext_type=sa.Text()),
            nullable=True,
            comment="Translations of name, by language tag such as nl-NL.",
        ),
        sa.Column("code", sa.Text(), nullable=True, comment="Code that the tenant gave it."),
        sa.Column("friendly_name", sa.Text(), nullable=True, comment="Name that employees see."),
        sa.Column(
            "friendly_name_translations",
            postgresql.JSONB(none_as_null=True, astext_type=sa.Text()),
            nullable=True,
            comment="Translations of friendly_name, by language tag such as nl-NL.",
        ),
        sa.Column("friendly_code", sa.Text(), nullable=True, comment="Code that employees see."),
        sa.Column(
            "friendly_code_translations",
            postgresql.JSONB(none_as_null=True, astext_type=sa.Text()),
            nullable=True,
            comment="Translations of friendly_code, by language tag such as nl-NL.",
        ),
        sa.Column(
            "allowed_durations", sa.Text(), nullable=True, comment="Unknown, FullDay, HalfDay, Interval or Duration."
        ),
        sa.Column("is_enabled", sa.Boolean(), nullable=True, comment="Whether it may be used now."),
        sa.Column(
            "is_reason_for_clocking",
            sa.Boolean(),
            nullable=True,
            comment="Whether a clocking may have it as its reason.",
        ),
        sa.Column("absence_group_id", sa.BigInteger(), nullable=True, comment="Absence group that it belongs to."),
        sa.Column(
            "extra",
            postgresql.JSONB(none_as_null=True, astext_type=sa.Text()),
            nullable=True,
            comment="Fields that the API sent and its documentation does not know.",
        ),
        sa.Column(
            "deleted_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="When it was learnt that the record is deleted in Protime; null while it is not.",
        ),
        sa.Column(
            "deleted_by",
            sa.Text(),
            nullable=True,
            comment="How that was learnt: status (Protime says Deleted), vanished (a complete pull lacks it), delta.",
        ),
        sa.Column(
            "valid_from",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="When this version was written to protime.absence_definitions.",
        ),
        sa.Column(
            "valid_to",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="When another version replaced it; no longer valid from then on.",
        ),
        sa.PrimaryKeyConstraint("tenant", "id", "valid_from", name=op.f("pk_absence_definitions_versions")),
        schema="protime",
        comment="What the rows of protime.absence_definitions were before they changed; see the function absence_definitions_as_of.",
    )
    op.create_table(
        "calculated_totals",
        sa.Column("tenant", sa.Text(), nullable=False, comment="Tenant: sub-domain of the myProtime URL."),
        sa.Column(
            "id", sa.BigInteger(), autoincrement=False, nullable=False, comment="Protime's unique id of the totals."
        ),
        sa.Column("person_id", sa.BigInteger(), nullable=False, comment="Protime's internal id of the person."),
        sa.Column("date", sa.Date(), nullable=False, comment="Day that was calculated; a person has one row a day."),
        sa.Column(
            "change_version",
            sa.Text(collation="C"),
            nullable=False,
            comment="Order of changes, compared as bytes; an older one never overwrites a newer.",
        ),
        sa.Column(
            "normal_time_duration_in_minutes",
            sa.Integer(),
            nullable=True,
            comment="Working time that the schedule expects of the day.",
        ),
        sa.Column(
            "time_present_duration_in_minutes", sa.Integer(), nullable=True, comment="Time between clocking in and out."
        ),
        sa.Column(
            "calculated_presence_duration_in_minutes",
            sa.Integer(),
            nullable=True,
            comment="Presence after Protime's corrections, such as rounding and breaks.",
        ),
        sa.Column(
            "weekly_hours1_duration_in_minutes", sa.Integer(), nullable=True, comment="Minutes of weekly total 1."
        ),
        sa.Column(
            "weekly_hours2_duration_in_minutes", sa.Integer(), nullable=True, comment="Minutes of weekly total 2."
        ),
        sa.Column(
            "weekly_hours3_duration_in_minutes", sa.Integer(), nullable=True, comment="Minutes of weekly total 3."
        ),
        sa.Column(
            "pay_period_hours_duration_in_minutes", sa.Integer(), nullable=True, comment="Minutes of the pay period."
        ),
        sa.Column("flextime_duration_in_minutes", sa.Integer(), nullable=True, comment="Flextime of the day."),
        sa.Column(
            "flextime_balance_in_minutes",
            sa.Integer(),
            nullable=True,
            comment="Flextime after this day: a running balance, which is not to be added up.",
        ),
        sa.Column("shift_definition_id", sa.BigInteger(), nullable=True, comment="Shift definition of the day."),
        sa.Column(
            "extra",
            postgresql.JSONB(none_as_null=True, astext_type=sa.Text()),
            nullable=True,
            comment="Fields that the API sent and its documentation does not know.",
        ),
        sa.Column(
            "deleted_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="When it was learnt that the record is deleted in Protime; null while it is not.",
        ),
        sa.Column(
            "deleted_by",
            sa.Text(),
            nullable=True,
            comment="How that was learnt: status (Protime says Deleted), vanished (a complete pull lacks it), delta.",
        ),
        sa.Column(
            "written_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
            comment="When this row was last written; an equal row is not written again.",
        ),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_calculated_totals")),
        schema="protime",
        comment="Totals that Protime calculated, one row for each person and day.",
    )
    op.create_index(op.f("ix_calculated_totals_date"), "calculated_totals", ["date"], unique=False, schema="protime")
    op.create_index(
        op.f("ix_calculated_totals_tenant_person_id_date"),
        "calculated_totals",
        ["tenant", "person_id", "date"],
        unique=False,
        schema="protime",
    )
    op.create_table(
        "collection_state",
        sa.Column("tenant", sa.Text(), nullable=False, comment="Tenant that is read."),
        sa.Column("collection", sa.Text(), nullable=False, comment="Collection that is read."),
        sa.Column(
            "page_size",
            sa.Integer(),
            nullable=True,
            comment="The most records that ever came in one answer; null before the first.",
        ),
        sa.Column(
            "read_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="When it was last read whole; null if it never was, or is read by days.",
        ),
        sa.PrimaryKeyConstraint("tenant", "collection", name=op.f("pk_collection_state")),
        schema="protime_etl",
        comment="What is known of each collection of a tenant.",
    )
    _tell_coverage_by_collection()
    op.add_column(
        "runs",
        sa.Column(
            "collections",
            sa.ARRAY(sa.Text()),
            server_default=sa.text("'{clockings}'"),
            nullable=False,
            comment="Collections requested.",
        ),
        schema="protime_etl",
    )
    op.execute(
        "INSERT INTO protime_etl.collection_state (tenant, collection, page_size)"
        " SELECT tenant, 'clockings', page_size FROM protime_etl.tenants WHERE page_size IS NOT NULL"
    )
    op.drop_column("tenants", "page_size", schema="protime_etl")
    # Made again after the migrations, for each collection that keeps versions.
    op.execute("DROP TRIGGER IF EXISTS keep_versions ON protime.clockings")
    op.execute("DROP FUNCTION IF EXISTS protime_etl.keep_versions()")
    op.execute("DROP FUNCTION IF EXISTS protime.clockings_as_of(timestamptz)")
    op.execute("DROP TYPE protime.clocking_then")
    op.add_column(
        "units",
        sa.Column(
            "collection",
            sa.Text(),
            server_default="clockings",
            nullable=False,
            comment="Collection that it is read from.",
        ),
        schema="protime_etl",
    )


def downgrade() -> None:
    for table in ("clockings", "absence_definitions"):
        op.execute(f"DROP FUNCTION IF EXISTS protime.{table}_as_of(timestamptz)")
        op.execute(f"DROP TRIGGER IF EXISTS keep_versions ON protime.{table}")
        op.execute(f"DROP FUNCTION IF EXISTS protime_etl.keep_{table}_versions()")
    op.execute(CLOCKING)
    op.drop_column("units", "collection", schema="protime_etl")
    op.add_column(
        "tenants",
        sa.Column(
            "page_size",
            sa.Integer(),
            nullable=True,
            comment="The most clockings that ever came in one answer; null before the first.",
        ),
        schema="protime_etl",
    )
    op.drop_column("runs", "collections", schema="protime_etl")
    op.execute("DELETE FROM protime_etl.coverage WHERE collection <> 'clockings'")
    op.drop_constraint(op.f("pk_coverage"), "coverage", schema="protime_etl")
    op.drop_column("coverage", "collection", schema="protime_etl")
    op.create_primary_key(op.f("pk_coverage"), "coverage", ["tenant", "person_id"], schema="protime_etl")
    op.execute(
        "UPDATE protime_etl.tenants AS t SET page_size = s.page_size FROM protime_etl.collection_state AS s"
        " WHERE s.tenant = t.tenant AND s.collection = 'clockings'"
    )
    op.drop_table("collection_state", schema="protime_etl")
    op.drop_index(op.f("ix_calculated_totals_tenant_person_id_date"), table_name="calculated_totals", schema="protime")
    op.drop_index(op.f("ix_calculated_totals_date"), table_name="calculated_totals", schema="protime")
    op.drop_table("calculated_totals", schema="protime")
    op.drop_table("absence_definitions_versions", schema="protime")
    op.drop_table("absence_definitions", schema="protime")


def _tell_coverage_by_collection() -> None:
    op.add_column(
        "coverage",
        sa.Column(
            "collection", sa.Text(), server_default="clockings", nullable=False, comment="Collection that was read."
        ),
        schema="protime_etl",
    )
    op.alter_column("coverage", "collection", server_default=None, schema="protime_etl")
    op.drop_constraint(op.f("pk_coverage"), "coverage", schema="protime_etl")
    op.create_primary_key(op.f("pk_coverage"), "coverage", ["tenant", "collection", "person_id"], schema="protime_etl")
