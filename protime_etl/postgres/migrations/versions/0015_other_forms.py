"""Documented fields of another form: kept in `extra`, found by an index; the kind of a clocking may be one of them."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

KEPT = "Under 'other form' documented fields that could not be read, as they came; beside it {}."
UNKNOWN_KEPT = KEPT.format("fields that the documentation does not know")
NOTHING_KEPT = KEPT.format("no unknown fields")
FORMER = "Fields that the API sent and its documentation does not know."
FORMER_OF_PEOPLE = "Always null: unknown fields of people are not kept."
# Tables of records, and of their versions if there are any.
WITH_UNKNOWN: dict[str, str | None] = {
    "absence_definitions": "absence_definitions_versions",
    "absence_groups": "absence_groups_versions",
    "break_definitions": "break_definitions_versions",
    "calculated_totals": "calculated_totals_versions",
    "clockings": "clocking_versions",
    "counter_definitions": "counter_definitions_versions",
    "counter_groups": "counter_groups_versions",
    "departments": "departments_versions",
    "job_categories": "job_categories_versions",
    "jobs": "jobs_versions",
    "sectors": "sectors_versions",
    "shift_definitions": "shift_definitions_versions",
    "work_locations": "work_locations_versions",
}
WITHOUT_UNKNOWN: dict[str, str | None] = {
    "absences": "absences_versions",
    "access_clockings": None,
    "activity_durations": None,
    "assignments": "assignments_versions",
    "breaks": None,
    "contracts": "contracts_versions",
    "counters": "counters_versions",
    "department_histories": None,
    "employer_histories": None,
    "employers": "employers_versions",
    "job_category_histories": None,
    "job_histories": None,
    "paid_presences": None,
    "people": "people_versions",
    "sector_histories": None,
    "work_interruptions": None,
    "work_location_histories": None,
}


def upgrade() -> None:
    for table in ("clockings", "clocking_versions"):
        op.alter_column(table, "kind", nullable=True, schema="protime")
    _comment(WITH_UNKNOWN, UNKNOWN_KEPT)
    _comment(WITHOUT_UNKNOWN, NOTHING_KEPT)
    for table in WITH_UNKNOWN | WITHOUT_UNKNOWN:
        op.create_index(
            f"ix_{table}_other_form",
            table,
            ["tenant"],
            schema="protime",
            postgresql_where=sa.text("extra ? 'other form'"),
        )


def downgrade() -> None:
    for table in WITH_UNKNOWN | WITHOUT_UNKNOWN:
        op.drop_index(f"ix_{table}_other_form", table, schema="protime")
    _comment(WITH_UNKNOWN | WITHOUT_UNKNOWN, FORMER)
    _comment({"people": "people_versions"}, FORMER_OF_PEOPLE)
    for table in ("clockings", "clocking_versions"):
        op.execute(f"UPDATE protime.{table} SET kind = '' WHERE kind IS NULL")
        op.alter_column(table, "kind", nullable=False, schema="protime")


def _comment(tables: dict[str, str | None], text: str) -> None:
    for name in [name for pair in tables.items() for name in pair if name is not None]:
        op.alter_column(name, "extra", comment=text, schema="protime")
