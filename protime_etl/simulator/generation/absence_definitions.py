"""Made-up absence definitions; the first ones are the reasons of clockings."""

from __future__ import annotations

from collections.abc import Iterator

from protime_etl.collections.absence_definitions import AbsenceDefinition
from protime_etl.collections.record import LocalizedText, OptionalReference
from protime_etl.simulator.generation.source import Source

__all__ = ["FIRST_ID", "generate"]

FIRST_ID = 31
# Name, name in Dutch, code, allowed durations, whether it is a reason of clockings, group.
DEFINITIONS = (
    ("Doctor", "Arts", "DOC", "Interval", True, 1),
    ("Training", "Opleiding", "TRN", "Interval", True, 2),
    ("Business trip", "Dienstreis", "TRP", "Interval", True, 2),
    ("Union work", "Vakbondswerk", "UNI", "Interval", True, 1),
    ("Home working", "Thuiswerk", "HOM", "HalfDay", True, 2),
    ("Personal errand", "Persoonlijk", "PER", "Interval", True, 1),
    ("Holiday", "Vakantie", "HOL", "HalfDay", False, 1),
    ("Illness", "Ziekte", "ILL", "FullDay", False, 1),
    ("Parental leave", "Ouderschapsverlof", "PAR", "FullDay", False, 1),
)


def generate(source: Source) -> Iterator[AbsenceDefinition]:
    """The absence definitions of every simulated tenant."""
    for name, dutch, code, durations, is_reason, group in DEFINITIONS:
        translated = LocalizedText(default=name, translations={"en-GB": name, "nl-NL": dutch})
        yield AbsenceDefinition(
            id=next(source.ids),
            name=translated,
            code=code,
            friendly_name=translated,
            friendly_code=LocalizedText(default=code),
            allowed_durations=durations,
            is_enabled=True,
            is_reason_for_clocking=is_reason,
            absence_group=OptionalReference(id=group),
        )
