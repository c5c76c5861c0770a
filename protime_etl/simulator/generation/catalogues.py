"""Made-up catalogues: what the ids of the other collections stand for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from protime_etl.collections.record import LocalizedText, OptionalReference
from protime_etl.collections.registry import COLLECTIONS
from protime_etl.simulator.generation.source import Source

__all__ = ["FIRST_ID", "generate"]

FIRST_ID = 1
# Names in English and Dutch, in the order of the ids.
NAMES: Mapping[str, Sequence[tuple[str, str]]] = {
    "absence-groups": [("Leave", "Verlof"), ("Work elsewhere", "Werk elders"), ("Illness", "Ziekte")],
    "break-definitions": [("Lunch", "Middagpauze"), ("Coffee", "Koffiepauze"), ("Night", "Nachtpauze")],
    "counter-definitions": [("Overtime", "Overuren"), ("Night", "Nacht"), ("Evening", "Avond")],
    "counter-groups": [("Premiums", "Premies"), ("Time", "Tijd"), ("Other", "Andere")],
    "departments": [("Production", "Productie"), ("Sales", "Verkoop"), ("Support", "Ondersteuning")],
    "employers": [("Example Ltd", "Voorbeeld bv"), ("Example Sales Ltd", "Voorbeeld Verkoop bv")],
    "job-categories": [("Worker", "Arbeider"), ("Employee", "Bediende"), ("Manager", "Kader")],
    "jobs": [("Operator", "Operator"), ("Clerk", "Klerk"), ("Team lead", "Ploegbaas")],
    "sectors": [("Industry", "Industrie"), ("Services", "Diensten"), ("Trade", "Handel")],
    "shift-definitions": [("Early", "Vroege"), ("Late", "Late"), ("Night", "Nacht")],
    "work-locations": [("Antwerp", "Antwerpen"), ("Ghent", "Gent"), ("Home", "Thuis")],
}
LEAST = 5
"""Names repeat with a number, up to this many."""


def generate(source: Source) -> Iterator[Any]:
    """The records of the catalogue that is asked for."""
    record = COLLECTIONS[source.collection].record
    names = NAMES[source.collection]
    for position in range(max(LEAST, len(names))):
        english, dutch = names[position % len(names)]
        number = position // len(names)
        suffix = f" {number + 1}" if number else ""
        text = LocalizedText(
            default=english + suffix, translations={"en-GB": english + suffix, "nl-NL": dutch + suffix}
        )
        fields = {
            "name": text,
            "friendly_name": text,
            "friendly_code": LocalizedText(default=english[:3].upper()),
            "description": text,
            "code": f"{english[:3].upper()}{position}",
            "external_code": f"X{position}",
            "is_enabled": True,
            "counter_group": OptionalReference(id=1),
            "unit": "Duration",
            "type": "WorkingElsewhere" if position == 1 else "Absence",
            "paid_duration_in_minutes": 0,
            "minimum_duration_in_minutes": 30,
            "address": "Example Street 1",
            "town": "Antwerp",
            "postal_code": "2000",
        }
        known = record.__struct_fields__
        yield record(id=next(source.ids), **{name: value for name, value in fields.items() if name in known})
