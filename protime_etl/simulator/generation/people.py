"""Made-up people."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from protime_etl.collections.people import Person
from protime_etl.simulator.generation.dice import change_version, dice_of

__all__ = ["FIRST_PERSON_ID", "generate_people", "sensitive_fields"]

FIRST_PERSON_ID = 100_001


def generate_people(seed: int, people: int, first_day: dt.date, versions: Iterator[int]) -> Iterator[Person]:
    """People who all came into service before `first_day`."""
    for person_id in range(FIRST_PERSON_ID, FIRST_PERSON_ID + people):
        dice = dice_of(seed, person_id, first_day)
        yield Person(
            id=person_id,
            change_version=change_version(next(versions)),
            last_name=f"Person {person_id}",
            first_name="Simulated",
            employee_number=f"E{person_id}",
            badge_number=f"{7_000_000 + person_id}",
            in_service_date=first_day - dt.timedelta(days=30 + dice[0] * 16 + dice[1] % 16),
        )


def sensitive_fields(person_id: int) -> dict[str, str]:
    """Documented fields of a person that are not to be kept; each value is found by a plain text search."""
    return {
        "address": f"Made-up Street {person_id}",
        "bankAccount": f"MADE-UP-ACCOUNT-{person_id}",
        "birthDate": (dt.date(1930, 1, 1) + dt.timedelta(days=person_id % 9000)).isoformat(),
        "email": f"person.{person_id}@example.invalid",
        "pinCode": f"PIN-{person_id}",
        "socialSecurityNumber": f"MADE-UP-SSN-{person_id}",
    }
