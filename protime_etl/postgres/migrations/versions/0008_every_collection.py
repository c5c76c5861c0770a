"""every collection: the tables of those that were not read yet, relations, and more of people."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "absence_groups",
        sa.Column(
            "tenant", sa.Text(), autoincrement=False, nullable=False, comment="Tenant: sub-domain of the myProtime URL."
        ),
        sa.Column(
            "id", sa.BigInteger(), autoincrement=False, nullable=False, comment="Protime's unique id of the record."
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
        sa.Column("type", sa.Text(), nullable=True, comment="Absence, WorkingElsewhere or Unknown."),
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
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_absence_groups")),
        schema="protime",
        comment="Groups of absence definitions.",
    )
    op.create_table(
        "absence_groups_versions",
        sa.Column("tenant", sa.Text(), nullable=False, comment="Tenant: sub-domain of the myProtime URL."),
        sa.Column("id", sa.BigInteger(), nullable=False, comment="Protime's unique id of the record."),
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
        sa.Column("type", sa.Text(), nullable=True, comment="Absence, WorkingElsewhere or Unknown."),
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
            comment="When this version was written to protime.absence_groups.",
        ),
        sa.Column(
            "valid_to",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="When another version replaced it; no longer valid from then on.",
        ),
        sa.PrimaryKeyConstraint("tenant", "id", "valid_from", name=op.f("pk_absence_groups_versions")),
        schema="protime",
        comment="What the rows of protime.absence_groups were before they changed; see the function absence_groups_as_of.",
    )
    op.create_table(
        "absences",
        sa.Column(
            "tenant", sa.Text(), autoincrement=False, nullable=False, comment="Tenant: sub-domain of the myProtime URL."
        ),
        sa.Column(
            "id", sa.BigInteger(), autoincrement=False, nullable=False, comment="Protime's unique id of the record."
        ),
        sa.Column(
            "person_id",
            sa.BigInteger(),
            nullable=False,
            comment="Protime's internal id of the person. Refers to id of protime.people.",
        ),
        sa.Column("date", sa.Date(), nullable=False, comment="Day that the record belongs to."),
        sa.Column(
            "change_version",
            sa.Text(collation="C"),
            nullable=False,
            comment="Order of changes, compared as bytes; an older one never overwrites a newer.",
        ),
        sa.Column(
            "resulting_absence_definition_id",
            sa.BigInteger(),
            nullable=True,
            comment="Absence definition that counts after all approvals. Refers to id of protime.absence_definitions.",
        ),
        sa.Column(
            "requested_absence_definition_id",
            sa.BigInteger(),
            nullable=True,
            comment="Absence definition that was requested. Refers to id of protime.absence_definitions.",
        ),
        sa.Column(
            "shift_definition_id",
            sa.BigInteger(),
            nullable=True,
            comment="Shift definition of the absence, where it is not the schedule's. Refers to id of protime.shift_definitions.",
        ),
        sa.Column(
            "start_time_in_minutes",
            sa.Integer(),
            nullable=True,
            comment="Minute of the day at which it begins; -1440 to 2880.",
        ),
        sa.Column("duration_in_minutes", sa.Integer(), nullable=True, comment="How long it is, as entered."),
        sa.Column(
            "calculated_duration_in_minutes",
            sa.Integer(),
            nullable=True,
            comment="How long it is after Protime's calculation.",
        ),
        sa.Column("day_part", sa.Text(), nullable=True, comment="First, Second or Unknown: the half of the day."),
        sa.Column(
            "request_id", sa.Text(), nullable=True, comment="Request that it comes from: tenant, person and request."
        ),
        sa.Column(
            "status",
            sa.Text(),
            nullable=True,
            comment="Unknown, Manual, Auto, BeginOpen, Open, Terminal or Calendar: where it comes from.",
        ),
        sa.Column(
            "approval_level",
            sa.Text(),
            nullable=True,
            comment="Unknown, AwaitingApproval, Approved, NotApproved, NotApprovedByPriorities or NotApprovedByCalculations.",
        ),
        sa.Column("is_locked", sa.Boolean(), nullable=True, comment="Whether it is locked against changes."),
        sa.Column(
            "period_type",
            sa.Text(),
            nullable=True,
            comment="Unknown, Day, Week or PayPeriod: the value of a week or a pay period stands on one day.",
        ),
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
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_absences")),
        schema="protime",
        comment="Absences, one row for each person, day and part of it. Their reasons may concern health.",
    )
    op.create_index(op.f("ix_absences_date"), "absences", ["date"], unique=False, schema="protime")
    op.create_index(
        op.f("ix_absences_tenant_person_id_date"),
        "absences",
        ["tenant", "person_id", "date"],
        unique=False,
        schema="protime",
    )
    op.create_table(
        "absences_versions",
        sa.Column("tenant", sa.Text(), nullable=False, comment="Tenant: sub-domain of the myProtime URL."),
        sa.Column("id", sa.BigInteger(), nullable=False, comment="Protime's unique id of the record."),
        sa.Column(
            "person_id",
            sa.BigInteger(),
            nullable=False,
            comment="Protime's internal id of the person. Refers to id of protime.people.",
        ),
        sa.Column("date", sa.Date(), nullable=False, comment="Day that the record belongs to."),
        sa.Column(
            "change_version",
            sa.Text(collation="C"),
            nullable=False,
            comment="Order of changes, compared as bytes; an older one never overwrites a newer.",
        ),
        sa.Column(
            "resulting_absence_definition_id",
            sa.BigInteger(),
            nullable=True,
            comment="Absence definition that counts after all approvals. Refers to id of protime.absence_definitions.",
        ),
        sa.Column(
            "requested_absence_definition_id",
            sa.BigInteger(),
            nullable=True,
            comment="Absence definition that was requested. Refers to id of protime.absence_definitions.",
        ),
        sa.Column(
            "shift_definition_id",
            sa.BigInteger(),
            nullable=True,
            comment="Shift definition of the absence, where it is not the schedule's. Refers to id of protime.shift_definitions.",
        ),
        sa.Column(
            "start_time_in_minutes",
            sa.Integer(),
            nullable=True,
            comment="Minute of the day at which it begins; -1440 to 2880.",
        ),
        sa.Column("duration_in_minutes", sa.Integer(), nullable=True, comment="How long it is, as entered."),
        sa.Column(
            "calculated_duration_in_minutes",
            sa.Integer(),
            nullable=True,
            comment="How long it is after Protime's calculation.",
        ),
        sa.Column("day_part", sa.Text(), nullable=True, comment="First, Second or Unknown: the half of the day."),
        sa.Column(
            "request_id", sa.Text(), nullable=True, comment="Request that it comes from: tenant, person and request."
        ),
        sa.Column(
            "status",
            sa.Text(),
            nullable=True,
            comment="Unknown, Manual, Auto, BeginOpen, Open, Terminal or Calendar: where it comes from.",
        ),
        sa.Column(
            "approval_level",
            sa.Text(),
            nullable=True,
            comment="Unknown, AwaitingApproval, Approved, NotApproved, NotApprovedByPriorities or NotApprovedByCalculations.",
        ),
        sa.Column("is_locked", sa.Boolean(), nullable=True, comment="Whether it is locked against changes."),
        sa.Column(
            "period_type",
            sa.Text(),
            nullable=True,
            comment="Unknown, Day, Week or PayPeriod: the value of a week or a pay period stands on one day.",
        ),
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
            comment="When this version was written to protime.absences.",
        ),
        sa.Column(
            "valid_to",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="When another version replaced it; no longer valid from then on.",
        ),
        sa.PrimaryKeyConstraint("tenant", "id", "valid_from", name=op.f("pk_absences_versions")),
        schema="protime",
        comment="What the rows of protime.absences were before they changed; see the function absences_as_of.",
    )
    op.create_table(
        "access_clockings",
        sa.Column(
            "tenant", sa.Text(), autoincrement=False, nullable=False, comment="Tenant: sub-domain of the myProtime URL."
        ),
        sa.Column(
            "id",
            sa.BigInteger(),
            autoincrement=False,
            nullable=False,
            comment="Protime's unique id of the access clocking.",
        ),
        sa.Column(
            "person_id",
            sa.BigInteger(),
            nullable=True,
            comment="Protime's internal id of the person; null while the badge is unknown. Refers to id of protime.people.",
        ),
        sa.Column("date", sa.Date(), nullable=False, comment="Calendar day."),
        sa.Column(
            "change_version",
            sa.Text(collation="C"),
            nullable=False,
            comment="Order of changes, compared as bytes; an older one never overwrites a newer.",
        ),
        sa.Column("time_of_day_in_minutes", sa.Integer(), nullable=True, comment="Minutes since midnight of date."),
        sa.Column("terminal_id", sa.BigInteger(), nullable=True, comment="Terminal where it was."),
        sa.Column(
            "status",
            sa.Text(),
            nullable=True,
            comment="AccessOk, AccessRefused, WrongPinCode, UnknownBadgeNumber and others.",
        ),
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
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_access_clockings")),
        schema="protime",
        comment="Who went through which door. It serves security: check what you may use it for.",
    )
    op.create_index(op.f("ix_access_clockings_date"), "access_clockings", ["date"], unique=False, schema="protime")
    op.create_index(
        op.f("ix_access_clockings_tenant_person_id_date"),
        "access_clockings",
        ["tenant", "person_id", "date"],
        unique=False,
        schema="protime",
    )
    op.create_table(
        "activity_durations",
        sa.Column(
            "tenant", sa.Text(), autoincrement=False, nullable=False, comment="Tenant: sub-domain of the myProtime URL."
        ),
        sa.Column(
            "id", sa.BigInteger(), autoincrement=False, nullable=False, comment="Protime's unique id of the record."
        ),
        sa.Column(
            "person_id",
            sa.BigInteger(),
            nullable=False,
            comment="Protime's internal id of the person. Refers to id of protime.people.",
        ),
        sa.Column("date", sa.Date(), nullable=False, comment="Day that the record belongs to."),
        sa.Column(
            "change_version",
            sa.Text(collation="C"),
            nullable=False,
            comment="Order of changes, compared as bytes; an older one never overwrites a newer.",
        ),
        sa.Column("duration_in_minutes", sa.Integer(), nullable=True, comment="How long it is."),
        sa.Column(
            "activity_levels",
            postgresql.JSONB(none_as_null=True, astext_type=sa.Text()),
            nullable=True,
            comment="Array of level and activityDefinition.id, in Protime's words.",
        ),
        sa.Column(
            "absence_definition_id",
            sa.BigInteger(),
            nullable=True,
            comment="Absence definition, of an activity while away. Refers to id of protime.absence_definitions.",
        ),
        sa.Column(
            "counter_definition_ids",
            postgresql.JSONB(none_as_null=True, astext_type=sa.Text()),
            nullable=True,
            comment="Ids of the counter definitions that it feeds.",
        ),
        sa.Column("request_id", sa.Text(), nullable=True, comment="Request that it comes from."),
        sa.Column(
            "status",
            sa.Text(),
            nullable=True,
            comment="Unknown, Auto, Manual, or in older editions Calendar, Default, Deleted.",
        ),
        sa.Column("is_authorized", sa.Boolean(), nullable=True, comment="Whether it is authorized."),
        sa.Column(
            "shift_definition_id",
            sa.BigInteger(),
            nullable=True,
            comment="Shift definition, where it is not the schedule's. Refers to id of protime.shift_definitions.",
        ),
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
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_activity_durations")),
        schema="protime",
        comment="Time on activities by person and day.",
    )
    op.create_index(op.f("ix_activity_durations_date"), "activity_durations", ["date"], unique=False, schema="protime")
    op.create_index(
        op.f("ix_activity_durations_tenant_person_id_date"),
        "activity_durations",
        ["tenant", "person_id", "date"],
        unique=False,
        schema="protime",
    )
    op.create_table(
        "assignments",
        sa.Column(
            "tenant", sa.Text(), autoincrement=False, nullable=False, comment="Tenant: sub-domain of the myProtime URL."
        ),
        sa.Column(
            "id", sa.BigInteger(), autoincrement=False, nullable=False, comment="Protime's unique id of the assignment."
        ),
        sa.Column(
            "person_id",
            sa.BigInteger(),
            nullable=False,
            comment="Protime's internal id of the person. Refers to id of protime.people.",
        ),
        sa.Column("from_date", sa.Date(), nullable=False, comment="First day."),
        sa.Column("until_date", sa.Date(), nullable=True, comment="Last day; null: open-ended."),
        sa.Column(
            "change_version",
            sa.Text(collation="C"),
            nullable=False,
            comment="Order of changes, compared as bytes; an older one never overwrites a newer.",
        ),
        sa.Column(
            "start_time_in_minutes",
            sa.Integer(),
            nullable=True,
            comment="Minute of the day at which it begins; -1440 to 2880.",
        ),
        sa.Column(
            "end_time_in_minutes",
            sa.Integer(),
            nullable=True,
            comment="Minute of the day at which it ends; -1440 to 2880.",
        ),
        sa.Column("break_duration_in_minutes", sa.Integer(), nullable=True, comment="Minutes of break in it."),
        sa.Column(
            "activity_levels",
            postgresql.JSONB(none_as_null=True, astext_type=sa.Text()),
            nullable=True,
            comment="Array of level and activityDefinition.id, in Protime's words.",
        ),
        sa.Column("is_rejected", sa.Boolean(), nullable=True, comment="Whether it was rejected."),
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
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_assignments")),
        schema="protime",
        comment="What people are planned to do, by first and last day.",
    )
    op.create_index(op.f("ix_assignments_from_date"), "assignments", ["from_date"], unique=False, schema="protime")
    op.create_index(
        op.f("ix_assignments_tenant_person_id_from_date"),
        "assignments",
        ["tenant", "person_id", "from_date"],
        unique=False,
        schema="protime",
    )
    op.create_table(
        "assignments_versions",
        sa.Column("tenant", sa.Text(), nullable=False, comment="Tenant: sub-domain of the myProtime URL."),
        sa.Column("id", sa.BigInteger(), nullable=False, comment="Protime's unique id of the assignment."),
        sa.Column(
            "person_id",
            sa.BigInteger(),
            nullable=False,
            comment="Protime's internal id of the person. Refers to id of protime.people.",
        ),
        sa.Column("from_date", sa.Date(), nullable=False, comment="First day."),
        sa.Column("until_date", sa.Date(), nullable=True, comment="Last day; null: open-ended."),
        sa.Column(
            "change_version",
            sa.Text(collation="C"),
            nullable=False,
            comment="Order of changes, compared as bytes; an older one never overwrites a newer.",
        ),
        sa.Column(
            "start_time_in_minutes",
            sa.Integer(),
            nullable=True,
            comment="Minute of the day at which it begins; -1440 to 2880.",
        ),
        sa.Column(
            "end_time_in_minutes",
            sa.Integer(),
            nullable=True,
            comment="Minute of the day at which it ends; -1440 to 2880.",
        ),
        sa.Column("break_duration_in_minutes", sa.Integer(), nullable=True, comment="Minutes of break in it."),
        sa.Column(
            "activity_levels",
            postgresql.JSONB(none_as_null=True, astext_type=sa.Text()),
            nullable=True,
            comment="Array of level and activityDefinition.id, in Protime's words.",
        ),
        sa.Column("is_rejected", sa.Boolean(), nullable=True, comment="Whether it was rejected."),
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
            comment="When this version was written to protime.assignments.",
        ),
        sa.Column(
            "valid_to",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="When another version replaced it; no longer valid from then on.",
        ),
        sa.PrimaryKeyConstraint("tenant", "id", "valid_from", name=op.f("pk_assignments_versions")),
        schema="protime",
        comment="What the rows of protime.assignments were before they changed; see the function assignments_as_of.",
    )
    op.create_table(
        "break_definitions",
        sa.Column(
            "tenant", sa.Text(), autoincrement=False, nullable=False, comment="Tenant: sub-domain of the myProtime URL."
        ),
        sa.Column(
            "id", sa.BigInteger(), autoincrement=False, nullable=False, comment="Protime's unique id of the record."
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
        sa.Column("friendly_name", sa.Text(), nullable=True, comment="Name that employees see."),
        sa.Column(
            "friendly_name_translations",
            postgresql.JSONB(none_as_null=True, astext_type=sa.Text()),
            nullable=True,
            comment="Translations of friendly_name, by language tag such as nl-NL.",
        ),
        sa.Column("paid_duration_in_minutes", sa.Integer(), nullable=True, comment="Minutes of it that are paid."),
        sa.Column("minimum_duration_in_minutes", sa.Integer(), nullable=True, comment="Least minutes."),
        sa.Column("maximum_duration_in_minutes", sa.Integer(), nullable=True, comment="Most minutes."),
        sa.Column(
            "if_not_clocked_duration_in_minutes",
            sa.Integer(),
            nullable=True,
            comment="Minutes that are deducted where no break was clocked.",
        ),
        sa.Column(
            "has_to_be_taken_uninterrupted",
            sa.Boolean(),
            nullable=True,
            comment="Whether it has to be taken in one piece.",
        ),
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
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_break_definitions")),
        schema="protime",
        comment="Break definitions.",
    )
    op.create_table(
        "break_definitions_versions",
        sa.Column("tenant", sa.Text(), nullable=False, comment="Tenant: sub-domain of the myProtime URL."),
        sa.Column("id", sa.BigInteger(), nullable=False, comment="Protime's unique id of the record."),
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
        sa.Column("friendly_name", sa.Text(), nullable=True, comment="Name that employees see."),
        sa.Column(
            "friendly_name_translations",
            postgresql.JSONB(none_as_null=True, astext_type=sa.Text()),
            nullable=True,
            comment="Translations of friendly_name, by language tag such as nl-NL.",
        ),
        sa.Column("paid_duration_in_minutes", sa.Integer(), nullable=True, comment="Minutes of it that are paid."),
        sa.Column("minimum_duration_in_minutes", sa.Integer(), nullable=True, comment="Least minutes."),
        sa.Column("maximum_duration_in_minutes", sa.Integer(), nullable=True, comment="Most minutes."),
        sa.Column(
            "if_not_clocked_duration_in_minutes",
            sa.Integer(),
            nullable=True,
            comment="Minutes that are deducted where no break was clocked.",
        ),
        sa.Column(
            "has_to_be_taken_uninterrupted",
            sa.Boolean(),
            nullable=True,
            comment="Whether it has to be taken in one piece.",
        ),
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
            comment="When this version was written to protime.break_definitions.",
        ),
        sa.Column(
            "valid_to",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="When another version replaced it; no longer valid from then on.",
        ),
        sa.PrimaryKeyConstraint("tenant", "id", "valid_from", name=op.f("pk_break_definitions_versions")),
        schema="protime",
        comment="What the rows of protime.break_definitions were before they changed; see the function break_definitions_as_of.",
    )
    op.create_table(
        "breaks",
        sa.Column(
            "tenant", sa.Text(), autoincrement=False, nullable=False, comment="Tenant: sub-domain of the myProtime URL."
        ),
        sa.Column(
            "id", sa.BigInteger(), autoincrement=False, nullable=False, comment="Protime's unique id of the record."
        ),
        sa.Column(
            "person_id",
            sa.BigInteger(),
            nullable=False,
            comment="Protime's internal id of the person. Refers to id of protime.people.",
        ),
        sa.Column("date", sa.Date(), nullable=False, comment="Day that the record belongs to."),
        sa.Column(
            "change_version",
            sa.Text(collation="C"),
            nullable=False,
            comment="Order of changes, compared as bytes; an older one never overwrites a newer.",
        ),
        sa.Column(
            "break_definition_id",
            sa.BigInteger(),
            nullable=True,
            comment="Break definition that it follows. Refers to id of protime.break_definitions.",
        ),
        sa.Column(
            "calculated_duration_in_minutes",
            sa.Integer(),
            nullable=True,
            comment="Minutes that Protime counts; deducted also where no break was clocked.",
        ),
        sa.Column("clocked_duration_in_minutes", sa.Integer(), nullable=True, comment="Minutes that were clocked."),
        sa.Column(
            "start_time_in_minutes",
            sa.Integer(),
            nullable=True,
            comment="Earliest start that the definition allows, not when it was taken.",
        ),
        sa.Column(
            "end_time_in_minutes",
            sa.Integer(),
            nullable=True,
            comment="Latest end that the definition allows, not when it was taken.",
        ),
        sa.Column("is_break_taken", sa.Boolean(), nullable=True, comment="Whether it was taken."),
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
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_breaks")),
        schema="protime",
        comment="Breaks by person and day. Start and end are what the definition allows: see clockings for the rest.",
    )
    op.create_index(op.f("ix_breaks_date"), "breaks", ["date"], unique=False, schema="protime")
    op.create_index(
        op.f("ix_breaks_tenant_person_id_date"),
        "breaks",
        ["tenant", "person_id", "date"],
        unique=False,
        schema="protime",
    )
    op.create_table(
        "calculated_totals_versions",
        sa.Column("tenant", sa.Text(), nullable=False, comment="Tenant: sub-domain of the myProtime URL."),
        sa.Column("id", sa.BigInteger(), nullable=False, comment="Protime's unique id of the totals."),
        sa.Column(
            "person_id",
            sa.BigInteger(),
            nullable=False,
            comment="Protime's internal id of the person. Refers to id of protime.people.",
        ),
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
        sa.Column(
            "shift_definition_id",
            sa.BigInteger(),
            nullable=True,
            comment="Shift definition of the day. Refers to id of protime.shift_definitions.",
        ),
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
            comment="When this version was written to protime.calculated_totals.",
        ),
        sa.Column(
            "valid_to",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="When another version replaced it; no longer valid from then on.",
        ),
        sa.PrimaryKeyConstraint("tenant", "id", "valid_from", name=op.f("pk_calculated_totals_versions")),
        schema="protime",
        comment="What the rows of protime.calculated_totals were before they changed; see the function calculated_totals_as_of.",
    )
    op.create_table(
        "contracts",
        sa.Column(
            "tenant", sa.Text(), autoincrement=False, nullable=False, comment="Tenant: sub-domain of the myProtime URL."
        ),
        sa.Column(
            "id", sa.BigInteger(), autoincrement=False, nullable=False, comment="Protime's unique id of the record."
        ),
        sa.Column(
            "change_version",
            sa.Text(collation="C"),
            nullable=False,
            comment="Order of changes, compared as bytes; an older one never overwrites a newer.",
        ),
        sa.Column(
            "person_id",
            sa.BigInteger(),
            nullable=False,
            comment="Protime's internal id of the person. Refers to id of protime.people.",
        ),
        sa.Column("code", sa.Text(), nullable=True, comment="Code that the tenant gave it."),
        sa.Column("from_date", sa.Date(), nullable=True, comment="First day."),
        sa.Column("until_date", sa.Date(), nullable=True, comment="Last day; null: open-ended."),
        sa.Column(
            "contract_hours_in_minutes", sa.Double(), nullable=True, comment="Minutes of work in the contract's period."
        ),
        sa.Column(
            "full_time_equivalent_in_minutes",
            sa.Double(),
            nullable=True,
            comment="Minutes of full-time work in that period.",
        ),
        sa.Column("contract_percentage", sa.Double(), nullable=True, comment="Part of full-time work, in percent."),
        sa.Column("number_of_working_days_per_week", sa.Double(), nullable=True, comment="Working days in a week."),
        sa.Column(
            "number_of_days_in_contract_period", sa.Double(), nullable=True, comment="Days in the contract's period."
        ),
        sa.Column("kind", sa.Text(), nullable=True, comment="Contract or Addendum."),
        sa.Column(
            "parent_contract_id",
            sa.BigInteger(),
            nullable=True,
            comment="Contract that an addendum belongs to. Refers to id of protime.contracts.",
        ),
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
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_contracts")),
        schema="protime",
        comment="Contracts of people, by first and last day.",
    )
    op.create_index(
        op.f("ix_contracts_tenant_person_id"), "contracts", ["tenant", "person_id"], unique=False, schema="protime"
    )
    op.create_table(
        "contracts_versions",
        sa.Column("tenant", sa.Text(), nullable=False, comment="Tenant: sub-domain of the myProtime URL."),
        sa.Column("id", sa.BigInteger(), nullable=False, comment="Protime's unique id of the record."),
        sa.Column(
            "change_version",
            sa.Text(collation="C"),
            nullable=False,
            comment="Order of changes, compared as bytes; an older one never overwrites a newer.",
        ),
        sa.Column(
            "person_id",
            sa.BigInteger(),
            nullable=False,
            comment="Protime's internal id of the person. Refers to id of protime.people.",
        ),
        sa.Column("code", sa.Text(), nullable=True, comment="Code that the tenant gave it."),
        sa.Column("from_date", sa.Date(), nullable=True, comment="First day."),
        sa.Column("until_date", sa.Date(), nullable=True, comment="Last day; null: open-ended."),
        sa.Column(
            "contract_hours_in_minutes", sa.Double(), nullable=True, comment="Minutes of work in the contract's period."
        ),
        sa.Column(
            "full_time_equivalent_in_minutes",
            sa.Double(),
            nullable=True,
            comment="Minutes of full-time work in that period.",
        ),
        sa.Column("contract_percentage", sa.Double(), nullable=True, comment="Part of full-time work, in percent."),
        sa.Column("number_of_working_days_per_week", sa.Double(), nullable=True, comment="Working days in a week."),
        sa.Column(
            "number_of_days_in_contract_period", sa.Double(), nullable=True, comment="Days in the contract's period."
        ),
        sa.Column("kind", sa.Text(), nullable=True, comment="Contract or Addendum."),
        sa.Column(
            "parent_contract_id",
            sa.BigInteger(),
            nullable=True,
            comment="Contract that an addendum belongs to. Refers to id of protime.contracts.",
        ),
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
            comment="When this version was written to protime.contracts.",
        ),
        sa.Column(
            "valid_to",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="When another version replaced it; no longer valid from then on.",
        ),
        sa.PrimaryKeyConstraint("tenant", "id", "valid_from", name=op.f("pk_contracts_versions")),
        schema="protime",
        comment="What the rows of protime.contracts were before they changed; see the function contracts_as_of.",
    )
    op.create_table(
        "counter_definitions",
        sa.Column(
            "tenant", sa.Text(), autoincrement=False, nullable=False, comment="Tenant: sub-domain of the myProtime URL."
        ),
        sa.Column(
            "id", sa.BigInteger(), autoincrement=False, nullable=False, comment="Protime's unique id of the record."
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
        sa.Column("is_enabled", sa.Boolean(), nullable=True, comment="Whether it may be used now."),
        sa.Column(
            "counter_group_id",
            sa.BigInteger(),
            nullable=True,
            comment="Counter group that it belongs to. Refers to id of protime.counter_groups.",
        ),
        sa.Column("unit", sa.Text(), nullable=True, comment="Unknown, Interval, Duration or Instance."),
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
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_counter_definitions")),
        schema="protime",
        comment="What counters count; code is a pay code.",
    )
    op.create_table(
        "counter_definitions_versions",
        sa.Column("tenant", sa.Text(), nullable=False, comment="Tenant: sub-domain of the myProtime URL."),
        sa.Column("id", sa.BigInteger(), nullable=False, comment="Protime's unique id of the record."),
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
        sa.Column("is_enabled", sa.Boolean(), nullable=True, comment="Whether it may be used now."),
        sa.Column(
            "counter_group_id",
            sa.BigInteger(),
            nullable=True,
            comment="Counter group that it belongs to. Refers to id of protime.counter_groups.",
        ),
        sa.Column("unit", sa.Text(), nullable=True, comment="Unknown, Interval, Duration or Instance."),
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
            comment="When this version was written to protime.counter_definitions.",
        ),
        sa.Column(
            "valid_to",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="When another version replaced it; no longer valid from then on.",
        ),
        sa.PrimaryKeyConstraint("tenant", "id", "valid_from", name=op.f("pk_counter_definitions_versions")),
        schema="protime",
        comment="What the rows of protime.counter_definitions were before they changed; see the function counter_definitions_as_of.",
    )
    op.create_table(
        "counter_groups",
        sa.Column(
            "tenant", sa.Text(), autoincrement=False, nullable=False, comment="Tenant: sub-domain of the myProtime URL."
        ),
        sa.Column(
            "id", sa.BigInteger(), autoincrement=False, nullable=False, comment="Protime's unique id of the record."
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
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_counter_groups")),
        schema="protime",
        comment="Groups of counter definitions.",
    )
    op.create_table(
        "counter_groups_versions",
        sa.Column("tenant", sa.Text(), nullable=False, comment="Tenant: sub-domain of the myProtime URL."),
        sa.Column("id", sa.BigInteger(), nullable=False, comment="Protime's unique id of the record."),
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
            comment="When this version was written to protime.counter_groups.",
        ),
        sa.Column(
            "valid_to",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="When another version replaced it; no longer valid from then on.",
        ),
        sa.PrimaryKeyConstraint("tenant", "id", "valid_from", name=op.f("pk_counter_groups_versions")),
        schema="protime",
        comment="What the rows of protime.counter_groups were before they changed; see the function counter_groups_as_of.",
    )
    op.create_table(
        "counters",
        sa.Column(
            "tenant", sa.Text(), autoincrement=False, nullable=False, comment="Tenant: sub-domain of the myProtime URL."
        ),
        sa.Column(
            "id", sa.BigInteger(), autoincrement=False, nullable=False, comment="Protime's unique id of the record."
        ),
        sa.Column(
            "person_id",
            sa.BigInteger(),
            nullable=False,
            comment="Protime's internal id of the person. Refers to id of protime.people.",
        ),
        sa.Column("date", sa.Date(), nullable=False, comment="Day that the record belongs to."),
        sa.Column(
            "change_version",
            sa.Text(collation="C"),
            nullable=False,
            comment="Order of changes, compared as bytes; an older one never overwrites a newer.",
        ),
        sa.Column(
            "counter_definition_id",
            sa.BigInteger(),
            nullable=True,
            comment="Counter definition that was counted. Refers to id of protime.counter_definitions.",
        ),
        sa.Column(
            "start_time_in_minutes", sa.Integer(), nullable=True, comment="Minute of the day at which it begins."
        ),
        sa.Column("end_time_in_minutes", sa.Integer(), nullable=True, comment="Minute of the day at which it ends."),
        sa.Column("duration_in_minutes", sa.Integer(), nullable=True, comment="How long it is."),
        sa.Column(
            "number_of_instances",
            sa.Integer(),
            nullable=True,
            comment="How many there were, of a counter that counts instances.",
        ),
        sa.Column(
            "period_type",
            sa.Text(),
            nullable=True,
            comment="Unknown, Day, Week or PayPeriod: the value of a week or a pay period stands on one day.",
        ),
        sa.Column(
            "status", sa.Text(), nullable=True, comment="Unknown, Auto, Manual or Calendar: where it comes from."
        ),
        sa.Column("is_authorized", sa.Boolean(), nullable=True, comment="Whether it is authorized."),
        sa.Column(
            "shift_definition_id",
            sa.BigInteger(),
            nullable=True,
            comment="Shift definition, where it is not the schedule's. Refers to id of protime.shift_definitions.",
        ),
        sa.Column("request_id", sa.Text(), nullable=True, comment="Request that it comes from."),
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
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_counters")),
        schema="protime",
        comment="What counters gained, by person and day. Do not add rows of different period_type.",
    )
    op.create_index(op.f("ix_counters_date"), "counters", ["date"], unique=False, schema="protime")
    op.create_index(
        op.f("ix_counters_tenant_person_id_date"),
        "counters",
        ["tenant", "person_id", "date"],
        unique=False,
        schema="protime",
    )
    op.create_table(
        "counters_versions",
        sa.Column("tenant", sa.Text(), nullable=False, comment="Tenant: sub-domain of the myProtime URL."),
        sa.Column("id", sa.BigInteger(), nullable=False, comment="Protime's unique id of the record."),
        sa.Column(
            "person_id",
            sa.BigInteger(),
            nullable=False,
            comment="Protime's internal id of the person. Refers to id of protime.people.",
        ),
        sa.Column("date", sa.Date(), nullable=False, comment="Day that the record belongs to."),
        sa.Column(
            "change_version",
            sa.Text(collation="C"),
            nullable=False,
            comment="Order of changes, compared as bytes; an older one never overwrites a newer.",
        ),
        sa.Column(
            "counter_definition_id",
            sa.BigInteger(),
            nullable=True,
            comment="Counter definition that was counted. Refers to id of protime.counter_definitions.",
        ),
        sa.Column(
            "start_time_in_minutes", sa.Integer(), nullable=True, comment="Minute of the day at which it begins."
        ),
        sa.Column("end_time_in_minutes", sa.Integer(), nullable=True, comment="Minute of the day at which it ends."),
        sa.Column("duration_in_minutes", sa.Integer(), nullable=True, comment="How long it is."),
        sa.Column(
            "number_of_instances",
            sa.Integer(),
            nullable=True,
            comment="How many there were, of a counter that counts instances.",
        ),
        sa.Column(
            "period_type",
            sa.Text(),
            nullable=True,
            comment="Unknown, Day, Week or PayPeriod: the value of a week or a pay period stands on one day.",
        ),
        sa.Column(
            "status", sa.Text(), nullable=True, comment="Unknown, Auto, Manual or Calendar: where it comes from."
        ),
        sa.Column("is_authorized", sa.Boolean(), nullable=True, comment="Whether it is authorized."),
        sa.Column(
            "shift_definition_id",
            sa.BigInteger(),
            nullable=True,
            comment="Shift definition, where it is not the schedule's. Refers to id of protime.shift_definitions.",
        ),
        sa.Column("request_id", sa.Text(), nullable=True, comment="Request that it comes from."),
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
            comment="When this version was written to protime.counters.",
        ),
        sa.Column(
            "valid_to",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="When another version replaced it; no longer valid from then on.",
        ),
        sa.PrimaryKeyConstraint("tenant", "id", "valid_from", name=op.f("pk_counters_versions")),
        schema="protime",
        comment="What the rows of protime.counters were before they changed; see the function counters_as_of.",
    )
    op.create_table(
        "department_histories",
        sa.Column(
            "tenant", sa.Text(), autoincrement=False, nullable=False, comment="Tenant: sub-domain of the myProtime URL."
        ),
        sa.Column(
            "id", sa.BigInteger(), autoincrement=False, nullable=False, comment="Protime's unique id of the record."
        ),
        sa.Column(
            "change_version",
            sa.Text(collation="C"),
            nullable=False,
            comment="Order of changes, compared as bytes; an older one never overwrites a newer.",
        ),
        sa.Column(
            "person_id",
            sa.BigInteger(),
            nullable=False,
            comment="Protime's internal id of the person. Refers to id of protime.people.",
        ),
        sa.Column("from_date", sa.Date(), nullable=True, comment="First day."),
        sa.Column(
            "until_date",
            sa.Date(),
            nullable=True,
            comment="Last day; null: open-ended. Whether it is included is not documented.",
        ),
        sa.Column(
            "department_id",
            sa.BigInteger(),
            nullable=True,
            comment="The department of these days. Refers to id of protime.departments.",
        ),
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
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_department_histories")),
        schema="protime",
        comment="Which department each person had from which day to which.",
    )
    op.create_index(
        op.f("ix_department_histories_tenant_person_id"),
        "department_histories",
        ["tenant", "person_id"],
        unique=False,
        schema="protime",
    )
    op.create_table(
        "departments",
        sa.Column(
            "tenant", sa.Text(), autoincrement=False, nullable=False, comment="Tenant: sub-domain of the myProtime URL."
        ),
        sa.Column(
            "id", sa.BigInteger(), autoincrement=False, nullable=False, comment="Protime's unique id of the record."
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
        sa.Column(
            "external_code", sa.Text(), nullable=True, comment="Code of the department elsewhere, such as in payroll."
        ),
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
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_departments")),
        schema="protime",
        comment="Departments.",
    )
    op.create_table(
        "departments_versions",
        sa.Column("tenant", sa.Text(), nullable=False, comment="Tenant: sub-domain of the myProtime URL."),
        sa.Column("id", sa.BigInteger(), nullable=False, comment="Protime's unique id of the record."),
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
        sa.Column(
            "external_code", sa.Text(), nullable=True, comment="Code of the department elsewhere, such as in payroll."
        ),
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
            comment="When this version was written to protime.departments.",
        ),
        sa.Column(
            "valid_to",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="When another version replaced it; no longer valid from then on.",
        ),
        sa.PrimaryKeyConstraint("tenant", "id", "valid_from", name=op.f("pk_departments_versions")),
        schema="protime",
        comment="What the rows of protime.departments were before they changed; see the function departments_as_of.",
    )
    op.create_table(
        "employer_histories",
        sa.Column(
            "tenant", sa.Text(), autoincrement=False, nullable=False, comment="Tenant: sub-domain of the myProtime URL."
        ),
        sa.Column(
            "id", sa.BigInteger(), autoincrement=False, nullable=False, comment="Protime's unique id of the record."
        ),
        sa.Column(
            "change_version",
            sa.Text(collation="C"),
            nullable=False,
            comment="Order of changes, compared as bytes; an older one never overwrites a newer.",
        ),
        sa.Column(
            "person_id",
            sa.BigInteger(),
            nullable=False,
            comment="Protime's internal id of the person. Refers to id of protime.people.",
        ),
        sa.Column("from_date", sa.Date(), nullable=True, comment="First day."),
        sa.Column(
            "until_date",
            sa.Date(),
            nullable=True,
            comment="Last day; null: open-ended. Whether it is included is not documented.",
        ),
        sa.Column(
            "employer_id",
            sa.BigInteger(),
            nullable=True,
            comment="The employer of these days. Refers to id of protime.employers.",
        ),
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
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_employer_histories")),
        schema="protime",
        comment="Which employer each person had from which day to which.",
    )
    op.create_index(
        op.f("ix_employer_histories_tenant_person_id"),
        "employer_histories",
        ["tenant", "person_id"],
        unique=False,
        schema="protime",
    )
    op.create_table(
        "employers",
        sa.Column(
            "tenant", sa.Text(), autoincrement=False, nullable=False, comment="Tenant: sub-domain of the myProtime URL."
        ),
        sa.Column(
            "id", sa.BigInteger(), autoincrement=False, nullable=False, comment="Protime's unique id of the record."
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
        sa.Column(
            "external_code", sa.Text(), nullable=True, comment="Code of the employer elsewhere, such as in payroll."
        ),
        sa.Column("address", sa.Text(), nullable=True, comment="Street and number."),
        sa.Column("town", sa.Text(), nullable=True, comment="Town."),
        sa.Column("postal_code", sa.Text(), nullable=True, comment="Postal code."),
        sa.Column(
            "company_registration_number", sa.Text(), nullable=True, comment="Number in the register of companies."
        ),
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
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_employers")),
        schema="protime",
        comment="Employers, without their bank accounts.",
    )
    op.create_table(
        "employers_versions",
        sa.Column("tenant", sa.Text(), nullable=False, comment="Tenant: sub-domain of the myProtime URL."),
        sa.Column("id", sa.BigInteger(), nullable=False, comment="Protime's unique id of the record."),
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
        sa.Column(
            "external_code", sa.Text(), nullable=True, comment="Code of the employer elsewhere, such as in payroll."
        ),
        sa.Column("address", sa.Text(), nullable=True, comment="Street and number."),
        sa.Column("town", sa.Text(), nullable=True, comment="Town."),
        sa.Column("postal_code", sa.Text(), nullable=True, comment="Postal code."),
        sa.Column(
            "company_registration_number", sa.Text(), nullable=True, comment="Number in the register of companies."
        ),
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
            comment="When this version was written to protime.employers.",
        ),
        sa.Column(
            "valid_to",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="When another version replaced it; no longer valid from then on.",
        ),
        sa.PrimaryKeyConstraint("tenant", "id", "valid_from", name=op.f("pk_employers_versions")),
        schema="protime",
        comment="What the rows of protime.employers were before they changed; see the function employers_as_of.",
    )
    op.create_table(
        "job_categories",
        sa.Column(
            "tenant", sa.Text(), autoincrement=False, nullable=False, comment="Tenant: sub-domain of the myProtime URL."
        ),
        sa.Column(
            "id", sa.BigInteger(), autoincrement=False, nullable=False, comment="Protime's unique id of the record."
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
        sa.Column(
            "external_code", sa.Text(), nullable=True, comment="Code of the category elsewhere, such as in payroll."
        ),
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
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_job_categories")),
        schema="protime",
        comment="Job categories.",
    )
    op.create_table(
        "job_categories_versions",
        sa.Column("tenant", sa.Text(), nullable=False, comment="Tenant: sub-domain of the myProtime URL."),
        sa.Column("id", sa.BigInteger(), nullable=False, comment="Protime's unique id of the record."),
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
        sa.Column(
            "external_code", sa.Text(), nullable=True, comment="Code of the category elsewhere, such as in payroll."
        ),
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
            comment="When this version was written to protime.job_categories.",
        ),
        sa.Column(
            "valid_to",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="When another version replaced it; no longer valid from then on.",
        ),
        sa.PrimaryKeyConstraint("tenant", "id", "valid_from", name=op.f("pk_job_categories_versions")),
        schema="protime",
        comment="What the rows of protime.job_categories were before they changed; see the function job_categories_as_of.",
    )
    op.create_table(
        "job_category_histories",
        sa.Column(
            "tenant", sa.Text(), autoincrement=False, nullable=False, comment="Tenant: sub-domain of the myProtime URL."
        ),
        sa.Column(
            "id", sa.BigInteger(), autoincrement=False, nullable=False, comment="Protime's unique id of the record."
        ),
        sa.Column(
            "change_version",
            sa.Text(collation="C"),
            nullable=False,
            comment="Order of changes, compared as bytes; an older one never overwrites a newer.",
        ),
        sa.Column(
            "person_id",
            sa.BigInteger(),
            nullable=False,
            comment="Protime's internal id of the person. Refers to id of protime.people.",
        ),
        sa.Column("from_date", sa.Date(), nullable=True, comment="First day."),
        sa.Column(
            "until_date",
            sa.Date(),
            nullable=True,
            comment="Last day; null: open-ended. Whether it is included is not documented.",
        ),
        sa.Column(
            "job_category_id",
            sa.BigInteger(),
            nullable=True,
            comment="The job category of these days. Refers to id of protime.job_categories.",
        ),
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
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_job_category_histories")),
        schema="protime",
        comment="Which job category each person had from which day to which.",
    )
    op.create_index(
        op.f("ix_job_category_histories_tenant_person_id"),
        "job_category_histories",
        ["tenant", "person_id"],
        unique=False,
        schema="protime",
    )
    op.create_table(
        "job_histories",
        sa.Column(
            "tenant", sa.Text(), autoincrement=False, nullable=False, comment="Tenant: sub-domain of the myProtime URL."
        ),
        sa.Column(
            "id", sa.BigInteger(), autoincrement=False, nullable=False, comment="Protime's unique id of the record."
        ),
        sa.Column(
            "change_version",
            sa.Text(collation="C"),
            nullable=False,
            comment="Order of changes, compared as bytes; an older one never overwrites a newer.",
        ),
        sa.Column(
            "person_id",
            sa.BigInteger(),
            nullable=False,
            comment="Protime's internal id of the person. Refers to id of protime.people.",
        ),
        sa.Column("from_date", sa.Date(), nullable=True, comment="First day."),
        sa.Column(
            "until_date",
            sa.Date(),
            nullable=True,
            comment="Last day; null: open-ended. Whether it is included is not documented.",
        ),
        sa.Column(
            "job_id", sa.BigInteger(), nullable=True, comment="The job of these days. Refers to id of protime.jobs."
        ),
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
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_job_histories")),
        schema="protime",
        comment="Which job each person had from which day to which.",
    )
    op.create_index(
        op.f("ix_job_histories_tenant_person_id"),
        "job_histories",
        ["tenant", "person_id"],
        unique=False,
        schema="protime",
    )
    op.create_table(
        "jobs",
        sa.Column(
            "tenant", sa.Text(), autoincrement=False, nullable=False, comment="Tenant: sub-domain of the myProtime URL."
        ),
        sa.Column(
            "id", sa.BigInteger(), autoincrement=False, nullable=False, comment="Protime's unique id of the record."
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
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_jobs")),
        schema="protime",
        comment="Jobs.",
    )
    op.create_table(
        "jobs_versions",
        sa.Column("tenant", sa.Text(), nullable=False, comment="Tenant: sub-domain of the myProtime URL."),
        sa.Column("id", sa.BigInteger(), nullable=False, comment="Protime's unique id of the record."),
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
            comment="When this version was written to protime.jobs.",
        ),
        sa.Column(
            "valid_to",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="When another version replaced it; no longer valid from then on.",
        ),
        sa.PrimaryKeyConstraint("tenant", "id", "valid_from", name=op.f("pk_jobs_versions")),
        schema="protime",
        comment="What the rows of protime.jobs were before they changed; see the function jobs_as_of.",
    )
    op.create_table(
        "paid_presences",
        sa.Column(
            "tenant", sa.Text(), autoincrement=False, nullable=False, comment="Tenant: sub-domain of the myProtime URL."
        ),
        sa.Column(
            "id", sa.BigInteger(), autoincrement=False, nullable=False, comment="Protime's unique id of the record."
        ),
        sa.Column(
            "person_id",
            sa.BigInteger(),
            nullable=False,
            comment="Protime's internal id of the person. Refers to id of protime.people.",
        ),
        sa.Column("date", sa.Date(), nullable=False, comment="Day that the record belongs to."),
        sa.Column(
            "change_version",
            sa.Text(collation="C"),
            nullable=False,
            comment="Order of changes, compared as bytes; an older one never overwrites a newer.",
        ),
        sa.Column("duration_in_minutes", sa.Integer(), nullable=True, comment="Paid minutes."),
        sa.Column(
            "shift_definition_id",
            sa.BigInteger(),
            nullable=True,
            comment="Shift definition that the minutes belong to. Refers to id of protime.shift_definitions.",
        ),
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
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_paid_presences")),
        schema="protime",
        comment="Paid minutes by person, day and shift: a day may have several rows.",
    )
    op.create_index(op.f("ix_paid_presences_date"), "paid_presences", ["date"], unique=False, schema="protime")
    op.create_index(
        op.f("ix_paid_presences_tenant_person_id_date"),
        "paid_presences",
        ["tenant", "person_id", "date"],
        unique=False,
        schema="protime",
    )
    op.create_table(
        "sector_histories",
        sa.Column(
            "tenant", sa.Text(), autoincrement=False, nullable=False, comment="Tenant: sub-domain of the myProtime URL."
        ),
        sa.Column(
            "id", sa.BigInteger(), autoincrement=False, nullable=False, comment="Protime's unique id of the record."
        ),
        sa.Column(
            "change_version",
            sa.Text(collation="C"),
            nullable=False,
            comment="Order of changes, compared as bytes; an older one never overwrites a newer.",
        ),
        sa.Column(
            "person_id",
            sa.BigInteger(),
            nullable=False,
            comment="Protime's internal id of the person. Refers to id of protime.people.",
        ),
        sa.Column("from_date", sa.Date(), nullable=True, comment="First day."),
        sa.Column(
            "until_date",
            sa.Date(),
            nullable=True,
            comment="Last day; null: open-ended. Whether it is included is not documented.",
        ),
        sa.Column(
            "sector_id",
            sa.BigInteger(),
            nullable=True,
            comment="The sector of these days. Refers to id of protime.sectors.",
        ),
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
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_sector_histories")),
        schema="protime",
        comment="Which sector each person had from which day to which.",
    )
    op.create_index(
        op.f("ix_sector_histories_tenant_person_id"),
        "sector_histories",
        ["tenant", "person_id"],
        unique=False,
        schema="protime",
    )
    op.create_table(
        "sectors",
        sa.Column(
            "tenant", sa.Text(), autoincrement=False, nullable=False, comment="Tenant: sub-domain of the myProtime URL."
        ),
        sa.Column(
            "id", sa.BigInteger(), autoincrement=False, nullable=False, comment="Protime's unique id of the record."
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
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_sectors")),
        schema="protime",
        comment="Sectors.",
    )
    op.create_table(
        "sectors_versions",
        sa.Column("tenant", sa.Text(), nullable=False, comment="Tenant: sub-domain of the myProtime URL."),
        sa.Column("id", sa.BigInteger(), nullable=False, comment="Protime's unique id of the record."),
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
            comment="When this version was written to protime.sectors.",
        ),
        sa.Column(
            "valid_to",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="When another version replaced it; no longer valid from then on.",
        ),
        sa.PrimaryKeyConstraint("tenant", "id", "valid_from", name=op.f("pk_sectors_versions")),
        schema="protime",
        comment="What the rows of protime.sectors were before they changed; see the function sectors_as_of.",
    )
    op.create_table(
        "shift_definitions",
        sa.Column(
            "tenant", sa.Text(), autoincrement=False, nullable=False, comment="Tenant: sub-domain of the myProtime URL."
        ),
        sa.Column(
            "id", sa.BigInteger(), autoincrement=False, nullable=False, comment="Protime's unique id of the record."
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
        sa.Column("is_enabled", sa.Boolean(), nullable=True, comment="Whether it may be used now."),
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
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_shift_definitions")),
        schema="protime",
        comment="Shifts; the API does not give their times.",
    )
    op.create_table(
        "shift_definitions_versions",
        sa.Column("tenant", sa.Text(), nullable=False, comment="Tenant: sub-domain of the myProtime URL."),
        sa.Column("id", sa.BigInteger(), nullable=False, comment="Protime's unique id of the record."),
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
        sa.Column("is_enabled", sa.Boolean(), nullable=True, comment="Whether it may be used now."),
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
            comment="When this version was written to protime.shift_definitions.",
        ),
        sa.Column(
            "valid_to",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="When another version replaced it; no longer valid from then on.",
        ),
        sa.PrimaryKeyConstraint("tenant", "id", "valid_from", name=op.f("pk_shift_definitions_versions")),
        schema="protime",
        comment="What the rows of protime.shift_definitions were before they changed; see the function shift_definitions_as_of.",
    )
    op.create_table(
        "work_interruptions",
        sa.Column(
            "tenant", sa.Text(), autoincrement=False, nullable=False, comment="Tenant: sub-domain of the myProtime URL."
        ),
        sa.Column(
            "id", sa.BigInteger(), autoincrement=False, nullable=False, comment="Protime's unique id of the record."
        ),
        sa.Column(
            "person_id",
            sa.BigInteger(),
            nullable=False,
            comment="Protime's internal id of the person. Refers to id of protime.people.",
        ),
        sa.Column("date", sa.Date(), nullable=False, comment="Day that the record belongs to."),
        sa.Column(
            "change_version",
            sa.Text(collation="C"),
            nullable=False,
            comment="Order of changes, compared as bytes; an older one never overwrites a newer.",
        ),
        sa.Column("duration_in_minutes", sa.Integer(), nullable=True, comment="How long it is."),
        sa.Column(
            "start_time_in_minutes", sa.Integer(), nullable=True, comment="Minute of the day at which it begins."
        ),
        sa.Column("end_time_in_minutes", sa.Integer(), nullable=True, comment="Minute of the day at which it ends."),
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
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_work_interruptions")),
        schema="protime",
        comment="Interruptions of work by person and day.",
    )
    op.create_index(op.f("ix_work_interruptions_date"), "work_interruptions", ["date"], unique=False, schema="protime")
    op.create_index(
        op.f("ix_work_interruptions_tenant_person_id_date"),
        "work_interruptions",
        ["tenant", "person_id", "date"],
        unique=False,
        schema="protime",
    )
    op.create_table(
        "work_location_histories",
        sa.Column(
            "tenant", sa.Text(), autoincrement=False, nullable=False, comment="Tenant: sub-domain of the myProtime URL."
        ),
        sa.Column(
            "id", sa.BigInteger(), autoincrement=False, nullable=False, comment="Protime's unique id of the record."
        ),
        sa.Column(
            "change_version",
            sa.Text(collation="C"),
            nullable=False,
            comment="Order of changes, compared as bytes; an older one never overwrites a newer.",
        ),
        sa.Column(
            "person_id",
            sa.BigInteger(),
            nullable=False,
            comment="Protime's internal id of the person. Refers to id of protime.people.",
        ),
        sa.Column("from_date", sa.Date(), nullable=True, comment="First day."),
        sa.Column(
            "until_date",
            sa.Date(),
            nullable=True,
            comment="Last day; null: open-ended. Whether it is included is not documented.",
        ),
        sa.Column(
            "work_location_id",
            sa.BigInteger(),
            nullable=True,
            comment="The work location of these days. Refers to id of protime.work_locations.",
        ),
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
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_work_location_histories")),
        schema="protime",
        comment="Which work location each person had from which day to which.",
    )
    op.create_index(
        op.f("ix_work_location_histories_tenant_person_id"),
        "work_location_histories",
        ["tenant", "person_id"],
        unique=False,
        schema="protime",
    )
    op.create_table(
        "work_locations",
        sa.Column(
            "tenant", sa.Text(), autoincrement=False, nullable=False, comment="Tenant: sub-domain of the myProtime URL."
        ),
        sa.Column(
            "id", sa.BigInteger(), autoincrement=False, nullable=False, comment="Protime's unique id of the record."
        ),
        sa.Column(
            "change_version",
            sa.Text(collation="C"),
            nullable=False,
            comment="Order of changes, compared as bytes; an older one never overwrites a newer.",
        ),
        sa.Column("description", sa.Text(), nullable=True, comment="Name of the location."),
        sa.Column(
            "description_translations",
            postgresql.JSONB(none_as_null=True, astext_type=sa.Text()),
            nullable=True,
            comment="Translations of description, by language tag such as nl-NL.",
        ),
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
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_work_locations")),
        schema="protime",
        comment="Work locations.",
    )
    op.create_table(
        "work_locations_versions",
        sa.Column("tenant", sa.Text(), nullable=False, comment="Tenant: sub-domain of the myProtime URL."),
        sa.Column("id", sa.BigInteger(), nullable=False, comment="Protime's unique id of the record."),
        sa.Column(
            "change_version",
            sa.Text(collation="C"),
            nullable=False,
            comment="Order of changes, compared as bytes; an older one never overwrites a newer.",
        ),
        sa.Column("description", sa.Text(), nullable=True, comment="Name of the location."),
        sa.Column(
            "description_translations",
            postgresql.JSONB(none_as_null=True, astext_type=sa.Text()),
            nullable=True,
            comment="Translations of description, by language tag such as nl-NL.",
        ),
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
            comment="When this version was written to protime.work_locations.",
        ),
        sa.Column(
            "valid_to",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="When another version replaced it; no longer valid from then on.",
        ),
        sa.PrimaryKeyConstraint("tenant", "id", "valid_from", name=op.f("pk_work_locations_versions")),
        schema="protime",
        comment="What the rows of protime.work_locations were before they changed; see the function work_locations_as_of.",
    )
    op.alter_column(
        "absence_definitions",
        "absence_group_id",
        existing_type=sa.BIGINT(),
        comment="Absence group that it belongs to. Refers to id of protime.absence_groups.",
        existing_comment="Absence group that it belongs to.",
        existing_nullable=True,
        schema="protime",
    )
    op.alter_column(
        "absence_definitions_versions",
        "absence_group_id",
        existing_type=sa.BIGINT(),
        comment="Absence group that it belongs to. Refers to id of protime.absence_groups.",
        existing_comment="Absence group that it belongs to.",
        existing_nullable=True,
        schema="protime",
    )
    op.alter_column(
        "calculated_totals",
        "person_id",
        existing_type=sa.BIGINT(),
        comment="Protime's internal id of the person. Refers to id of protime.people.",
        existing_comment="Protime's internal id of the person.",
        existing_nullable=False,
        schema="protime",
    )
    op.alter_column(
        "calculated_totals",
        "shift_definition_id",
        existing_type=sa.BIGINT(),
        comment="Shift definition of the day. Refers to id of protime.shift_definitions.",
        existing_comment="Shift definition of the day.",
        existing_nullable=True,
        schema="protime",
    )
    op.alter_column(
        "clocking_versions",
        "person_id",
        existing_type=sa.BIGINT(),
        comment="Protime's internal id of the person. Refers to id of protime.people.",
        existing_comment="Protime's internal id of the person.",
        existing_nullable=False,
        schema="protime",
    )
    op.alter_column(
        "clocking_versions",
        "reason_id",
        existing_type=sa.BIGINT(),
        comment="Absence definition; only if kind is Reason. Refers to id of protime.absence_definitions.",
        existing_comment="Absence definition; only if kind is Reason.",
        existing_nullable=True,
        schema="protime",
    )
    op.alter_column(
        "clockings",
        "person_id",
        existing_type=sa.BIGINT(),
        comment="Protime's internal id of the person. Refers to id of protime.people.",
        existing_comment="Protime's internal id of the person.",
        existing_nullable=False,
        schema="protime",
    )
    op.alter_column(
        "clockings",
        "reason_id",
        existing_type=sa.BIGINT(),
        comment="Absence definition; only if kind is Reason. Refers to id of protime.absence_definitions.",
        existing_comment="Absence definition; only if kind is Reason.",
        existing_nullable=True,
        schema="protime",
    )
    op.add_column(
        "people",
        sa.Column(
            "period_closing_date", sa.Date(), nullable=True, comment="Day up to which the person's calendar is closed."
        ),
        schema="protime",
    )
    op.add_column("people", sa.Column("pay_group", sa.Text(), nullable=True, comment="Pay group."), schema="protime")
    op.add_column(
        "people",
        sa.Column(
            "wtd_start_date", sa.Date(), nullable=True, comment="First day of the working time directive's period."
        ),
        schema="protime",
    )


def downgrade() -> None:
    # Keys that are not enforced are made after the migrations; a table that they lead to could not be dropped.
    op.execute(
        "DO $$ DECLARE one record; BEGIN FOR one IN SELECT conrelid::regclass AS tab, conname FROM pg_constraint"
        " WHERE contype = 'f' AND connamespace = 'protime'::regnamespace LOOP"
        " EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', one.tab, one.conname); END LOOP; END $$"
    )
    op.execute("DROP TRIGGER IF EXISTS keep_versions ON protime.calculated_totals")
    op.execute("DROP TRIGGER IF EXISTS written_later ON protime.calculated_totals")
    op.execute("DROP FUNCTION IF EXISTS protime.calculated_totals_as_of(timestamptz)")
    op.execute("DROP FUNCTION IF EXISTS protime_etl.keep_calculated_totals_versions()")
    op.drop_column("people", "wtd_start_date", schema="protime")
    op.drop_column("people", "pay_group", schema="protime")
    op.drop_column("people", "period_closing_date", schema="protime")
    op.alter_column(
        "clockings",
        "reason_id",
        existing_type=sa.BIGINT(),
        comment="Absence definition; only if kind is Reason.",
        existing_comment="Absence definition; only if kind is Reason. Refers to id of protime.absence_definitions.",
        existing_nullable=True,
        schema="protime",
    )
    op.alter_column(
        "clockings",
        "person_id",
        existing_type=sa.BIGINT(),
        comment="Protime's internal id of the person.",
        existing_comment="Protime's internal id of the person. Refers to id of protime.people.",
        existing_nullable=False,
        schema="protime",
    )
    op.alter_column(
        "clocking_versions",
        "reason_id",
        existing_type=sa.BIGINT(),
        comment="Absence definition; only if kind is Reason.",
        existing_comment="Absence definition; only if kind is Reason. Refers to id of protime.absence_definitions.",
        existing_nullable=True,
        schema="protime",
    )
    op.alter_column(
        "clocking_versions",
        "person_id",
        existing_type=sa.BIGINT(),
        comment="Protime's internal id of the person.",
        existing_comment="Protime's internal id of the person. Refers to id of protime.people.",
        existing_nullable=False,
        schema="protime",
    )
    op.alter_column(
        "calculated_totals",
        "shift_definition_id",
        existing_type=sa.BIGINT(),
        comment="Shift definition of the day.",
        existing_comment="Shift definition of the day. Refers to id of protime.shift_definitions.",
        existing_nullable=True,
        schema="protime",
    )
    op.alter_column(
        "calculated_totals",
        "person_id",
        existing_type=sa.BIGINT(),
        comment="Protime's internal id of the person.",
        existing_comment="Protime's internal id of the person. Refers to id of protime.people.",
        existing_nullable=False,
        schema="protime",
    )
    op.alter_column(
        "absence_definitions_versions",
        "absence_group_id",
        existing_type=sa.BIGINT(),
        comment="Absence group that it belongs to.",
        existing_comment="Absence group that it belongs to. Refers to id of protime.absence_groups.",
        existing_nullable=True,
        schema="protime",
    )
    op.alter_column(
        "absence_definitions",
        "absence_group_id",
        existing_type=sa.BIGINT(),
        comment="Absence group that it belongs to.",
        existing_comment="Absence group that it belongs to. Refers to id of protime.absence_groups.",
        existing_nullable=True,
        schema="protime",
    )
    op.drop_table("work_locations_versions", schema="protime")
    op.drop_table("work_locations", schema="protime")
    op.drop_index(
        op.f("ix_work_location_histories_tenant_person_id"), table_name="work_location_histories", schema="protime"
    )
    op.drop_table("work_location_histories", schema="protime")
    op.drop_index(
        op.f("ix_work_interruptions_tenant_person_id_date"), table_name="work_interruptions", schema="protime"
    )
    op.drop_index(op.f("ix_work_interruptions_date"), table_name="work_interruptions", schema="protime")
    op.drop_table("work_interruptions", schema="protime")
    op.drop_table("shift_definitions_versions", schema="protime")
    op.drop_table("shift_definitions", schema="protime")
    op.drop_table("sectors_versions", schema="protime")
    op.drop_table("sectors", schema="protime")
    op.drop_index(op.f("ix_sector_histories_tenant_person_id"), table_name="sector_histories", schema="protime")
    op.drop_table("sector_histories", schema="protime")
    op.drop_index(op.f("ix_paid_presences_tenant_person_id_date"), table_name="paid_presences", schema="protime")
    op.drop_index(op.f("ix_paid_presences_date"), table_name="paid_presences", schema="protime")
    op.drop_table("paid_presences", schema="protime")
    op.drop_table("jobs_versions", schema="protime")
    op.drop_table("jobs", schema="protime")
    op.drop_index(op.f("ix_job_histories_tenant_person_id"), table_name="job_histories", schema="protime")
    op.drop_table("job_histories", schema="protime")
    op.drop_index(
        op.f("ix_job_category_histories_tenant_person_id"), table_name="job_category_histories", schema="protime"
    )
    op.drop_table("job_category_histories", schema="protime")
    op.drop_table("job_categories_versions", schema="protime")
    op.drop_table("job_categories", schema="protime")
    op.drop_table("employers_versions", schema="protime")
    op.drop_table("employers", schema="protime")
    op.drop_index(op.f("ix_employer_histories_tenant_person_id"), table_name="employer_histories", schema="protime")
    op.drop_table("employer_histories", schema="protime")
    op.drop_table("departments_versions", schema="protime")
    op.drop_table("departments", schema="protime")
    op.drop_index(op.f("ix_department_histories_tenant_person_id"), table_name="department_histories", schema="protime")
    op.drop_table("department_histories", schema="protime")
    op.drop_table("counters_versions", schema="protime")
    op.drop_index(op.f("ix_counters_tenant_person_id_date"), table_name="counters", schema="protime")
    op.drop_index(op.f("ix_counters_date"), table_name="counters", schema="protime")
    op.drop_table("counters", schema="protime")
    op.drop_table("counter_groups_versions", schema="protime")
    op.drop_table("counter_groups", schema="protime")
    op.drop_table("counter_definitions_versions", schema="protime")
    op.drop_table("counter_definitions", schema="protime")
    op.drop_table("contracts_versions", schema="protime")
    op.drop_index(op.f("ix_contracts_tenant_person_id"), table_name="contracts", schema="protime")
    op.drop_table("contracts", schema="protime")
    op.drop_table("calculated_totals_versions", schema="protime")
    op.drop_index(op.f("ix_breaks_tenant_person_id_date"), table_name="breaks", schema="protime")
    op.drop_index(op.f("ix_breaks_date"), table_name="breaks", schema="protime")
    op.drop_table("breaks", schema="protime")
    op.drop_table("break_definitions_versions", schema="protime")
    op.drop_table("break_definitions", schema="protime")
    op.drop_table("assignments_versions", schema="protime")
    op.drop_index(op.f("ix_assignments_tenant_person_id_from_date"), table_name="assignments", schema="protime")
    op.drop_index(op.f("ix_assignments_from_date"), table_name="assignments", schema="protime")
    op.drop_table("assignments", schema="protime")
    op.drop_index(
        op.f("ix_activity_durations_tenant_person_id_date"), table_name="activity_durations", schema="protime"
    )
    op.drop_index(op.f("ix_activity_durations_date"), table_name="activity_durations", schema="protime")
    op.drop_table("activity_durations", schema="protime")
    op.drop_index(op.f("ix_access_clockings_tenant_person_id_date"), table_name="access_clockings", schema="protime")
    op.drop_index(op.f("ix_access_clockings_date"), table_name="access_clockings", schema="protime")
    op.drop_table("access_clockings", schema="protime")
    op.drop_table("absences_versions", schema="protime")
    op.drop_index(op.f("ix_absences_tenant_person_id_date"), table_name="absences", schema="protime")
    op.drop_index(op.f("ix_absences_date"), table_name="absences", schema="protime")
    op.drop_table("absences", schema="protime")
    op.drop_table("absence_groups_versions", schema="protime")
    op.drop_table("absence_groups", schema="protime")
    op.execute("DROP FUNCTION IF EXISTS protime.absence_groups_as_of(timestamptz)")
    op.execute("DROP FUNCTION IF EXISTS protime_etl.keep_absence_groups_versions()")
    op.execute("DROP FUNCTION IF EXISTS protime.absences_as_of(timestamptz)")
    op.execute("DROP FUNCTION IF EXISTS protime_etl.keep_absences_versions()")
    op.execute("DROP FUNCTION IF EXISTS protime.access_clockings_as_of(timestamptz)")
    op.execute("DROP FUNCTION IF EXISTS protime_etl.keep_access_clockings_versions()")
    op.execute("DROP FUNCTION IF EXISTS protime.activity_durations_as_of(timestamptz)")
    op.execute("DROP FUNCTION IF EXISTS protime_etl.keep_activity_durations_versions()")
    op.execute("DROP FUNCTION IF EXISTS protime.assignments_as_of(timestamptz)")
    op.execute("DROP FUNCTION IF EXISTS protime_etl.keep_assignments_versions()")
    op.execute("DROP FUNCTION IF EXISTS protime.break_definitions_as_of(timestamptz)")
    op.execute("DROP FUNCTION IF EXISTS protime_etl.keep_break_definitions_versions()")
    op.execute("DROP FUNCTION IF EXISTS protime.breaks_as_of(timestamptz)")
    op.execute("DROP FUNCTION IF EXISTS protime_etl.keep_breaks_versions()")
    op.execute("DROP FUNCTION IF EXISTS protime.contracts_as_of(timestamptz)")
    op.execute("DROP FUNCTION IF EXISTS protime_etl.keep_contracts_versions()")
    op.execute("DROP FUNCTION IF EXISTS protime.counter_definitions_as_of(timestamptz)")
    op.execute("DROP FUNCTION IF EXISTS protime_etl.keep_counter_definitions_versions()")
    op.execute("DROP FUNCTION IF EXISTS protime.counter_groups_as_of(timestamptz)")
    op.execute("DROP FUNCTION IF EXISTS protime_etl.keep_counter_groups_versions()")
    op.execute("DROP FUNCTION IF EXISTS protime.counters_as_of(timestamptz)")
    op.execute("DROP FUNCTION IF EXISTS protime_etl.keep_counters_versions()")
    op.execute("DROP FUNCTION IF EXISTS protime.department_histories_as_of(timestamptz)")
    op.execute("DROP FUNCTION IF EXISTS protime_etl.keep_department_histories_versions()")
    op.execute("DROP FUNCTION IF EXISTS protime.departments_as_of(timestamptz)")
    op.execute("DROP FUNCTION IF EXISTS protime_etl.keep_departments_versions()")
    op.execute("DROP FUNCTION IF EXISTS protime.employer_histories_as_of(timestamptz)")
    op.execute("DROP FUNCTION IF EXISTS protime_etl.keep_employer_histories_versions()")
    op.execute("DROP FUNCTION IF EXISTS protime.employers_as_of(timestamptz)")
    op.execute("DROP FUNCTION IF EXISTS protime_etl.keep_employers_versions()")
    op.execute("DROP FUNCTION IF EXISTS protime.job_categories_as_of(timestamptz)")
    op.execute("DROP FUNCTION IF EXISTS protime_etl.keep_job_categories_versions()")
    op.execute("DROP FUNCTION IF EXISTS protime.job_category_histories_as_of(timestamptz)")
    op.execute("DROP FUNCTION IF EXISTS protime_etl.keep_job_category_histories_versions()")
    op.execute("DROP FUNCTION IF EXISTS protime.job_histories_as_of(timestamptz)")
    op.execute("DROP FUNCTION IF EXISTS protime_etl.keep_job_histories_versions()")
    op.execute("DROP FUNCTION IF EXISTS protime.jobs_as_of(timestamptz)")
    op.execute("DROP FUNCTION IF EXISTS protime_etl.keep_jobs_versions()")
    op.execute("DROP FUNCTION IF EXISTS protime.paid_presences_as_of(timestamptz)")
    op.execute("DROP FUNCTION IF EXISTS protime_etl.keep_paid_presences_versions()")
    op.execute("DROP FUNCTION IF EXISTS protime.sector_histories_as_of(timestamptz)")
    op.execute("DROP FUNCTION IF EXISTS protime_etl.keep_sector_histories_versions()")
    op.execute("DROP FUNCTION IF EXISTS protime.sectors_as_of(timestamptz)")
    op.execute("DROP FUNCTION IF EXISTS protime_etl.keep_sectors_versions()")
    op.execute("DROP FUNCTION IF EXISTS protime.shift_definitions_as_of(timestamptz)")
    op.execute("DROP FUNCTION IF EXISTS protime_etl.keep_shift_definitions_versions()")
    op.execute("DROP FUNCTION IF EXISTS protime.work_interruptions_as_of(timestamptz)")
    op.execute("DROP FUNCTION IF EXISTS protime_etl.keep_work_interruptions_versions()")
    op.execute("DROP FUNCTION IF EXISTS protime.work_location_histories_as_of(timestamptz)")
    op.execute("DROP FUNCTION IF EXISTS protime_etl.keep_work_location_histories_versions()")
    op.execute("DROP FUNCTION IF EXISTS protime.work_locations_as_of(timestamptz)")
    op.execute("DROP FUNCTION IF EXISTS protime_etl.keep_work_locations_versions()")
