"""Absence definitions: the kinds of absence, which are the reasons of clockings, too."""

from __future__ import annotations

from typing import Annotated

from protime_etl.collections.collection import Collection
from protime_etl.collections.record import (
    NO_REFERENCE,
    NO_TEXT,
    BigInteger,
    LocalizedText,
    OptionalReference,
    Record,
    Text,
    column,
)

__all__ = ["ABSENCE_DEFINITIONS", "AbsenceDefinition"]


class AbsenceDefinition(Record, frozen=True):
    """One kind of absence, as documented."""

    id: Annotated[BigInteger, column("Protime's unique id of the absence definition.")]
    change_version: Annotated[
        Text, column("Order of changes, compared as bytes; an older one never overwrites a newer.")
    ] = ""
    name: Annotated[LocalizedText, column("Name in the tenant's own language.")] = NO_TEXT
    code: Annotated[Text | None, column("Code that the tenant gave it.")] = None
    friendly_name: Annotated[LocalizedText, column("Name that employees see.")] = NO_TEXT
    friendly_code: Annotated[LocalizedText, column("Code that employees see.")] = NO_TEXT
    allowed_durations: Annotated[Text | None, column("Unknown, FullDay, HalfDay, Interval or Duration.")] = None
    is_enabled: Annotated[bool | None, column("Whether it may be used now.")] = None
    is_reason_for_clocking: Annotated[bool | None, column("Whether a clocking may have it as its reason.")] = None
    absence_group: Annotated[OptionalReference, column("Absence group that it belongs to.")] = NO_REFERENCE


ABSENCE_DEFINITIONS = Collection(
    path="absence-definitions",
    record=AbsenceDefinition,
    comment="Kinds of absence; reason_id of protime.clockings is the id of one.",
    privacy="none",
    shape="whole",
    documentation="https://documentation.myprotime.eu/protimeapi/reference/collections/absences/absence-definitions/get-list/",
    delta="undated",
    versions="all",
    keep_unknown=True,
)
