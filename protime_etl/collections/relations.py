"""Which column refers to which collection: the ids of its records."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["RELATIONS"]

RELATIONS: Mapping[str, str] = {
    "person_id": "people",
    "reason_id": "absence-definitions",
    "absence_definition_id": "absence-definitions",
    "requested_absence_definition_id": "absence-definitions",
    "resulting_absence_definition_id": "absence-definitions",
    "absence_group_id": "absence-groups",
    "break_definition_id": "break-definitions",
    "counter_definition_id": "counter-definitions",
    "counter_group_id": "counter-groups",
    "shift_definition_id": "shift-definitions",
    "parent_contract_id": "contracts",
    "department_id": "departments",
    "employer_id": "employers",
    "job_id": "jobs",
    "job_category_id": "job-categories",
    "sector_id": "sectors",
    "work_location_id": "work-locations",
}
"""Column -> path of the collection. Terminals, requests and activities have no collection of their own."""
